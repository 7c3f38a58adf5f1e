# Another session deletes the mailbox that is selected here.
login a alice
> 1 CREATE box
< 1 OK {}
> 2 APPEND box {5+}
> hello
< 2 OK {}
login b alice box
a> 3 DELETE box
< 3 OK {}
b> 3 NOOP
< ...
< 3 {:(OK|NO|BAD)} {}
> 4 FETCH 1 FLAGS
< ...
< 4 {:(OK|NO|BAD)} {}
login c alice
> 5 LIST "" box
< 5 OK {}
