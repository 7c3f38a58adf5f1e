/*
 * lex.h - cut one IMAP command into its arguments.
 *
 * Reads:  RFC 9051 section 9 (atom, astring, quoted, literal), RFC 7888 (non-synchronizing
 *         literals), RFC 3516 (literal8).
 * Does:   no I/O, no waiting, no knowledge of any command. The caller has the whole command in
 *         one piece, without its last CRLF, literals in place: "A1 LOGIN {5}\r\nalice {1+}\r\nx";
 *         slices point into it (or into the arena) and live as long as it does. One literal may
 *         be left out, an APPEND's at the very end: the text then stops behind "{n}".
 * Bounds: struct imap_limits; linear in the text; arena memory only where a quoted string holds
 *         a backslash and for lists.
 * Errors: -ERR_SYNTAX (answer BAD) or -ERR_TOOBIG (answer NO [LIMIT]). After an error the
 *         position is undefined.
 */
#ifndef WIRE_IMAP_LEX_H
#define WIRE_IMAP_LEX_H

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

/* Which bytes an unquoted word may hold; the grammar differs by argument. */
enum imap_word {
	IMAP_WORD_LABEL,   /* letters, digits, "." "-" "_" "=": names that the protocol gives */
	IMAP_WORD_ATOM,    /* keywords, mechanisms */
	IMAP_WORD_TAG,     /* an astring without "+" */
	IMAP_WORD_ASTRING, /* mailbox names, user names: an atom that may hold "]" */
	IMAP_WORD_PATTERN, /* LIST patterns: an astring that may hold "%" and "*" */
	IMAP_WORD_SET,     /* digits, ":", ",", "*", "$" */
	IMAP_WORD_BASE64,  /* letters, digits, "+", "/", "=" */
};

struct imap_limits {
	size_t string_max;  /* longest word, quoted string or literal, in bytes */
	unsigned depth_max; /* deepest nesting of search keys */
	unsigned items_max; /* most elements of a list; most search keys of a command */
};

struct imap_lex {
	const struct imap_limits *limits;
	struct arena *arena;
	struct slice rest;
};

/* A literal's announcement: "{size}", "{size+}" (nonsync), "~{size}" (binary). */
struct imap_literal {
	uint64_t size; /* UINT64_MAX if it does not fit */
	bool nonsync, binary;
};

/* What APPEND takes. Streamed: the text has no bytes of it, the caller reads literal.size more. */
struct imap_body {
	struct imap_literal literal;
	bool is_streamed;
	struct slice bytes; /* when not streamed */
};

/* imap_line_literal - true if a line (without CRLF) ends by announcing a literal. */
bool imap_line_literal(struct slice line, struct imap_literal *out);

/* imap_lex_init - start on a text. limits and arena must outlive the lexer. */
void imap_lex_init(struct imap_lex *lx, struct slice text, const struct imap_limits *limits,
	struct arena *arena);

/* imap_lex_peek - the next byte, or -1 at the end. imap_lex_take - step over c if it is next. */
int imap_lex_peek(const struct imap_lex *lx);
bool imap_lex_take(struct imap_lex *lx, char c);
/* imap_lex_take_label - step over a label (case does not matter) if exactly it is next. */
bool imap_lex_take_label(struct imap_lex *lx, struct slice label);

/* imap_lex_byte - the given byte must be next; imap_lex_end - nothing may be next. */
MUST_CHECK int imap_lex_byte(struct imap_lex *lx, char c, struct err *err);
MUST_CHECK int imap_lex_end(const struct imap_lex *lx, struct err *err);

/* imap_lex_fail - -ERR_SYNTAX that names the byte found where something else should be. */
int imap_lex_fail(const struct imap_lex *lx, const char *wanted, struct err *err);

MUST_CHECK int imap_lex_word(
	struct imap_lex *lx, enum imap_word word, struct slice *out, struct err *err);
/* imap_lex_string - quoted or literal, UTF-8 allowed in both, NUL in neither. */
MUST_CHECK int imap_lex_string(struct imap_lex *lx, struct slice *out, struct err *err);
/* imap_lex_astring - a string, or a word of the given kind. */
MUST_CHECK int imap_lex_astring(
	struct imap_lex *lx, enum imap_word word, struct slice *out, struct err *err);
/* imap_lex_nstring - a string, or NIL: then out->ptr is NULL. */
MUST_CHECK int imap_lex_nstring(struct imap_lex *lx, struct slice *out, struct err *err);
MUST_CHECK int imap_lex_number(struct imap_lex *lx, uint64_t max, uint64_t *out, struct err *err);
MUST_CHECK int imap_lex_body(struct imap_lex *lx, struct imap_body *out, struct err *err);

/* imap_lex_count - how many elements, separated by spaces, may follow: an upper bound for an array,
 * at most limits->items_max (who fills the array checks against that). */
size_t imap_lex_count(const struct imap_lex *lx);

/* imap_lex_alloc - zeroed arena memory, or -ERR_TOOBIG. */
MUST_CHECK int imap_lex_alloc(
	struct imap_lex *lx, size_t size, size_t n, void *out_pp, struct err *err);

#endif
