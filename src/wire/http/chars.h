/* chars.h - which bytes may stand where in HTTP (RFC 9110 5.5, 5.6.2; RFC 3986 2). */
#ifndef WIRE_HTTP_CHARS_H
#define WIRE_HTTP_CHARS_H

#include "base/slice.h"

bool http_is_token_byte(unsigned char c);
bool http_is_token(struct slice s); /* at least one byte */

/* http_is_value - of a field: visible bytes, SP, HTAB, and bytes from 0x80 on. */
bool http_is_value(struct slice s);

/* http_hex - 0 to 15, or -1. */
int http_hex(char c);

/* http_trim - without SP and HTAB at both ends. */
struct slice http_trim(struct slice s);

/* http_list_next - the next element of a comma-separated list (RFC 9110 5.6.1), trimmed; empty
 * ones are left out. *rest is the field's value first; false at the end. */
bool http_list_next(struct slice *rest, struct slice *element_out);

#endif
