# A line of a head ends with CRLF; everything else is refused.
open a https
>> GET / HTTP/1.1\nHost: $host\n\n
< HTTP/1.1 400 Bad Request
<! HTTP/1.1 {}
< ...
< EOF
open a https
>> GET / HTTP/1.1\r\nHost: $host\r\nX: a\rY: b\r\n\r\n
< HTTP/1.1 400 Bad Request
< ...
< EOF
open a https
>> GET / HTTP/1.1\r\nHost: $host\r\nX: a\r\n folded\r\n\r\n
< HTTP/1.1 400 Bad Request
< ...
< EOF
