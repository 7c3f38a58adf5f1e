# BINARY decodes the transfer encoding; BINARY.SIZE counts what it gives (RFC 9051 6.4.5).
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
> 3 FETCH 1 BINARY.SIZE[2]
< * 1 FETCH (BINARY.SIZE[2] 11)
< 3 OK {}
> 4 FETCH 1 BINARY.PEEK[2]
< * 1 FETCH (BINARY[2] {:~?}{11}
< Hello world)
< 4 OK {}
> 5 FETCH 1 BINARY.PEEK[2]<6.3>
< * 1 FETCH (BINARY[2]<6> {:~?}{3}
< wor)
< 5 OK {}
> 6 FETCH 1 BINARY[1.1]
< * 1 FETCH ({}BINARY[1.1] {:~?}{$plain_len}
< Hello world
< second line
< {})
< ...
< 6 OK {}
> 7 FETCH 1 BINARY.PEEK[2.MIME]
< 7 BAD {}
text n
Content-Type: text/plain
Content-Transfer-Encoding: x-unknown

what

.
> 8 APPEND INBOX {${n_len}+}
> $n
< ...
< 8 OK {}
> 9 FETCH 2 BINARY.PEEK[1]
< ...
< 9 NO [UNKNOWN-CTE] {}
