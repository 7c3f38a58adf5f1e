# Too long a target, too long a head, too many fields.
set long xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
open a https
> GET /${long*126} HTTP/1.1
> Host: $host
>
< HTTP/1.1 414 URI Too Long
< ...
< EOF
open a https
> GET / HTTP/1.1
> Host: $host
> X: ${long*300}
> X: ${long*300}
>
< HTTP/1.1 431 Request Header Fields Too Large
< ...
< EOF
