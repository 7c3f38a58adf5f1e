# Port 25 takes mail for its own users only.
lhlo a smtp
> MAIL FROM:<sender@elsewhere.example>
< 250 {}
> RCPT TO:<someone@elsewhere.example>
< 550 5.7.1 {}
> RCPT TO:<nobody@$domain>
< 550 5.1.1 {}
> RCPT TO:<"x@elsewhere.example"@$domain>
< 550 5.1.1 {}
> RCPT TO:<x%elsewhere.example@$domain>
< 550 5.1.1 {}
> RCPT TO:<@$domain:someone@elsewhere.example>
< 550 5.7.1 {}
# RFC 5321 4.5.1: there is always somebody in charge.
> RCPT TO:<postmaster>
< 250 {}
> RCPT TO:<PostMaster@$domain>
< 250 {}
> RCPT TO:<abuse@$domain>
< 250 {}
> RCPT TO:<postmaster@elsewhere.example>
< 550 5.7.1 {}
> AUTH PLAIN $alice_plain
< {:(502|503|530|504)} {}
