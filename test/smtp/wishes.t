# On port 25: DELIVERBY; REQUIRETLS only under TLS; what is for submission is unknown.
open a smtp
< 220 {}
> EHLO client.example
> NOOP
<+ 250{:[- ]}DELIVERBY
<+ 250{:[- ]}LIMITS RCPTMAX={:\d+}
<! 250{:[- ]}(REQUIRETLS|FUTURERELEASE|MT-PRIORITY){}
< 250 2.0.0 {}
> MAIL FROM:<s@elsewhere.example> REQUIRETLS
< 555 5.5.4 Unknown parameter REQUIRETLS
> MAIL FROM:<s@elsewhere.example> HOLDFOR=60
< 555 5.5.4 Unknown parameter HOLDFOR
> MAIL FROM:<s@elsewhere.example> HOLDUNTIL=2999-01-01T00:00:00Z
< 555 5.5.4 Unknown parameter HOLDUNTIL
> MAIL FROM:<s@elsewhere.example> MT-PRIORITY=4
< 555 5.5.4 Unknown parameter MT-PRIORITY
> MAIL FROM:<s@elsewhere.example> BY=0;R
< 501 5.5.4 {}
> MAIL FROM:<s@elsewhere.example> BY=60;R
> RCPT TO:<$alice>
> DATA
< 250 {}
< 250 {}
< 354 {}
> Subject: in time
>
> .
< 250 {}
> STARTTLS
< 220 {}
tls a
> EHLO client.example
> NOOP
<+ 250{:[- ]}REQUIRETLS
<+ 250{:[- ]}DELIVERBY
< 250 2.0.0 {}
> MAIL FROM:<s@elsewhere.example> REQUIRETLS BY=-10;NT
< 250 2.1.0 {}
> RCPT TO:<$alice>
< 250 {}
lhlo l lmtp
> MAIL FROM:<s@elsewhere.example> BY=60;N
< 555 5.5.4 {}
> MAIL FROM:<s@elsewhere.example> REQUIRETLS
< 555 5.5.4 {}
login b alice
filled b INBOX 1
