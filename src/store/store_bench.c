/*
 * store_bench.c - what the store's hot paths cost: CPU, wall time and flushes of each, on the disk
 * of the current directory. Run it in an empty one.
 *
 *	store_bench [warm|cold|flags|load|copy|views]...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/internal.h"

enum {
	BODY = 16 * 1024,
	WARM = 5000,
	COLD_ACCOUNTS = 20 * 1000,
	COLD_OPEN = 500,
	FEW_ACCOUNTS = 1000, /* the same share of them open, and often enough for checkpoints */
	FEW_OPEN = 25,
	FEW_ROUNDS = 25,
	BIG = 100 * 1000,
	HUGE_BOX = 1000 * 1000,
	VIEWS = 100,
	CHANGES = 1000,
	SLICE = 5000,
};

/* This is what the store and SQLite call, since a program's own comes first. */
static unsigned long flushes;

int fdatasync(int fd)
{
	flushes++;
	return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
	flushes++;
	return (int)syscall(SYS_fsync, fd);
}

/* Without a pool in its configuration the store never comes here. */
void pool_run(struct pool *pool, enum pool_class class, struct pool_job *job)
{
	(void)pool;
	(void)class;
	(void)job;
}

void pool_timer_set(struct pool *pool, struct pool_timer *timer, int64_t due_ms)
{
	(void)pool;
	(void)timer;
	(void)due_ms;
}

void pool_wake(struct pool *pool, struct conn_ref ref)
{
	(void)pool;
	(void)ref;
}

void pool_wake_many(struct pool *pool, const struct conn_ref *refs, size_t n)
{
	(void)pool;
	(void)refs;
	(void)n;
}

static void die(const char *what, const struct err *err)
{
	fprintf(stderr, "store_bench: %s: %s\n", what, err->msg);
	exit(1);
}

static int64_t cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}

struct stopwatch {
	int64_t cpu, wall;
	unsigned long flushes;
};

static struct stopwatch start(void)
{
	return (struct stopwatch){cpu_us(), clock_mono_us(), flushes};
}

/* Returns the CPU of each. */
static double stop(struct stopwatch w, const char *what, unsigned n)
{
	const double cpu = (double)(cpu_us() - w.cpu), wall = (double)(clock_mono_us() - w.wall);

	printf("%-44s %8.1f us CPU %8.1f us, %5.2f flushes each, %7.1f ms in all\n", what, cpu / n,
		wall / n, (double)(flushes - w.flushes) / n, wall / 1000);
	fflush(stdout);
	return cpu / n;
}

static struct incoming *message(struct store *store, size_t size, unsigned n)
{
	struct incoming *in = incoming_new(store_spool_dir(store), 1 << 20);
	char head[256], line[79];
	struct err err;

	snprintf(head, sizeof(head),
		"From: A <a@example.org>\r\nTo: b@example.org\r\nSubject: Number %u\r\n"
		"Date: Mon, 5 Jan 2026 10:00:00 +0100\r\nMessage-ID: <%u@example.org>\r\n\r\n",
		n, n);
	memset(line, 'x', 76);
	memcpy(line + 76, "\r\n", 3);
	if (incoming_append(in, (struct slice){head, strlen(head)}, &err) < 0)
		die("append", &err);
	while (spool_size(in->spool) < size) {
		if (incoming_append(in, (struct slice){line, 78}, &err) < 0)
			die("append", &err);
	}
	if (incoming_finish(in, &err) < 0)
		die("finish", &err);
	return in;
}

struct job {
	struct incoming *in;
	uint32_t from, n;
	unsigned copies;
};

static int run_add(struct account_write *w, struct account_tx *tx, struct err *err)
{
	struct job *job = account_run_context(w);
	struct message_added added;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < job->copies; i++)
		rc = tx_add(tx, 1, job->in, 0, 0, &added, err);
	return rc;
}

static uint32_t *uids(const struct job *job)
{
	uint32_t *list = calloc(job->n, sizeof(*list));

	for (uint32_t i = 0; i < job->n; i++)
		list[i] = job->from + i;
	return list;
}

static int run_flags(struct account_write *w, struct account_tx *tx, struct err *err)
{
	struct job *job = account_run_context(w);
	uint32_t *list = uids(job);
	const int rc = tx_flags(
		tx, 1, list, job->n, FLAGS_ADD, 1ull << job->copies, UINT64_MAX, NULL, err);

	free(list);
	return rc;
}

static int run_copy(struct account_write *w, struct account_tx *tx, struct err *err)
{
	struct job *job = account_run_context(w);
	uint32_t *list = uids(job), *new_uids = uids(job);
	const int rc = tx_copy(tx, 1, list, job->n, 5, false, new_uids, err);

	free(list);
	free(new_uids);
	return rc;
}

static void run(struct account *account,
	int (*fn)(struct account_write *, struct account_tx *, struct err *), struct job *job)
{
	struct err err;

	if (account_run(account, fn, job, &err) < 0)
		die("write", &err);
}

static struct store *open_store(size_t open_max)
{
	const struct store_config config = {
		.open_max = open_max, .index_bytes_max = 256 << 20, .past_days = 7};
	struct store *store;
	struct err err;

	if (store_new(&config, &store, &err) < 0)
		die("store", &err);
	return store;
}

static struct account *open_account(struct store *store, uint64_t id)
{
	struct account *account;
	struct err err;

	if (store_account(store, id, 0, &account, &err) < 0)
		die("account", &err);
	return account;
}

static void deliver(struct store *store, uint64_t id, unsigned n)
{
	struct incoming *in = message(store, BODY, n);
	struct account *account = open_account(store, id);
	struct job job = {.in = in, .copies = 1};

	run(account, run_add, &job);
	account_free(&account);
	incoming_free(&in);
}

static double deliver_warm(struct store *store)
{
	struct stopwatch w;

	deliver(store, 1, 0);
	w = start();
	for (unsigned i = 0; i < WARM; i++)
		deliver(store, 1, i);
	return stop(w, "deliver to an open account, 16 KiB", WARM);
}

static void bench_warm(void)
{
	struct store *store = open_store(COLD_OPEN);

	deliver_warm(store);
	store_free(&store);
}

static double deliver_cold(
	size_t open_max, uint64_t first_id, unsigned accounts, unsigned rounds, const char *what)
{
	struct store *store = open_store(open_max);
	struct stopwatch w = start();
	double cpu;

	for (unsigned i = 0; i < accounts; i++)
		deliver(store, first_id + i, i);
	stop(w, "make an account and deliver", accounts);
	w = start();
	for (unsigned i = 0; i < rounds * accounts; i++)
		deliver(store, first_id + i % accounts, i);
	cpu = stop(w, what, rounds * accounts);
	store_free(&store);
	return cpu;
}

static void bench_cold(void)
{
	const double cold = deliver_cold(COLD_OPEN, 1000, COLD_ACCOUNTS, 1,
			     "deliver to one of 20,000, 500 are open"),
		     few = deliver_cold(FEW_OPEN, 100000, FEW_ACCOUNTS, FEW_ROUNDS,
			     "25 times to each of 1,000, 25 are open");
	struct store *store = open_store(COLD_OPEN);
	const double warm = deliver_warm(store);

	printf("%-44s %8.1f and %.1f times the CPU\n", "of an open one", cold / warm, few / warm);
	store_free(&store);
}

static void fill_account(struct store *store, uint64_t id, unsigned n)
{
	struct account *account = open_account(store, id);
	struct account_usage usage;

	account_usage(account, &usage);
	if (usage.messages < n) {
		struct incoming *in = message(store, 200, 1);
		struct job job = {.in = in, .copies = 1000};

		for (unsigned i = 0; i < n / 1000; i++)
			run(account, run_add, &job);
		incoming_free(&in);
	}
	account_free(&account);
}

static void fill(struct store *store)
{
	fill_account(store, 2, BIG);
}

static void bench_load(void)
{
	struct store *store = open_store(50);
	struct account *account;
	struct view *view;
	struct stopwatch w;
	struct err err;

	fill(store);
	store_free(&store);
	store = open_store(50);
	w = start();
	account = open_account(store, 2);
	if (view_open(account, 1, (struct conn_ref){0}, true, &view, &err) < 0)
		die("view", &err);
	stop(w, "open a mailbox of 100,000 from disk", 1);
	view_free(&view);
	w = start();
	for (int i = 0; i < 1000; i++) {
		if (view_open(account, 1, (struct conn_ref){0}, true, &view, &err) < 0)
			die("view", &err);
		view_free(&view);
	}
	stop(w, "open it again", 1000);
	account_free(&account);
	store_free(&store);
}

static void bench_flags(void)
{
	struct store *store = open_store(50);
	struct account *account;
	struct view *view;
	struct view_entry e;
	struct stopwatch w;
	uint64_t sum = 0;
	struct err err;

	fill(store);
	account = open_account(store, 2);
	if (view_open(account, 1, (struct conn_ref){0}, true, &view, &err) < 0)
		die("view", &err);
	for (unsigned round = 0; round < 3; round++) {
		w = start();
		for (uint32_t i = 0; i < BIG; i += SLICE)
			run(account, run_flags,
				&(struct job){.from = i + 1, .n = SLICE, .copies = round});
		stop(w, "STORE 1:* of 100,000, in slices of 5,000", 1);
	}
	w = start();
	for (uint32_t seq = 1; view_entry(view, seq, &e); seq++)
		sum += e.flags;
	stop(w, sum ? "look at 100,000 entries" : "look at nothing", BIG);
	w = start();
	for (uint32_t i = 1; i <= 1000; i++)
		run(account, run_flags, &(struct job){.from = i * 90, .n = 1, .copies = 4});
	stop(w, "change the flags of one", 1000);
	w = start();
	for (unsigned i = 0; i < 1000; i++) {
		struct job job = {.in = message(store, BODY, i), .copies = 1};

		run(account, run_add, &job);
		incoming_free(&job.in);
	}
	stop(w, "deliver into a selected mailbox of 100,000", 1000);
	view_free(&view);
	account_free(&account);
	store_free(&store);
}

static void bench_copy(void)
{
	struct store *store = open_store(50);
	struct account *account = open_account(store, 2);
	struct stopwatch w;

	fill(store);
	for (uint32_t i = 0; i < 3; i++) {
		w = start();
		run(account, run_copy, &(struct job){.from = i * 1000 + 1, .n = 1000});
		stop(w, "COPY of 1,000", 1);
	}
	account_free(&account);
	store_free(&store);
}

static double memory_mb(void)
{
	unsigned long pages = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%lu %lu", &pages, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	return (double)resident * 4096 / 1e6;
}

/* Messages far from each other, so that each change copies another block. */
static void change_some(struct account *account, unsigned round, struct view **views)
{
	struct stopwatch w = start();
	char what[64];
	struct err err;

	for (unsigned i = 0; i < CHANGES; i++) {
		const uint32_t uid = (uint32_t)((uint64_t)i * 7919 % HUGE_BOX) + 1;

		if (views && i % (CHANGES / VIEWS) == 0 &&
			view_open(account, 1, (struct conn_ref){0}, true,
				&views[i / (CHANGES / VIEWS)], &err) < 0)
			die("view", &err);
		run(account, run_flags, &(struct job){.from = uid, .n = 1, .copies = round});
	}
	snprintf(what, sizeof(what), "change one of 1,000,000 (now %.0f MB)", memory_mb());
	stop(w, what, CHANGES);
}

/* Sessions that select one after another and then never ask: each holds what was then. */
static void bench_views(void)
{
	struct store *store = open_store(50);
	struct account *account;
	struct view *views[VIEWS];
	struct stopwatch w;
	struct err err;

	fill_account(store, 3, HUGE_BOX);
	account = open_account(store, 3);
	change_some(account, 0, views);
	for (unsigned round = 1; round < 4; round++)
		change_some(account, round, NULL);
	w = start();
	for (unsigned i = 0; i < VIEWS; i++) {
		struct arena arena AUTO(arena_done);
		struct view_changes changes;

		arena_init(&arena, 64 << 20);
		if (view_sync(views[i], true, &arena, &changes, &err) < 0)
			die("sync", &err);
		if (changes.changed_n != CHANGES) {
			fprintf(stderr, "store_bench: run it in an empty directory\n");
			exit(1);
		}
	}
	stop(w, "bring a stale view of 1,000,000 up to date", VIEWS);
	for (unsigned i = 0; i < VIEWS; i++)
		view_free(&views[i]);
	account_free(&account);
	store_free(&store);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} benches[] = {
		{"warm", bench_warm},
		{"cold", bench_cold},
		{"load", bench_load},
		{"flags", bench_flags},
		{"copy", bench_copy},
		{"views", bench_views},
	};

	for (size_t i = 0; i < sizeof(benches) / sizeof(benches[0]); i++) {
		bool is_wanted = argc == 1;

		for (int k = 1; k < argc; k++)
			is_wanted |= strcmp(argv[k], benches[i].name) == 0;
		if (is_wanted)
			benches[i].run();
	}
	return 0;
}
