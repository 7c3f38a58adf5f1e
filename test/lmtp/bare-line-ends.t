# A message with a bare LF is refused for each recipient.
lhlo a lmtp
> MAIL FROM:<s@elsewhere.example>
> RCPT TO:<$alice>
> RCPT TO:<$bob>
> DATA
< 250 {}
< 250 {}
< 250 {}
< 354 {}
>> Subject: x\r\n\r\nbody\nmore\r\n.\r\n
< 554 5.6.0 {}
< 554 5.6.0 {}
> NOOP
< 250 2.0.0 {}
