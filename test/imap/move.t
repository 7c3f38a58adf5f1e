# MOVE: COPYUID in an untagged OK, then EXPUNGE; the other session sees both.
login a alice INBOX
> 1 APPEND INBOX (\Flagged) {1+}
> a
> 2 APPEND INBOX {2+}
> bb
> 3 APPEND INBOX {3+}
> ccc
> 4 CREATE box
< ...
< 4 OK {}
login b alice INBOX
login c alice box
a> 5 MOVE 1,3 box
< ...
< * OK [COPYUID {:\d+} 1,3 1:2] {}
<* * {:(1|3)} EXPUNGE
<* * {:(1|2)} EXPUNGE
< 5 OK {}
b> 1 NOOP
< * {:(1|3)} EXPUNGE
< * {:(1|2)} EXPUNGE
< 1 OK {}
c> 1 NOOP
<+ * 2 EXISTS
< 1 OK {}
> 2 FETCH 1:2 (UID FLAGS)
< * 1 FETCH ({:(?=.*UID 1)(?=.*Flagged).*})
< * 2 FETCH ({:(?=.*UID 2).*})
< 2 OK {}
a> 6 UID MOVE 2 nosuch
< 6 NO [TRYCREATE] {}
> 7 UID MOVE 2 box
< ...
< * OK [COPYUID {:\d+} 2 3] {}
< * 1 EXPUNGE
< 7 OK {}
> 8 UID MOVE 99 box
< 8 OK {}
> 9 MOVE
< 9 BAD {}
> 10 STATUS INBOX (MESSAGES)
< * STATUS INBOX (MESSAGES 0)
< 10 OK {}
> 11 EXAMINE box
< ...
< 11 OK {}
> 12 MOVE 1 INBOX
< 12 NO {}
