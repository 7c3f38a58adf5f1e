# APPEND to the selected mailbox is seen at once; to another session at its next command.
login a alice INBOX
login b alice INBOX
a> 1 APPEND INBOX (\Seen) {5+}
> hello
<+ * 1 EXISTS
< 1 OK [APPENDUID {}] {}
> 2 FETCH 1 (FLAGS RFC822.SIZE)
< * 1 FETCH ({:(?=.*RFC822.SIZE 5)(?=.*\\Seen).*})
< 2 OK {}
b> 1 NOOP
<+ * 1 EXISTS
< 1 OK {}
> 2 FETCH 1 (BODY.PEEK[])
< * 1 FETCH (BODY[] {5}
< hello)
< 2 OK {}
