# Requests sent together are answered in their order, and the last one is the last.
open a http
> HEAD /one HTTP/1.1
> Host: $host
>
> HEAD /two HTTP/1.1
> Host: $host
> Connection: close
>
> HEAD /three HTTP/1.1
> Host: $host
>
< HTTP/1.1 {}
<! Connection: close
< ...
<
< HTTP/1.1 {}
< ...
< Connection: close
<
< EOF
