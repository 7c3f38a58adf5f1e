# ALL, FAST and FULL, the RFC822 items of IMAP4rev1, several items at once, and wrong ones.
text m
From: a@example.net
Subject: s

body

.
login a alice
> 1 APPEND INBOX (\Seen) {${m_len}+}
> $m
< 1 OK {}
> 2 SELECT INBOX
< ...
< 2 OK {}
> 3 FETCH 1 ALL
< * 1 FETCH ({:(?=.*FLAGS \()(?=.*INTERNALDATE ")(?=.*RFC822.SIZE \d)(?=.*ENVELOPE \().*})
< 3 OK {}
> 4 FETCH 1 FAST
< * 1 FETCH ({:(?=.*FLAGS \()(?=.*INTERNALDATE ")(?=.*RFC822.SIZE \d)(?!.*ENVELOPE).*})
< 4 OK {}
> 5 FETCH 1 FULL
< * 1 FETCH ({:(?=.*FLAGS \()(?=.*ENVELOPE \()(?=.*BODY \().*})
< 5 OK {}
> 6 FETCH 1 RFC822.HEADER
< * 1 FETCH (RFC822.HEADER {35}
< From: a@example.net
< Subject: s
<
< )
< 6 OK {}
> 7 FETCH 1 RFC822.TEXT
< * 1 FETCH (RFC822.TEXT {6}
< body
< )
< 7 OK {}
> 8 FETCH 1 RFC822
< * 1 FETCH (RFC822 {$m_len}
< From: a@example.net
< Subject: s
<
< body
< )
< 8 OK {}
> 9 FETCH 1 (UID BODY.PEEK[TEXT])
< * 1 FETCH (UID 1 BODY[TEXT] {6}
< body
< )
< 9 OK {}
> 10 FETCH 1 NOSUCH
< 10 BAD {}
> 11 FETCH 1 (FLAGS
< 11 BAD {}
> 12 FETCH 1 BODY[
< 12 BAD {}
> 13 FETCH 1 BODY[0]
< 13 BAD {}
> 14 FETCH 1 BODY[TEXT]<0>
< 14 BAD {}
> 15 FETCH 1 BODY[MIME]
< 15 BAD {}
> 16 FETCH x FLAGS
< 16 BAD {}
> 17 FETCH 0 FLAGS
< 17 BAD {}
