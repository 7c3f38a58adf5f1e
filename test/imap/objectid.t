# OBJECTID, RFC 8474: MAILBOXID outlives RENAME, EMAILID goes with a copy, THREADID joins a reply.
text m
Message-ID: <first@example.net>
Subject: topic

one
.
text r
Message-ID: <second@example.net>
In-Reply-To: <first@example.net>
References: <first@example.net>
Subject: Re: topic

two
.
login a alice
> 1 CREATE box
< 1 OK [MAILBOXID ({box:[A-Za-z0-9_-]+})] {}
> 2 APPEND box {${m_len}+}
> $m
> 3 APPEND box {${r_len}+}
> $r
> 4 APPEND box {5+}
> other
< ...
< 4 OK {}
> 5 RENAME box moved
< 5 OK {}
> 6 STATUS moved (MAILBOXID)
< * STATUS moved (MAILBOXID ($box))
< 6 OK {}
> 7 SELECT moved
<+ * OK [MAILBOXID ($box)] {}
< 7 OK {}
> 8 FETCH 1 EMAILID
< * 1 FETCH (EMAILID ({email:[A-Za-z0-9_-]+}))
< 8 OK {}
> 9 FETCH 1 THREADID
< * 1 FETCH (THREADID ({thread:[A-Za-z0-9_-]+}))
< 9 OK {}
> 10 FETCH 2 (THREADID)
< * 2 FETCH (THREADID ($thread))
< 10 OK {}
> 11 FETCH 3 (EMAILID THREADID)
< * 3 FETCH ({:(?=.*EMAILID).*}THREADID ({other:[A-Za-z0-9_-]+}))
< 11 OK {}
check other != thread
> 12 COPY 1 INBOX
< 12 OK {}
> 13 SEARCH EMAILID $email
< * SEARCH 1
< 13 OK {}
> 14 SEARCH THREADID $thread
< * SEARCH 1 2
< 14 OK {}
> 15 SELECT INBOX
< ...
< 15 OK {}
> 16 FETCH 1 EMAILID
< * 1 FETCH (EMAILID ($email))
< 16 OK {}
