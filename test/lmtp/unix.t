# A delivery by the Unix socket.
lhlo a lmtp-unix
> MAIL FROM:<>
> RCPT TO:<alice+tag@$domain>
> DATA
< 250 {}
< 250 {}
< 354 {}
> Subject: x
>
> hello
> .
< 250 {}
login b alice INBOX
> 1 FETCH 1 BODY.PEEK[HEADER.FIELDS (Return-Path)]
< * 1 FETCH {}
< Return-Path: <>
<
< )
< 1 OK {}
