/* utf8.h - strict UTF-8 (RFC 3629): no overlong forms, no surrogates, at most U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/slice.h"

bool utf8_is_valid(struct slice s);

/* utf8_take - one code point from the front of *in; false (in untouched) if it is malformed or
 * *in is empty. */
bool utf8_take(struct slice *in, uint32_t *out);

/* utf8_put - writes c (a scalar value) as 1 to 4 bytes; returns how many. */
size_t utf8_put(uint32_t c, char out[4]);

#endif
