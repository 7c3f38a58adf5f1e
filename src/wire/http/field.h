/*
 * field.h - the values of single fields: cookies, ranges, conditions, encodings, parameters, dates.
 *
 * Reads:  RFC 6265 4.2 (Cookie), RFC 9110 5.6.6 (parameters), 5.6.7 (dates), 8.8.3 and 13.1.2
 *         (entity tags), 12.5.3 (Accept-Encoding), 14.1.2 (Range).
 * Pure, linear in the value. What is malformed counts as not being there, as the RFCs say for each.
 */
#ifndef WIRE_HTTP_FIELD_H
#define WIRE_HTTP_FIELD_H

#include "base/arena.h"
#include "base/buf.h"

/* http_cookie_find - in the value of a Cookie field; quotes around it are not part of it. ptr NULL:
 * not there. Of several the first: the most specific one (RFC 6265 5.4). */
struct slice http_cookie_find(struct slice value, struct slice name);

/* http_field_param - "boundary" of `multipart/form-data; boundary="x"`; a quoted string's escapes
 * are resolved (copied to the arena) unless the next byte is another than `"` or `\`: Windows'
 * paths. ptr NULL: not there. */
struct slice http_field_param(struct slice value, struct slice name, struct arena *arena);

/* http_accepts - is this coding acceptable (named with a weight above 0, or covered by "*")? */
bool http_accepts(struct slice accept_encoding, struct slice coding);

/* http_etag_matches - a list of entity tags, or "*", against one; weakly for If-None-Match,
 * strongly for If-Range. */
bool http_etag_matches(struct slice list, struct slice etag, bool is_weak_enough);

/* http_range_parse - one range of something with `size` bytes. 1: from and length are set; 0: not a
 * range that we serve (several, another unit, malformed): send all; -1: outside, answer 416. */
int http_range_parse(struct slice value, uint64_t size, uint64_t *from_out, uint64_t *length_out);

enum { HTTP_DATE_LEN = 29 };
/* http_date_write - "Sun, 06 Nov 1994 08:49:37 GMT". */
void http_date_write(int64_t time_s, char out[HTTP_DATE_LEN]);

#endif
