# What the sender's service level allows: size, recipients an hour, sending at all.
$ level set small-sender message=1MiB sends_hour=3 sends_day=9 services=all
$ level set mute-sender sends_hour=0 services=all
$ account level $alice small-sender
open a submission
< 220 {}
> EHLO client.example
< ...
< 250 {}
> AUTH PLAIN $alice_plain
< 235 {}
> MAIL FROM:<$alice> SIZE=1048577
< 552 5.3.4 Your service level takes messages of at most 1 MiB
> MAIL FROM:<$alice> SIZE=1000
< 250 {}
> RCPT TO:<$bob>
< 250 {}
> RCPT TO:<a@elsewhere.example>
< 250 {}
> RCPT TO:<b@elsewhere.example>
< 250 {}
> RCPT TO:<c@elsewhere.example>
< 550 5.7.1 Your service level allows 3 recipients an hour, 9 a day
> DATA
< 354 {}
> Subject: three
>
> text
> .
< 250 {}
> MAIL FROM:<$alice>
< 250 {}
> RCPT TO:<$bob>
< 450 4.7.1 You may send to 3 recipients an hour; please try again later
> RSET
< 250 {}
$ account level $alice mute-sender
> MAIL FROM:<$alice>
< 550 5.7.1 Your service level does not include sending
$ account level $alice full
> MAIL FROM:<$alice>
< 250 {}
> RCPT TO:<$bob>
< 250 {}
$ level delete small-sender
$ level delete mute-sender
