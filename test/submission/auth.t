# AUTH PLAIN and LOGIN, wrong, cancelled, malformed; nothing is taken before.
open a submission
< 220 {}
> EHLO client.example
> NOOP
<+ 250{:[- ]}AUTH {:(?=.*PLAIN)(?=.*LOGIN).*}
<! 250{:[- ]}STARTTLS
< 250 2.0.0 {}
> MAIL FROM:<$alice>
< 530 5.7.0 {}
> AUTH PLAIN AGFsaWNlAHdyb25n
< 535 5.7.8 {}
> AUTH X-NOSUCH
< 504 5.5.4 {}
> AUTH PLAIN
< 334 {:.*}
> *
< 501 5.7.0 {}
> AUTH PLAIN ???
< 501 5.5.2 {}
> AUTH LOGIN
< 334 VXNlcm5hbWU6
> $alice_user64
< 334 UGFzc3dvcmQ6
> $alice_password64
< 235 2.7.0 {}
> AUTH PLAIN $alice_plain
< 503 5.5.1 {}
> MAIL FROM:<$alice>
< 250 {}
lhlo b submission
> AUTH PLAIN $bob_plain
< 235 2.7.0 {}
lhlo c submission
> AUTH PLAIN
< 334 {:.*}
> $carol_plain
< 235 2.7.0 {}
