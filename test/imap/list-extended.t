# LIST with several patterns, selection and return options (RFC 5258), and wrong ones.
login a alice
> 1 CREATE p/c
< 1 OK {}
> 2 LIST "" (INBOX Sent)
<* * LIST ({}) "/" INBOX
<* * LIST ({}) "/" Sent
< 2 OK {}
> 3 LIST "" (p p*) RETURN (CHILDREN)
<* * LIST ({}\HasChildren{}) "/" p
<* * LIST ({}\HasNoChildren{}) "/" p/c
< 3 OK {}
> 4 SUBSCRIBE p
< 4 OK {}
> 5 LIST "" p RETURN (SUBSCRIBED)
< * LIST ({}\Subscribed{}) "/" p
< 5 OK {}
> 6 LIST () "" p
< * LIST ({}) "/" p
< 6 OK {}
> 7 LIST (NOSUCH) "" p
< 7 BAD {}
> 8 LIST (RECURSIVEMATCH) "" p
< 8 BAD {}
> 9 LIST "" p RETURN (NOSUCH)
< 9 BAD {}
> 10 LIST (REMOTE) "" p
< * LIST ({}) "/" p
< 10 OK {}
> 11 LIST "" (%) RETURN (SPECIAL-USE)
<+ * LIST ({}\Trash{}) "/" Trash
< 11 OK {}
