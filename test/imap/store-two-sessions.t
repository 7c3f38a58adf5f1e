# A flag change in one session is told to the other at its next command.
login a alice INBOX
login b alice INBOX
a> 1 APPEND INBOX {5+}
> hello
< ...
< 1 OK {}
b> 1 NOOP
<+ * 1 EXISTS
< 1 OK {}
a> 2 STORE 1 +FLAGS (\Flagged keyword)
< ...
< 2 OK {}
b> 2 NOOP
<+ * 1 FETCH ({}FLAGS ({:(?=.*\\Flagged)(?=.*keyword).*}){})
< 2 OK {}
> 3 NOOP
< 3 OK {}
