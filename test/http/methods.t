# This is no proxy, and speaks no HTTP/2 that TLS did not choose.
open a https
> CONNECT mail.example:25 HTTP/1.1
> Host: $host
>
< HTTP/1.1 501 Not Implemented
< ...
< EOF
open a http
>> PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n
< HTTP/1.1 505 HTTP Version Not Supported
< ...
< EOF
