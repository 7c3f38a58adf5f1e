# A message expunged elsewhere: its number still means it, and FETCH of it does not show another.
login a alice INBOX
> 1 APPEND INBOX {1+}
> a
> 2 APPEND INBOX {1+}
> b
< ...
< 2 OK {}
login b alice INBOX
a> 3 STORE 1 +FLAGS.SILENT (\Deleted)
< 3 OK {}
> 4 EXPUNGE
< * 1 EXPUNGE
< 4 OK {}
b> 1 FETCH 1 (UID BODY.PEEK[])
<! * {:\d+} EXPUNGE
<! * 1 FETCH ({}UID 2{}
< ...
< 1 {:(OK|NO)} {}
> 2 FETCH 2 (UID)
< * 2 FETCH (UID 2)
< 2 OK {}
> 3 NOOP
< * 1 EXPUNGE
< 3 OK {}
