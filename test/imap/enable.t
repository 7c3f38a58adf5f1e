# ENABLE answers what was switched on, ignores what it does not know, and needs an argument.
login a alice
> 1 ENABLE CONDSTORE X-NOSUCH
< * ENABLED CONDSTORE
< 1 OK {}
> 2 ENABLE X-NOSUCH
< * ENABLED
< 2 OK {}
> 3 ENABLE
< 3 BAD {}
> 4 ENABLE IMAP4rev2
< * ENABLED IMAP4rev2
< 4 OK {}
> 5 SELECT INBOX
< ...
< 5 OK {}
