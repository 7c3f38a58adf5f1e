# Mailbox names in modified UTF-7 before, in UTF-8 after ENABLE IMAP4rev2.
login a alice
> 1 CREATE "Entw&APw-rfe"
< 1 OK {}
> 2 CREATE "a&-b"
< 2 OK {}
> 3 LIST "" "Entw*"
< * LIST ({}) "/" {:"?}Entw&APw-rfe{:"?}
< 3 OK {}
> 4 CREATE "bad&"
< 4 {:(NO|BAD)} {}
> 5 CREATE "bad&AGEAYg-"
< 5 {:(NO|BAD|OK)} {}
> 6 ENABLE IMAP4rev2
< * ENABLED IMAP4rev2
< 6 OK {}
> 7 LIST "" "Entw*"
< * LIST ({}) "/" "Entwürfe"
< 7 OK {}
> 8 LIST "" "a*b"
<+ * LIST ({}) "/" {:"?}a&b{:"?}
< 8 OK {}
> 9 CREATE "日本語"
< 9 OK {}
> 10 STATUS "日本語" (MESSAGES)
< * STATUS "日本語" (MESSAGES 0)
< 10 OK {}
login b alice
> 11 LIST "" "&*"
< * LIST ({}) "/" {:"?}&ZeVnLIqe-{:"?}
< 11 OK {}
> 12 CREATE "raw üöä"
< 12 {:(NO|BAD)} {}
