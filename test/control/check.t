# check of one account, and of one that is not there.
$ deliver $alice
| Subject: x
|
$ check $alice
= ACCOUNT {}
= $alice {:.* 0 +0}
$ check nobody@$domain
= nobody@$domain: {:.+}
exit 4
