# CHUNKING: chunks of any size, dots are not special, an empty last chunk, errors are swallowed.
lhlo a smtp
> MAIL FROM:<s@elsewhere.example>
> RCPT TO:<$alice>
> BDAT 12
>> Subject: x\r\n
> BDAT 9
>> \r\n.\r\nabcd
> BDAT 0 LAST
< 250 {}
< 250 {}
< 250 {}
< 250 {}
< 250 2.6.0 {}
> MAIL FROM:<s@elsewhere.example>
> RCPT TO:<$alice>
> BDAT 16 LAST
>> Subject: y\r\n\r\nhi
< 250 {}
< 250 {}
< 250 2.6.0 {}
> MAIL FROM:<s@elsewhere.example>
> RCPT TO:<nobody@$domain>
> BDAT 6
>> NOOP\r\n
< 250 {}
< 550 {}
< 5{:(03|54)} {}
> RSET
< 250 {}
> MAIL FROM:<s@elsewhere.example>
> RCPT TO:<$alice>
> BDAT 2
>> ab
> DATA
< 250 {}
< 250 {}
< 250 {}
< 503 {}
> RSET
< 250 {}
> BDAT x
< {:(501|503)} {}
> BDAT
< {:(501|503)} {}
login b alice INBOX
> 1 FETCH 1:2 BODY.PEEK[TEXT]
< * 1 FETCH (BODY[TEXT] {7}
< .
< abcd)
< * 2 FETCH (BODY[TEXT] {2}
< hi)
< 1 OK {}
