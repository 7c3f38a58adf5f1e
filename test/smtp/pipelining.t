# A whole session in one write; replies in order, one for each command.
open a smtp
> EHLO client.example
> MAIL FROM:<s@elsewhere.example>
> RCPT TO:<$alice>
> RCPT TO:<nobody@$domain>
> RCPT TO:<$bob>
> DATA
< 220 {}
< ...
< 250 {}
< 250 2.1.0 {}
< 250 2.1.5 {}
< 550 5.1.1 {}
< 250 2.1.5 {}
< 354 {}
> Subject: x
>
> hello
> .
> MAIL FROM:<s2@elsewhere.example>
> RSET
> QUIT
< 250 {}
< 250 2.1.0 {}
< 250 2.0.0 {}
< 221 {}
< EOF
login b alice
filled b INBOX 1
login c bob
filled c INBOX 1
