# account import from standard input: passwords, ready hashes, quotas, what is wrong.
$ account import -
| one@$domain	password one
| # a comment
| two@$domain	{CRYPT}$6$Saltsalt$04tjBBw6S8MJ0EaeiWxo45ckrajDzl/poLRp8j.PbX9iUW4f0jw8YEO/nqLB.psZChDZCUekT8XRG14A5sYeD0
| three@$domain	{PLAIN}{braces}	1000000
= added 3, updated 0, left as they were 0, failed 0
open a imap
< * OK {}
> 1 LOGIN one@$domain "password one"
< 1 OK {}
open b imap
< * OK {}
> 1 LOGIN two@$domain "hashed"
< 1 OK {}
open c imap
< * OK {}
> 1 LOGIN three@$domain "{braces}"
< 1 OK {}
$ account import -
| one@$domain	other
| nonsense
| four@nowhere-$domain	x
| five@$domain	{CRYPT}garbage
= added {}failed 3
! ...
! posthouse: line 2: {}
! ...
exit 1
$ account import --update -
| one@$domain	other
= added 0, updated 1, left as they were 0, failed 0
open d imap
< * OK {}
> 1 LOGIN one@$domain other
< 1 OK {}
