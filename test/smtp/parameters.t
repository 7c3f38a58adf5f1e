# SIZE, BODY, SMTPUTF8 and DSN parameters, right and wrong.
lhlo a smtp
> MAIL FROM:<s@elsewhere.example> SIZE=1000 BODY=8BITMIME RET=HDRS ENVID=a+2Bb
< 250 {}
> RCPT TO:<$alice> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;x+40y.example
< 250 {}
> RCPT TO:<$bob> NOTIFY=NEVER
< 250 {}
> RCPT TO:<$carol> NOTIFY=NEVER,SUCCESS
< 501 5.5.4 {}
> RCPT TO:<$carol> NOTIFY=MAYBE
< 501 5.5.4 {}
> RCPT TO:<$carol> ORCPT=nonsense
< 501 5.5.4 {}
> RCPT TO:<$carol> NOSUCH=1
< 555 5.5.4 {}
> RSET
< 250 {}
> MAIL FROM:<s@elsewhere.example> SIZE=999999999999
< 552 5.3.4 {}
> MAIL FROM:<s@elsewhere.example> SIZE=x
< 501 5.5.4 {}
> MAIL FROM:<s@elsewhere.example> BODY=9BIT
< 501 5.5.4 {}
> MAIL FROM:<s@elsewhere.example> RET=ALL
< 501 5.5.4 {}
> MAIL FROM:<s@elsewhere.example> NOSUCH=1
< 555 5.5.4 {}
> MAIL FROM:<s@elsewhere.example> SMTPUTF8
< 250 {}
