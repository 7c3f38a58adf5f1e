# Wrong input gets BAD with a reason; the tag comes back when there is one.
login a alice
> 1 NOSUCH
< 1 BAD {:.+}
> 2
< 2 BAD {:.+}
> 3 NOOP extra
< 3 BAD {:.+}
> 4 SELECT
< 4 BAD {:.+}
> 5 SELECT "INBOX
< 5 BAD {:.+}
> 6 NOOP
< 6 OK {}
> 7 STATUS INBOX
< 7 BAD {:.+}
> 8 STATUS INBOX (NOSUCH)
< 8 BAD {:.+}
> 9 LIST ""
< 9 BAD {:.+}
>
< * BAD {:.+}
> 10 NOOP
< 10 OK {}
> 11 UID
< 11 BAD {:.+}
> 12 UID NOOP
< 12 BAD {:.+}
> + NOOP
< * BAD {:.+}
