# BINARYMIME: only by BDAT; whatever is no line comes out as base64, octet by octet.
open a smtp
> EHLO client.example
< ...
< 250-CHUNKING
< 250 BINARYMIME
> MAIL FROM:<s@elsewhere.example> BODY=BINARYMIME
> RCPT TO:<$alice>
> DATA
< 250 {}
< 250 {}
< 503 5.5.1 A binary message comes by BDAT
> BDAT 97
>> Subject: b\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: binary\r\nContent-Type: image/png\r\n\r\n\0\r\n.
> BDAT 7 LAST
>> \r\nA\n\rB\xff
< 250 2.0.0 97 octets received
< 250 2.6.0 {}
# What is lines is only labelled anew.
> MAIL FROM:<s@elsewhere.example> BODY=BINARYMIME
> RCPT TO:<$alice>
> BDAT 77 LAST
>> Subject: l\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: binary\r\n\r\ngr\xc3\xbc\xc3\x9f\x65\r\n
< 250 {}
< 250 {}
< 250 2.6.0 {}
# Nothing inside of what is signed may change; and a header is lines always.
> MAIL FROM:<s@elsewhere.example> BODY=BINARYMIME
> RCPT TO:<$alice>
> BDAT 91 LAST
>> Content-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n\r\na\0b\r\n--s\r\n\r\nsig\r\n--s--\r\n\r\n1234567890\r\n
< 250 {}
< 250 {}
< 554 5.6.3 Message is binary where nothing may be encoded
> MAIL FROM:<s@elsewhere.example> BODY=BINARYMIME
> RCPT TO:<$alice>
> BDAT 20 LAST
>> Subject: a\nb\r\n\r\ntext
< 250 {}
< 250 {}
< 554 5.6.0 Message has CR or LF outside of CRLF
> MAIL FROM:<s@elsewhere.example> BODY=OTHER
< 501 5.5.4 BODY must be 7BIT, 8BITMIME or BINARYMIME
login b alice
filled b INBOX 2
> 1 FETCH 1:2 (BODY.PEEK[HEADER.FIELDS (MIME-Version Content-Transfer-Encoding)] BODY.PEEK[TEXT])
< * 1 FETCH (BODY[HEADER.FIELDS (MIME-Version Content-Transfer-Encoding)] {}
< MIME-Version: 1.0
< Content-Transfer-Encoding: base64
<
< {} BODY[TEXT] {18}
< AA0KLg0KQQoNQv8=
< )
< * 2 FETCH (BODY[HEADER.FIELDS (MIME-Version Content-Transfer-Encoding)] {}
< MIME-Version: 1.0
< Content-Transfer-Encoding: 8bit
< ...
< 1 OK {}
> 2 FETCH 1 BINARY.PEEK[1]
< * 1 FETCH (BINARY[1] ~{11}
< ...
< 2 OK {}
