# user+tag and tag@user.domain reach the user.
lhlo a smtp
> MAIL FROM:<s@elsewhere.example>
< 250 {}
> RCPT TO:<alice+lists@$domain>
< 250 {}
> RCPT TO:<nobody+tag@$domain>
< 550 5.1.1 {}
> DATA
< 354 {}
> Subject: tagged
>
> .
< 250 {}
login b alice
filled b INBOX 1
