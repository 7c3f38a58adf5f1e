# APPENDLIMIT is told, and a message above it is refused with TOOBIG before it is sent.
login a alice
> 1 CAPABILITY
< * CAPABILITY {}APPENDLIMIT={limit:\d+}{}
< 1 OK {}
> 2 APPEND INBOX {${limit}9}
< 2 NO [TOOBIG] {}
> 3 NOOP
< 3 OK {}
