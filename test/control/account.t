# account add, list, passwd, delete, and what the protocols say after each.
$ account add dave@$domain
| first-password
| first-password
$ account add dave@$domain
| x
| x
! posthouse: {:.+}
exit 1
$ account add erin@$domain
| one
| another
! posthouse: the two passwords differ{}
exit 1
$ account add erin@$domain
|
|
! posthouse: an empty password {}
exit 1
$ account add someone@elsewhere.example
| x
| x
! posthouse: {:.+}
exit 1
$ account list $domain
= ADDRESS{}
= ...
= dave@$domain{}
= ...
open a imap
< * OK {}
> 1 LOGIN dave@$domain first-password
< 1 OK {}
$ account passwd dave@$domain
| second password
| second password
open b imap
< * OK {}
> 1 LOGIN dave@$domain first-password
< 1 NO [AUTHENTICATIONFAILED] {}
> 2 LOGIN dave@$domain "second password"
< 2 OK {}
$ account passwd nobody@$domain
| x
| x
! posthouse: there is no account {}
exit 1
deliver alice
$ account delete dave@$domain
open c imap
< * OK {}
> 1 LOGIN dave@$domain "second password"
< 1 NO [AUTHENTICATIONFAILED] {}
lhlo d smtp
> MAIL FROM:<s@elsewhere.example>
< 250 {}
> RCPT TO:<dave@$domain>
< 550 5.1.1 {}
$ account delete dave@$domain
! posthouse: there is no account {}
exit 1
