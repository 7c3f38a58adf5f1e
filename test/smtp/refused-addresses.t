# What is wrong with an address is said in words, with the code of the command.
set x 0123456789012345678901234567890123456789012345678901234567890123456789
lhlo a smtp
> MAIL FROM:<s>
< 501 5.1.7 address without a domain
> MAIL FROM:<@>
< 501 5.1.7 Bad source route
> MAIL FROM:<.s@elsewhere.example>
< 501 5.1.7 bad local part
> MAIL FROM:<s(@elsewhere.example>
< 501 5.1.7 byte 0x28 in local part
> MAIL FROM:<${x*4}@elsewhere.example>
< 501 5.1.7 local part longer than 256 bytes
>> MAIL FROM:<\xff@elsewhere.example> SMTPUTF8\r\n
< 501 5.1.7 local part is not valid UTF-8
> MAIL FROM:<s@>
< 501 5.1.7 domain name is missing
> MAIL FROM:<s@a_b!c.example>
< 501 5.1.7 byte 0x21 in domain
> MAIL FROM:<s@a..example>
< 501 5.1.7 empty label in domain
> MAIL FROM:<s@$x.example>
< 501 5.1.7 domain label longer than 63 bytes
> MAIL FROM:<s@a-.example>
< 501 5.1.7 domain label with "-" at its end
> MAIL FROM:<s@a.${x*4}>
< 501 5.1.7 domain name longer than 253 bytes
>> MAIL FROM:<s@\xff.example> SMTPUTF8\r\n
< 501 5.1.7 domain name is not valid UTF-8
>> MAIL FROM:<s@\xcc\x81a.example> SMTPUTF8\r\n
< 501 5.1.7 domain name: {}
> MAIL FROM:<s@[192.0.2.1>
< 501 5.1.7 address literal is not closed
> MAIL FROM:<s@[192.0.2.256]>
< 501 5.1.7 bad address literal
> MAIL FROM:<s@elsewhere.example>
< 250 {}
> RCPT TO:<alice>
< 501 5.1.3 address without a domain
