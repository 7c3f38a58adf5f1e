/* mail_kit.c - see mail_kit.h. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/db.h"
#include "mail/mail_kit.h"

enum { WAIT_MS = 20000 };

static const char *const addresses[] = {
	[KIT_ALICE] = "alice@posthouse.example",
	[KIT_BOB] = "bob@posthouse.example",
	[KIT_CAROL] = "carol@posthouse.example",
};

static void must(int rc, const struct err *err)
{
	if (rc < 0)
		fail_msg("%s", err->msg);
}

static int put_letter(
	struct kit_queue *q, struct letter *letter, const struct incoming *in, struct err *err)
{
	int rc = db_begin(q->db, err);

	if (rc == 0)
		rc = letter_db_insert(q->db, letter, in, letter->own_bytes, err);
	if (rc == 0)
		return db_commit(q->db, err);
	if (db_in_transaction(q->db))
		db_rollback(q->db);
	return rc;
}

static void on_put(struct mail_queue *queue, struct letter *letter, struct incoming *in,
	bool is_repeated, mail_done_fn *done, void *context)
{
	struct kit_queue *q = (struct kit_queue *)queue;
	struct err err;
	int rc;

	(void)is_repeated;
	pthread_mutex_lock(&q->lock);
	rc = put_letter(q, letter, in, &err);
	pthread_mutex_unlock(&q->lock);
	done(context, rc, NULL, &err);
	letter_free(&letter);
}

struct kit_queued kit_queued(struct mail_kit *kit)
{
	struct kit_queued found;
	struct err err;

	pthread_mutex_lock(&kit->queue.lock);
	must(db_get_int(kit->queue.db, &found.messages, &err, "SELECT count(*) FROM letter"), &err);
	must(db_get_int(kit->queue.db, &found.recipients, &err, "SELECT count(*) FROM target"),
		&err);
	pthread_mutex_unlock(&kit->queue.lock);
	return found;
}

void kit_resume(struct mail_kit *kit)
{
	struct service *s = &kit->service;
	const struct pool_config pool = {.threads = 16, .connections_max = 16};
	struct err err;

	mail_sessions_init(&s->sessions);
	mail_imports_init(&s->imports);
	must(pool_new(&pool, &s->pool, &err), &err);
	must(store_new(&(struct store_config){.pool = s->pool,
			       .open_max = 16,
			       .index_bytes_max = 1 << 20,
			       .message_max = 1 << 20},
		     &s->store, &err),
		&err);
	must(directory_open("directory.db", &s->directory, &err), &err);
	must(letter_db_open("queue.db", &kit->queue.db, &err), &err);
	pthread_mutex_init(&kit->queue.lock, NULL);
	kit->queue.face.put = on_put;
	s->queue = &kit->queue.face;
	must(security_log_open("security.db", s->pool, &s->security_log, &err), &err);
	must(mail_accept_open(s, &s->accept, &err), &err);
}

void kit_stop(struct mail_kit *kit)
{
	struct service *s = &kit->service;

	pool_stop(&s->pool);
	mail_sessions_done(&s->sessions);
	mail_imports_done(&s->imports);
	mail_accept_close(&s->accept);
	db_close(&kit->queue.db);
	pthread_mutex_destroy(&kit->queue.lock);
	security_log_close(&s->security_log);
	store_free(&s->store);
	directory_close(&s->directory);
}

static void add_alias(struct mail_kit *kit, const char *address, const char *target)
{
	struct slice t = slice_str(target);
	struct err err;

	must(directory_alias_add(kit->service.directory, slice_str(address), &t, 1, &err), &err);
}

static void fill_directory(struct mail_kit *kit)
{
	struct directory *dir = kit->service.directory;
	struct err err;

	must(directory_domain_add(dir, slice_lit("posthouse.example"), &err), &err);
	must(directory_domain_add(dir, slice_lit("catch.example"), &err), &err);
	for (size_t i = 0; i < KIT_ACCOUNTS; i++)
		must(directory_account_add(dir, slice_str(addresses[i]), 0, &kit->ids[i], &err),
			&err);
	add_alias(kit, "team@posthouse.example", "alice@posthouse.example");
	add_alias(kit, "team@posthouse.example", "bob@posthouse.example");
	add_alias(kit, "all@posthouse.example", "team@posthouse.example");
	add_alias(kit, "all@posthouse.example", "carol@posthouse.example");
	add_alias(kit, "all@posthouse.example", "again@posthouse.example");
	add_alias(kit, "again@posthouse.example", "all@posthouse.example");
	add_alias(kit, "away@posthouse.example", "Friend@elsewhere.example");
	add_alias(kit, "away@posthouse.example", "bob@posthouse.example");
	add_alias(kit, "gone@posthouse.example", "nobody@posthouse.example");
	add_alias(kit, "one@posthouse.example", "two@posthouse.example");
	add_alias(kit, "two@posthouse.example", "one@posthouse.example");
	add_alias(kit, "@catch.example", "carol@posthouse.example");
}

void kit_open(struct mail_kit *kit)
{
	*kit = (struct mail_kit){.service.host_name = slice_lit("mx.posthouse.example"),
		.service.limits.message_max = 1 << 20,
		.service.limits.recipients_max = 5,
		.service.limits.smtp_idle_ms = 60000,
		.service.limits.login_failures_max = 3};
	kit->home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_non_null(mkdtemp(temp_path(kit->path, "mail-test-XXXXXX")));
	assert_int_equal(chdir(kit->path), 0);
	kit_resume(kit);
	fill_directory(kit);
}

void kit_start(struct mail_kit *kit)
{
	struct err err;

	must(pool_start(kit->service.pool, &err), &err);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

void kit_close(struct mail_kit *kit)
{
	kit_stop(kit);
	assert_int_equal(fchdir(kit->home), 0);
	close(kit->home);
	nftw(kit->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

struct incoming *kit_incoming(struct mail_kit *kit, const char *text)
{
	struct incoming *in = incoming_new(store_spool_dir(kit->service.store), 1 << 20);
	struct err err;

	must(incoming_append(in, slice_str(text), &err), &err);
	must(incoming_finish(in, &err), &err);
	return in;
}

struct waiting {
	sem_t sem;
	int rc;
};

static void on_done(void *context, int rc, const struct message_added *added, const struct err *err)
{
	struct waiting *w = context;

	(void)added;
	(void)err;
	w->rc = rc;
	sem_post(&w->sem);
}

int kit_submit(struct mail_kit *kit, const char *sender, const char *const *recipients,
	struct incoming *in)
{
	struct arena arena AUTO(arena_done);
	struct mail_recipient list[8] = {0};
	struct mail_envelope env = {.sender = slice_str(sender), .recipients = list};
	struct waiting w = {.rc = 1};
	struct err err;

	arena_init(&arena, 1 << 20);
	sem_init(&w.sem, 0, 0);
	for (; *recipients; recipients++) {
		struct mail_recipient *r = &list[env.recipients_n++];
		const int rc = mail_resolve(
			kit->service.directory, slice_str(*recipients), &arena, &r->resolved, &err);

		r->address = slice_str(*recipients);
		if (rc == -ERR_DENIED) {
			r->resolved.targets = arena_array(&arena, struct mail_target, 1);
			r->resolved.targets[0].address = r->address;
			r->resolved.n = 1;
		}
	}
	mail_accept_submit(&kit->service, &env, in, on_done, &w);
	while (sem_wait(&w.sem) < 0 && errno == EINTR)
		;
	sem_destroy(&w.sem);
	return w.rc;
}

uint64_t kit_messages(struct mail_kit *kit, enum kit_account who)
{
	struct account *account AUTO(account_free) = NULL;
	struct arena arena AUTO(arena_done);
	struct mailbox_info info;
	struct err err;

	arena_init(&arena, 4096);
	must(store_account(kit->service.store, kit->ids[who], 0, &account, &err), &err);
	must(account_mailbox(account, (struct slice){0}, 0, ROLE_INBOX, &arena, &info, &err), &err);
	return info.messages;
}

void kit_await(struct mail_kit *kit, enum kit_account who, uint64_t n)
{
	for (int ms = 0; kit_messages(kit, who) != n; ms++) {
		if (ms == WAIT_MS)
			fail_msg("%s has %llu messages, not %llu", addresses[who],
				(unsigned long long)kit_messages(kit, who), (unsigned long long)n);
		usleep(1000);
	}
}

void kit_await_log_empty(struct mail_kit *kit)
{
	int64_t n = 1;
	struct db *db;
	struct err err;

	(void)kit;
	must(db_open(&(struct db_config){.path = "accept.db", .is_read_only = true}, &db, &err),
		&err);
	for (int ms = 0; n; ms++) {
		must(db_get_int(db, &n, &err, "SELECT count(*) FROM letter"), &err);
		if (ms == WAIT_MS)
			fail_msg("%lld letters are left", (long long)n);
		usleep(1000);
	}
	must(db_get_int(db, &n, &err,
		     "SELECT (SELECT count(*) FROM target) + (SELECT count(*) FROM chunk)"),
		&err);
	assert_int_equal(n, 0);
	db_close(&db);
}
