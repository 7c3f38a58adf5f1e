# Mail for other hosts is taken from those who are signed in, and waits in the queue.
lhlo a submission
> AUTH PLAIN $alice_plain
< 235 {}
> MAIL FROM:<$alice>
> RCPT TO:<friend@elsewhere.example>
> RCPT TO:<$bob>
> DATA
< 250 {}
< 250 {}
< 250 {}
< 354 {}
> From: <$alice>
> Subject: both
>
> .
< 250 {}
login b bob
filled b INBOX 1
$ status
