# STORE: replace, add, remove, silent, keywords, UID form, wrong flags.
login a alice INBOX
> 1 APPEND INBOX {5+}
> hello
< ...
< 1 OK {}
> 2 STORE 1 FLAGS (\Seen \Flagged)
< * 1 FETCH (FLAGS ({:(?=.*\\Seen)(?=.*\\Flagged).*}))
< 2 OK {}
> 3 STORE 1 +FLAGS (\Answered $Forwarded)
<+ * 1 FETCH (FLAGS ({:(?=.*\\Seen)(?=.*\\Flagged)(?=.*\\Answered)(?=.*\$Forwarded).*}))
< 3 OK {}
> 4 STORE 1 -FLAGS (\Seen $Forwarded)
< * 1 FETCH (FLAGS ({:(?!.*\\Seen)(?!.*Forwarded)(?=.*\\Flagged)(?=.*\\Answered).*}))
< 4 OK {}
> 5 STORE 1 +FLAGS.SILENT (\Draft)
< 5 OK {}
> 6 UID STORE 1 FLAGS ()
< * 1 FETCH ({:(?=.*UID 1)(?=.*FLAGS \((\\Recent)?\)).*})
< 6 OK {}
> 7 STORE 1 +FLAGS \Seen
< * 1 FETCH (FLAGS ({}\Seen{}))
< 7 OK {}
> 8 STORE 1 +FLAGS (\Nosuch)
< 8 {:(BAD|NO|OK)} {}
> 9 STORE 1 +FLAGS (\Recent)
< 9 {:(BAD|NO)} {}
> 10 STORE 1 FLAG (\Seen)
< 10 BAD {}
> 11 STORE 1 +FLAGS
< 11 BAD {}
> 12 STORE 2 +FLAGS (\Seen)
< 12 BAD {}
> 13 STORE 1 +FLAGS (kw1 KW2)
<+ * 1 FETCH (FLAGS ({:(?=.*kw1)(?=.*KW2).*}))
< 13 OK {}
> 14 STORE 1 +FLAGS (kw2)
< ...
< 14 OK {}
> 15 FETCH 1 FLAGS
< * 1 FETCH (FLAGS ({:(?!.*KW2.*kw2).*}))
< 15 OK {}
