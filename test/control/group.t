# group add, list, member, admin, domain, delete; the login screen of its domain.
$ group add Miller --level family --members 2 --shares calendars
$ group add Miller
! posthouse: there is a group Miller already
exit 1
$ group domain Miller miller-$domain
$ group domain Miller
= DOMAIN
= miller-$domain
$ account add mum@miller-$domain --random
= {:.+}
$ account add kid@$domain --random --group Miller --level guest
= {:.+}
$ account add dad@miller-$domain --random
! posthouse: the group has all the members it may have
exit 1
$ group member Miller $bob
! posthouse: the group has all the members it may have
exit 1
$ group set Miller --members 3
$ group member Miller $bob
$ group admin Miller mum@miller-$domain
$ group member Miller
= ADDRESS {:.+}
= $bob {:.+}
= kid@$domain {:.+}guest{:.+}
= mum@miller-$domain {:.+}family{:.+}yes{:.*}
$ group admin Miller $alice
! posthouse: the account is not in this group
exit 1
$ group member Miller mum@miller-$domain --remove
! posthouse: its address is at a domain of the group
exit 1
$ group admin Miller mum@miller-$domain --remove
$ group member Miller kid@$domain --remove
$ group member Miller $bob --remove
$ domain screen miller-$domain
! posthouse: the domain has no login screen
exit 1
$ domain screen miller-$domain name=Millers accent=#00ff00
$ domain screen miller-$domain text=Welcome
$ domain screen miller-$domain
= name=Millers
= text=Welcome
= background=
= foreground=
= accent=#00ff00
= logo_type=
= logo_bytes=0
$ domain screen miller-$domain accent=green
! posthouse: a colour is written #rrggbb
exit 1
$ domain screen miller-$domain --delete
$ group delete Miller
! posthouse: the group has members or domains
exit 1
$ account delete mum@miller-$domain
$ account delete kid@$domain
$ group domain Miller miller-$domain --remove
$ group list
= GROUP {:.+}
= Miller {: +}family {: +}0 {: +}0 {:.*}
$ group delete Miller
$ group member Miller
! posthouse: there is no such group
exit 1
