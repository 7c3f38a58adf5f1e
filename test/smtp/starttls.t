# STARTTLS: the session starts anew, what was pipelined in clear is not a command afterwards.
open a smtp
< 220 {}
> EHLO client.example
< ...
< 250 {}
> MAIL FROM:<s@elsewhere.example>
< 250 {}
> STARTTLS
< 220 2.0.0 {}
tls a
> MAIL FROM:<s@elsewhere.example>
< 503 {}
> EHLO client.example
<! 250{:[- ]}STARTTLS
< ...
< 250 {}
> STARTTLS
< 503 {}
include data
> Subject: secure
>
> .
< 250 {}
login b alice INBOX
> 1 FETCH 1 BODY.PEEK[HEADER.FIELDS (Received)]
< * 1 FETCH (BODY[HEADER.FIELDS ({:.*})] {}
< ...
< {}ESMTPS{}
< ...
< 1 OK {}
