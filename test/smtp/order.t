# Commands out of order: 503; wrong ones: 500 and 501; none of them breaks the session.
open a smtp
< 220 {}
> MAIL FROM:<a@elsewhere.example>
< 503 5.5.1 {}
> EHLO client.example
< ...
< 250 {}
> RCPT TO:<$alice>
< 503 5.5.1 {}
> DATA
< 503 5.5.1 {}
> BDAT 5 LAST
>> hello
< 503 5.5.1 {}
> MAIL FROM:<a@elsewhere.example>
< 250 2.1.0 {}
> MAIL FROM:<b@elsewhere.example>
< 503 5.5.1 {}
> DATA
< {:(503|554)} 5.5.1 {}
> RCPT TO:<$alice>
< 250 2.1.5 {}
> RSET
< 250 {}
> RCPT TO:<$alice>
< 503 {}
lhlo b smtp
> NOSUCH
< 500 5.5.1 {}
>
< 500 {}
> EHLO
< 501 {}
> RSET now
< 501 {}
> DATA now
< 50{:[13]} {}
> QUIT
< 221 {}
