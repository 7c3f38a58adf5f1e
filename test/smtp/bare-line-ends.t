# A bare LF or CR in the message is refused as a whole; what follows is not taken for commands.
lhlo a smtp
include data
>> Subject: x\r\n\r\nbody\n.\nMAIL FROM:<evil@elsewhere.example>\r\n.\r\n
< 554 5.6.0 {}
include data
>> Subject: x\r\n\r\nbody\r\n.\rMAIL FROM:<evil@elsewhere.example>\r\n.\r\n
< 554 5.6.0 {}
include data
>> Subject: x\r\n\r\nbody\n.\r\nNOOP\r\n.\r\n
< 554 5.6.0 {}
> NOOP
< 250 {}
>> NOOP\n
>> NOOP\r\n
< {:(250|50\d)} {}
<? {:(250|50\d)} {}
login b alice
> 1 STATUS INBOX (MESSAGES)
< * STATUS INBOX (MESSAGES 0)
< 1 OK {}
