# FUTURERELEASE (RFC 4865): offered with its bounds, taken within them, and nobody has it early.
lhlo a submission
> AUTH PLAIN $alice_plain
< 235 {}
> EHLO client.example
> NOOP
<+ 250{:[- ]}FUTURERELEASE 31536000 {:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ}
<+ 250{:[- ]}DELIVERBY
<+ 250{:[- ]}MT-PRIORITY
<+ 250{:[- ]}REQUIRETLS
<+ 250{:[- ]}LIMITS RCPTMAX={:\d+}
< 250 2.0.0 {}
> MAIL FROM:<$alice> HOLDFOR=31536001
< 501 5.5.4 A message can be held for at most 31536000 seconds
> MAIL FROM:<$alice> HOLDUNTIL=2001-01-01T00:00:00Z
< 501 5.5.4 That time is past
> MAIL FROM:<$alice> HOLDUNTIL=2999-01-01T00:00:00Z
< 501 5.5.4 A message can be held for at most 31536000 seconds
> MAIL FROM:<$alice> HOLDFOR=600 HOLDUNTIL=2999-01-01T00:00:00Z
< 501 5.5.4 {}
> MAIL FROM:<$alice> HOLDFOR=soon
< 501 5.5.4 {}
> MAIL FROM:<$alice> HOLDUNTIL=tomorrow
< 501 5.5.4 {}
> MAIL FROM:<$alice> HOLDFOR=600 BY=600;R
< 501 5.5.4 The time of BY is over before the hold is
> MAIL FROM:<$alice> HOLDFOR=600 BY=601;R
< 250 2.1.0 {}
> RSET
< 250 {}
> MAIL FROM:<$alice> HOLDFOR=600
> RCPT TO:<$bob>
> RCPT TO:<friend@elsewhere.example>
> DATA
< 250 {}
< 250 {}
< 250 {}
< 354 {}
> From: <$alice>
> Subject: later
>
> .
< 250 {}
> MAIL FROM:<$alice>
> RCPT TO:<$bob>
> DATA
< 250 {}
< 250 {}
< 354 {}
> From: <$alice>
> Subject: now
>
> .
< 250 {}
login b bob INBOX
> 1 FETCH 1:* BODY.PEEK[HEADER.FIELDS (Subject)]
< * 1 FETCH {}
< Subject: now
<
< )
< 1 OK {}
$ queue list $bob --state scheduled
= ...
= {:\s*}{id:\d+} {}scheduled{}$alice{}$bob{:\s+} 0 {}
$ queue show $id
= ...
= by way of    <here>
= ...
# Until then it is not tried; "retry" brings it at once.
$ queue retry $bob
$ queue drop friend@elsewhere.example
filled b INBOX 2
> 2 FETCH 2 BODY.PEEK[HEADER.FIELDS (Subject)]
< * 2 FETCH {}
< Subject: later
<
< )
< 2 OK {}
