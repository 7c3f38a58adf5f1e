# After the final dot one reply for each accepted recipient, in their order; none for refused ones.
lhlo a lmtp
> MAIL FROM:<s@elsewhere.example>
> RCPT TO:<$alice>
> RCPT TO:<nobody@$domain>
> RCPT TO:<$bob>
> DATA
< 250 {}
< 250 {}
< 550 5.1.1 {}
< 250 {}
< 354 {}
> Subject: x
>
> hello
> .
< 250 {}
< 250 {}
> NOOP
< 250 2.0.0 {}
> MAIL FROM:<s@elsewhere.example>
> RCPT TO:<nobody@$domain>
> DATA
< 250 {}
< 550 {}
< 5{:(03|54)} {}
login b alice INBOX
> 1 FETCH 1 (BODY.PEEK[HEADER.FIELDS (Return-Path)])
< * 1 FETCH {}
< Return-Path: <s@elsewhere.example>
<
< )
< 1 OK {}
login c bob
> 1 STATUS INBOX (MESSAGES)
< * STATUS INBOX (MESSAGES 1)
< 1 OK {}
