# Bytes sent in clear after STARTTLS end the connection or are dropped; they are never executed.
open a smtp
< 220 {}
> EHLO client.example
< ...
< 250 {}
> STARTTLS
> MAIL FROM:<evil@elsewhere.example>
> RCPT TO:<$alice>
<! 250 {}
< ...
< EOF
open b smtp
< 220 {}
> EHLO client.example
< ...
< 250 {}
> STARTTLS now
< 501 {}
