# Ten wrong commands in a row end the connection; a right one between starts the count again.
login a alice
> 1 X
> 2 X
> 3 X
> 4 X
> 5 X
> 6 X
> 7 X
> 8 X
> 9 X
< 1 BAD {}
< ...
< 9 BAD {}
> 10 NOOP
< 10 OK {}
> 11 X
> 12 X
> 13 X
> 14 X
> 15 X
> 16 X
> 17 X
> 18 X
> 19 X
> 20 X
< ...
< 19 BAD {}
< 20 BAD {}
< * BYE {}
< EOF
