# SEARCH: each key of RFC 9051 6.4.4.
text one
Date: Mon, 1 Jan 2024 12:00:00 +0000
From: Ann Apple <ann@fruit.example>
To: Bob <bob@veg.example>
Cc: carl@veg.example
Bcc: dora@veg.example
Subject: apples and pears
X-Mark: green thing

The quick brown fox.
.
text two
Date: Sat, 1 Jun 2024 23:30:00 +0200
From: =?utf-8?q?J=C3=BCrgen?= <juergen@veg.example>
To: ann@fruit.example
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64

RGVyIGZhdWxlIEh1bmQgc2NobMOkZnQuCg==
.
text three
From: zoe@veg.example
Subject: big

aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd
.
login a alice
> s APPEND INBOX (\Seen \Answered) "02-Jan-2024 10:00:00 +0000" {${one_len}+}
> $one
> s APPEND INBOX (\Flagged $Work) "03-Jun-2024 10:00:00 +0000" {${two_len}+}
> $two
> s APPEND INBOX (\Deleted \Draft) "01-Jan-2025 10:00:00 +0000" {${three_len}+}
> $three
> t SELECT INBOX
< ...
< t OK {}
> s SEARCH ALL
< * SEARCH 1 2 3
< s OK {}
> s SEARCH ANSWERED
< * SEARCH 1
< s OK {}
> s SEARCH UNANSWERED
< * SEARCH 2 3
< s OK {}
> s SEARCH DELETED
< * SEARCH 3
< s OK {}
> s SEARCH UNDELETED
< * SEARCH 1 2
< s OK {}
> s SEARCH DRAFT
< * SEARCH 3
< s OK {}
> s SEARCH UNDRAFT
< * SEARCH 1 2
< s OK {}
> s SEARCH FLAGGED
< * SEARCH 2
< s OK {}
> s SEARCH UNFLAGGED
< * SEARCH 1 3
< s OK {}
> s SEARCH SEEN
< * SEARCH 1
< s OK {}
> s SEARCH UNSEEN
< * SEARCH 2 3
< s OK {}
> s SEARCH KEYWORD $Work
< * SEARCH 2
< s OK {}
> s SEARCH UNKEYWORD $Work
< * SEARCH 1 3
< s OK {}
> s SEARCH KEYWORD nosuch
< * SEARCH
< s OK {}
> s SEARCH FROM ann
< * SEARCH 1
< s OK {}
> s SEARCH FROM APPLE
< * SEARCH 1
< s OK {}
> s SEARCH TO veg
< * SEARCH 1
< s OK {}
> s SEARCH TO ann
< * SEARCH 2
< s OK {}
> s SEARCH CC carl
< * SEARCH 1
< s OK {}
> s SEARCH BCC dora
< * SEARCH 1
< s OK {}
> s SEARCH SUBJECT pears
< * SEARCH 1
< s OK {}
> s SEARCH SUBJECT nosuch
< * SEARCH
< s OK {}
> s SEARCH HEADER X-Mark green
< * SEARCH 1
< s OK {}
> s SEARCH HEADER X-Mark ""
< * SEARCH 1
< s OK {}
> s SEARCH HEADER Subject big
< * SEARCH 3
< s OK {}
> s SEARCH HEADER X-Nosuch ""
< * SEARCH
< s OK {}
> s SEARCH BODY "brown fox"
< * SEARCH 1
< s OK {}
> s SEARCH BODY apples
< * SEARCH
< s OK {}
> s SEARCH TEXT apples
< * SEARCH 1
< s OK {}
> s SEARCH TEXT "quick"
< * SEARCH 1
< s OK {}
> s SEARCH BEFORE 3-Jun-2024
< * SEARCH 1
< s OK {}
> s SEARCH ON 3-Jun-2024
< * SEARCH 2
< s OK {}
> s SEARCH SINCE 3-Jun-2024
< * SEARCH 2 3
< s OK {}
> s SEARCH SENTBEFORE 1-Jun-2024
< * SEARCH 1
< s OK {}
> s SEARCH SENTON 1-Jun-2024
< * SEARCH 2
< s OK {}
> s SEARCH SENTSINCE 1-Jan-2024
< * SEARCH 1 2
< s OK {}
> s SEARCH LARGER 400
< * SEARCH 3
< s OK {}
> s SEARCH SMALLER 400
< * SEARCH 1 2
< s OK {}
> s SEARCH UID 2:3
< * SEARCH 2 3
< s OK {}
> s SEARCH 2:*
< * SEARCH 2 3
< s OK {}
> s SEARCH 3,1
< * SEARCH 1 3
< s OK {}
> s SEARCH NOT SEEN
< * SEARCH 2 3
< s OK {}
> s SEARCH OR SEEN FLAGGED
< * SEARCH 1 2
< s OK {}
> s SEARCH SEEN ANSWERED
< * SEARCH 1
< s OK {}
> s SEARCH (SEEN FLAGGED)
< * SEARCH
< s OK {}
> s SEARCH OR (SEEN) (NOT (OR FLAGGED DELETED))
< * SEARCH 1
< s OK {}
> s SEARCH NOT NOT SEEN
< * SEARCH 1
< s OK {}
> s SEARCH CHARSET UTF-8 SUBJECT big
< * SEARCH 3
< s OK {}
> s SEARCH CHARSET US-ASCII FROM zoe
< * SEARCH 3
< s OK {}
> s SEARCH YOUNGER 60
< * SEARCH
< s OK {}
> s SEARCH OLDER 60
< * SEARCH 1 2 3
< s OK {}
> s SEARCH NEW SEEN
< * SEARCH
< s OK {}
> s SEARCH CHARSET UTF-8 SUBJECT {7+}
> Grüße
< * SEARCH 2
< s OK {}
> s SEARCH CHARSET UTF-8 FROM "JÜRGEN"
< * SEARCH 2
< s OK {}
> s SEARCH CHARSET UTF-8 BODY {8+}
> schläft
< * SEARCH 2
< s OK {}
> s UID SEARCH SEEN
< * SEARCH 1
< s OK {}
