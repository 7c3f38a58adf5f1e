# Mail as it comes in real life: no blank line, no end of a multipart, 8-bit header, bare line ends.
login a alice INBOX
text m
Subject: no body at all
.
> 1 APPEND INBOX {${m_len}+}
> $m
< ...
< 1 OK {}
> 2 FETCH 1 (BODY.PEEK[TEXT])
< * 1 FETCH (BODY[TEXT] {:.*}
<? )
< 2 OK {}
text m
Content-Type: multipart/mixed; boundary=b

--b

part without end
.
> 3 APPEND INBOX {${m_len}+}
> $m
< ...
< 3 OK {}
> 4 FETCH 2 (BODYSTRUCTURE BODY.PEEK[1])
< * 2 FETCH (BODYSTRUCTURE (("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 16 {:[01]} NIL NIL NIL NIL) "MIXED" ("BOUNDARY" "b") NIL NIL NIL) BODY[1] {16}
< part without end)
< 4 OK {}
text m
Content-Type: multipart/mixed

no boundary parameter
.
> 5 APPEND INBOX {${m_len}+}
> $m
< ...
< 5 OK {}
> 6 FETCH 3 BODYSTRUCTURE
< * 3 FETCH (BODYSTRUCTURE ({}))
< 6 OK {}
> 7 APPEND INBOX {33+}
>> Subject: bare\nTo: x@y.example\n\nhi\r\n
< ...
< 7 {:(OK|NO)} {}
> 8 NOOP
< 8 OK {}
