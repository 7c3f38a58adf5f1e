/*
 * slice.h - bytes owned by somebody else; never NUL-terminated, may hold NUL bytes.
 *
 * Pure functions, safe on an empty slice (ptr may then be NULL). ASCII only where letters are
 * compared without case: protocols' keywords, never people's text.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
	const char *ptr;
	size_t len;
};

/* slice_lit - slice over a string literal, its length known at compile time. */
#define slice_lit(s) ((struct slice){"" s, sizeof(s) - 1})

/* For printf: printf("%.*s", SLICE_ARG(s)). */
#define SLICE_ARG(s) (int)(s).len, (s).len ? (s).ptr : ""

struct slice slice_str(const char *s);              /* over a NUL-terminated string */
struct slice slice_from(struct slice s, size_t at); /* the rest from at (at most len) on */
struct slice slice_head(struct slice s, size_t n);  /* the first n (at most len) bytes */
struct slice slice_trim(struct slice s);            /* without SP, HTAB, CR, LF at both ends */

bool slice_eq(struct slice a, struct slice b);
bool slice_eq_nocase(struct slice a, struct slice b);
bool slice_starts(struct slice s, struct slice prefix);
bool slice_starts_nocase(struct slice s, struct slice prefix);
bool slice_ends(struct slice s, struct slice suffix);
int slice_cmp(struct slice a, struct slice b); /* byte order, as memcmp, shorter first */

/* slice_chr, slice_rchr, slice_find - the first (last) place of c (needle), or SIZE_MAX. */
size_t slice_chr(struct slice s, char c);
size_t slice_rchr(struct slice s, char c);
size_t slice_find(struct slice s, struct slice needle);

/* slice_cut - splits s at the first sep: what is before it is returned, *rest is what follows.
 * Without sep the whole of s is returned and *rest is empty with ptr NULL. */
struct slice slice_cut(struct slice s, char sep, struct slice *rest);

/* slice_next_word - the first word of *line, which goes on behind it; words have spaces or commas
 * between. Empty: there is none. */
struct slice slice_next_word(struct slice *line);

/* slice_to_u64 - the whole slice as a decimal number without sign; false if it is not one, or
 * is larger than max. */
bool slice_to_u64(struct slice s, uint64_t max, uint64_t *out);

/* ascii_lower - c in lower case if it is an ASCII letter, else c. */
static inline unsigned char ascii_lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

#endif
