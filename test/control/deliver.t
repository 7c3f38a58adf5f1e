# deliver: a message from standard input into INBOX, or into a mailbox.
login a alice INBOX
$ deliver $alice
| From: <a@elsewhere.example>
| Subject: delivered
|
| text
await a * 1 EXISTS
a> 1 FETCH 1 (BODY.PEEK[TEXT])
< * 1 FETCH (BODY[TEXT] {6}
< text
< )
< 1 OK {}
$ deliver $alice --mailbox Archive
| Subject: archived
|
a> 2 STATUS Archive (MESSAGES)
< * STATUS Archive (MESSAGES 1)
< 2 OK {}
$ deliver nobody@$domain
| Subject: x
|
! posthouse: {:.+}
exit 1
$ deliver $alice --mailbox nosuch
| Subject: x
|
! posthouse: {:.+}
exit 1
