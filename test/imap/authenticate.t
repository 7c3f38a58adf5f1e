# AUTHENTICATE PLAIN with and without an initial response, cancelled, broken, unknown mechanism.
open a imap
< * OK {}
> 1 AUTHENTICATE PLAIN
< + {:.*}
> $alice_plain
< 1 OK {}
open b imap
< * OK {}
> 1 AUTHENTICATE PLAIN *
< 1 BAD {}
> 2 AUTHENTICATE PLAIN
< + {:.*}
> *
< 2 BAD {}
> 3 AUTHENTICATE PLAIN
< + {:.*}
> ???
< 3 BAD {}
> 4 AUTHENTICATE X-NOSUCH
< 4 NO {}
> 5 AUTHENTICATE PLAIN AGFsaWNlAHdyb25n
< 5 NO [AUTHENTICATIONFAILED] {}
> 6 AUTHENTICATE PLAIN =
< 6 {:(NO|BAD)} {}
> 7 authenticate plain $bob_plain
< 7 OK {}
> 8 AUTHENTICATE PLAIN $bob_plain
< 8 BAD {}
