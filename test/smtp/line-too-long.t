# Over-long command lines and message lines.
set x 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789
lhlo a smtp
> NOOP ${x*200}
< 500 5.5.2 {}
> NOOP
< 250 {}
include data
> Subject: long
>
> ${x*15}
> .
< {:(250|554)} {}
> MAIL FROM:<${x*5}@elsewhere.example>
< 501 {}
