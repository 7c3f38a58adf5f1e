# What was expunged elsewhere is announced by NOOP, highest numbers or one by one, but rightly.
login a alice INBOX
> 1 APPEND INBOX (\Deleted) {1+}
> a
> 2 APPEND INBOX {1+}
> b
< ...
< 2 OK {}
login b alice INBOX
a> 3 EXPUNGE
< * 1 EXPUNGE
< 3 OK {}
b> 1 NOOP
< * 1 EXPUNGE
< 1 OK {}
> 2 FETCH 1 (UID BODY.PEEK[])
< * 1 FETCH (UID 2 BODY[] {1}
< b)
< 2 OK {}
a> 4 APPEND INBOX {1+}
> c
< * 2 EXISTS

< 4 OK {}
