/*
 * store_model_test.c - random sessions on threads of their own against one account: whatever a view
 * tells, applied by a client that only believes what it was told, gives what is really there.
 */
#include <pthread.h>

#include "store/test_help.h"

enum { THREADS = 4, ROUNDS = 400, MAILBOXES = 2, UIDS_MAX = 1 << 14 };

static struct store *store;

/* What the client of one view believes. */
struct client {
	struct view *view;
	uint32_t uids[UIDS_MAX];
	uint64_t flags[UIDS_MAX];
	uint32_t n;
};

struct worker {
	struct account *account;
	struct client client;
	struct arena arena;
	unsigned seed;
	uint64_t mailbox;
	pthread_t thread;
};

/* cmocka's assertions are for the main thread. */
#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                 \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static void fetch(struct client *c, uint32_t from)
{
	struct view_entry e;

	for (uint32_t seq = from; seq <= view_count(c->view); seq++) {
		MUST(view_entry(c->view, seq, &e));
		MUST(e.seq == seq && (seq == 1 || e.uid > c->uids[seq - 2]));
		c->uids[seq - 1] = e.uid;
		c->flags[seq - 1] = e.flags;
	}
	c->n = view_count(c->view);
}

/* As an IMAP client does: EXPUNGE by number, then EXISTS, then FETCH of what changed. */
static void sync_client(struct worker *w, bool may_expunge)
{
	struct client *c = &w->client;
	struct view_changes changes;
	struct view_entry e;
	struct err err;
	uint32_t known;

	arena_reset(&w->arena);
	MUST(view_sync(c->view, may_expunge, &w->arena, &changes, &err) == 0);
	MUST(may_expunge || changes.expunged_n == 0);
	for (size_t i = 0; i < changes.expunged_n; i++) {
		const uint32_t seq = changes.expunged[i];

		MUST(seq >= 1 && seq <= c->n && c->uids[seq - 1] == changes.expunged_uids[i]);
		memmove(&c->uids[seq - 1], &c->uids[seq], (c->n - seq) * sizeof(c->uids[0]));
		memmove(&c->flags[seq - 1], &c->flags[seq], (c->n - seq) * sizeof(c->flags[0]));
		c->n--;
	}
	known = c->n;
	MUST(changes.exists == view_count(c->view) && changes.exists >= known);
	for (size_t i = 0; i < changes.changed_n; i++) {
		MUST(changes.changed[i] >= 1 && changes.changed[i] <= known);
		MUST(view_entry(c->view, changes.changed[i], &e));
		MUST(e.uid == c->uids[changes.changed[i] - 1]);
		c->flags[changes.changed[i] - 1] = e.flags;
	}
	fetch(c, known + 1);
	for (uint32_t seq = 1; seq <= c->n; seq++)
		MUST(view_entry(c->view, seq, &e) && e.uid == c->uids[seq - 1]);
}

/* A few UIDs that were told, ascending. */
static uint32_t pick(struct worker *w, uint32_t *uids, uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->client.n && n < max; i++) {
		if (rand_r(&w->seed) % 4 == 0)
			uids[n++] = w->client.uids[i];
	}
	return n;
}

static void change(struct worker *w)
{
	uint32_t uids[64], new_uids[64];
	struct step step = {.mailbox = w->mailbox, .uids = uids, .new_uids = new_uids};
	struct incoming *in AUTO(incoming_free) = NULL;
	const unsigned dice = rand_r(&w->seed) % 10;
	struct err err;

	step.n = pick(w, uids, 1 + rand_r(&w->seed) % 60);
	if (dice < 4 || step.n == 0) {
		in = help_message(store, "m", NULL, "s", 100);
		step.what = ADD;
		step.in = in;
	} else if (dice < 7) {
		step.what = FLAGS;
		step.change = (enum flag_change)(rand_r(&w->seed) % 3);
		step.flags = rand_r(&w->seed) % 32;
	} else if (dice < 9) {
		step.what = dice == 7 ? COPY : MOVE;
		step.to = 1 + rand_r(&w->seed) % MAILBOXES;
	} else {
		step.what = EXPUNGE;
	}
	MUST(help_run(w->account, &step, &err) == 0);
}

/* While others write, a snapshot keeps its numbering. */
static void look_at_snap(struct worker *w)
{
	struct view_snap *snap AUTO(view_snap_free) = view_snap(w->client.view);
	struct view_entry e;

	for (uint32_t seq = 1; seq <= w->client.n; seq++) {
		if (seq % 16 == 0)
			snap_refresh(snap, w->client.view);
		MUST(snap_entry(snap, seq, &e) && e.uid == w->client.uids[seq - 1]);
	}
	MUST(!snap_entry(snap, w->client.n + 1, &e));
}

static void *run(void *context)
{
	struct worker *w = context;
	struct mailbox_info info;
	struct err err;

	for (int i = 0; i < ROUNDS; i++) {
		change(w);
		if (rand_r(&w->seed) % 3 == 0)
			sync_client(w, rand_r(&w->seed) % 2);
		if (rand_r(&w->seed) % 8 == 0)
			look_at_snap(w);
		if (rand_r(&w->seed) % 16 == 0) {
			view_free(&w->client.view);
			w->mailbox = 1 + rand_r(&w->seed) % MAILBOXES;
			MUST(view_open(w->account, w->mailbox, (struct conn_ref){0}, false,
				     &w->client.view, &err) == 0);
			fetch(&w->client, 1);
		}
		if (rand_r(&w->seed) % 8 == 0) {
			arena_reset(&w->arena);
			MUST(account_mailbox(w->account, slice_lit("INBOX"), 0, ROLE_NONE,
				     &w->arena, &info, &err) == 0);
		}
	}
	return NULL;
}

static void start(struct worker *w, struct account *account, unsigned seed)
{
	struct err err;

	w->account = account_ref(account);
	w->seed = seed;
	w->mailbox = 1 + seed % MAILBOXES;
	arena_init(&w->arena, 16 << 20);
	MUST(view_open(w->account, w->mailbox, (struct conn_ref){0}, false, &w->client.view,
		     &err) == 0);
	fetch(&w->client, 1);
	assert_int_equal(pthread_create(&w->thread, NULL, run, w), 0);
}

/* In the end every client believes what the file says. */
static void finish(struct worker *w)
{
	struct view *fresh;
	struct view_entry e;
	struct err err;

	sync_client(w, true);
	MUST(view_open(w->account, w->mailbox, (struct conn_ref){0}, true, &fresh, &err) == 0);
	assert_int_equal(view_count(fresh), w->client.n);
	for (uint32_t seq = 1; seq <= w->client.n; seq++) {
		assert_true(view_entry(fresh, seq, &e));
		assert_int_equal(e.uid, w->client.uids[seq - 1]);
		if (e.flags != w->client.flags[seq - 1])
			fail_msg("uid %u: told %llu, is %llu", e.uid,
				(unsigned long long)w->client.flags[seq - 1],
				(unsigned long long)e.flags);
	}
	view_free(&fresh);
	view_free(&w->client.view);
	arena_done(&w->arena);
	account_free(&w->account);
}

static void play(size_t stores, unsigned seed)
{
	struct worker *workers = calloc(THREADS, sizeof(*workers));
	struct account *accounts[2];
	struct store *all[2];

	help_enter();
	for (size_t i = 0; i < stores; i++) {
		all[i] = help_store((struct store_config){.past_days = 7, .index_bytes_max = 1});
		accounts[i] = help_account(all[i], 1);
		help_add(accounts[i], 1, 0);
	}
	store = all[0];
	for (unsigned i = 0; i < THREADS; i++)
		start(&workers[i], accounts[i % stores], seed + i);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	/* What the other server wrote last is told, as the bus would. */
	for (size_t i = 0; i < stores && stores > 1; i++)
		store_notice(all[i], 1, accounts[!i]->row.modseq);
	for (unsigned i = 0; i < THREADS; i++)
		finish(&workers[i]);
	help_check(accounts[0]);
	for (size_t i = 0; i < stores; i++) {
		account_free(&accounts[i]);
		store_free(&all[i]);
	}
	free(workers);
	help_leave();
}

static void test_one_server(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 3; seed++)
		play(1, seed * 100);
}

static void test_two_servers(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 2; seed++)
		play(2, seed * 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_server),
		cmocka_unit_test(test_two_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
