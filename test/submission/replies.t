# What submission refuses by its own words: who has not signed in, or sends as somebody else.
lhlo a submission
> MAIL FROM:<$alice>
< 530 5.7.0 Sign in first
> BDAT 5 LAST
>> hello
< 530 5.7.0 Sign in first
> AUTH
< 501 5.5.4 Mechanism expected
> AUTH NOSUCH
< 504 5.5.4 Unknown authentication mechanism
> AUTH PLAIN a b
< 501 5.5.2 Malformed initial response
> AUTH PLAIN ???
< 501 5.5.2 Malformed authentication data
> AUTH PLAIN
< 334{}
> *
< 501 5.7.0 Authentication cancelled
> AUTH PLAIN AHgAeQ==
< 535 5.7.8 Wrong user name or password
> AUTH PLAIN $alice_plain
< 235 2.7.0 Signed in
> AUTH PLAIN $alice_plain
< 503 5.5.1 You are signed in already
> MAIL FROM:<$bob>
< 553 5.7.1 This sender address is not yours
> MAIL FROM:<$alice> HOLDFOR=0
< 501 5.5.4 HOLDFOR must be 1 to 999999999 seconds
> MAIL FROM:<$alice> HOLDFOR=010
< 501 5.5.4 HOLDFOR must be 1 to 999999999 seconds
> MAIL FROM:<$alice> HOLDFOR=99999999
< 501 5.5.4 A message can be held for at most 31536000 seconds
> MAIL FROM:<$alice> HOLDUNTIL=tomorrow
< 501 5.5.4 HOLDUNTIL must look like 2026-01-31T12:00:00Z
> MAIL FROM:<$alice> HOLDUNTIL=2020-01-31T12:00:00+01:00
< 501 5.5.4 That time is past
> MAIL FROM:<$alice> HOLDFOR=9 HOLDUNTIL=2099-01-31T12:00:00Z
< 501 5.5.4 HOLDFOR and HOLDUNTIL exclude each other
> MAIL FROM:<$alice> HOLDFOR=100 BY=50;R
< 501 5.5.4 The time of BY is over before the hold is
> MAIL FROM:<$alice> MT-PRIORITY=10
< 501 5.5.4 MT-PRIORITY must be -9 to 9
> MAIL FROM:<$alice> REQUIRETLS=1
< 501 5.5.4 REQUIRETLS has no value
lhlo b submission
> AUTH PLAIN $alice_plain
< 235 {}
> MAIL FROM:<$alice> MT-PRIORITY=4 SIZE=9999999
< 552 5.7.16 Message too big for this priority
> MAIL FROM:<$alice> MT-PRIORITY=3
< 250 2.3.6 0 is the priority it has here
> RCPT TO:<$alice>
< 250 {}
> DATA
< 354 {}
> From: <$bob>
>
> .
< 550 5.7.1 $bob in From or Sender is not your address
> MAIL FROM:<$alice>
> RCPT TO:<$alice>
> DATA
< 250 {}
< 250 {}
< 354 {}
> From: undisclosed:;
>
> .
< 550 5.7.1 From has no address of yours
> MAIL FROM:<$alice>
> RCPT TO:<$alice>
> DATA
< 250 {}
< 250 {}
< 354 {}
> From: <<
>
> .
< 550 5.7.1 The address in From cannot be read
> MAIL FROM:<$alice> MT-PRIORITY=4
> RCPT TO:<a+0@$domain>
> RCPT TO:<alice+1@$domain>
> RCPT TO:<alice+2@$domain>
> RCPT TO:<alice+3@$domain>
> RCPT TO:<alice+4@$domain>
> RCPT TO:<alice+5@$domain>
> RCPT TO:<alice+6@$domain>
> RCPT TO:<alice+7@$domain>
> RCPT TO:<alice+8@$domain>
> RCPT TO:<alice+9@$domain>
> RCPT TO:<alice+10@$domain>
> RCPT TO:<alice+11@$domain>
< 250 {}
< 550 {}
< 250 {}
< 250 {}
< 250 {}
< 250 {}
< 250 {}
< 250 {}
< 250 {}
< 250 {}
< 250 {}
< 250 {}
> RCPT TO:<alice+12@$domain>
< 452 4.5.3 Too many recipients for this priority
