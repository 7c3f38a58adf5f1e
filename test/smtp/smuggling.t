# Whatever an end of the message looks like to others, what stands behind it in the same write is
# never a second message: with DATA it is refused as a whole, with BDAT octets are octets.
set evil MAIL FROM:<admin@elsewhere.example>\r\nRCPT TO:<$alice>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n
lhlo a smtp
include data
>> Subject: 1\r\n\r\nbody\r\n.\n$evil
< 554 5.6.0 {}
include data
>> Subject: 2\r\n\r\nbody\n\n.\r\n$evil
< 554 5.6.0 {}
include data
>> Subject: 3\r\n\r\nbody\r\n.\r\r\n$evil
< 554 5.6.0 {}
include data
>> Subject: 4\r\n\r\nbody\r.\r$evil
< 554 5.6.0 {}
# The same in one write with all that comes before it.
> MAIL FROM:<s@elsewhere.example>
> RCPT TO:<$alice>
> DATA
>> Subject: 5\r\n\r\nbody\n.\n$evil
< 250 {}
< 250 {}
< 354 {}
< 554 5.6.0 {}
# BDAT: an end of DATA inside a chunk is text, and the commands behind it too.
> MAIL FROM:<s@elsewhere.example>
> RCPT TO:<$alice>
> BDAT 91 LAST
>> Subject: 6\r\n\r\nbody\r\n.\r\nMAIL FROM:<admin@elsewhere.example>\r\nRCPT TO:<a@elsewhere.example>\r\n
> NOOP
< 250 {}
< 250 {}
< 250 2.6.0 {}
< 250 {}
# Bare line ends come no further by BDAT either: they would be ends of DATA for the next host.
> MAIL FROM:<s@elsewhere.example>
> RCPT TO:<$alice>
> BDAT 27 LAST
>> Subject: 7\r\n\r\nbody\n.\nMAIL\r\n
> NOOP
< 250 {}
< 250 {}
< 554 5.6.0 {}
< 250 {}
> QUIT
< 221 {}
login b alice
filled b INBOX 1
> 1 FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]
< * 1 FETCH (BODY[HEADER.FIELDS (SUBJECT)] {}
< Subject: 6
< ...
< 1 OK {}
