/*
 * args.h - the arguments of the commands that are not FETCH or SEARCH. Each function reads from the
 * space behind the command's name to the end of the command. Names come out as UTF-8 (name.h);
 * is_utf8: the client enabled IMAP4rev2.
 */
#ifndef WIRE_IMAP_ARGS_H
#define WIRE_IMAP_ARGS_H

#include "wire/imap/date.h"
#include "wire/imap/flags.h"
#include "wire/imap/set.h"

/* STORE (RFC 9051 6.4.6, RFC 7162 3.1.3) */
enum imap_store_how { IMAP_STORE_SET, IMAP_STORE_ADD, IMAP_STORE_REMOVE };

struct imap_store {
	struct imap_set set;
	enum imap_store_how how;
	bool is_silent, has_unchanged_since;
	uint64_t unchanged_since;
	struct imap_flags flags;
};
MUST_CHECK int imap_store_parse(struct imap_lex *lx, struct imap_store *out, struct err *err);

/* COPY, MOVE: a set and a mailbox. */
struct imap_copy {
	struct imap_set set;
	struct slice mailbox;
};
MUST_CHECK int imap_copy_parse(
	struct imap_lex *lx, bool is_utf8, struct imap_copy *out, struct err *err);

/* STATUS (RFC 9051 6.3.11, RFC 3501, RFC 7162, RFC 7889, RFC 8474) */
enum imap_status {
	IMAP_STATUS_MESSAGES = 1 << 0,
	IMAP_STATUS_RECENT = 1 << 1,
	IMAP_STATUS_UIDNEXT = 1 << 2,
	IMAP_STATUS_UIDVALIDITY = 1 << 3,
	IMAP_STATUS_UNSEEN = 1 << 4,
	IMAP_STATUS_DELETED = 1 << 5,
	IMAP_STATUS_SIZE = 1 << 6,
	IMAP_STATUS_HIGHESTMODSEQ = 1 << 7,
	IMAP_STATUS_MAILBOXID = 1 << 8,
	IMAP_STATUS_APPENDLIMIT = 1 << 9,
};
/* imap_status_items_parse - "(MESSAGES UNSEEN)" alone. */
MUST_CHECK int imap_status_items_parse(struct imap_lex *lx, unsigned *out, struct err *err);
MUST_CHECK int imap_status_parse(struct imap_lex *lx, bool is_utf8, struct slice *mailbox_out,
	unsigned *items_out, struct err *err);

/* LIST and LSUB (RFC 9051 6.3.9, RFC 5258, RFC 5819, RFC 6154) */
enum imap_list_option {
	IMAP_LIST_SUBSCRIBED = 1 << 0,
	IMAP_LIST_REMOTE = 1 << 1,
	IMAP_LIST_RECURSIVE = 1 << 2,
	IMAP_LIST_SPECIAL_USE = 1 << 3,
	IMAP_LIST_CHILDREN = 1 << 4,
	IMAP_LIST_STATUS = 1 << 5,
};
struct imap_list {
	struct slice reference; /* as written: in modified UTF-7 or UTF-8, like the patterns */
	struct slice *patterns;
	size_t patterns_n;
	unsigned select, returns; /* of enum imap_list_option */
	unsigned status;          /* of enum imap_status */
	bool is_extended;         /* any of RFC 5258's syntax was used */
};
MUST_CHECK int imap_list_parse(struct imap_lex *lx, struct imap_list *out, struct err *err);

/* APPEND (RFC 9051 6.3.12). The body may be streamed: see lex.h. */
struct imap_append {
	struct slice mailbox;
	struct imap_flags flags;
	bool has_date;
	struct imap_date_time date;
	struct imap_body body;
};
MUST_CHECK int imap_append_parse(
	struct imap_lex *lx, bool is_utf8, struct imap_append *out, struct err *err);

/* SELECT, EXAMINE: the parameter CONDSTORE (RFC 7162). */
MUST_CHECK int imap_select_parse(struct imap_lex *lx, bool is_utf8, struct slice *mailbox_out,
	bool *condstore_out, struct err *err);

/* CREATE: "(USE (\Sent))" (RFC 6154); use_out is "\Sent" or empty. More than one use is refused. A
 * "/" at the end of the name, which announces children, is dropped. */
MUST_CHECK int imap_create_parse(struct imap_lex *lx, bool is_utf8, struct slice *mailbox_out,
	struct slice *use_out, struct err *err);

/* DELETE, SUBSCRIBE, UNSUBSCRIBE: one name. RENAME: two. */
MUST_CHECK int imap_mailbox_parse(
	struct imap_lex *lx, bool is_utf8, struct slice *out, struct err *err);
MUST_CHECK int imap_rename_parse(struct imap_lex *lx, bool is_utf8, struct slice *from_out,
	struct slice *to_out, struct err *err);

/* LOGIN: user and password. AUTHENTICATE: mechanism and initial response (ptr NULL: none). */
MUST_CHECK int imap_login_parse(
	struct imap_lex *lx, struct slice *user_out, struct slice *password_out, struct err *err);
MUST_CHECK int imap_authenticate_parse(struct imap_lex *lx, struct slice *mechanism_out,
	struct slice *initial_out, struct err *err);

/* ENABLE: the names asked for. */
struct imap_words {
	struct slice *words;
	size_t n;
};
MUST_CHECK int imap_enable_parse(struct imap_lex *lx, struct imap_words *out, struct err *err);

/* ID (RFC 2971): name and value alternate, a value's ptr may be NULL; n is 0 for NIL. At most 30
 * pairs. */
MUST_CHECK int imap_id_parse(struct imap_lex *lx, struct imap_words *out, struct err *err);

#endif
