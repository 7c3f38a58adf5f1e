/*
 * text.h - small texts of the pages: paths, sizes, times, plain mail as HTML, types of files. Pure.
 */
#ifndef WEB_TEXT_H
#define WEB_TEXT_H

#include "base/buf.h"

/* text_put_query - as a value in a query; safe in an attribute too. */
void text_put_query(struct buf *out, struct slice value);
/* text_is_path - a path (with query) of this host, in ASCII, that no browser takes for another's.
 */
bool text_is_path(struct slice s);

void text_put_size(uint64_t bytes, char *text, size_t cap); /* "930 bytes", "1.5 MB" */
/* text_put_when - short: of today "14:05", of this year "3 Nov", else "3 Nov 2024"; full: with
 * everything. In the server's zone. */
void text_put_when(
	int64_t wall_s, int64_t now_s, char *text, size_t cap, char *full, size_t full_cap);

void text_put_zone(char *text, size_t cap); /* the zone's name, of now */

/* text_to_html - plain mail for a <pre>: escaped, web addresses as links, quotations marked. */
void text_to_html(struct slice text, struct buf *out);
/* text_quote - "> " before each line; lines end in LF. */
void text_quote(struct slice text, struct buf *out);

/* text_safe_type - the type a file is served with: its own if a browser shows that harmlessly (then
 * *may_show_out), else application/octet-stream. Static. */
const char *text_safe_type(struct slice type, bool *may_show_out);

/* text_put_program - a browser as people call it, "Firefox 128 on Linux"; what is none of the known
 * ones as it is, at most cap - 1 bytes. */
void text_put_program(struct slice agent, char *text, size_t cap);

/* text_is_readable - writing of this colour ("#rrggbb") has a contrast of 4.5 to 1 on a ground of
 * that one (WCAG 2.2, 1.4.3). True for what is no colour: others refuse that. */
bool text_is_readable(struct slice colour, struct slice ground);

#endif
