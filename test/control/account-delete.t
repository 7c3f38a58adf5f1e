# Whoever is signed in to an account that is deleted has to go, whatever they are doing; mail for it
# whose recipient was accepted before is refused, and it does not come to life again.
login idle bob INBOX
> 1 IDLE
< + {}
login quiet bob
login append bob
> 2 APPEND INBOX {100000}
< + {}
lhlo out submission
> AUTH PLAIN $bob_plain
< 235 {}
> MAIL FROM:<$bob>
< 250 {}
lhlo in lmtp
> MAIL FROM:<x@elsewhere.example>
< 250 {}
> RCPT TO:<$bob>
< 250 {}
> RCPT TO:<$carol>
< 250 {}
login other alice INBOX
$ account delete $bob
idle< * BYE {}
< EOF
quiet< * BYE {}
< EOF
append< * BYE {}
< EOF
out< 421 {}
< EOF
in> DATA
< 354 {}
> Subject: too late
> 
> .
< 550 {}
< 250 {}
> MAIL FROM:<x@elsewhere.example>
< 250 {}
> RCPT TO:<$bob>
< 550 {}
other> 3 NOOP
< 3 OK {}
open again imap
< * OK {}
> 4 LOGIN $bob $bob_password
< 4 NO [AUTHENTICATIONFAILED] {}
$ check
