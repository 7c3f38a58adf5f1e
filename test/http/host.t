# One Host, and a name that can be one.
open a https
> GET / HTTP/1.1
>
< HTTP/1.1 400 Bad Request
< ...
< EOF
open a https
> GET / HTTP/1.1
> Host: $host
> Host: evil.example
>
< HTTP/1.1 400 Bad Request
< ...
< EOF
open a https
> GET / HTTP/1.1
> Host: $host/@evil.example
>
< HTTP/1.1 400 Bad Request
< ...
< EOF
