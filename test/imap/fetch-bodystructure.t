# BODY and BODYSTRUCTURE of a nested multipart, exactly.
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
> 3 FETCH 1 BODYSTRUCTURE
< * 1 FETCH (BODYSTRUCTURE ((("TEXT" "PLAIN" ("CHARSET" "us-ascii") NIL NIL "7BIT" $plain_len 2 NIL NIL NIL NIL)("TEXT" "HTML" ("CHARSET" "utf-8") NIL NIL "7BIT" $html_len 1 NIL NIL "en" "http://example.net/x") "ALTERNATIVE" ("BOUNDARY" "in") NIL NIL NIL)("APPLICATION" "OCTET-STREAM" ("NAME" "a.bin") "<bin@example.net>" "some bytes" "BASE64" $b64_len "Q2hlY2sgSW50ZWdyaXR5IQ==" ("ATTACHMENT" ("FILENAME" "a.bin")) NIL NIL)("MESSAGE" "RFC822" NIL NIL NIL "7BIT" $inner_len ("Tue, 2 Jan 2024 10:00:00 +0000" "inside" (("Inner" NIL "inner" "example.net")) (("Inner" NIL "inner" "example.net")) (("Inner" NIL "inner" "example.net")) ((NIL NIL "x" "example.net")) NIL NIL NIL "<inner@example.net>") ("TEXT" "PLAIN" ("CHARSET" "us-ascii") NIL NIL "7BIT" 12 1 NIL NIL NIL NIL) 8 NIL NIL NIL NIL) "MIXED" ("BOUNDARY" "outer") NIL NIL NIL))
< 3 OK {}
> 4 FETCH 1 BODY
< * 1 FETCH (BODY ((("TEXT" "PLAIN" ("CHARSET" "us-ascii") NIL NIL "7BIT" $plain_len 2)("TEXT" "HTML" ("CHARSET" "utf-8") NIL NIL "7BIT" $html_len 1) "ALTERNATIVE")("APPLICATION" "OCTET-STREAM" ("NAME" "a.bin") "<bin@example.net>" "some bytes" "BASE64" $b64_len)("MESSAGE" "RFC822" NIL NIL NIL "7BIT" $inner_len ("Tue, 2 Jan 2024 10:00:00 +0000" "inside" (("Inner" NIL "inner" "example.net")) (("Inner" NIL "inner" "example.net")) (("Inner" NIL "inner" "example.net")) ((NIL NIL "x" "example.net")) NIL NIL NIL "<inner@example.net>") ("TEXT" "PLAIN" ("CHARSET" "us-ascii") NIL NIL "7BIT" 12 1) 8) "MIXED"))
< 4 OK {}
text n
Subject: no mime at all

one
two

.
> 5 APPEND INBOX {${n_len}+}
> $n
< ...
< 5 OK {}
> 6 FETCH 2 BODYSTRUCTURE
< * 2 FETCH (BODYSTRUCTURE ("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 10 2 NIL NIL NIL NIL))
< 6 OK {}
