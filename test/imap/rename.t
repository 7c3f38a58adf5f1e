# RENAME takes the children along, keeps UIDs and validity, and refuses what exists.
login a alice
> 1 CREATE old/child
< 1 OK {}
> 2 APPEND old/child {5+}
> hello
< 2 OK [APPENDUID {validity:\d+} {uid:\d+}] {}
> 3 RENAME old new/name
< 3 OK {}
> 4 LIST "" *
<! * LIST ({}) "/" old{}
<+ * LIST ({}) "/" new
<+ * LIST ({}) "/" new/name
<+ * LIST ({}) "/" new/name/child
< 4 OK {}
> 5 STATUS new/name/child (UIDVALIDITY MESSAGES UIDNEXT)
< * STATUS new/name/child ({:(?=.*MESSAGES 1).*})
< 5 OK {}
> 6 RENAME nosuch other
< 6 NO [NONEXISTENT] {}
> 7 RENAME new Sent
< 7 NO [ALREADYEXISTS] {}
> 8 RENAME new/name new/name/inside
< 8 NO {}
> 9 RENAME new INBOX
< 9 NO {}
> 10 RENAME new
< 10 BAD {}
> 11 RENAME new/name/child top
< 11 OK {}
> 12 SELECT top
<+ * 1 EXISTS
< 12 OK {}
