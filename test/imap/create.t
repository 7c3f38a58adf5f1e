# CREATE: parents come along, names that exist or cannot be are refused.
login a alice
> 1 CREATE one
< 1 OK {:(\[MAILBOXID \([A-Za-z0-9_-]+\)\] )?.*}
> 2 CREATE one
< 2 NO [ALREADYEXISTS] {}
> 3 CREATE a/b/c
< 3 OK {}
> 4 LIST "" a*
<+ * LIST ({}\HasChildren{}) "/" a
<+ * LIST ({}\HasChildren{}) "/" a/b
<+ * LIST ({}\HasNoChildren{}) "/" a/b/c
< 4 OK {}
> 5 CREATE inbox
< 5 NO {}
> 6 CREATE ""
< 6 {:(NO|BAD)} {}
> 7 CREATE x//y
< 7 NO {}
> 8 CREATE /x
< 8 NO {}
> 9 CREATE trailing/
< 9 OK {}
> 10 LIST "" trailing*
< * LIST ({}) "/" trailing
< 10 OK {}
> 11 CREATE "with space"
< 11 OK {}
> 12 LIST "" "with *"
< * LIST ({}) "/" "with space"
< 12 OK {}
> 13 CREATE INBOX/inner
< 13 OK {}
> 14 SELECT inbox/inner
< ...
< 14 {:(OK|NO)} {}
> 15 CREATE
< 15 BAD {}
> 16 CREATE "a*b"
< 16 NO {}
