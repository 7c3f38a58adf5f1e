# "@domain" takes what nobody else has.
$ alias add @$domain $carol
lhlo a smtp
> MAIL FROM:<s@elsewhere.example>
< 250 {}
> RCPT TO:<whoever@$domain>
< 250 {}
> DATA
< 354 {}
> Subject: caught
>
> .
< 250 {}
login b carol
filled b INBOX 1
lhlo c smtp
> MAIL FROM:<s@elsewhere.example>
< 250 {}
> RCPT TO:<$alice>
< 250 {}
> DATA
< 354 {}
> Subject: hers
>
> .
< 250 {}
login d alice
filled d INBOX 1
