# UNSELECT leaves what CLOSE would expunge.
login a alice
> 1 APPEND INBOX (\Deleted) {5+}
> hello
< 1 OK {}
> 2 SELECT INBOX
<+ * 1 EXISTS
< 2 OK {}
> 3 UNSELECT
< 3 OK {}
> 4 SELECT INBOX
<+ * 1 EXISTS
< 4 OK {}
> 5 CLOSE
<! * {:\d+} EXPUNGE
< ...
< 5 OK {}
> 6 SELECT INBOX
<+ * 0 EXISTS
< 6 OK {}
> 7 UNSELECT now
< 7 BAD {}
> 8 APPEND INBOX (\Deleted) {5+}
> hello
< ...
< 8 OK {}
> 9 EXAMINE INBOX
<+ * 1 EXISTS
< 9 OK {}
> 10 CLOSE
< 10 OK {}
> 11 STATUS INBOX (MESSAGES)
< * STATUS INBOX (MESSAGES 1)
< 11 OK {}
