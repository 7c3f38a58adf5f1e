# Every reply over TLS says how to come back and what a page may do; in clear nothing of TLS.
get a https://localhost/nothing-here
< HTTP/1.1 404 Not Found
<+ Strict-Transport-Security: max-age=31536000
<+ Content-Security-Policy: default-src 'none'{}
<+ X-Content-Type-Options: nosniff
<+ Date: {:\w\w\w, \d\d \w\w\w \d{4} \d\d:\d\d:\d\d GMT}
< Connection: close
get a http://$host/nothing-here
<! Strict-Transport-Security: {}
< ...
<
