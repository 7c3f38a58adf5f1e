/*
 * letter.h - an envelope that outlives its session, and the tables that keep it with its message.
 *
 * The delivery log (accept.db) and the queue (queue.db) have the same three tables: letter,
 * target, chunk. A letter's delivery id is random and unique in each table, so that handing the
 * same letter over twice keeps it once.
 *
 * Bounds: LETTER_ARENA_MAX of memory; chunks of LETTER_CHUNK bytes, so a large message is never
 * whole in memory. A letter has one owner.
 */
#ifndef MAIL_LETTER_H
#define MAIL_LETTER_H

#include "db/db.h"
#include "mail/mail.h"

enum { LETTER_ARENA_MAX = 32 * 1024 * 1024, LETTER_CHUNK = 256 * 1024 };

enum letter_state {
	LETTER_WAITING,
	LETTER_RUNNING,
	LETTER_STORED,
	LETTER_FAILED, /* for good: code and why say more */
};

struct letter_target {
	uint64_t account;       /* 0: elsewhere */
	struct slice address;   /* the account's, or where else */
	struct slice recipient; /* as the envelope named it */
	struct slice orcpt;
	unsigned notify;
	unsigned number; /* key in the table, with the letter's id */
	enum letter_state state;
	enum err_code code;
	bool is_suspect; /* to the folder of spam, this one alone */
	bool is_crossed; /* no longer in the table */
};

struct letter {
	struct arena arena;
	int64_t id; /* rowid in its database; 0: not yet there */
	uint64_t delivery_id, submitter;
	struct slice sender, envid;
	char ret;
	bool is_smtputf8, is_8bit, is_suspect;
	bool is_report; /* of ours: its own failures are told to nobody */
	bool is_own;    /* of ours, too: signed when it leaves */
	struct mail_wishes wishes;
	int64_t accepted_s; /* wall clock */
	uint64_t own_bytes; /* at the message's front, see struct mail_envelope */
	struct letter_target *targets;
	size_t targets_n;
};

/* letter_alloc - an empty letter, to be filled in. */
struct letter *letter_alloc(void);

/* letter_new - copy of an envelope: one target for each account and each address elsewhere, however
 * many recipients lead there. -ERR_TOOBIG. */
MUST_CHECK int letter_new(
	const struct mail_envelope *envelope, struct letter **letter_out, struct err *err);
/* letter_remote - a copy with only those targets that are elsewhere and RUNNING. */
MUST_CHECK int letter_remote(
	const struct letter *from, struct letter **letter_out, struct err *err);
void letter_free(struct letter **letter);

/* ---- the tables; inside the caller's transaction where they write ---- */

MUST_CHECK int letter_db_open(const char *path, struct db **db_out, struct err *err);

/* letter_db_insert - the letter and its message from the given offset on; letter->id is set. One
 * with this delivery id being there already is no error and changes nothing. */
MUST_CHECK int letter_db_insert(struct db *db, struct letter *letter, const struct incoming *in,
	uint64_t skip, struct err *err);

/* letter_db_load - the letter with what is left of its targets. -ERR_NOTFOUND. */
MUST_CHECK int letter_db_load(
	struct db *db, int64_t id, struct letter **letter_out, struct err *err);
/* letter_db_body - its message, spooled and parsed again. */
MUST_CHECK int letter_db_body(struct db *db, int64_t id, int spool_dirfd, uint64_t max,
	struct incoming **in_out, struct err *err);

MUST_CHECK int letter_db_cross(struct db *db, int64_t id, unsigned number, struct err *err);
MUST_CHECK int letter_db_delete(struct db *db, int64_t id, struct err *err);

/* letter_db_next - the letter after this id; 0 at the end. */
MUST_CHECK int letter_db_next(struct db *db, int64_t after, int64_t *id_out, struct err *err);

#endif
