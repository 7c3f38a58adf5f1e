# Aliases with a star: an address of its own first, then user+tag, the longest star, the catch-all.
$ alias add sales-*@$domain $alice
$ alias add sales-eu-*@$domain $bob
$ alias add *-list@$domain $carol
$ alias add sales-boss@$domain $carol
$ alias add @$domain $carol
$ alias add *@$domain $alice
! posthouse: a * alone is written @DOMAIN
exit 1
$ alias add a*b*c@$domain $alice
! posthouse: an alias has one * at most
exit 1
$ alias add alice+*@$domain $bob
lhlo a lmtp
> MAIL FROM:<s@elsewhere.example>
> RCPT TO:<sales-de@$domain>
> RCPT TO:<Sales-EU-west@$domain>
> RCPT TO:<sales-eu-x-list@$domain>
> RCPT TO:<sales-boss@$domain>
> RCPT TO:<alice+tag@$domain>
> RCPT TO:<-list@$domain>
> RCPT TO:<sales@$domain>
> DATA
< 250 {}
< 250 {}
< 250 {}
< 250 {}
< 250 {}
< 250 {}
< 250 {}
< 250 {}
< 354 {}
> Subject: x
>
> .
< 250 {}
< 250 {}
< 250 {}
< 250 {}
< 250 {}
< 250 {}
< 250 {}
$ alias delete @$domain
$ alias delete sales-eu-*@$domain
$ alias delete *-list@$domain
lhlo c smtp
> MAIL FROM:<s@elsewhere.example>
> RCPT TO:<sales@$domain>
> RCPT TO:<x-list@$domain>
> RCPT TO:<sales-eu-@$domain>
< 250 {}
< 550 5.1.1 {}
< 550 5.1.1 {}
< 250 {}
