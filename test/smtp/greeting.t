# Greeting, EHLO with what is offered on port 25, HELO, NOOP, HELP, VRFY, QUIT.
open a smtp
< 220 $host ESMTP{}
> EHLO client.example
> NOOP
<+ 250{:[- ]}PIPELINING
<+ 250{:[- ]}SIZE {:\d+}
<+ 250{:[- ]}8BITMIME
<+ 250{:[- ]}SMTPUTF8
<+ 250{:[- ]}CHUNKING
<+ 250{:[- ]}ENHANCEDSTATUSCODES
<+ 250{:[- ]}DSN
<+ 250{:[- ]}STARTTLS
<! 250{:[- ]}AUTH{}
< 250 2.0.0 {}
> HELO client.example
< 250 $host{}
> NOOP
< 250 2.0.0 {}
> NOOP whatever
< 250 2.0.0 {}
> HELP
< 214 2.0.0 {}
> VRFY $alice
< 252 2.{}
> EXPN list
< {:(502|252|550)} {}
> RSET
< 250 2.0.0 {}
> QUIT
< 221 2.0.0 {}
< EOF
