/*
 * import.c - mail that the courier brought from a mailbox elsewhere (wire/smtp/import.h): it goes
 * into the account as it is, a batch at a time. Only a batch is replied to, so what fails before is
 * kept until then.
 */
#include "mail/import.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "smtp/session.h"
#include "wire/smtp/import.h"

static_assert((int)SMTP_IMPORT_BATCH == (int)IMPORT_BATCH, "both sides know how much is a batch");

struct session_import {
	atomic_uint refs; /* the session's, and a flush's */
	struct mail_import *import;
	uint64_t account;
	unsigned how;
	/* the message that comes */
	struct arena arena;
	struct smtp_import_message head;
	struct incoming *in;
	/* the batch */
	int rc; /* what went wrong before it was whole */
	struct err err;
	char results[SMTP_IMPORT_BATCH + 1];
	size_t n;
	/* its flush */
	struct pool *pool;
	struct conn_ref who;
	uint64_t ticket;
};

/* What the courier brings next may be large, and come slowly. */
enum { HEAD_MAX = 64 << 10, IDLE_MS = 2 * 3600 * 1000 };

static void unref(struct session_import *i)
{
	if (atomic_fetch_sub(&i->refs, 1) != 1)
		return;
	mail_import_free(&i->import);
	if (i->in)
		incoming_free(&i->in);
	arena_done(&i->arena);
	free(i);
}

void smtp_import_end(struct session *s)
{
	if (s->import)
		unref(s->import);
	s->import = NULL;
}

static struct session_import *import_of(struct session *s)
{
	if (!s->import) {
		s->import = mem_new(struct session_import);
		atomic_init(&s->import->refs, 1);
		arena_init(&s->import->arena, HEAD_MAX);
	}
	return s->import;
}

static void note(struct session_import *i, int rc, const struct err *err)
{
	if (rc < 0 && i->rc == 0) {
		i->rc = rc;
		i->err = *err;
	}
}

static bool is_courier(struct conn *c)
{
	if (session_of(c)->is_courier)
		return true;
	smtp_session_fail(c, SMTP_SAY_NOT_HERE, NULL);
	return false;
}

/* ---- where to ---- */

static int open_folder(struct conn *c, struct session_import *i,
	const struct smtp_import_folder *folder, struct err *err)
{
	static const enum mailbox_role roles[SMTP_IMPORT_ROLES] = {
		[SMTP_IMPORT_NONE] = ROLE_NONE,
		[SMTP_IMPORT_INBOX] = ROLE_INBOX,
		[SMTP_IMPORT_DRAFTS] = ROLE_DRAFTS,
		[SMTP_IMPORT_SENT] = ROLE_SENT,
		[SMTP_IMPORT_JUNK] = ROLE_JUNK,
		[SMTP_IMPORT_TRASH] = ROLE_TRASH,
		[SMTP_IMPORT_ARCHIVE] = ROLE_ARCHIVE,
	};
	const enum mailbox_role role = folder->role == SMTP_IMPORT_BY_NAME
					       ? mail_import_role(folder->path)
					       : roles[folder->role];
	const unsigned how = folder->is_by_content ? IMPORT_ONCE : 0;
	int rc = 0;

	if (i->n)
		return err_set(err, ERR_SYNTAX, "the batch before is not stored");
	if (i->import && (i->account != folder->account || i->how != how))
		mail_import_free(&i->import);
	if (!i->import)
		rc = mail_import_open(session_service(c), folder->account, how, &i->import, err);
	i->account = folder->account;
	i->how = how;
	return rc < 0 ? rc : mail_import_mailbox(i->import, folder->path, role, true, err);
}

void smtp_import_folder(struct conn *c, struct slice args)
{
	struct session_import *i;
	struct smtp_import_folder folder;
	struct smtp_cmd cmd = {.arena = conn_arena(c)};
	struct err err;
	int rc;

	if (!is_courier(c))
		return;
	conn_set_timeout(c, IDLE_MS);
	i = import_of(session_of(c));
	rc = smtp_import_folder_parse(&cmd, args, &folder, &err);
	if (rc == 0)
		rc = open_folder(c, i, &folder, &err);
	note(i, rc, &err);
}

/* ---- messages ---- */

static void add(struct session_import *i)
{
	const struct mail_import_message message = {.in = i->in,
		.flags = i->head.flags,
		.keywords = i->head.keywords,
		.keywords_n = i->head.keywords_n,
		.once_id = i->head.once};

	mail_import_add(i->import, &message);
	i->results[i->n++] = SMTP_IMPORT_ADDED;
}

/* One message that is no good does not spoil the others. */
static void end_message(struct session_import *i)
{
	struct err err;
	int rc = i->rc;

	if (rc == 0 && i->in && spool_size(i->in->spool) == 0)
		i->results[i->n++] = SMTP_IMPORT_BROKEN;
	else if (rc == 0 && !i->in)
		i->results[i->n++] = SMTP_IMPORT_TOO_LARGE;
	else if (rc == 0 && (rc = incoming_finish(i->in, &err)) == 0)
		add(i);
	if (i->rc == 0)
		note(i, rc, &err);
	if (i->in)
		incoming_free(&i->in);
}

void smtp_import_message(struct conn *c, struct slice args)
{
	struct session *s = session_of(c);
	struct store *store = session_service(c)->store;
	struct session_import *i;
	struct smtp_cmd cmd = {0};
	struct err err;

	if (!is_courier(c))
		return;
	i = import_of(s);
	arena_reset(&i->arena);
	cmd.arena = &i->arena;
	if (smtp_import_message_parse(&cmd, args, &i->head, &err) < 0) {
		smtp_session_fail(c, cmd.say, err.msg);
		conn_close(c); /* octets follow, nobody knows how many */
		return;
	}
	if (i->rc == 0 && (!i->import || i->n == SMTP_IMPORT_BATCH))
		note(i, -ERR_SYNTAX, (err_set(&err, ERR_SYNTAX, "no batch for a message"), &err));
	if (i->rc == 0 && i->head.size <= store_message_max(store)) {
		i->in = incoming_new(store_spool_dir(store), store_message_max(store));
		i->in->received_s = i->head.received_s;
		i->in->zone_min = i->head.zone_min;
	}
	s->mode = MODE_IMPORT;
	s->chunk_left = i->head.size;
	if (s->chunk_left == 0)
		smtp_import_bytes(c, (struct slice){0});
}

void smtp_import_bytes(struct conn *c, struct slice bytes)
{
	struct session *s = session_of(c);
	struct session_import *i = s->import;
	struct err err;

	s->chunk_left -= bytes.len;
	if (i->in && i->rc == 0)
		note(i, incoming_append(i->in, bytes, &err), &err);
	if (s->chunk_left)
		return;
	s->mode = MODE_COMMAND;
	end_message(i);
}

/* ---- the batch ---- */

static enum smtp_say say_of(int rc)
{
	return rc == -ERR_NOTFOUND ? SMTP_SAY_NO_USER : smtp_say_of((enum err_code) - rc);
}

static void end_batch(struct session_import *i)
{
	i->rc = 0;
	i->n = 0;
}

/* What became of those that the import took, at their places in the batch. */
static void take_fates(struct session_import *i)
{
	static const char letters[] = {[IMPORT_STORED] = SMTP_IMPORT_ADDED,
		[IMPORT_TOO_LARGE] = SMTP_IMPORT_TOO_LARGE,
		[IMPORT_NO_ROOM] = SMTP_IMPORT_NO_ROOM};
	size_t at = 0;

	for (size_t k = 0; k < i->n; k++) {
		if (i->results[k] == SMTP_IMPORT_ADDED)
			i->results[k] = letters[mail_import_fate(i->import, at++)];
	}
}

static void reply(struct conn *c, int rc, const struct err *err)
{
	struct session_import *i = session_of(c)->import;

	if (rc < 0) {
		log_info(conn_log(c), "import", log_n("account", (int64_t)i->account), log_e(err));
		smtp_session_reply(c, say_of(rc), err->msg);
	} else {
		take_fates(i);
		i->results[i->n] = '\0';
		smtp_session_reply(c, SMTP_SAY_STORED, i->n ? i->results : NULL);
	}
	end_batch(i);
}

static void on_stored(struct conn *c, struct answer *answer)
{
	reply(c, answer->rc, &answer->err);
}

static void stored(void *context, int rc, const struct err *err)
{
	struct session_import *i = context;
	struct answer answer = {.rc = rc};

	if (rc < 0)
		answer.err = *err;
	pool_answer(i->pool, i->who, i->ticket, &answer);
	unref(i);
}

void smtp_import_store(struct conn *c, struct slice args)
{
	struct session_import *i;
	struct err err;

	(void)args;
	if (!is_courier(c))
		return;
	i = import_of(session_of(c));
	if (i->rc == 0 && !i->import)
		note(i, -ERR_SYNTAX, (err_set(&err, ERR_SYNTAX, "nothing to store"), &err));
	if (i->rc < 0) {
		/* What was taken of the batch goes with the import. */
		err = i->err;
		reply(c, i->rc, &err);
		mail_import_free(&i->import);
		return;
	}
	atomic_fetch_add(&i->refs, 1);
	i->pool = conn_pool(c);
	i->who = conn_ref(c);
	i->ticket = conn_park(c, SESSION_PARK_MS, on_stored);
	mail_import_flush(i->import, stored, i);
}
