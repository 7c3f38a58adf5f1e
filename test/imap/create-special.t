# CREATE with USE gives a special use, RFC 6154; what cannot be given is USEATTR.
login a alice
> 1 CREATE Else (USE (\Nosuch))
< 1 NO [USEATTR] {}
> 2 CREATE Else (USE ())
< 2 OK {}
> 3 CREATE Else2 (NOSUCH x)
< 3 BAD {}
> 4 LIST (SPECIAL-USE) "" *
<+ * LIST ({}\Drafts{}) "/" Drafts
<+ * LIST ({}\Sent{}) "/" Sent
<+ * LIST ({}\Junk{}) "/" Junk
<+ * LIST ({}\Trash{}) "/" Trash
<+ * LIST ({}\Archive{}) "/" Archive
<! * LIST ({}) "/" INBOX
< 4 OK {}
