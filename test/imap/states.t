# Each command is refused with BAD where its state does not allow it.
open a imap
< * OK {}
> 1 SELECT INBOX
< 1 BAD {}
> 2 LIST "" *
< 2 BAD {}
> 3 FETCH 1 FLAGS
< 3 BAD {}
> 4 APPEND INBOX {1+}
> x
< 4 BAD {}
> 5 NAMESPACE
< 5 BAD {}
> 6 ENABLE CONDSTORE
< 6 BAD {}
> 7 LOGIN $alice $alice_password
< 7 OK {}
> 8 FETCH 1 FLAGS
< 8 BAD {}
> 9 CLOSE
< 9 BAD {}
> 10 UNSELECT
< 10 BAD {}
> 11 EXPUNGE
< 11 BAD {}
> 12 SEARCH ALL
< 12 BAD {}
> 13 UID FETCH 1 FLAGS
< 13 BAD {}
> 14 MOVE 1 INBOX
< 14 BAD {}
> 15 SELECT INBOX
< ...
< 15 OK {}
> 16 CHECK
< 16 OK {}
> 17 CLOSE
< 17 OK {}
> 18 CHECK
< 18 BAD {}
