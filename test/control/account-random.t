# account add --random prints a password that works.
$ account add --random rand@$domain
= {password:[a-z0-9-]+}
open a imap
< * OK {}
> 1 LOGIN rand@$domain $password
< 1 OK {}
$ --json account passwd --random rand@$domain
= {:.}"address":"rand@$domain","password":"{second:[a-z0-9-]+}"{:.}
open b imap
< * OK {}
> 1 LOGIN rand@$domain $second
< 1 OK {}
