/*
 * bring_book.h - bring.db, in the courier's folder: which mailboxes elsewhere are brought here, how
 * far each of their folders is, and what could not be taken.
 *
 * A password is there only while its mailbox is being brought: it goes when that has ended, however
 * it ended, and what is gone is overwritten. What is known of folders (UIDVALIDITY, the last UID)
 * stays until it is forgotten, so that the same mailbox may be brought again for what is new.
 *
 * `once` of a message is its folder's number of 31 random bits and its UID: it is the same however
 * often a message is carried, and not for any other.
 *
 * Any thread.
 */
#ifndef COURIER_BRING_BOOK_H
#define COURIER_BRING_BOOK_H

#include "base/buf.h"
#include "courier/external.h"

enum { BRING_WHY_MAX = 200, BRING_MISSED_MAX = 1000, BRING_JOBS_MAX = 20 };

enum bring_state {
	BRING_WAITING, /* for its turn, or for another try */
	BRING_RUNNING,
	BRING_DONE,
	BRING_FAILED,
	BRING_STOPPED,
};

struct bring_job {
	uint64_t id, account;
	struct external_server server;
	unsigned tries; /* in a row, without any progress */
};

struct bring_book;

MUST_CHECK int bring_book_open(const char *path, struct bring_book **out, struct err *err);
void bring_book_close(struct bring_book **book);

/* bring_book_start - a new one, or the same mailbox again. -ERR_EXISTS: it is under way;
 * -ERR_TOOBIG: the account has BRING_JOBS_MAX. */
MUST_CHECK int bring_book_start(struct bring_book *book, uint64_t account,
	const struct external_server *server, uint64_t *id_out, struct err *err);
/* bring_book_take - one that is due, of an account of which none is running, and whose turn is the
 * longest ago. -ERR_NOTFOUND: none; *due_s_out is then when there will be. */
MUST_CHECK int bring_book_take(
	struct bring_book *book, struct bring_job *out, int64_t *due_s_out, struct err *err);
/* bring_book_put_off - it waits again, for so long; is_failure: nothing came of this try. */
MUST_CHECK int bring_book_put_off(struct bring_book *book, uint64_t job, int64_t wait_s,
	bool is_failure, const char *why, struct err *err);
MUST_CHECK int bring_book_end(struct bring_book *book, uint64_t job, enum bring_state state,
	const char *why, struct err *err);
/* bring_book_stop - if it is not over; its thread is to hear of it, too. forget - all
 * of it. account 0: anybody's; job 0: all of the account's. -ERR_NOTFOUND. */
MUST_CHECK int bring_book_stop(
	struct bring_book *book, uint64_t account, uint64_t job, struct err *err);
MUST_CHECK int bring_book_forget(
	struct bring_book *book, uint64_t account, uint64_t job, struct err *err);
/* bring_book_has_due - somebody would take a turn. */
bool bring_book_has_due(struct bring_book *book);
bool bring_book_is_running(struct bring_book *book, uint64_t job);

/* How far a folder is. */
struct bring_folder {
	int64_t id;
	uint32_t last_uid;  /* up to here all was taken, or is among the missed */
	uint64_t once;      /* of its messages: this and their UID */
	bool is_by_content; /* the server numbered them anew: what is there is known by its bytes */
	unsigned failures;
};
MUST_CHECK int bring_book_folder(struct bring_book *book, uint64_t job, struct slice name,
	struct slice path, uint32_t uidvalidity, uint64_t messages, struct bring_folder *out,
	struct err *err);
/* bring_book_expect - a folder that is not known yet has so many messages. */
MUST_CHECK int bring_book_expect(struct bring_book *book, uint64_t job, struct slice name,
	struct slice path, uint64_t messages, struct err *err);
bool bring_book_knows(struct bring_book *book, uint64_t job, struct slice name);
/* bring_book_refuse - the folder is not taken, and why; "" ends that. */
MUST_CHECK int bring_book_refuse(struct bring_book *book, uint64_t job, struct slice name,
	struct slice path, const char *why, struct err *err);

struct bring_missed {
	uint32_t uid;
	uint64_t size;
	const char *why;
};
/* bring_book_note - what came of a batch: all up to last_uid is settled. objects: of what was
 * taken, to be known again; or none. */
struct bring_batch {
	uint32_t last_uid;
	uint64_t taken, bytes;
	struct bring_missed missed[128];
	size_t missed_n;
	const struct slice *objects;
	size_t objects_n;
};
MUST_CHECK int bring_book_note(struct bring_book *book, uint64_t job, int64_t folder,
	const struct bring_batch *batch, struct err *err);
/* bring_book_failed - the folder's failures without progress. */
MUST_CHECK int bring_book_failed(struct bring_book *book, int64_t folder, struct err *err);
/* bring_book_has - this object was taken from another folder. */
MUST_CHECK int bring_book_has(
	struct bring_book *book, uint64_t job, struct slice object, bool *has_out, struct err *err);

/* bring_book_json - of an account, or of all (0), as a JSON array; what was missed only with a job.
 */
MUST_CHECK int bring_book_json(
	struct bring_book *book, uint64_t account, uint64_t job, struct buf *out, struct err *err);

#endif
