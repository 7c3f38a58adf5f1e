# Every reply of port 25 by its own words: what is taken, and what the order of commands refuses.
set x 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789
open a smtp
< 220 $host ESMTP Posthouse
> MAIL FROM:<s@elsewhere.example>
< 503 5.5.1 Say EHLO first
> HELO client.example
< 250 $host
> RCPT TO:<$alice>
< 503 5.5.1 Say MAIL first
> MAIL FROM:<s@elsewhere.example>
< 250 2.1.0 Sender OK
> MAIL FROM:<s@elsewhere.example>
< 503 5.5.1 A transaction is open already
> DATA
< 554 5.5.1 No valid recipients
> RCPT TO:<nobody@$domain>
< 550 5.1.1 No such user here
> RCPT TO:<a@elsewhere.example>
< 550 5.7.1 No mail for that domain here
> RCPT TO:<$alice>
< 250 2.1.5 Recipient OK
> BDAT 2
>> ab
< 250 2.0.0 2 octets received
> RCPT TO:<$bob>
< 503 5.5.1 Bad sequence of commands
> DATA
< 503 5.5.1 The message comes by BDAT
> BDAT 0 LAST
< 250 2.6.0 Message stored as {:[0-9a-f]{16}}
> MAIL FROM:<s@elsewhere.example> SIZE=99999999999
< 552 5.3.4 Message too big
> HELP
< 214 2.0.0 See RFC 5321
> VRFY $alice
< 252 2.5.0 Send mail and see
> VRFY
< 501 5.5.4 Bad argument
> EXPN all
< 502 5.5.1 Command not available here
> AUTH PLAIN
< 502 5.5.1 Command not available here
> XCLIENT ADDR=192.0.2.1
< 502 5.5.1 Command not available here
> LHLO client.example
< 500 5.5.1 Unknown command
> NOSUCH
< 500 5.5.1 Unknown command
>> NOOP\n
< 501 5.5.2 Lines must end in CRLF
>> NO\rOP\r\n
< 501 5.5.2 CR or NUL in the line
> NOOP ${x*200}
< 500 5.5.2 Command line too long
> RSET
< 250 2.0.0 OK
> QUIT
< 221 2.0.0 Goodbye
< EOF
# The message as a whole.
lhlo b smtp
include data
>> Subject: a\nb\r\n.\r\n
< 554 5.6.0 Message has CR or LF outside of CRLF
include data
>> Subject: ${x*700}\r\n.\r\n
< 554 5.6.0 Message has a line that is too long
> MAIL FROM:<s@elsewhere.example>
> RCPT TO:<$alice>
> DATA
< 250 {}
< 250 {}
< 354 Go ahead, end with <CRLF>.<CRLF>
set r Received: from a by b\r\n
>> ${r*101}\r\n.\r\n
< 554 5.4.6 Mail loop: too many Received lines
> STARTTLS now
< 501 5.5.4 Bad argument
> STARTTLS
< 220 2.0.0 Go ahead with TLS
tls b
> STARTTLS
< 503 5.5.1 TLS is active already
lhlo c smtp
>> STARTTLS\r\nNOOP\r\n
< 503 5.5.1 Nothing may follow STARTTLS
< EOF
open d smtp
< 220 {}
set n NOSUCH\r\n
>> ${n*20}
< 500 5.5.1 Unknown command
< ...
< 421 4.7.0 Too many errors, closing connection
< EOF
open e lmtp
< 220 $host LMTP Posthouse
> MAIL FROM:<s@elsewhere.example>
< 503 5.5.1 Say LHLO first
