# Sequence sets: ranges, reversed ranges, "*", numbers beyond the end, UIDs that are not there, "$".
login a alice INBOX
> 1 APPEND INBOX {1+}
> a
> 2 APPEND INBOX {1+}
> b
> 3 APPEND INBOX {1+}
> c
> 4 APPEND INBOX {1+}
> d
< ...
< 4 OK {}
> 5 FETCH 4:3 UID
< * 3 FETCH (UID 3)
< * 4 FETCH (UID 4)
< 5 OK {}
> 6 FETCH * UID
< * 4 FETCH (UID 4)
< 6 OK {}
> 7 FETCH 3:* UID
< * 3 FETCH (UID 3)
< * 4 FETCH (UID 4)
< 7 OK {}
> 8 FETCH 9 UID
< 8 BAD {}
> 9 UID FETCH 9 FLAGS
< 9 OK {}
> 10 UID FETCH 9:* FLAGS
< * 4 FETCH ({:(?=.*UID 4).*})
< 10 OK {}
> 11 UID STORE 2:3 +FLAGS.SILENT (\Deleted)
< 11 OK {}
> 12 EXPUNGE
< * {:[23]} EXPUNGE
< * 2 EXPUNGE
< 12 OK {}
> 13 UID FETCH 1:* (UID)
< * 1 FETCH (UID 1)
< * 2 FETCH (UID 4)
< 13 OK {}
> 14 FETCH 1,2,1 UID
< * 1 FETCH (UID 1)
< * 2 FETCH (UID 4)
< 14 OK {}
> 15 FETCH 1, UID
< 15 BAD {}
> 16 UID SEARCH RETURN (SAVE) UID 4
< 16 OK {}
> 17 FETCH $ UID
< * 2 FETCH (UID 4)
< 17 OK {}
> 18 FETCH 4294967296 UID
< 18 BAD {}
