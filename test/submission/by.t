# DELIVERBY (RFC 2852), MT-PRIORITY (RFC 6710), REQUIRETLS (RFC 8689): right and wrong.
lhlo a submission
> AUTH PLAIN $alice_plain
< 235 {}
> MAIL FROM:<$alice> BY=120;R
< 250 2.1.0 {}
> RSET
< 250 {}
> MAIL FROM:<$alice> BY=0;R
< 501 5.5.4 The time of BY is over{}
> MAIL FROM:<$alice> BY=-1;R
< 501 5.5.4 The time of BY is over{}
> MAIL FROM:<$alice> BY=-1;NT
< 250 2.1.0 {}
> RSET
< 250 {}
> MAIL FROM:<$alice> BY=120
< 501 5.5.4 {}
> MAIL FROM:<$alice> BY=120;Q
< 501 5.5.4 {}
> MAIL FROM:<$alice> BY=x;R
< 501 5.5.4 {}
> MAIL FROM:<$alice> BY=1;R BY=1;R
< 501 5.5.4 BY is given twice
> MAIL FROM:<$alice> MT-PRIORITY=0
< 250 2.1.0 {}
> RSET
< 250 {}
> MAIL FROM:<$alice> MT-PRIORITY=-4
< 250 2.1.0 {}
> RSET
< 250 {}
> MAIL FROM:<$alice> MT-PRIORITY=9
< 250 2.3.6 4 is the priority it has here
> RSET
< 250 {}
> MAIL FROM:<$alice> MT-PRIORITY=3
< 250 2.3.6 0 is the priority it has here
> RSET
< 250 {}
> MAIL FROM:<$alice> MT-PRIORITY=-9
< 250 2.3.6 -4 is the priority it has here
> RSET
< 250 {}
> MAIL FROM:<$alice> MT-PRIORITY=4 SIZE=1048577
< 552 5.7.16 {}
> MAIL FROM:<$alice> MT-PRIORITY=10
< 501 5.5.4 {}
> MAIL FROM:<$alice> MT-PRIORITY=high
< 501 5.5.4 {}
> MAIL FROM:<$alice> MT-PRIORITY=4
< 250 2.1.0 {}
> RCPT TO:<a@elsewhere.example>
> RCPT TO:<b@elsewhere.example>
> RCPT TO:<c@elsewhere.example>
> RCPT TO:<d@elsewhere.example>
> RCPT TO:<e@elsewhere.example>
> RCPT TO:<f@elsewhere.example>
> RCPT TO:<g@elsewhere.example>
> RCPT TO:<h@elsewhere.example>
> RCPT TO:<i@elsewhere.example>
> RCPT TO:<j@elsewhere.example>
> RCPT TO:<k@elsewhere.example>
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
< 452 4.5.3 Too many recipients for this priority
> RSET
< 250 {}
> MAIL FROM:<$alice> REQUIRETLS=yes
< 501 5.5.4 {}
> MAIL FROM:<$alice> REQUIRETLS
< 250 2.1.0 {}
> RCPT TO:<$bob>
> DATA
< 250 {}
< 354 {}
> From: <$alice>
> Subject: in time
>
> .
< 250 {}
login b bob
filled b INBOX 1
