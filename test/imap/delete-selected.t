# A mailbox that is deleted while it is selected: whoever deleted it goes on without one, others are
# told to come again (RFC 2180 3.3), in IDLE at once, else after their next command.
login a alice
> 1 CREATE box
< 1 OK {}
> 2 APPEND box {5+}
> hello
< 2 OK {}
login b alice box
login d alice box
> 1 IDLE
< + {}
login e alice box
login f alice box
login g alice box
login own alice box
> 3 DELETE box
< 3 OK [CLOSED] {}
> 4 FETCH 1 FLAGS
< 4 BAD {}
> 5 SELECT INBOX
< ...
< 5 OK {}
d< * BYE {}
d< EOF
b> 3 NOOP
< 3 OK {}
< * BYE {}
< EOF
# Nothing can be changed, nothing is made.
e> 4 STORE 1 +FLAGS (\Seen)
< 4 NO [NONEXISTENT] {}
< * BYE {}
< EOF
# Who leaves it anyway needs no BYE.
f> 5 CLOSE
< 5 OK {}
> 6 NOOP
< 6 OK {}
g> 5 SELECT INBOX
< * OK [CLOSED] {}
< ...
< 5 OK {}
login c alice
> 5 LIST "" box
< 5 OK {}
# The name may be used again: it is another mailbox.
> 6 CREATE box
< 6 OK {}
> 7 SELECT box
< ...
< * 0 EXISTS
< ...
< 7 OK {}
