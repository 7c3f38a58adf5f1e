# CONDSTORE: MODSEQ, UNCHANGEDSINCE with MODIFIED, CHANGEDSINCE, SEARCH MODSEQ (RFC 7162).
login a alice
> 1 APPEND INBOX {1+}
> a
> 2 APPEND INBOX {1+}
> b
> 3 SELECT INBOX (CONDSTORE)
< ...
< * OK [HIGHESTMODSEQ {start:\d+}] {}
< ...
< 3 OK {}
> 4 FETCH 1:2 (MODSEQ)
< * 1 FETCH (MODSEQ ({first:\d+}))
< * 2 FETCH (MODSEQ ({second:\d+}))
< 4 OK {}
check int(second) > int(first) and int(start) >= int(second)
> 5 STORE 1 (UNCHANGEDSINCE $first) +FLAGS (\Seen)
< * 1 FETCH ({:(?=.*MODSEQ \(\d+\))(?=.*\\Seen).*})
< 5 OK {}
> 6 STORE 1:2 (UNCHANGEDSINCE $start) +FLAGS.SILENT (\Flagged)
< * 2 FETCH ({:(?=.*MODSEQ \(\d+\)).*})
< 6 OK [MODIFIED 1] {}
> 7 FETCH 1:* (FLAGS) (CHANGEDSINCE $start)
< * 1 FETCH ({:(?=.*MODSEQ \(\d+\))(?=.*\\Seen).*})
< * 2 FETCH ({:(?=.*MODSEQ \(\d+\))(?=.*\\Flagged).*})
< 7 OK {}
> 8 SEARCH MODSEQ $start
< * SEARCH 1 2 (MODSEQ {high:\d+})
< 8 OK {}
check int(high) > int(start)
> 9 FETCH 1:* (FLAGS) (CHANGEDSINCE $high)
< 9 OK {}
> 10 UID STORE 1 (UNCHANGEDSINCE 0) -FLAGS (\Seen)
< 10 OK [MODIFIED 1] {}
> 11 STATUS INBOX (HIGHESTMODSEQ)
< * STATUS INBOX (HIGHESTMODSEQ $high)
< 11 OK {}
> 12 FETCH 1 (FLAGS) (CHANGEDSINCE x)
< 12 BAD {}
> 13 STORE 1 (UNCHANGEDSINCE 99999999999999999999999) +FLAGS (x)
< 13 BAD {}
> 14 SEARCH RETURN (COUNT) MODSEQ 1
< * ESEARCH (TAG "14") {:(?=.*COUNT 2)(?=.*MODSEQ \d+).*}
< 14 OK {}
