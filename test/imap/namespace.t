# NAMESPACE: one personal namespace, without prefix, "/" between the levels.
login a alice
> 1 NAMESPACE
< * NAMESPACE (("" "/")) NIL NIL
< 1 OK {}
> 2 NAMESPACE x
< 2 BAD {}
