# SMTPUTF8: addresses in UTF-8 only where the client said so; international domains both ways.
lhlo a smtp
> MAIL FROM:<jürgen@elsewhere.example>
< 553 5.6.7 {}
> MAIL FROM:<jürgen@elsewhere.example> SMTPUTF8
< 250 {}
> RCPT TO:<$alice>
< 250 {}
> RCPT TO:<müller@$domain>
< 550 5.1.1 {}
> DATA
< 354 {}
> Subject: Grüße
>
> Wörter
> .
< 250 {}
login b alice INBOX
> 1 FETCH 1 BODY.PEEK[HEADER.FIELDS (Return-Path Subject)]
< * 1 FETCH (BODY[HEADER.FIELDS ({:.*})] {}
< Return-Path: <jürgen@elsewhere.example>
< Subject: Grüße
<
< )
< 1 OK {}
