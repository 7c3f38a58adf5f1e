# EXPUNGE and UID EXPUNGE: announced to both sessions, to the other only where RFC 9051 7.5.1 allows.
login a alice INBOX
login b alice INBOX
a> 1 APPEND INBOX {1+}
> a
> 2 APPEND INBOX (\Deleted) {1+}
> b
> 3 APPEND INBOX (\Deleted) {1+}
> c
> 4 APPEND INBOX {1+}
> d
< ...
< 4 OK {}
b> 1 NOOP
<+ * 4 EXISTS
< 1 OK {}
a> 5 UID EXPUNGE 3:4
< * 3 EXPUNGE
< 5 OK {}
> 6 EXPUNGE
< * 2 EXPUNGE
< 6 OK {}
b> 2 FETCH 4 UID
<! * {:\d+} EXPUNGE
< * 4 FETCH (UID 4)
< 2 OK {}
> 3 STORE 1 +FLAGS.SILENT (\Seen)
<! * {:\d+} EXPUNGE
< ...
< 3 OK {}
> 4 SEARCH ALL
<! * {:\d+} EXPUNGE
< ...
< 4 OK {}
> 5 UID SEARCH ALL
< ...
< 5 OK {}
> 6 NOOP
< ...
< 6 OK {}
> 7 FETCH 1:* UID
< * 1 FETCH (UID 1)
< * 2 FETCH (UID 4)
< 7 OK {}
a> 7 UID EXPUNGE
< ...
< 7 BAD {}
> 8 EXPUNGE 1
< ...
< 8 BAD {}
> 9 EXAMINE INBOX
< ...
< 9 OK {}
> 10 EXPUNGE
< 10 NO {}
