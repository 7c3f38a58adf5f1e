# A message with 8-bit header bytes and one with a literal8.
login a alice
text m
Subject: Grüße

Wörter

.
> 1 APPEND INBOX {${m_len}+}
> $m
< 1 OK {}
> 2 APPEND INBOX ~{${m_len}+}
> $m
< 2 OK {}
> 3 SELECT INBOX
<+ * 2 EXISTS
< 3 OK {}
> 4 FETCH 2 BODY.PEEK[]
< * 2 FETCH (BODY[] {$m_len}
< Subject: Grüße
<
< Wörter
< )
< 4 OK {}
