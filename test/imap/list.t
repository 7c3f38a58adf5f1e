# LIST: patterns, the delimiter question, reference names.
login a alice
> 1 LIST "" ""
< * LIST ({}) "/" ""
< 1 OK {}
> 2 CREATE x/y/z
< 2 OK {}
> 3 LIST "" x/%
< * LIST ({}) "/" x/y
< 3 OK {}
> 4 LIST "" x/*
<* * LIST ({}) "/" x/y
<* * LIST ({}) "/" x/y/z
< 4 OK {}
> 5 LIST x/ %
< * LIST ({}) "/" x/y
< 5 OK {}
> 6 LIST "" %
<! * LIST ({}) "/" {}/{}
<+ * LIST ({}) "/" INBOX
<+ * LIST ({}) "/" x
<+ * LIST ({}) "/" Sent
< 6 OK {}
> 7 LIST "" inbox
< * LIST ({}) "/" INBOX
< 7 OK {}
> 8 LIST "" nosuch
< 8 OK {}
> 9 LIST "" x/%/z
< * LIST ({}) "/" x/y/z
< 9 OK {}
> 10 LIST "" *z
< * LIST ({}) "/" x/y/z
< 10 OK {}
> 11 LSUB "" nosuch*
< 11 OK {}
