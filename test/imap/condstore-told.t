# After CONDSTORE is enabled, flag changes of others come with MODSEQ.
login a alice
login b alice INBOX
a> 1 ENABLE CONDSTORE
< * ENABLED CONDSTORE
< 1 OK {}
b> 1 APPEND INBOX {1+}
> a
< ...
< 1 OK {}
a> 2 SELECT INBOX
< ...
< 2 OK {}
b> 2 STORE 1 +FLAGS (\Seen)
< ...
< 2 OK {}
a> 3 NOOP
<+ * 1 FETCH ({:(?=.*MODSEQ \(\d+\))(?=.*\\Seen).*})
< 3 OK {}
