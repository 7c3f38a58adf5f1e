/*
 * import.h - mail that was kept elsewhere comes into an account: mailboxes by path, messages with
 * their flags and dates, many in one commit.
 *
 * An import is a batch that is filled and flushed, again and again: mail_import_mailbox() says
 * where, mail_import_add() takes messages, mail_import_flush() stores them as one item of the
 * account's write queue, so that others' changes go between two batches. Nothing else happens to
 * such mail: no rules, no history, no notices, no answers to senders, no limits of a receiver.
 *
 * Once: an import that is done again, or was broken off, adds nothing twice. By content
 * (is_once): a mailbox gets as many copies of a message, byte for byte, as the source has, less
 * those that are there. Or by the caller's own id of each message, which the account remembers for
 * 7 days.
 *
 * Bounds: IMPORT_BATCH messages or IMPORT_BATCH_BYTES of a batch; IMPORTS_MAX imports at once in a
 * server and one of an account, else -ERR_BUSY; by content, 16 bytes of memory for each message of
 * the mailbox at hand.
 * Errors: of a message (too large, no room): it is counted and left out. Of the account or the
 * disk: the flush fails, nothing of its batch is stored, and the import is over.
 *
 * One thread at a time; flush may read the disk, so call it in bulk turns.
 */
#ifndef MAIL_IMPORT_H
#define MAIL_IMPORT_H

#include <pthread.h>

#include "store/store.h"

struct service;
struct mail_import;

enum { IMPORTS_MAX = 64, IMPORT_BATCH = 100, IMPORT_BATCH_BYTES = 2 << 20 };

/* Whose imports are running; in struct service. */
struct mail_imports {
	pthread_mutex_t lock;
	uint64_t accounts[IMPORTS_MAX];
	size_t n;
};
void mail_imports_init(struct mail_imports *imports);
void mail_imports_done(struct mail_imports *imports);

struct mail_import_counts {
	uint64_t added, bytes; /* bytes: of those that were added */
	uint64_t repeated;     /* were there already */
	uint64_t too_large, over_quota;
	uint64_t keywords_left_out; /* the account has no room for more names */
};

struct mail_import_message {
	struct incoming *in; /* finished, with its date; referenced */
	uint64_t flags;      /* of FLAG_SYSTEM */
	const struct slice *keywords;
	size_t keywords_n;
	uint64_t once_id;   /* the caller's; 0: none */
	struct slice where; /* for people: where it came from */
};

enum mail_import_how {
	IMPORT_ONCE = 1,  /* by content */
	IMPORT_TRIAL = 2, /* nothing is stored; the counts tell what would be */
};

/* mail_import_open - how: bits of enum mail_import_how. -ERR_NOTFOUND, -ERR_BUSY. mail_import_free
 * - messages that were not flushed are forgotten; not while a flush is under way. */
MUST_CHECK int mail_import_open(struct service *service, uint64_t account, unsigned how,
	struct mail_import **out, struct err *err);
void mail_import_free(struct mail_import **import);

/* mail_import_role - what a mailbox of this name is by custom ("Sent Items", "[Gmail]/Spam"). */
enum mailbox_role mail_import_role(struct slice path);

/* mail_import_mailbox - what is added from now on goes there: to the account's mailbox of that role
 * if it has one, else to the one of this path (UTF-8, "/" between levels), which is made, and
 * perhaps subscribed to, by the next flush, also of an empty batch. What may not stand in a name
 * becomes "_". The batch must be empty. -ERR_TOOBIG: too long, too deep. */
MUST_CHECK int mail_import_mailbox(struct mail_import *import, struct slice path,
	enum mailbox_role role, bool is_subscribed, struct err *err);

/* mail_import_place - where what the source has at path belongs. into: below this mailbox, or with
 * is_alone in it; empty: to the account's own places. use: a special use by name ("sent"), or
 * empty. */
void mail_import_place(struct slice into, struct slice path, bool is_alone, struct slice use,
	struct buf *path_out, enum mailbox_role *role_out);
/* mail_role_name - "sent"; "" for none. */
const char *mail_role_name(enum mailbox_role role);

/* mail_import_tell - told is called for each message that is left out though it was not there, by
 * mail_import_flush() and mail_import_refuse(), on their thread. mail_import_refuse - one that is
 * too large to be read at all. */
typedef void mail_import_told_fn(void *context, struct slice where, const char *why);
void mail_import_tell(struct mail_import *import, mail_import_told_fn *told, void *context);
void mail_import_refuse(struct mail_import *import, struct slice where);

/* mail_import_add - copies what it is given. mail_import_is_full - flush before you add more. */
void mail_import_add(struct mail_import *import, const struct mail_import_message *message);
bool mail_import_is_full(const struct mail_import *import);

/* mail_import_flush - done is called when the batch is on the disk, or nothing of it; perhaps
 * before this returns, and perhaps on the account's writing thread: be short. */
typedef void mail_import_done_fn(void *context, int rc, const struct err *err);
void mail_import_flush(struct mail_import *import, mail_import_done_fn *done, void *context);

/* mail_import_fate - what became of the n-th message of the batch that was flushed last. */
enum mail_import_fate { IMPORT_STORED, IMPORT_TOO_LARGE, IMPORT_NO_ROOM }; /* stored, or repeated */
enum mail_import_fate mail_import_fate(const struct mail_import *import, size_t n);

void mail_import_counts(const struct mail_import *import, struct mail_import_counts *out);

#endif
