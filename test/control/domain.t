# domain add and list; twice is refused; what is no domain is refused.
$ domain add new-$domain
$ domain add new-$domain
! posthouse: {:.+}
exit 1
$ domain add "not a domain"
! posthouse: {:.+}
exit 1
$ domain list
= DOMAIN
= ...
= $domain
= ...
$ --json domain list
= ...
= {:[\[ ]}{"domain":"$domain"}{:,?}
= ...
$ domain
! posthouse: {}
! posthouse help {}
exit 2
$ domain add
! posthouse: too few arguments
! usage: {}domain add DOMAIN
exit 2
