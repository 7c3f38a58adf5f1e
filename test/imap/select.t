# What SELECT and EXAMINE tell, as IMAP4rev1 and as IMAP4rev2; a second SELECT closes the first.
login a alice
> 1 APPEND INBOX {5+}
> hello
< 1 OK [APPENDUID {validity:\d+} 1] {}
> 2 SELECT INBOX
<+ * FLAGS (\Answered \Flagged \Deleted \Seen \Draft{})
<+ * 1 EXISTS
<+ * OK [PERMANENTFLAGS ({}\*)] {}
<+ * OK [UIDVALIDITY $validity] {}
<+ * OK [UIDNEXT 2] {}
<+ * OK [HIGHESTMODSEQ {:\d+}] {}
<+ * OK [UNSEEN 1] {}
<+ * OK [MAILBOXID ({:[A-Za-z0-9_-]+})] {}
<+ * {:\d+} RECENT
< 2 OK [READ-WRITE] {}
> 3 EXAMINE inbox
<+ * OK [CLOSED] {}
<+ * 1 EXISTS
<+ * OK [PERMANENTFLAGS ()] {}
< 3 OK [READ-ONLY] {}
> 4 STORE 1 +FLAGS (\Seen)
< 4 NO {}
> 5 SELECT nosuch
< ...
< 5 NO [NONEXISTENT] {}
> 6 FETCH 1 FLAGS
< 6 BAD {}
> 7 ENABLE IMAP4rev2
< * ENABLED IMAP4rev2
< 7 OK {}
> 8 SELECT INBOX
<! * {:\d+} RECENT
<! * OK [UNSEEN {}
<+ * LIST ({}) "/" INBOX
<+ * 1 EXISTS
< 8 OK [READ-WRITE] {}
> 9 SELECT INBOX (CONDSTORE)
<+ * OK [HIGHESTMODSEQ {:\d+}] {}
< 9 OK {}
> 10 SELECT INBOX (NOSUCH)
< 10 BAD {}
