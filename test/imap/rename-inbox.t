# RENAME INBOX moves its messages to a new mailbox and leaves it empty, with its children in place.
login a alice
> 1 CREATE INBOX/sub
< 1 OK {}
> 2 APPEND INBOX {5+}
> hello
< 2 OK {}
> 3 RENAME INBOX moved
< 3 OK {}
> 4 STATUS INBOX (MESSAGES)
< * STATUS INBOX (MESSAGES 0)
< 4 OK {}
> 5 STATUS moved (MESSAGES)
< * STATUS moved (MESSAGES 1)
< 5 OK {}
> 6 LIST "" INBOX/*
< * LIST ({}) "/" INBOX/sub
< 6 OK {}
