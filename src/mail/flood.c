/* flood.c - see flood.h for the contract: what an account remembers, and where its mail goes. */
#include "mail/flood.h"

#include "base/clock.h"
#include "base/encode.h"

enum { VERSION = 1, STATE_MAX = 1024, ARENA_MAX = 4096 };

/* One of the messages that may turn out to be a flood's. */
struct memory {
	uint64_t time_s, sender, uid; /* in the inbox */
};

struct state {
	uint64_t until_s; /* the flood lasts; 0: there is none */
	uint64_t folder;  /* id, 0: not made yet */
	struct memory list[FLOOD_REMEMBERED];
	size_t n;
};

/* ---- as it is stored: a version, the numbers, the list; all varints ---- */

static void write_state(const struct state *s, struct buf *out)
{
	if (!s->until_s && s->n == 0)
		return;
	varint_put(out, VERSION);
	varint_put(out, s->until_s);
	varint_put(out, s->folder);
	varint_put(out, s->n);
	for (size_t i = 0; i < s->n; i++) {
		varint_put(out, s->list[i].time_s);
		varint_put(out, s->list[i].sender);
		varint_put(out, s->list[i].uid);
	}
}

/* Whatever cannot be read is forgotten. */
static struct state read_state(struct slice in)
{
	struct state s = {0};
	uint64_t version, n;

	if (!varint_take(&in, &version) || version != VERSION || !varint_take(&in, &s.until_s) ||
		!varint_take(&in, &s.folder) || !varint_take(&in, &n) || n > FLOOD_REMEMBERED)
		return (struct state){0};
	for (; s.n < n; s.n++) {
		struct memory *m = &s.list[s.n];

		if (!varint_take(&in, &m->time_s) || !varint_take(&in, &m->sender) ||
			!varint_take(&in, &m->uid))
			return (struct state){0};
	}
	return s;
}

static int get_state(struct account_tx *tx, uint64_t now, struct state *out, struct err *err)
{
	struct buf bytes AUTO(buf_done);
	size_t kept = 0;
	int rc;

	buf_init(&bytes, STATE_MAX);
	rc = tx_flood_get(tx, &bytes, err);
	if (rc < 0)
		return rc;
	*out = read_state(buf_slice(&bytes));
	if (out->until_s && out->until_s < now)
		*out = (struct state){.folder = out->folder};
	for (size_t i = 0; i < out->n; i++) {
		if (out->list[i].time_s + FLOOD_WINDOW_S >= now)
			out->list[kept++] = out->list[i];
	}
	out->n = kept;
	return 0;
}

static int put_state(struct account_tx *tx, const struct state *s, struct err *err)
{
	struct buf bytes AUTO(buf_done);

	buf_init(&bytes, STATE_MAX);
	write_state(s, &bytes);
	return tx_flood_put(tx, buf_slice(&bytes), err);
}

/* ---- is it one? ---- */

static void remember(struct state *s, struct memory m)
{
	if (s->n == FLOOD_REMEMBERED) {
		for (size_t i = 1; i < s->n; i++)
			s->list[i - 1] = s->list[i];
		s->n--;
	}
	s->list[s->n++] = m;
}

/* How many domains they come from, the new one included. */
static size_t count_senders(const struct state *s, uint64_t sender)
{
	size_t n = 1;

	for (size_t i = 0; i < s->n; i++) {
		bool is_new = s->list[i].sender != sender;

		for (size_t k = 0; k < i && is_new; k++)
			is_new = s->list[k].sender != s->list[i].sender;
		n += is_new;
	}
	return n;
}

/* ---- the folder ---- */

static const struct {
	struct slice language, name;
} folders[] = {
	{{"de", 2}, {"Anmelde-Mails", sizeof("Anmelde-Mails") - 1}},
	{{"en", 2}, {"Sign-up mail", sizeof("Sign-up mail") - 1}},
};

struct slice flood_folder(struct slice language)
{
	const size_t last = sizeof(folders) / sizeof(folders[0]) - 1;
	struct slice rest;
	const struct slice primary = slice_cut(language, '-', &rest);

	for (size_t i = 0; i < last; i++) {
		if (slice_eq_nocase(primary, folders[i].language))
			return folders[i].name;
	}
	return folders[last].name;
}

/* Made, or found by its name when the user or an earlier flood has made it. */
static int make_folder(
	struct account_tx *tx, const struct flood *f, uint64_t *id_out, struct err *err)
{
	const struct slice name = flood_folder(slice_str(f->language));
	struct arena arena AUTO(arena_done);
	struct mailbox_info info;
	int rc = tx_mailbox_create(tx, name, ROLE_NONE, id_out, err);

	arena_init(&arena, ARENA_MAX);
	if (rc == 0)
		return tx_mailbox_subscribe(tx, name, true, err);
	if (rc != -ERR_EXISTS)
		return rc;
	rc = account_mailbox(f->account, name, 0, ROLE_NONE, &arena, &info, err);
	if (rc == 0 && info.is_noselect)
		return err_set(err, ERR_NOTFOUND, "the folder holds no mail");
	if (rc == 0)
		*id_out = info.id;
	return rc;
}

static int add_to(struct account_tx *tx, const struct flood *f, uint64_t mailbox, uint64_t flags,
	struct message_added *out, struct err *err)
{
	return tx_add(tx, mailbox, f->in, flags, f->delivery_id, out, err);
}

/* -ERR_NOTFOUND when there is no such folder, and none can be made: mail goes on. */
static int add_to_folder(struct account_tx *tx, const struct flood *f, struct state *state,
	struct message_added *out, struct err *err)
{
	int rc = -ERR_NOTFOUND;

	if (state->folder)
		rc = add_to(tx, f, state->folder, 0, out, err);
	if (rc != -ERR_NOTFOUND)
		return rc;
	state->folder = 0;
	if (make_folder(tx, f, &state->folder, err) < 0)
		return -ERR_NOTFOUND;
	return add_to(tx, f, state->folder, 0, out, err);
}

/* Those that came before it was known what they are; who has moved them has a reason. */
static int gather(struct account_tx *tx, struct state *state, uint64_t inbox, struct err *err)
{
	uint32_t uids[FLOOD_REMEMBERED], moved[FLOOD_REMEMBERED];
	const size_t n = state->n;

	for (size_t i = 0; i < n; i++)
		uids[i] = (uint32_t)state->list[i].uid;
	state->n = 0;
	return n ? tx_copy(tx, inbox, uids, n, state->folder, true, moved, err) : 0;
}

/* ---- one message ---- */

static int add_and_remember(struct account_tx *tx, const struct flood *f, struct state *state,
	uint64_t now, struct message_added *out, struct err *err)
{
	const int rc = add_to(tx, f, f->inbox, 0, out, err);

	if (rc == 0)
		remember(state, (struct memory){now, f->look.sender, out->uid});
	return rc;
}

static int add_enrolment(
	struct account_tx *tx, struct flood *f, struct message_added *out, struct err *err)
{
	const uint64_t now = (uint64_t)clock_wall_s();
	struct state state;
	bool has_begun;
	int rc = get_state(tx, now, &state, err);

	if (rc < 0)
		return rc;
	has_begun = !state.until_s && count_senders(&state, f->look.sender) >= FLOOD_SENDERS;
	if (has_begun || state.until_s) {
		state.until_s = now + FLOOD_QUIET_S;
		rc = add_to_folder(tx, f, &state, out, err);
		if (rc == 0)
			rc = gather(tx, &state, f->inbox, err);
		else if (rc == -ERR_NOTFOUND)
			rc = add_and_remember(tx, f, &state, now, out, err);
	} else {
		rc = add_and_remember(tx, f, &state, now, out, err);
	}
	if (rc < 0 || out->is_repeat)
		return rc; /* a repeat changes nothing here either */
	f->has_begun = has_begun;
	return put_state(tx, &state, err);
}

int flood_add(struct account_tx *tx, struct flood *f, struct message_added *out, struct err *err)
{
	struct state state = {0};
	int rc = 0;

	if (f->look.kind == FLOOD_ENROLMENT)
		return add_enrolment(tx, f, out, err);
	if (f->look.kind == FLOOD_SECURITY)
		rc = get_state(tx, (uint64_t)clock_wall_s(), &state, err);
	return rc < 0 ? rc : add_to(tx, f, f->inbox, state.until_s ? FLAG_FLAGGED : 0, out, err);
}
