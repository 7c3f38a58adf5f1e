# An alias with several targets, nested, and a loop: each gets exactly one copy.
$ alias add team@$domain $alice $bob
$ alias add all@$domain team@$domain $carol $alice
$ alias add team@$domain all@$domain
lhlo a smtp
> MAIL FROM:<s@elsewhere.example>
< 250 {}
> RCPT TO:<all@$domain>
< 250 {}
> RCPT TO:<$bob>
< 250 {}
> DATA
< 354 {}
> Subject: all
>
> .
< 250 {}
login b alice
filled b INBOX 1
login c bob
filled c INBOX 1
login d carol
filled d INBOX 1
b> 1 NOOP
<! * {:\d+} EXISTS
< ...
< 1 OK {}
> 2 FETCH 1:* BODY.PEEK[HEADER.FIELDS (Subject)]
< * 1 FETCH {}
< Subject: all
<
< )
< 2 OK {}
c> 1 STATUS INBOX (MESSAGES)
< * STATUS INBOX (MESSAGES 1)
< 1 OK {}
d> 1 STATUS INBOX (MESSAGES)
< * STATUS INBOX (MESSAGES 1)
< 1 OK {}
