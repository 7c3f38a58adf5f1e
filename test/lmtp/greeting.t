# LMTP by TCP and by its Unix socket: LHLO only, one reply for each recipient.
open a lmtp
< 220 {}
> EHLO client.example
< 500 {}
> HELO client.example
< 500 {}
> LHLO client.example
> NOOP
<+ 250{:[- ]}PIPELINING
<+ 250{:[- ]}ENHANCEDSTATUSCODES
<! 250{:[- ]}AUTH{}
< 250 2.0.0 {}
> QUIT
< 221 {}
< EOF
open b lmtp-unix
< 220 {}
> LHLO client.example
< ...
< 250 {}
> QUIT
< 221 {}
