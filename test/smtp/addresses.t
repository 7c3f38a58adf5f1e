# Address syntax: quoted, source routes, case, null sender, malformed ones.
lhlo a smtp
> MAIL FROM:<>
< 250 {}
> RCPT TO:<ALICE@$domain>
< 250 2.1.5 {}
> RCPT TO:<"alice"@$domain>
< 250 2.1.5 {}
> RCPT TO:<@relay.example:$alice>
< 250 2.1.5 {}
> RCPT TO: <$bob>
< 250 2.1.5 {}
> RCPT TO:$carol
< {:(250|501)} {}
> RCPT TO:<no-at-sign>
< 501 5.1.3 {}
> RCPT TO:<a b@$domain>
< 501 5.1.3 {}
> RCPT TO:<@$domain>
< 501 {}
> RCPT TO:<a@-bad-.example>
< {:(501|550)} {}
> RCPT
< 501 {}
> RCPT TO:<>
< 501 {}
> RSET
< 250 {}
> MAIL FROM:<bad
< 501 5.1.7 {}
> MAIL
< 501 {}
