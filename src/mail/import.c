/* import.c - see import.h for the contract. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mail/import_internal.h"
#include "mail/mail.h"

enum { ACCOUNT_ARENA = 4096, MAILBOX_ARENA = 4 * MAILBOX_NAME_MAX, BATCH_ARENA = 4 << 20 };

/* How many of one content the mailbox had, and how many of these the source had so far. */
struct content {
	unsigned char hash[CONTENT_LEN];
	bool is_met;
};

struct mail_import {
	struct account_write write;
	struct service *service;
	uint64_t id;
	unsigned how;
	struct account *account;
	struct mail_import_counts counts;

	/* the mailbox */
	struct buf path; /* empty: none yet */
	enum mailbox_role role;
	bool is_subscribed;
	uint64_t mailbox;         /* 0: not there, or not looked for yet */
	uint64_t made;            /* by the transaction that is being run */
	struct content *contents; /* by hash; NULL: not read */
	size_t contents_n;
	bool has_contents;

	/* the batch */
	struct arena arena; /* of its keywords */
	struct mail_import_message batch[IMPORT_BATCH];
	size_t n;
	uint64_t bytes;
	unsigned char fates[IMPORT_BATCH]; /* enum mail_import_fate */
	struct mail_import_counts gain;    /* by the transaction that is being run */
	mail_import_done_fn *done;
	void *context;
	mail_import_told_fn *told;
	void *told_context;
};

/* ---- one import of an account at a time ---- */

void mail_imports_init(struct mail_imports *imports)
{
	pthread_mutex_init(&imports->lock, NULL);
	imports->n = 0;
}

void mail_imports_done(struct mail_imports *imports)
{
	pthread_mutex_destroy(&imports->lock);
}

static int begin(struct mail_imports *imports, uint64_t account, struct err *err)
{
	int rc = 0;

	pthread_mutex_lock(&imports->lock);
	for (size_t i = 0; i < imports->n; i++) {
		if (imports->accounts[i] == account)
			rc = err_set(err, ERR_BUSY, "another import into this account is running");
	}
	if (rc == 0 && imports->n == IMPORTS_MAX)
		rc = err_set(err, ERR_BUSY, "too many imports are running");
	if (rc == 0)
		imports->accounts[imports->n++] = account;
	pthread_mutex_unlock(&imports->lock);
	return rc;
}

static void end(struct mail_imports *imports, uint64_t account)
{
	pthread_mutex_lock(&imports->lock);
	for (size_t i = 0; i < imports->n; i++) {
		if (imports->accounts[i] == account) {
			imports->accounts[i] = imports->accounts[--imports->n];
			break;
		}
	}
	pthread_mutex_unlock(&imports->lock);
}

/* The second look: an account that was deleted meanwhile must not come to life again. */
static int open_account(struct mail_import *import, struct err *err)
{
	struct service *service = import->service;
	struct directory_account owner;
	struct arena arena AUTO(arena_done);
	int rc;

	arena_init(&arena, 2 * ACCOUNT_ARENA);
	rc = directory_account(service->directory, import->id, &arena, &owner, err);
	if (rc == 0)
		rc = store_account(
			service->store, import->id, owner.quota_bytes, &import->account, err);
	return rc < 0 ? rc : directory_account(service->directory, import->id, &arena, &owner, err);
}

int mail_import_open(struct service *service, uint64_t account, unsigned how,
	struct mail_import **out, struct err *err)
{
	struct mail_import *import;
	int rc = begin(&service->imports, account, err);

	if (rc < 0)
		return rc;
	import = mem_new(struct mail_import);
	import->service = service;
	import->id = account;
	import->how = how;
	buf_init(&import->path, IMPORT_PATH_MAX);
	arena_init(&import->arena, BATCH_ARENA);
	rc = open_account(import, err);
	if (rc < 0)
		mail_import_free(&import);
	else
		*out = import;
	return rc;
}

static void empty_batch(struct mail_import *import)
{
	for (size_t i = 0; i < import->n; i++)
		incoming_free(&import->batch[i].in);
	import->n = 0;
	import->bytes = 0;
	arena_reset(&import->arena);
}

void mail_import_free(struct mail_import **import)
{
	struct mail_import *i = *import;

	*import = NULL;
	if (!i)
		return;
	empty_batch(i);
	if (i->account)
		account_free(&i->account);
	end(&i->service->imports, i->id);
	arena_done(&i->arena);
	buf_done(&i->path);
	free(i->contents);
	free(i);
}

/* ---- the mailbox ---- */

static void forget_mailbox(struct mail_import *import)
{
	free(import->contents);
	import->contents = NULL;
	import->contents_n = 0;
	import->has_contents = false;
	import->mailbox = 0;
}

int mail_import_mailbox(struct mail_import *import, struct slice path, enum mailbox_role role,
	bool is_subscribed, struct err *err)
{
	struct buf clean AUTO(buf_done);
	int rc;

	assert(import->n == 0);
	buf_init(&clean, IMPORT_PATH_MAX);
	rc = import_path(path, &clean, err);
	if (rc < 0 ||
		(import->role == role && slice_eq(buf_slice(&clean), buf_slice(&import->path))))
		return rc; /* what was read of it is still true */
	forget_mailbox(import);
	import->role = role;
	import->is_subscribed = is_subscribed;
	buf_clear(&import->path);
	buf_append(&import->path, buf_slice(&clean));
	return 0;
}

/* By its role, else by its path; one that is only a level is made by the transaction. */
static int find_mailbox(struct mail_import *import, struct err *err)
{
	struct mailbox_info info;
	struct arena arena AUTO(arena_done);
	int rc = -ERR_NOTFOUND;

	arena_init(&arena, MAILBOX_ARENA);
	if (import->mailbox)
		return 0;
	if (import->role != ROLE_NONE)
		rc = account_mailbox(
			import->account, (struct slice){0}, 0, import->role, &arena, &info, err);
	if (rc == -ERR_NOTFOUND)
		rc = account_mailbox(import->account, buf_slice(&import->path), 0, ROLE_NONE,
			&arena, &info, err);
	if (rc == 0 && !info.is_noselect)
		import->mailbox = info.id;
	return rc == -ERR_NOTFOUND ? 0 : rc;
}

/* ---- what is there already ---- */

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, CONTENT_LEN);
}

static int read_contents(struct mail_import *import, struct err *err)
{
	struct buf hashes AUTO(buf_done);
	int rc;

	buf_init(&hashes, (size_t)UINT32_MAX * CONTENT_LEN);
	if (!(import->how & IMPORT_ONCE) || import->has_contents || !import->mailbox)
		return 0;
	rc = account_contents(import->account, import->mailbox, &hashes, err);
	if (rc < 0)
		return rc;
	import->contents_n = hashes.len / CONTENT_LEN;
	import->contents = mem_zalloc_array(import->contents_n + 1, sizeof(*import->contents));
	for (size_t i = 0; i < import->contents_n; i++)
		memcpy(import->contents[i].hash, hashes.ptr + i * CONTENT_LEN, CONTENT_LEN);
	qsort(import->contents, import->contents_n, sizeof(*import->contents), compare);
	import->has_contents = true;
	return 0;
}

/* The first that was not met yet of those that are equal; equal ones are met in their order. */
static bool meet(struct mail_import *import, const struct incoming *in)
{
	size_t from = 0, to = import->contents_n;

	while (from < to) {
		const size_t at = from + (to - from) / 2;
		const int order = memcmp(import->contents[at].hash, in->hash, CONTENT_LEN);

		if (order < 0 || (order == 0 && import->contents[at].is_met))
			from = at + 1;
		else
			to = at;
	}
	if (from == import->contents_n ||
		memcmp(import->contents[from].hash, in->hash, CONTENT_LEN) != 0)
		return false;
	import->contents[from].is_met = true;
	return true;
}

/* ---- the batch ---- */

void mail_import_add(struct mail_import *import, const struct mail_import_message *message)
{
	struct mail_import_message *m = &import->batch[import->n++];
	struct slice *keywords;

	assert(import->n <= IMPORT_BATCH);
	*m = *message;
	m->in = incoming_ref(message->in);
	m->keywords_n = 0;
	m->flags &= FLAG_SYSTEM;
	import->bytes += m->in->size;
	keywords = arena_array(&import->arena, struct slice, message->keywords_n + 1);
	for (size_t i = 0; keywords && i < message->keywords_n; i++) {
		keywords[i] = arena_dup(&import->arena, message->keywords[i]);
		m->keywords_n += keywords[i].ptr != NULL;
	}
	m->keywords = keywords;
	m->where = arena_dup(&import->arena, message->where);
	import->counts.keywords_left_out += message->keywords_n - m->keywords_n;
}

bool mail_import_is_full(const struct mail_import *import)
{
	return import->n == IMPORT_BATCH || import->bytes >= IMPORT_BATCH_BYTES;
}

void mail_import_tell(struct mail_import *import, mail_import_told_fn *told, void *context)
{
	import->told = told;
	import->told_context = context;
}

static void tell(const struct mail_import *import, struct slice where, const char *why)
{
	if (import->told)
		import->told(import->told_context, where, why);
}

static const char too_large[] = "it is larger than a message may be here",
		  no_room[] = "the account has no room for it";

void mail_import_refuse(struct mail_import *import, struct slice where)
{
	import->counts.too_large++;
	tell(import, where, too_large);
}

/* Why this message is not stored: where it is counted; NULL: it is. */
static uint64_t *left_out(struct mail_import *import, const struct account_usage *usage,
	uint64_t more, const struct mail_import_message *m)
{
	if (m->in->size > store_message_max(import->service->store))
		return &import->counts.too_large;
	if ((import->how & IMPORT_ONCE) && meet(import, m->in))
		return &import->counts.repeated;
	if (usage->quota_bytes && usage->bytes + more + m->in->size > usage->quota_bytes)
		return &import->counts.over_quota;
	return NULL;
}

static enum mail_import_fate fate_of(const struct mail_import *import, const uint64_t *count)
{
	return count == &import->counts.too_large    ? IMPORT_TOO_LARGE
	       : count == &import->counts.over_quota ? IMPORT_NO_ROOM
						     : IMPORT_STORED;
}

enum mail_import_fate mail_import_fate(const struct mail_import *import, size_t n)
{
	return (enum mail_import_fate)import->fates[n];
}

/* What remains is to be stored. */
static void sift(struct mail_import *import)
{
	/* What a trial would have stored takes room as well. */
	uint64_t more = import->how & IMPORT_TRIAL ? import->counts.bytes : 0;
	struct account_usage usage;
	size_t n = 0;

	account_usage(import->account, &usage);
	for (size_t i = 0; i < import->n; i++) {
		struct mail_import_message *m = &import->batch[i];
		uint64_t *count = left_out(import, &usage, more, m);

		import->fates[i] = (unsigned char)fate_of(import, count);
		if (count) {
			++*count;
			if (count != &import->counts.repeated)
				tell(import, m->where,
					count == &import->counts.too_large ? too_large : no_room);
			incoming_free(&m->in);
			continue;
		}
		more += m->in->size;
		import->batch[n++] = *m;
	}
	import->n = n;
}

/* ---- storing it ---- */

static int keyword_bits(struct mail_import *import, struct account_tx *tx,
	const struct mail_import_message *m, uint64_t *bits_out, struct err *err)
{
	uint64_t all = 0, one;

	for (size_t i = 0; i < m->keywords_n; i++) {
		const int rc = tx_keywords(tx, &m->keywords[i], 1, &one, err);

		if (rc == 0)
			all |= one;
		else if (rc == -ERR_TOOBIG || rc == -ERR_SYNTAX)
			import->gain.keywords_left_out++;
		else
			return rc;
	}
	*bits_out = all;
	return 0;
}

static int add_one(struct mail_import *import, struct account_tx *tx,
	const struct mail_import_message *m, struct err *err)
{
	struct message_added added;
	uint64_t bits;
	int rc = keyword_bits(import, tx, m, &bits, err);

	if (rc == 0)
		rc = tx_add(tx, import->made, m->in, m->flags | bits, m->once_id, &added, err);
	if (rc < 0)
		return rc;
	import->gain.added += !added.is_repeat;
	import->gain.repeated += added.is_repeat;
	import->gain.bytes += added.is_repeat ? 0 : m->in->size;
	return 0;
}

static int need_mailbox(struct mail_import *import, struct account_tx *tx, struct err *err)
{
	const struct slice path = buf_slice(&import->path);
	bool is_new = false;
	int rc;

	import->made = import->mailbox;
	if (import->mailbox)
		return 0;
	rc = tx_mailbox_need(tx, path, import->role, &import->made, &is_new, err);
	if (rc == 0 && is_new && import->is_subscribed)
		rc = tx_mailbox_subscribe(tx, path, true, err);
	return rc;
}

static int import_run(struct account_write *write, struct account_tx *tx, struct err *err)
{
	struct mail_import *import = (struct mail_import *)write;
	int rc;

	import->gain = (struct mail_import_counts){0};
	rc = need_mailbox(import, tx, err);
	for (size_t i = 0; rc == 0 && i < import->n; i++)
		rc = add_one(import, tx, &import->batch[i], err);
	return rc;
}

static void flushed(struct mail_import *import, int rc, const struct err *err)
{
	empty_batch(import);
	import->done(import->context, rc, err);
}

static void import_done(struct account_write *write, int rc, const struct err *err)
{
	struct mail_import *import = (struct mail_import *)write;

	if (rc == 0) {
		import->mailbox = import->made;
		import->has_contents |= import->contents == NULL;
		import->counts.added += import->gain.added;
		import->counts.bytes += import->gain.bytes;
		import->counts.repeated += import->gain.repeated;
		import->counts.keywords_left_out += import->gain.keywords_left_out;
	}
	flushed(import, rc, err);
}

static void try_only(struct mail_import *import)
{
	for (size_t i = 0; i < import->n; i++)
		import->counts.bytes += import->batch[i].in->size;
	import->counts.added += import->n;
	flushed(import, 0, NULL);
}

void mail_import_flush(struct mail_import *import, mail_import_done_fn *done, void *context)
{
	struct err err;
	int rc;

	import->done = done;
	import->context = context;
	if (import->path.len == 0) { /* nobody has said where to yet */
		assert(import->n == 0);
		flushed(import, 0, NULL);
		return;
	}
	rc = find_mailbox(import, &err);
	if (rc == 0)
		rc = read_contents(import, &err);
	if (rc < 0) {
		flushed(import, rc, &err);
		return;
	}
	sift(import);
	if (import->how & IMPORT_TRIAL) {
		try_only(import);
	} else if (import->n == 0 && import->mailbox) {
		flushed(import, 0, NULL);
	} else {
		import->write = (struct account_write){
			.run = import_run, .done = import_done, .is_adding = true};
		account_submit(import->account, &import->write);
	}
}

void mail_import_counts(const struct mail_import *import, struct mail_import_counts *out)
{
	*out = import->counts;
}
