# COPY keeps flags and dates, answers COPYUID, creates nothing, and is all or nothing.
login a alice INBOX
> 1 APPEND INBOX (\Seen $Work) "17-Jul-1996 02:44:25 +0000" {1+}
> a
> 2 APPEND INBOX {2+}
> bb
> 3 CREATE box
< ...
< 3 OK {}
> 4 COPY 1:2 box
< ...
< 4 OK [COPYUID {validity:\d+} 1:2 1:2] {}
> 5 UID COPY 2 box
< 5 OK [COPYUID $validity 2 3] {}
> 6 COPY 1 nosuch
< 6 NO [TRYCREATE] {}
> 7 COPY 1
< 7 BAD {}
> 8 UID COPY 77 box
< 8 OK {:(?!\[COPYUID).*}
> 9 COPY 1,9 box
< 9 BAD {}
> 10 COPY 1 INBOX
<+ * 3 EXISTS
< 10 OK [COPYUID {:\d+} 1 3] {}
> 11 SELECT box
<+ * 3 EXISTS
< 11 OK {}
> 12 FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE)
< * 1 FETCH ({:(?=.*\\Seen)(?=.*\$Work)(?=.*"17-Jul-1996 02:44:25 \+0000")(?=.*RFC822.SIZE 1).*})
< 12 OK {}
> 13 FETCH 3 BODY.PEEK[]
< * 3 FETCH (BODY[] {2}
< bb)
< 13 OK {}
