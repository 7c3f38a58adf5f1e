# What is wrong with a command's arguments is said in words: names, parameters, chunks.
set x 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789
open a smtp
< 220 {}
> EHLO
< 501 5.5.4 Say who you are
> EHLO ${x*3}
< 501 5.5.4 Name too long
> EHLO a(b
< 501 5.5.4 Byte 0x28 in your name
> EHLO client.example
< ...
< 250 BINARYMIME
> RSET now
< 501 5.5.4 No argument expected
> MAIL TO:<s@elsewhere.example>
< 501 5.5.2 FROM: expected
> MAIL FROM:s@elsewhere.example
< 501 5.1.7 Address must stand in < >
> MAIL FROM:<s@elsewhere.example
< 501 5.1.7 Address must end in >
> MAIL FROM:<s@elsewhere.example>SIZE=1
< 501 5.1.7 Space expected after the address
> MAIL FROM:<@a@b,c:s@elsewhere.example> SIZE=x
< 501 5.5.4 Bad SIZE
> MAIL FROM:<@a s@elsewhere.example>
< 501 5.1.7 Bad source route
> MAIL FROM:<s@elsewhere.example> COLOUR=red
< 555 5.5.4 Unknown parameter COLOUR
> MAIL FROM:<s@elsewhere.example> SIZE=1 SIZE=1
< 501 5.5.4 SIZE is given twice
> MAIL FROM:<s@elsewhere.example> BODY=9BIT
< 501 5.5.4 BODY must be 7BIT, 8BITMIME or BINARYMIME
> MAIL FROM:<s@elsewhere.example> SMTPUTF8=1
< 501 5.5.4 SMTPUTF8 has no value
> MAIL FROM:<s@elsewhere.example> RET=ALL
< 501 5.5.4 RET must be FULL or HDRS
> MAIL FROM:<s@elsewhere.example> ENVID=
< 501 5.5.4 ENVID must have 1 to 100 characters
> MAIL FROM:<s@elsewhere.example> ENVID=a+4
< 501 5.5.4 Bad xtext: + without two hex digits
> MAIL FROM:<s@elsewhere.example> ENVID=a+0A
< 501 5.5.4 Bad xtext: control byte
lhlo b smtp
> MAIL FROM:<s@elsewhere.example> ENVID=a=b
< 501 5.5.4 Bad xtext: byte 0x3d
> MAIL FROM:<s@elsewhere.example> AUTH=
< 501 5.5.4 AUTH needs a value
> MAIL FROM:<s@elsewhere.example> HOLDFOR=1
< 555 5.5.4 Unknown parameter HOLDFOR
> MAIL FROM:<s@elsewhere.example> BY=soon
< 501 5.5.4 BY must be seconds, ";", N or R, and perhaps T
> MAIL FROM:<s@elsewhere.example> BY=1;X
< 501 5.5.4 BY has no mode N or R
> MAIL FROM:<s@elsewhere.example> BY=-1;R
< 501 5.5.4 The time of BY is over: the message cannot be delivered by then
> MAIL FROM:<gr\xc3\xbc@elsewhere.example>
< 501 5.1.7 {}
>> MAIL FROM:<gr\xc3\xbc@elsewhere.example>\r\n
< 553 5.6.7 Sender address needs SMTPUTF8
> BDAT x
< 501 5.5.4 Bad chunk size
> BDAT x FIRST
< 501 5.5.4 Bad chunk size
> MAIL FROM:<s@elsewhere.example>
< 250 {}
> RCPT TO:<>
< 501 5.1.3 Recipient is empty
>> RCPT TO:<gr\xc3\xbc@$domain>\r\n
< 553 5.6.7 Recipient address needs SMTPUTF8
> RCPT TO:<$alice> NOTIFY=SOON
< 501 5.5.4 NOTIFY must be NEVER or of SUCCESS, FAILURE, DELAY
> RCPT TO:<$alice> NOTIFY=NEVER,DELAY
< 501 5.5.4 NOTIFY=NEVER must stand alone
> RCPT TO:<$alice> ORCPT=rfc822
< 501 5.5.4 ORCPT must be a type, ";" and an address
> RCPT TO:<$alice> ORCPT=rfc_822;a
< 501 5.5.4 Bad type in ORCPT
> RCPT TO:<$alice> ORCPT=rfc822;${x*5}
< 501 5.5.4 ORCPT longer than 500 characters
> BDAT 5 FIRST
< 501 5.5.4 LAST expected
< EOF
lhlo c smtp
> BDAT 99999999999999
< 552 5.3.4 Message too big
< EOF
