/*
 * name.h - mailbox names: modified UTF-7 (RFC 3501 5.1.3) and UTF-8 (RFC 9051 5.1), and LIST
 * patterns.
 *
 * Inside, a name is UTF-8 with "/" between its levels and INBOX (as the whole first level, in any
 * case) in capitals. On the wire it is UTF-8 for clients that enabled IMAP4rev2, else modified
 * UTF-7. Refused: NUL and control characters (C0, DEL, C1, U+2028, U+2029), invalid UTF-8,
 * encodings that are not the one canonical form. Unicode normalisation is left alone.
 */
#ifndef WIRE_IMAP_NAME_H
#define WIRE_IMAP_NAME_H

#include "base/buf.h"
#include "wire/imap/lex.h"

enum { IMAP_NAME_MAX = 1000 }; /* bytes of a name in UTF-8, and of a pattern */

/* imap_name_decode - from the wire's form; the result is in the arena. -ERR_SYNTAX, -ERR_TOOBIG. */
MUST_CHECK int imap_name_decode(
	struct arena *arena, struct slice wire, bool is_utf8, struct slice *out, struct err *err);
/* imap_name_encode - append a name in modified UTF-7. It must be valid UTF-8. */
void imap_name_encode(struct buf *out, struct slice name);
/* imap_name_write - append a name as an argument: encoded and quoted as the client needs. */
void imap_name_write(struct buf *out, struct slice name, bool is_utf8);

/* imap_name_capitalise - a name or pattern whose first level is INBOX in any case, in place. */
void imap_name_capitalise(char *name, size_t len);

/* imap_name_check - may a mailbox be made under this name: no empty level, no wildcard.
 * -ERR_CONFLICT: well-formed, but impossible. */
MUST_CHECK int imap_name_check(struct slice name, struct err *err);

/* imap_name_parse - an argument: imap_lex_astring() and imap_name_decode(). */
MUST_CHECK int imap_name_parse(
	struct imap_lex *lx, bool is_utf8, struct slice *out, struct err *err);

/* imap_pattern_match - "*" stands for anything, "%" for anything without "/". At most name.len *
 * pattern.len steps, usually their sum; a longer pattern than IMAP_NAME_MAX matches nothing. */
bool imap_pattern_match(struct slice pattern, struct slice name);

#endif
