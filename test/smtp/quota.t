# A mailbox that is full: 452 4.2.2 on SMTP and LMTP, OVERQUOTA on IMAP. The mail that tells its
# user so is there or comes.
$ account add full@$domain --quota 18000
| pass
| pass
set x 0123456789012345678901234567890123456789012345678901234567890123456789
lhlo a lmtp
> MAIL FROM:<s@elsewhere.example>
> RCPT TO:<full@$domain>
> RCPT TO:<$alice>
> DATA
< 250 {}
< 250 {}
< 250 {}
< 354 {}
> Subject: first
>
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> .
< 250 {}
< 250 {}
> MAIL FROM:<s@elsewhere.example>
> RCPT TO:<full@$domain>
> RCPT TO:<$alice>
> DATA
< 250 {}
< {:(250|452|552)} {:.*}
< 250 {}
< 354 {}
> Subject: second
>
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> ${x*6}
> .
< {:(452 4|552 5)}.2.2 {}
< 250 {}
lhlo b smtp
> MAIL FROM:<s@elsewhere.example> SIZE=50000
< 250 {}
> RCPT TO:<full@$domain>
< {:(250|452|552)} {:.*}
> RSET
< 250 {}
open c imap
< * OK {}
> 1 LOGIN full@$domain pass
< 1 OK {}
text m
Subject: third

${x*55}
.
> 2 APPEND INBOX {${m_len}+}
> $m
< 2 NO [OVERQUOTA] {}
> 3 SELECT INBOX
<+ * {:[12]} EXISTS
< 3 OK {}
> 5 MOVE 1 Archive
< ...
< 5 OK {}
> 6 SELECT Archive
<+ * 1 EXISTS
< 6 OK {}
> 7 STORE 1 +FLAGS.SILENT (\Deleted)
< 7 OK {}
> 8 EXPUNGE
< * 1 EXPUNGE
< 8 OK {}
> 9 APPEND INBOX {${m_len}+}
> $m
< 9 OK {}
