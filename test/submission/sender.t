# The sender has to be the account's own address, or an alias that leads to it.
$ alias add sales@$domain $alice
lhlo a submission
> AUTH PLAIN $alice_plain
< 235 {}
> MAIL FROM:<$bob>
< 553 5.7.1 {}
> MAIL FROM:<someone@elsewhere.example>
< 553 5.7.1 {}
> MAIL FROM:<sales@$domain>
< 250 {}
> RSET
< 250 {}
> MAIL FROM:<alice+tag@$domain>
< 250 {}
> RSET
< 250 {}
> MAIL FROM:<$alice>
< 250 {}
> RCPT TO:<$bob>
< 250 {}
> RCPT TO:<nobody@$domain>
< 550 5.1.1 {}
> DATA
< 354 {}
> From: <$bob>
> Subject: forged
>
> .
< 550 5.7.1 {}
