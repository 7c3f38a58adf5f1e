# A message comes in, gets Return-Path and Received, and is there after 250; dots are unstuffed.
lhlo a smtp
> MAIL FROM:<sender@elsewhere.example>
< 250 2.1.0 {}
> RCPT TO:<$alice>
< 250 2.1.5 {}
> DATA
< 354 {}
> From: <sender@elsewhere.example>
> Subject: dots
>
> ..one
> ...two
> .x
> end
> .
< 250 2.6.0 {}
login b alice INBOX
> 1 FETCH 1 BODY.PEEK[TEXT]
< * 1 FETCH (BODY[TEXT] {21}
< .one
< ..two
< x
< end
< )
< 1 OK {}
> 2 FETCH 1 BODY.PEEK[HEADER]
< * 1 FETCH (BODY[HEADER] {}
< Return-Path: <sender@elsewhere.example>
<? Delivered-To: {}
< Received: from client.example ({}
< ...
< From: <sender@elsewhere.example>
< Subject: dots
<
< )
< 2 OK {}
