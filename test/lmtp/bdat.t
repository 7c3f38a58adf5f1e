# BDAT LAST is answered for each recipient, RFC 2033 and 3030.
lhlo a lmtp
> MAIL FROM:<s@elsewhere.example>
> RCPT TO:<$alice>
> RCPT TO:<$bob>
> BDAT 12
>> Subject: x\r\n
> BDAT 4 LAST
>> \r\nhi
< 250 {}
< 250 {}
< 250 {}
< 250 {}
< 250 {}
< 250 {}
> NOOP
< 250 2.0.0 {}
login b bob INBOX
> 1 FETCH 1 BODY.PEEK[TEXT]
< * 1 FETCH (BODY[TEXT] {2}
< hi)
< 1 OK {}
