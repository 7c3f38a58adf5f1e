# BINARYMIME by LMTP: the same, with a reply for each recipient.
open a lmtp
> LHLO client.example
< ...
< 250-CHUNKING
< 250 BINARYMIME
> MAIL FROM:<s@elsewhere.example> BODY=BINARYMIME
> RCPT TO:<$alice>
> RCPT TO:<$bob>
> BDAT 16 LAST
>> Subject: b\r\n\r\n\0\n
< 250 {}
< 250 {}
< 250 {}
< 250 {}
< 250 {}
> MAIL FROM:<s@elsewhere.example> BODY=BINARYMIME
> RCPT TO:<$alice>
> RCPT TO:<$bob>
> BDAT 47 LAST
>> Content-Type: message/delivery-status\r\n\r\nText\n\n
< 250 {}
< 250 {}
< 250 {}
< 554 5.6.3 {}
< 554 5.6.3 {}
login b bob INBOX
> 1 FETCH 1 BODY.PEEK[TEXT]
< * 1 FETCH (BODY[TEXT] {6}
< AAo=
< )
< 1 OK {}
