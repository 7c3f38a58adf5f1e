# SEARCH refuses what it does not understand.
login a alice INBOX
> 1 SEARCH
< 1 BAD {}
> 2 SEARCH NOSUCH
< 2 BAD {}
> 3 SEARCH CHARSET X-NOSUCH ALL
< 3 NO {:\[BADCHARSET.*}
> 4 SEARCH BEFORE yesterday
< 4 BAD {}
> 5 SEARCH (SEEN
< 5 BAD {}
> 6 SEARCH OR SEEN
< 6 BAD {}
> 7 SEARCH LARGER x
< 7 BAD {}
set p ((((((((((
> 8 SEARCH ${p*100}SEEN
< 8 BAD {}
> 9 SEARCH RETURN (NOSUCH) ALL
< 9 BAD {}
> 10 NOOP
< 10 OK {}
> 11 SEARCH ON 31-Feb-2024
< 11 BAD {}
