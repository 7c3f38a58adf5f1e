# Two lengths of one body: refused, and what would be a second request is not one.
open a https
> POST / HTTP/1.1
> Host: $host
> Content-Length: 5
> Transfer-Encoding: chunked
>
> 0
>
> GET /smuggled HTTP/1.1
> Host: $host
>
< HTTP/1.1 400 Bad Request
<! HTTP/1.1 {}
< ...
< EOF
