# DELETE: gone is gone; INBOX stays; one with children stays as a name; UIDVALIDITY is not used again.
login a alice
> 1 CREATE box
< 1 OK {}
> 2 STATUS box (UIDVALIDITY)
< * STATUS box (UIDVALIDITY {first:\d+})
< 2 OK {}
> 3 DELETE box
< 3 OK {}
> 4 SELECT box
< 4 NO [NONEXISTENT] {}
> 5 DELETE box
< 5 NO [NONEXISTENT] {}
> 6 CREATE box
< 6 OK {}
> 7 STATUS box (UIDVALIDITY)
< * STATUS box (UIDVALIDITY {second:\d+})
< 7 OK {}
check int(second) > int(first)
> 8 DELETE INBOX
< 8 NO {}
> 9 CREATE p/c
< 9 OK {}
> 10 APPEND p {5+}
> hello
< 10 OK {}
> 11 DELETE p
< 11 {:(OK|NO)} {}
> 12 LIST "" p/*
< * LIST ({}) "/" p/c
< 12 OK {}
> 13 DELETE
< 13 BAD {}
