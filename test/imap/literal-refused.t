# A synchronising literal that would be too large is refused before it is sent.
login a alice
> 1 APPEND INBOX {99999999999}
< 1 NO [TOOBIG] {}
> 2 NOOP
< 2 OK {}
> 3 LOGIN {99999999}
< 3 {:(BAD|NO)} {}
> 4 NOOP
< 4 OK {}
> 5 CREATE {99999999999999999999999}
< 5 BAD {}
> 6 NOOP
< 6 OK {}
> 7 APPEND nosuch {5}
< 7 NO [TRYCREATE] {}
> 8 NOOP
< 8 OK {}
