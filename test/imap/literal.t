# Synchronising and non-synchronising literals; LITERAL- allows the latter up to 4096 octets.
login a alice
> 1 CREATE {5}
< + {}
> first
< 1 OK {}
> 2 CREATE {6+}
> second
< 2 OK {}
> 3 LIST "" {1+}
> *
<+ * LIST {} first
<+ * LIST {} second
< 3 OK {}
set k 0123456789012345678901234567890123456789012345678901234567890123
> 4 APPEND INBOX {4096+}
> ${k*64}
< 4 OK {}
> 5 APPEND INBOX {5000+}
>> ${k*78}01234567\r\n
< {:(5 BAD|\* BAD|\* BYE)} {}
