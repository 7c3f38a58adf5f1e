/* record.h - DNS records, printed as a zone file has them. */
#ifndef ADMIN_RECORD_H
#define ADMIN_RECORD_H

#include "base/slice.h"

/* record_print_txt - a long text is cut into strings, as the DNS demands (RFC 1035 3.3.14). */
void record_print_txt(const char *name, struct slice text);

#endif
