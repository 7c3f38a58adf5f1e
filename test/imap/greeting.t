# The greeting tells capabilities; CAPABILITY tells the same; LOGOUT says BYE.
open a imap
< * OK [CAPABILITY IMAP4rev2 {greeted}] {}
> 1 CAPABILITY
< * CAPABILITY {caps}
< 1 OK {}
check all(c in caps.split() for c in 'IMAP4rev2 IMAP4rev1 SASL-IR LITERAL- ENABLE ID AUTH=PLAIN'.split())
check not 'STARTTLS' in caps.split() and not 'LOGINDISABLED' in caps.split()
> 2 NOOP
< 2 OK {}
> 3 LOGIN $alice $alice_password
< 3 OK [CAPABILITY {inside}] {}
check all(c in inside.split() for c in 'IMAP4rev2 IMAP4rev1 IDLE UIDPLUS MOVE UNSELECT ENABLE NAMESPACE ID LITERAL- ESEARCH LIST-EXTENDED LIST-STATUS SPECIAL-USE CHILDREN STATUS=SIZE CONDSTORE OBJECTID BINARY'.split())
check any(c.startswith('APPENDLIMIT') for c in inside.split())
> 4 capability
< * CAPABILITY $inside
< 4 OK {}
> 5 LOGOUT
< * BYE {}
< 5 OK {}
< EOF
