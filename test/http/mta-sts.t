# The policy of MTA-STS (RFC 8461 3.2 and 3.3): there when the operator says so, over TLS, at its own name.
get a https://mta-sts.$domain/.well-known/mta-sts.txt
a< HTTP/1.1 404 Not Found
$ domain mta-sts $domain
= off: there is no policy
$ domain mta-sts $domain testing
= version: STSv1
= mode: testing
= mx: $host
= max_age: 86400
=
= _mta-sts.$domain. TXT "v=STSv1; id={id:[0-9a-f]{32}};"
= mta-sts.$domain. CNAME $host.
get b https://mta-sts.$domain/.well-known/mta-sts.txt
b< HTTP/1.1 200 OK
< ...
< Content-Type: text/plain; charset=utf-8
< ...
<
< version: STSv1
< mode: testing
< mx: $host
< max_age: 86400
< EOF
$ domain mta-sts $domain enforce
= version: STSv1
= mode: enforce
= ...
= max_age: 1209600
= ...
= _mta-sts.$domain. TXT "v=STSv1; id={other:[0-9a-f]{32}};"
= ...
check id != other
# without TLS, and at any other name, there is none: and nobody is sent elsewhere
get c http://mta-sts.$domain/.well-known/mta-sts.txt
c< HTTP/1.1 404 Not Found
get d https://$domain/.well-known/mta-sts.txt
d< HTTP/1.1 404 Not Found
get e https://mta-sts.evil.example/.well-known/mta-sts.txt
e< HTTP/1.1 404 Not Found
get f https://mta-sts./.well-known/mta-sts.txt
f< HTTP/1.1 404 Not Found
post g https://mta-sts.$domain/.well-known/mta-sts.txt x=1
g<? HTTP/1.1 {:4\d\d|301|303} {}
$ domain mta-sts $domain none
= version: STSv1
= mode: none
= ...
get h https://mta-sts.$domain/.well-known/mta-sts.txt
h< HTTP/1.1 200 OK
< ...
< mode: none
$ domain mta-sts $domain off
= off: there is no policy
$ domain mta-sts $domain perhaps
! posthouse: {}
exit 1
$ domain mta-sts nobodys.example testing
! posthouse: {}
exit 1
