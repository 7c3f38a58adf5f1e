# APPEND with flags and date; the reply names UIDVALIDITY and UID; wrong flags and dates.
login a alice
> 2 APPEND INBOX (\Seen \Flagged $Work custom) "17-Jul-1996 02:44:25 -0700" {23+}
> Subject: x
>
> text text
< 2 OK [APPENDUID {:\d+} {uid:\d+}] {}
> 3 SELECT INBOX
< ...
< 3 OK {}
> 4 UID FETCH $uid INTERNALDATE
< * 1 FETCH ({:(UID \d+ )?}INTERNALDATE "{date}"{:( UID \d+)?})
< 4 OK {}
check date in ('17-Jul-1996 02:44:25 -0700', '17-Jul-1996 09:44:25 +0000')
> 5 FETCH 1 FLAGS
< * 1 FETCH (FLAGS ({:(?=.*\\Seen)(?=.*\\Flagged)(?=.*\$Work)(?=.*custom).*}))
< 5 OK {}
> 6 APPEND nosuch {5}
< 6 NO [TRYCREATE] {}
> 7 APPEND INBOX "32-Jul-1996 02:44:25 -0700" {5+}
> hello
< ...
< 7 BAD {}
> 8 APPEND INBOX (\Recent) {5+}
> hello
< ...
< 8 {:(BAD|NO|OK)} {}
> 9 APPEND INBOX
< ...
< 9 BAD {}
> 10 APPEND INBOX () " 1-Jan-2020 00:00:00 +0000" {0+}
>
< ...
< 10 {:(NO|BAD)} {}
