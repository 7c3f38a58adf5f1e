# Mail from elsewhere comes in batches, by the courier's own socket and by no other.
$ --json account list $domain
= {}alice@{:[^"]*}","id":{id:\d+},{}
= ...
lhlo a lmtp-courier
> XIMPORT $id T3RoZXIvMjAyNA none all
> XMESSAGE 14 4711 3 1000000000 60 d29yaw
>> Subject: x\r\n\r
>> \n
> XMESSAGE 0 4712 0 1000000000 0
> XMESSAGE 5 4713 0 -5 -60
>> a\nb\n.
> XSTORE
< 250 2.6.0 aba
# The same again is not there twice; a batch of nothing makes a folder.
> XIMPORT $id T3RoZXIvMjAyNA none all
> XMESSAGE 5 4713 0 0 0
>> a\nb\n.
> XSTORE
< 250 2.6.0 a
> XIMPORT $id R2VzZW5kZXQ by-name all
> XSTORE
< 250 {}
> XIMPORT $id TGVlcg none content
> XSTORE
< 250 {}
# What is wrong spoils the batch, not the connection.
> XMESSAGE 1 0 0 0 0
>> xXSTORE\r\n
< 250 2.6.0 a
> XIMPORT 99 TGVlcg none all
> XMESSAGE 1 0 0 0 0
>> xXSTORE\r\n
< 550 5.1.1 {}
> XIMPORT $id TGVlcg nobody all
> XSTORE
< {} Bad import
> XSTORE
< {} nothing to store
> XIMPORT $id TGVlcg none all
> XMESSAGE 1 0 0 0 0
>> xXIMPORT $id TGVlcg none all\r\n
> XSTORE
< {} the batch before is not stored
> XMESSAGE 1 0 99 0 0
< 501 5.5.4 Bad import
< EOF
login b alice Other/2024
> 1 FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE)
< * 1 FETCH (RFC822.SIZE 14 FLAGS (\Seen \Answered{:.*} work) INTERNALDATE " 9-Sep-2001 02:46:40 +0100")
< * 2 FETCH (RFC822.SIZE 5 FLAGS ({}) INTERNALDATE "31-Dec-1969 22:59:55 -0100")
< 1 OK {}
> 2 LIST "" (Leer Gesendet Sent)
< * LIST {} Leer
< * LIST {} Sent
< 2 OK {}
lhlo c lmtp-unix
> XIMPORT $id TGVlcg none all
< 502 {}
> XSTORE
< 502 {}
> XMESSAGE 1 0 0 0 0
< 502 {}
lhlo d smtp
> XSTORE
< 502 {}
