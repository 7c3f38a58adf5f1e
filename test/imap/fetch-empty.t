# FETCH, STORE, SEARCH and COPY on an empty mailbox.
login a alice INBOX
> 1 FETCH 1:* FLAGS
< 1 {:(OK|BAD)} {}
> 2 UID FETCH 1:* FLAGS
< 2 OK {}
> 3 SEARCH ALL
< * SEARCH
< 3 OK {}
> 4 UID STORE 1:* +FLAGS (\Seen)
< 4 OK {}
> 5 UID COPY 1:* Sent
< 5 OK {}
> 6 UID EXPUNGE 1:*
< 6 OK {}
> 7 EXPUNGE
< 7 OK {}
> 8 SEARCH RETURN (ALL COUNT) ALL
< * ESEARCH (TAG "8") COUNT 0
< 8 OK {}
