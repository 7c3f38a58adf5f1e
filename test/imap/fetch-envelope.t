# ENVELOPE of a message with every field, exactly as RFC 9051 7.5.2 says.
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
> 3 FETCH 1 ENVELOPE
< * 1 FETCH (ENVELOPE ("Mon, 7 Feb 1994 21:52:25 -0800" "=?utf-8?q?afternoon_meeting?= \"quoted\"" (("Fred Foobar" NIL "foobar" "blurdybloop.example")) ((NIL NIL "sender" "blurdybloop.example")) (("Reply, Er" NIL "reply" "blurdybloop.example")) ((NIL NIL "mooch" "owatagu.example")("Second" NIL "second" "owatagu.example")) ((NIL NIL "team" NIL)(NIL NIL "one" "example.net")(NIL NIL "two" "example.net")(NIL NIL NIL NIL)) ((NIL NIL "hidden" "example.net")) "<before@example.net>" "<B27397-0100000@blurdybloop.example>"))
< 3 OK {}
text n
Subject: bare

.
> 4 APPEND INBOX {${n_len}+}
> $n
< ...
< 4 OK {}
> 5 FETCH 2 ENVELOPE
< * 2 FETCH (ENVELOPE (NIL "bare" NIL NIL NIL NIL NIL NIL NIL NIL))
< 5 OK {}
text n
From: a@example.net
Date:

body
.
> 6 APPEND INBOX {${n_len}+}
> $n
< ...
< 6 OK {}
> 7 FETCH 3 ENVELOPE
< * 3 FETCH (ENVELOPE ({:(NIL|"")} NIL ((NIL NIL "a" "example.net")) ((NIL NIL "a" "example.net")) ((NIL NIL "a" "example.net")) NIL NIL NIL NIL NIL))
< 7 OK {}
