# A command line without end is refused, and memory stays bounded.
login a alice
set x xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
> 1 NOOP ${x*2000}
< {:(1 BAD|\* BAD|\* BYE)} {}
login b bob
> 1 CREATE ${x*20}
< 1 {:(NO|BAD)} {}
> 2 NOOP
< 2 OK {}
