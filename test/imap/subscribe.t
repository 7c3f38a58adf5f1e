# SUBSCRIBE, UNSUBSCRIBE, LSUB and LIST (SUBSCRIBED); a subscription outlives its mailbox.
login a alice
> 1 CREATE sub
< 1 OK {}
> 2 SUBSCRIBE sub
< 2 OK {}
> 3 LSUB "" "sub"
< * LSUB ({}) "/" sub
< 3 OK {}
> 4 LIST (SUBSCRIBED) "" "sub"
< * LIST ({}\Subscribed{}) "/" sub
< 4 OK {}
> 5 DELETE sub
< 5 OK {}
> 6 LIST (SUBSCRIBED) "" "sub"
< * LIST ({:(?=.*\\Subscribed)(?=.*\\NonExistent).*}) "/" sub
< 6 OK {}
> 7 UNSUBSCRIBE sub
< 7 OK {}
> 8 LIST (SUBSCRIBED) "" "sub"
< 8 OK {}
> 9 SUBSCRIBE
< 9 BAD {}
> 10 CREATE up/down
< 10 OK {}
> 11 SUBSCRIBE up/down
< 11 OK {}
> 12 LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"
<+ * LIST ({}) "/" up ("CHILDINFO" ("SUBSCRIBED"))
< 12 OK {}
