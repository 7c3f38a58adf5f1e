# Date and Message-ID are added where they are missing, Bcc is removed, what is there stays.
lhlo a submission
> AUTH PLAIN $alice_plain
< 235 {}
> MAIL FROM:<$alice>
> RCPT TO:<$bob>
> DATA
< 250 {}
< 250 {}
< 354 {}
> From: <$alice>
> To: <$bob>
> Bcc: secret@elsewhere.example,
>  other@elsewhere.example
> Subject: bare
>
> text
> .
< 250 {}
> MAIL FROM:<$alice>
> RCPT TO:<$bob>
> DATA
< 250 {}
< 250 {}
< 354 {}
> From: <$alice>
> Date: Mon, 1 Jan 2024 12:00:00 +0000
> Message-ID: <mine@$domain>
> Subject: whole
>
> text
> .
< 250 {}
login b bob INBOX
> 1 FETCH 1 BODY.PEEK[HEADER.FIELDS (Date)]
< * 1 FETCH {}
< Date: {:\w{3}, \d+ \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}.*}
<
< )
< 1 OK {}
> 2 FETCH 1 BODY.PEEK[HEADER.FIELDS (Message-ID)]
< * 1 FETCH {}
< Message-ID: <{:[^ <>@]+}@{:[^ <>@]+}>
<
< )
< 2 OK {}
> 3 FETCH 1 BODY.PEEK[HEADER.FIELDS (Bcc Subject)]
< * 1 FETCH {}
< Subject: bare
<
< )
< 3 OK {}
> 4 FETCH 1 BODY.PEEK[TEXT]
< * 1 FETCH (BODY[TEXT] {6}
< text
< )
< 4 OK {}
> 5 FETCH 2 BODY.PEEK[HEADER.FIELDS (Date Message-ID)]
< * 2 FETCH {}
<* Date: Mon, 1 Jan 2024 12:00:00 +0000
<* Message-ID: <mine@$domain>
<
< )
< 5 OK {}
> 6 SEARCH TEXT secret@elsewhere.example
< * SEARCH
< 6 OK {}
