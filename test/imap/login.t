# LOGIN: wrong password, unknown user and right ones, as atoms, quoted strings and literals.
open a imap
< * OK {}
> 1 LOGIN $alice wrong
< 1 NO [AUTHENTICATIONFAILED] {}
> 2 LOGIN nobody@$domain $alice_password
< 2 NO [AUTHENTICATIONFAILED] {}
> 3 LOGIN
< 3 BAD {}
> 4 LOGIN $alice
< 4 BAD {}
> 5 LOGIN "$alice" "$alice_password"
< 5 OK {}
> 6 LOGIN $alice $alice_password
< 6 BAD {}
open b imap
< * OK {}
text p
$bob_password
.
text u
$bob
.
> 1 LOGIN {$u_len}
< + {}
> $u {$p_len}
< + {}
> $p
< 1 OK {}
open c imap
< * OK {}
> 1 LOGIN {${u_len}+}
> $u {${p_len}+}
> $p
< 1 OK {}
