# Wrong usage is exit code 2 and says what is right; help and version need no instance.
$ nosuch
! posthouse: there is no command nosuch
! posthouse help {}
exit 2
$ status --nosuch
! posthouse: unknown option{}
! usage: {}status
exit 2
$ --nosuch status
! posthouse: unknown option{}
! posthouse help {}
exit 2
$ version
= posthouse {:\d+\.\d+\.\d+}
$ help
= posthouse {}
= ...
$ help alias add
= posthouse {}alias add ADDRESS TARGET...
= ...
$ help nosuch
! posthouse: there is no command nosuch
exit 2
$ --json account passwd nobody@$domain
= {:.}"error":{:.}"code":"{:\w+}","message":"{}"{:..}
! posthouse: {}
exit 1
