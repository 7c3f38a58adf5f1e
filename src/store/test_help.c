/* test_help.c - see test_help.h. */
#include "store/test_help.h"

#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/temp.h"

static char home[TEMP_MAX];
static struct arena arena;
static atomic_uint wakes;
static struct pool_timer *timer;
static unsigned jobs;

/* The pool, as far as the store needs one: it only counts; and time passes when a test says so. */
void pool_run(struct pool *pool, enum pool_class class, struct pool_job *job)
{
	(void)pool;
	(void)class;
	jobs++;
	job->run(job);
}

unsigned help_jobs(void)
{
	return jobs;
}

void pool_wake(struct pool *pool, struct conn_ref ref)
{
	(void)pool;
	(void)ref;
	wakes++;
}

void pool_wake_many(struct pool *pool, const struct conn_ref *refs, size_t n)
{
	(void)pool;
	(void)refs;
	wakes += (unsigned)n;
}

void pool_timer_set(struct pool *pool, struct pool_timer *new_timer, int64_t due_ms)
{
	(void)pool;
	new_timer->due_ms = due_ms;
	timer = new_timer;
}

void help_pass(int64_t ms)
{
	const int64_t end_ms = clock_mono_ms() + ms;

	while (timer && timer->due_ms <= end_ms) {
		struct pool_timer *due = timer;

		timer = NULL;
		if (due->due_ms > clock_mono_ms())
			clock_shift((due->due_ms - clock_mono_ms()) * 1000);
		due->job.run(&due->job);
	}
	if (end_ms > clock_mono_ms())
		clock_shift((end_ms - clock_mono_ms()) * 1000);
}

unsigned help_wakes(void)
{
	return wakes;
}

void help_enter(void)
{
	/* In memory where that is: what a test breaks is above the disk. */
	if (access("/dev/shm", W_OK) == 0)
		snprintf(home, sizeof(home), "/dev/shm/store_test.XXXXXX");
	else
		temp_path(home, "store_test.XXXXXX");
	assert_non_null(mkdtemp(home));
	assert_int_equal(chdir(home), 0);
	arena_init(&arena, 64 << 20);
}

static int drop(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void help_leave(void)
{
	timer = NULL;
	arena_done(&arena);
	assert_int_equal(chdir("/"), 0);
	nftw(home, drop, 16, FTW_DEPTH | FTW_PHYS);
}

struct arena *help_arena(void)
{
	return &arena;
}

struct store *help_store(struct store_config config)
{
	struct store *store;
	struct err err;

	if (!config.index_bytes_max)
		config.index_bytes_max = 64 << 20;
	if (store_new(&config, &store, &err) < 0)
		fail_msg("store: %s", err.msg);
	return store;
}

struct account *help_account(struct store *store, uint64_t id)
{
	struct account *account;
	struct err err;

	if (store_account(store, id, 0, &account, &err) < 0)
		fail_msg("account: %s", err.msg);
	return account;
}

int help_try_message(struct store *store, const char *message_id, const char *refs,
	const char *subject, size_t size, struct incoming **in_out, struct err *err)
{
	struct incoming *in AUTO(incoming_free) =
		incoming_new(store_spool_dir(store), store_message_max(store));
	char head[512];
	char line[65];
	int rc;

	snprintf(head, sizeof(head),
		"From: a@example.org\r\nTo: b@example.org\r\nSubject: %s\r\nMessage-ID: <%s>\r\n"
		"%s%s%s\r\n",
		subject, message_id, refs ? "References: " : "", refs ? refs : "",
		refs ? "\r\n" : "");
	memset(line, 'x', 62);
	memcpy(line + 62, "\r\n", 3);
	rc = incoming_append(in, slice_str(head), err);
	while (rc == 0 && spool_size(in->spool) < size)
		rc = incoming_append(in, slice_str(line), err);
	if (rc == 0)
		rc = incoming_finish(in, err);
	if (rc < 0)
		return rc;
	*in_out = in;
	in = NULL;
	return 0;
}

struct incoming *help_message(struct store *store, const char *message_id, const char *refs,
	const char *subject, size_t size)
{
	struct incoming *in;
	struct err err;

	if (help_try_message(store, message_id, refs, subject, size, &in, &err) < 0)
		fail_msg("%s", err.msg);
	return in;
}

static int run_step(struct account_write *w, struct account_tx *tx, struct err *err)
{
	struct step *s = account_run_context(w);
	int rc = 0;

	switch (s->what) {
	case ADD:
		rc = tx_add(tx, s->mailbox, s->in, s->flags, s->delivery, &s->added, err);
		break;
	case FLAGS:
		rc = tx_flags(tx, s->mailbox, s->uids, s->n, s->change, s->flags,
			s->unchanged_since ? s->unchanged_since : UINT64_MAX, s->failed, err);
		break;
	case COPY:
	case MOVE:
		rc = tx_copy(
			tx, s->mailbox, s->uids, s->n, s->to, s->what == MOVE, s->new_uids, err);
		break;
	case EXPUNGE:
		rc = tx_expunge(tx, s->mailbox, s->uids, s->n, err);
		break;
	case CREATE:
		rc = tx_mailbox_create(tx, slice_str(s->name), s->role, &s->mailbox, err);
		break;
	case DELETE:
		rc = tx_mailbox_delete(tx, slice_str(s->name), err);
		break;
	case RENAME:
		rc = tx_mailbox_rename(tx, slice_str(s->name), slice_str(s->new_name), err);
		break;
	case SUBSCRIBE:
		rc = tx_mailbox_subscribe(tx, slice_str(s->name), s->flags, err);
		break;
	case KEYWORD:
		rc = tx_keywords(tx, &(struct slice){s->name, strlen(s->name)}, 1, &s->flags, err);
		break;
	}
	if (rc == 0)
		s->modseq = tx->modseq;
	return rc;
}

int help_run(struct account *account, struct step *step, struct err *err)
{
	return account_run(account, run_step, step, err);
}

void help_do(struct account *account, struct step step)
{
	struct err err;
	uint32_t new_uids[64];

	if (!step.new_uids)
		step.new_uids = new_uids;
	if (help_run(account, &step, &err) < 0)
		fail_msg("step %d: %s", step.what, err.msg);
}

struct message_added help_add(struct account *account, uint64_t mailbox, uint64_t flags)
{
	struct incoming *in AUTO(incoming_free) =
		help_message(account->store, "m@example.org", NULL, "hello", 600);
	struct step step = {.what = ADD, .mailbox = mailbox, .in = in, .flags = flags};
	struct err err;

	if (help_run(account, &step, &err) < 0)
		fail_msg("add: %s", err.msg);
	return step.added;
}

uint64_t help_mailbox(struct account *account, const char *name)
{
	struct mailbox_info info;
	struct err err;

	if (account_mailbox(account, slice_str(name), 0, ROLE_NONE, &arena, &info, &err) < 0)
		return 0;
	return info.id;
}

int64_t help_flags(struct account *account, uint64_t mailbox, uint32_t uid)
{
	struct view *view AUTO(view_free) = NULL;
	struct view_entry entry;
	struct err err;

	if (view_open(account, mailbox, (struct conn_ref){0}, true, &view, &err) < 0)
		fail_msg("view: %s", err.msg);
	return view_entry_uid(view, uid, &entry) ? (int64_t)entry.flags : -1;
}

static void found(void *context, struct slice line)
{
	(void)context;
	print_error("check: %.*s\n", SLICE_ARG(line));
}

void help_check(struct account *account)
{
	struct check_result result;
	struct err err;

	if (account_check(account, false, found, NULL, &result, &err) < 0)
		fail_msg("check: %s", err.msg);
	assert_int_equal(result.problems, 0);
}
