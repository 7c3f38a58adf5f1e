# Sections: parts, HEADER, TEXT, MIME, fields, and partial fetches of them.
text plain
Hello world
second line

.
text html
<p>Hello</p>

.
text b64
SGVsbG8gd29ybGQ=

.
text inner
From: Inner <inner@example.net>
To: x@example.net
Subject: inside
Date: Tue, 2 Jan 2024 10:00:00 +0000
Message-ID: <inner@example.net>
Content-Type: text/plain; charset=us-ascii

inner text

.
text m
Date: Mon, 7 Feb 1994 21:52:25 -0800
From: Fred Foobar <foobar@blurdybloop.example>
Sender: <sender@blurdybloop.example>
Reply-To: "Reply, Er" <reply@blurdybloop.example>
To: mooch@owatagu.example, Second <second@owatagu.example>
Cc: team: one@example.net, two@example.net;
Bcc: hidden@example.net
Subject: =?utf-8?q?afternoon_meeting?= "quoted"
In-Reply-To: <before@example.net>
Message-ID: <B27397-0100000@blurdybloop.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=outer

preamble
--outer
Content-Type: multipart/alternative; boundary="in"

--in
Content-Type: text/plain; charset=us-ascii
Content-Transfer-Encoding: 7bit

$plain
--in
Content-Type: text/html; charset=utf-8
Content-Language: en
Content-Location: http://example.net/x

$html
--in--

--outer
Content-Type: application/octet-stream; name="a.bin"
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="a.bin"
Content-ID: <bin@example.net>
Content-Description: some bytes
Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==

$b64
--outer
Content-Type: message/rfc822

$inner
--outer--
epilogue

.
login a alice
> 1 APPEND INBOX "17-Jul-1996 02:44:25 +0000" {${m_len}+}
> $m
< 1 OK {}
> 2 SELECT INBOX
< ...
< 2 OK {}
> 3 FETCH 1 BODY.PEEK[1.1]
< * 1 FETCH (BODY[1.1] {$plain_len}
< Hello world
< second line
< )
< 3 OK {}
> 4 FETCH 1 BODY.PEEK[1.2.MIME]
< * 1 FETCH (BODY[1.2.MIME] {104}
< Content-Type: text/html; charset=utf-8
< Content-Language: en
< Content-Location: http://example.net/x
<
< )
< 4 OK {}
> 5 FETCH 1 BODY.PEEK[3.HEADER.FIELDS (Subject)]
< * 1 FETCH (BODY[3.HEADER.FIELDS ({:(?i:"?subject"?)})] {19}
< Subject: inside
<
< )
< 5 OK {}
> 6 FETCH 1 BODY.PEEK[3.TEXT]
< * 1 FETCH (BODY[3.TEXT] {12}
< inner text
< )
< 6 OK {}
> 7 FETCH 1 BODY.PEEK[3.1]
< * 1 FETCH (BODY[3.1] {12}
< inner text
< )
< 7 OK {}
> 8 FETCH 1 BODY.PEEK[2]<6.4>
< * 1 FETCH (BODY[2]<6> {4}
< 8gd2)
< 8 OK {}
> 9 FETCH 1 BODY.PEEK[2]<1000.4>
< * 1 FETCH (BODY[2]<1000> {:(""|\{0\}\r?)}{:.*}
<? )
< 9 OK {}
> 10 FETCH 1 BODY.PEEK[HEADER.FIELDS (from NOSUCH "Message-Id")]
< * 1 FETCH (BODY[HEADER.FIELDS ({:.*})] {100}
< From: Fred Foobar <foobar@blurdybloop.example>
< Message-ID: <B27397-0100000@blurdybloop.example>
<
< )
< 10 OK {}
> 11 FETCH 1 BODY.PEEK[HEADER.FIELDS.NOT (Date From Sender Reply-To To Cc Bcc Subject In-Reply-To Message-ID MIME-Version)]
< * 1 FETCH (BODY[HEADER.FIELDS.NOT ({:.*})] {49}
< Content-Type: multipart/mixed; boundary=outer
<
< )
< 11 OK {}
> 12 FETCH 1 BODY.PEEK[]<0.20>
< * 1 FETCH (BODY[]<0> {20}
< Date: Mon, 7 Feb 199)
< 12 OK {}
> 13 FETCH 1 RFC822.SIZE
< * 1 FETCH (RFC822.SIZE $m_len)
< 13 OK {}
> 14 FETCH 1 BODY.PEEK[9]
< {:(\* 1 FETCH \(BODY\[9\] NIL\)|14 .*)}
<? 14 {:(OK|NO|BAD)} {}
> 15 FETCH 1 (FLAGS)
< * 1 FETCH (FLAGS ({:(\\Recent)?}))
< 15 OK {}
> 16 FETCH 1 BODY[2]
< * 1 FETCH ({:.*}BODY[2] {$b64_len}
< SGVsbG8gd29ybGQ=
< {:.*})
< ...
< 16 OK {}
> 17 FETCH 1 (FLAGS)
< * 1 FETCH (FLAGS ({}\Seen{}))
< 17 OK {}
> 18 FETCH 1 BODY.PEEK[1.MIME]
< * 1 FETCH (BODY[1.MIME] {54}
< Content-Type: multipart/alternative; boundary="in"
<
< )
< 18 OK {}
