/* test_scenario.c - see test_scenario.h. */
#include "store/test_scenario.h"

static char expected[SCENARIO_STEPS + 1][SCENARIO_DUMP_MAX];

static int add(struct account *account, uint64_t mailbox, size_t size, uint64_t id, struct err *err)
{
	struct incoming *in AUTO(incoming_free) = NULL;
	struct step step = {.what = ADD, .mailbox = mailbox, .delivery = id};
	int rc = help_try_message(account->store, "m", "<r>", "s", size, &in, err);

	step.in = in;
	return rc < 0 ? rc : help_run(account, &step, err);
}

/* The checkpoint of a long log; what it does not do today it does another day. */
static int checkpoint(struct account_write *w, struct account_tx *tx, struct err *err)
{
	(void)w;
	(void)err;
	tx->account->upkeep_due_s = 0;
	return 0;
}

int scenario_run(struct account *account, int n, struct err *err)
{
	uint32_t new_uids[8];
	const struct step steps[SCENARIO_STEPS] = {
		[3] = {.what = FLAGS,
			.mailbox = 1,
			.uids = LIST(1, 2),
			.change = FLAGS_ADD,
			.flags = 5},
		[4] = {.what = CREATE, .name = "a/b"},
		[5] = {.what = COPY,
			.mailbox = 1,
			.to = 2,
			.uids = LIST(1, 2, 3),
			.new_uids = new_uids},
		[6] = {.what = MOVE, .mailbox = 1, .to = 3, .uids = LIST(2), .new_uids = new_uids},
		[7] = {.what = EXPUNGE, .mailbox = 2, .uids = LIST(1, 3)},
		[8] = {.what = RENAME, .name = "a", .new_name = "c/d"},
		[10] = {.what = KEYWORD, .name = "$Work"},
		[11] = {.what = EXPUNGE, .mailbox = 1, .uids = LIST(1)},
		[13] = {.what = DELETE, .name = "Trash"},
		[14] = {.what = SUBSCRIBE, .name = "none", .flags = 1},
	};

	switch (n) {
	case 0:
	case 1:
		return add(account, 1, 300 + (size_t)n * 5000, 0, err);
	case 2: /* in the spool's file, and more than one piece */
		return add(account, 1, 66000, 77, err);
	case 9:
		return account_run(account, checkpoint, NULL, err);
	case 12:
		return add(account, 5, 400, 78, err);
	case 15:
		return add(account, 1, 9000, 0, err);
	default: {
		struct step step = steps[n];

		return help_run(account, &step, err);
	}
	}
}

static size_t dump_mailbox(
	struct account *account, const struct mailbox_info *info, char *out, size_t cap)
{
	struct view *view AUTO(view_free) = NULL;
	struct view_entry e;
	struct err err;
	size_t n = (size_t)snprintf(out, cap, "%.*s(%u,%u,%llu)", SLICE_ARG(info->name),
		info->messages, info->unseen, (unsigned long long)info->bytes);

	if (!info->id || info->is_noselect)
		return n;
	if (view_open(account, info->id, (struct conn_ref){0}, true, &view, &err) < 0)
		fail_msg("view: %s", err.msg);
	for (uint32_t seq = 1; view_entry(view, seq, &e); seq++)
		n += (size_t)snprintf(out + n, cap - n, " %u:%llu:%llu", e.uid,
			(unsigned long long)e.flags, (unsigned long long)e.message);
	return n;
}

void scenario_dump(struct account *account, char out[SCENARIO_DUMP_MAX])
{
	struct arena arena AUTO(arena_done);
	struct mailbox_info *list;
	struct slice *keywords;
	size_t n, k, len = 0;
	struct err err;

	arena_init(&arena, 1 << 20);
	if (account_mailboxes(account, &arena, &list, &n, &err) < 0 ||
		account_keywords(account, &arena, &keywords, &k, &err) < 0)
		fail_msg("dump: %s", err.msg);
	for (size_t i = 0; i < n; i++) {
		len += dump_mailbox(account, &list[i], out + len, SCENARIO_DUMP_MAX - len);
		out[len++] = '\n';
	}
	snprintf(out + len, SCENARIO_DUMP_MAX - len, "%zu keywords", k);
}

const char *scenario_expect(int steps)
{
	struct account *account;
	struct store *store;
	struct err err;

	if (expected[0][0])
		return expected[steps];
	help_enter();
	store = help_store((struct store_config){.past_days = 7});
	account = help_account(store, 1);
	for (int i = 0; i <= SCENARIO_STEPS; i++) {
		scenario_dump(account, expected[i]);
		if (i < SCENARIO_STEPS && scenario_run(account, i, &err) < 0)
			fail_msg("step %d: %s", i, err.msg);
	}
	help_check(account);
	account_free(&account);
	store_free(&store);
	help_leave();
	return expected[steps];
}

void scenario_verify(int acknowledged)
{
	struct store *store = help_store((struct store_config){.past_days = 7});
	struct account *account = help_account(store, 1);
	char now[SCENARIO_DUMP_MAX];

	scenario_dump(account, now);
	if (strcmp(now, scenario_expect(acknowledged)) != 0 &&
		(acknowledged == SCENARIO_STEPS ||
			strcmp(now, scenario_expect(acknowledged + 1)) != 0))
		fail_msg("after %d steps:\n%s\nwant:\n%s", acknowledged, now,
			scenario_expect(acknowledged));
	help_check(account);
	/* Sequence goes on where it was. */
	help_add(account, 1, 0);
	account_free(&account);
	store_free(&store);
}
