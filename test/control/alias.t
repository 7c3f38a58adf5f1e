# alias add, list, delete; the address has to be free and the domain ours.
$ alias add team@$domain $alice friend@elsewhere.example
$ alias add team@$domain $bob
$ alias list $domain
= ALIAS {:.*}TARGET
= team@$domain {: *}$alice
= team@$domain {: *}$bob
= team@$domain {: *}friend@elsewhere.example
$ alias delete team@$domain friend@elsewhere.example
$ --json alias list $domain
= [{"alias":"team@$domain","target":"$alice"},
=  {"alias":"team@$domain","target":"$bob"}]
$ alias delete team@$domain
$ alias list $domain
$ alias delete team@$domain
! posthouse: {:.+}
exit 1
$ alias add $alice $bob
! posthouse: {:.+}
exit 1
$ alias add x@elsewhere.example $bob
! posthouse: {:.+}
exit 1
$ alias add x@$domain
! posthouse: too few arguments
! usage: {}
exit 2
