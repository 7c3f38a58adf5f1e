/*
 * search.h - the arguments of SEARCH as a tree (RFC 9051 6.4.4, RFC 3501, RFC 4731, RFC 7162 3.1.5,
 * RFC 8474, RFC 5032), and the matching order that the tree is in.
 *
 * Bounds: limits->depth_max for nesting, limits->items_max for all keys of a command.
 */
#ifndef WIRE_IMAP_SEARCH_H
#define WIRE_IMAP_SEARCH_H

#include "wire/imap/set.h"

enum imap_key_kind {
	IMAP_KEY_AND, /* all of `first` and its `next` ones */
	IMAP_KEY_OR,  /* any of them */
	IMAP_KEY_NOT, /* not `first` */
	IMAP_KEY_ALL,
	IMAP_KEY_SEQ,     /* set: sequence numbers */
	IMAP_KEY_UID,     /* set */
	IMAP_KEY_FLAG,    /* one bit of `flag` is set */
	IMAP_KEY_KEYWORD, /* text */
	IMAP_KEY_RECENT,
	IMAP_KEY_BEFORE, /* day of INTERNALDATE */
	IMAP_KEY_ON,
	IMAP_KEY_SINCE,
	IMAP_KEY_OLDER, /* number: seconds (RFC 5032) */
	IMAP_KEY_YOUNGER,
	IMAP_KEY_LARGER, /* number */
	IMAP_KEY_SMALLER,
	IMAP_KEY_MODSEQ,
	IMAP_KEY_EMAILID, /* text */
	IMAP_KEY_THREADID,
	/* From here on the index of the mailbox does not know the answer. */
	IMAP_KEY_SENTBEFORE,
	IMAP_KEY_SENTON,
	IMAP_KEY_SENTSINCE,
	IMAP_KEY_HEADER, /* name, text (empty: the field exists) */
	IMAP_KEY_BODY,   /* text */
	IMAP_KEY_TEXT,
};

struct imap_key {
	enum imap_key_kind kind;
	struct imap_key *first, *next;
	struct slice name, text; /* UTF-8 */
	struct imap_set set;
	uint64_t number;
	int32_t day;   /* see date.h */
	unsigned flag; /* see flags.h */
};

enum {
	IMAP_RETURN_MIN = 1,
	IMAP_RETURN_MAX = 2,
	IMAP_RETURN_ALL = 4,
	IMAP_RETURN_COUNT = 8,
	IMAP_RETURN_SAVE = 16,
};

struct imap_search {
	struct imap_key *key;
	bool has_return;     /* RETURN (...) was there; answer ESEARCH */
	unsigned returns;    /* "RETURN ()" counts as ALL */
	bool has_modseq;     /* a MODSEQ key is in the tree: enables CONDSTORE */
	bool is_bad_charset; /* not UTF-8 or US-ASCII; key is then NULL: answer BADCHARSET */
};

/* imap_search_parse - from the space after SEARCH to the end of the command. */
MUST_CHECK int imap_search_parse(struct imap_lex *lx, struct imap_search *out, struct err *err);

#endif
