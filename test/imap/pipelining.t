# Many commands in one write are answered in order.
login a alice INBOX
> 1 APPEND INBOX {1+}
> a
> 2 FETCH 1 UID
> 3 STORE 1 +FLAGS.SILENT (\Seen)
> 4 SEARCH SEEN
> 5 NOOP
> 6 LOGOUT
< * 1 EXISTS

< 1 OK {}
< * 1 FETCH (UID 1)
< 2 OK {}
< 3 OK {}
< * SEARCH 1
< 4 OK {}
< 5 OK {}
< * BYE {}
< 6 OK {}
< EOF
