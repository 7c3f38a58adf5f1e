# level list, show, set, delete; what an account has of its level.
$ level list
= LEVEL {:.+}DEFAULT
= ad-free {:.+}
= ...
= full {:.+}yes
= ...
$ level show guest
= name=guest
= services=imap,web
= spam=basic
= domains=all
= storage=256MiB
= message=10MiB
= sends_hour=0
= sends_day=0
= aliases=0
= pop_links=0
= stop_points=0
= files=0
$ level set tiny storage=3000 aliases=1 services=imap,smtp spam=basic,normal domains=$domain
$ level show tiny
= name=tiny
= services=imap,smtp
= spam=basic,normal
= domains=$domain
= storage=3000
= message=100MiB
= sends_hour=2000
= sends_day=8000
= aliases=1
= pop_links=10
= stop_points=0
= files=5GiB
$ level set tiny storage=unlimited
$ level set tiny storage=5XB
! posthouse: 5XB is no size{}
exit 1
$ level set tiny services=imap,gopher
! posthouse: gopher is not known here
exit 1
$ level set tiny domains=nosuch.example
! posthouse: the domain nosuch.example is not known here
exit 1
$ level set tiny colour=red
! posthouse: a level has no colour
exit 1
$ level set tiny storage
! posthouse: a setting is NAME=VALUE, not storage
exit 2
$ account level $alice tiny
$ level delete tiny
! posthouse: {:.+}
exit 1
$ account set $alice quota=5MiB language=de name=Alice
$ --json account list $domain
= {:.*}"address":"$alice"{:[^\}]+}"quota":5242880{:[^\}]+}"level":"tiny","language":"de","name":"Alice"{:.+}
= ...
$ account set $alice quota=level disabled=maybe
! posthouse: disabled is yes or no, not maybe
exit 2
$ account level $alice nosuch
! posthouse: there is no service level nosuch
exit 1
$ account level $alice full
$ account set $alice quota=level language= name=
$ level delete tiny
$ level show tiny
! posthouse: there is no service level tiny
exit 1
$ level delete full
! posthouse: {:.+}
exit 1
