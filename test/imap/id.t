# ID, RFC 2971: before and after login, with fields, NIL and wrong input.
open a imap
< * OK {}
> 1 ID NIL
< * ID ("name" "Posthouse"{})
< 1 OK {}
> 2 ID ("name" "client" "version" NIL)
< * ID ({})
< 2 OK {}
> 3 ID ()
< * ID ({})
< 3 OK {}
> 4 ID
< 4 BAD {}
> 5 ID ("name")
< 5 BAD {}
> 6 LOGIN $alice $alice_password
< 6 OK {}
> 7 ID nil
< * ID ({})
< 7 OK {}
