# IDLE sees a delivery, a flag change and an expunge of others, and ends with DONE.
login a alice INBOX
login b alice INBOX
a> 1 IDLE
< + {:.*}
deliver alice
expect a * 1 EXISTS
b> 1 NOOP
<+ * 1 EXISTS
< 1 OK {}
> 2 STORE 1 +FLAGS (\Flagged \Deleted)
< ...
< 2 OK {}
expect a * 1 FETCH ({}FLAGS ({:(?=.*\\Flagged)(?=.*\\Deleted).*}){})
b> 3 EXPUNGE
< ...
< 3 OK {}
expect a * 1 EXPUNGE
a> DONE
< ...
< 1 OK {}
> 2 IDLE
< + {:.*}
> WRONG
< 2 BAD {}
> 3 NOOP
< 3 OK {}
> 4 IDLE
> DONE
< + {:.*}
< 4 OK {}
> 5 IDLE now
< 5 BAD {}
