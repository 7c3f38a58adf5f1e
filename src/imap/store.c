/*
 * store.c - STORE (RFC 9051 6.4.6, RFC 7162 3.1.3) and EXPUNGE, CLOSE (RFC 9051 6.4.1, 6.4.3,
 * RFC 4315).
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "imap/selection.h"
#include "imap/write.h"

struct store_command {
	struct imap_store args;
	struct selection sel;
};

/* Tells the result message by message, then replies. */
struct told_source {
	struct source source;
	struct command *cmd;
	struct write_flags *w; /* owned */
	size_t at, failed_at;
	bool is_silent;
	struct view_snap *snap;
};

static uint32_t failed_uid(const struct write_flags *w, size_t i)
{
	uint32_t uid;

	memcpy(&uid, w->failed.ptr + i * sizeof(uid), sizeof(uid));
	return uid;
}

static size_t failed_count(const struct write_flags *w)
{
	return w->failed.len / sizeof(uint32_t);
}

static void tell_one(struct told_source *t, const struct view_entry *entry, struct buf *out)
{
	struct session *s = t->cmd->s;

	session_keywords(s, entry->flags, out);
	buf_lit(out, "* ");
	buf_u64(out, entry->seq);
	buf_lit(out, " FETCH (");
	if (t->cmd->is_uid || s->is_rev2) {
		buf_lit(out, "UID ");
		buf_u64(out, entry->uid);
		buf_byte(out, ' ');
	}
	if (s->has_condstore) {
		buf_lit(out, "MODSEQ (");
		buf_u64(out, entry->modseq);
		buf_str(out, t->is_silent ? ")" : ") ");
	}
	if (!t->is_silent) {
		buf_lit(out, "FLAGS (");
		session_flags(s, entry->flags, entry->is_recent, out);
		buf_byte(out, ')');
	}
	buf_lit(out, ")\r\n");
}

static void reply_stored(struct command *cmd, const struct write_flags *w)
{
	const size_t n = failed_count(w);
	struct imap_set_writer set;
	struct buf code AUTO(buf_done);

	buf_init(&code, 16 << 20);
	if (n == 0) {
		reply_ok(cmd, "Stored");
		return;
	}
	buf_lit(&code, "MODIFIED ");
	imap_set_writer_init(&set, &code);
	for (size_t i = 0; i < n; i++) {
		struct view_entry entry;

		if (cmd->is_uid)
			imap_set_writer_add(&set, failed_uid(w, i));
		else if (view_entry_uid(cmd->s->view, failed_uid(w, i), &entry))
			imap_set_writer_add(&set, entry.seq);
	}
	imap_set_writer_end(&set);
	reply_ok_code(cmd, buf_slice(&code), "Some messages had changed before");
}

static int pull_told(struct source *source, struct conn *c, struct buf *out, struct err *err)
{
	struct told_source *t = (struct told_source *)source;
	const struct write_uids *many = &t->w->many;
	const size_t start = out->len;

	(void)c;
	(void)err;
	for (; t->at < many->n && out->len - start < 48 * 1024; t->at++) {
		const uint32_t uid = many->uids[t->at];
		struct view_entry entry;
		uint32_t seq;

		if (t->failed_at < failed_count(t->w) && failed_uid(t->w, t->failed_at) == uid) {
			t->failed_at++;
			continue;
		}
		seq = snap_floor(t->snap, uid);
		if (snap_entry(t->snap, seq, &entry) && entry.uid == uid && !entry.is_gone)
			tell_one(t, &entry, out);
	}
	if (t->at < many->n)
		return SOURCE_MORE;
	write_flags_seen(t->cmd->s, t->w);
	reply_stored(t->cmd, t->w);
	return SOURCE_DONE;
}

static void free_told(struct source *source)
{
	struct told_source *t = (struct told_source *)source;

	view_snap_free(&t->snap);
	write_free(t->w);
	free(t);
}

static void tell_stored(struct command *cmd, struct write_flags *w, bool is_silent)
{
	struct told_source *t = mem_new(struct told_source);

	*t = (struct told_source){
		.source = {.pull = pull_told, .free = free_told},
		.cmd = cmd,
		.w = w,
		.is_silent = is_silent,
		.snap = view_snap(cmd->s->view),
	};
	conn_source(cmd->c, &t->source);
}

static void stored(struct conn *c, struct answer *answer, bool is_silent)
{
	struct session *s = conn_session(c);
	struct command *cmd = s->command;
	struct write_flags *w = answer->data;

	if (!write_end(cmd, answer)) {
		if (w)
			write_free(w);
	} else if (is_silent && !s->has_condstore) {
		write_flags_seen(s, w);
		reply_stored(cmd, w);
		write_free(w);
	} else {
		tell_stored(cmd, w, is_silent);
	}
}

static void stored_silent(struct conn *c, struct answer *answer)
{
	stored(c, answer, true);
}

static void stored_loud(struct conn *c, struct answer *answer)
{
	stored(c, answer, false);
}

static bool copy_keywords(struct write_flags *w, const struct imap_flags *flags)
{
	w->keywords = arena_array(&w->many.w.arena, struct slice, flags->keywords_n + 1);
	for (size_t i = 0; w->keywords && i < flags->keywords_n; i++)
		w->keywords[w->keywords_n++] = arena_dup(&w->many.w.arena, flags->keywords[i]);
	return w->keywords != NULL;
}

static void start_store(
	struct command *cmd, const struct imap_store *args, const struct selection *sel)
{
	static const enum flag_change hows[] = {
		[IMAP_STORE_SET] = FLAGS_SET,
		[IMAP_STORE_ADD] = FLAGS_ADD,
		[IMAP_STORE_REMOVE] = FLAGS_REMOVE,
	};
	struct write_flags *w;
	uint32_t *uids;
	size_t n;

	uids = selection_uids(cmd, sel, 0, 0, &n);
	w = write_flags_new(cmd->c, uids, n);
	w->change = hows[args->how];
	w->flags = args->flags.system;
	if (args->has_unchanged_since)
		w->unchanged_since = args->unchanged_since;
	if (!copy_keywords(w, &args->flags)) {
		write_free(w);
		reply_no(cmd, "LIMIT", "There are too many flags");
	} else if (n == 0) {
		write_free(w);
		reply_ok(cmd, "There is nothing to change");
	} else {
		write_start(cmd->c, &w->many.w, args->is_silent ? stored_silent : stored_loud);
	}
}

void cmd_store(struct command *cmd)
{
	struct imap_store args;
	struct selection sel;
	struct err err;

	if (imap_store_parse(&cmd->lex, &args, &err) < 0 ||
		selection_make(cmd, &args.set, cmd->is_uid, &sel, &err) < 0) {
		reply_err(cmd, &err);
		return;
	}
	if (args.has_unchanged_since)
		cmd->s->has_condstore = true; /* RFC 7162 3.1 */
	if (cmd->s->is_examine)
		reply_no(cmd, "READ-ONLY", "The mailbox is read-only");
	else
		start_store(cmd, &args, &sel);
}

/* ---- EXPUNGE ---- */

static int run_expunge(struct account_write *item, struct account_tx *tx, struct err *err)
{
	struct write_uids *w = (struct write_uids *)item;
	size_t n;
	const uint32_t *uids = write_slice(w, &n);
	int rc = uids ? tx_expunge(tx, w->mailbox, uids, n, err) : 0;

	return rc < 0 || w->at == w->n ? rc : ACCOUNT_AGAIN;
}

static void free_uids(struct write *w)
{
	free(((struct write_uids *)w)->uids);
}

static void start_expunge(struct command *cmd, const struct selection *sel, conn_resume_fn *resume)
{
	struct write_uids *w;
	uint32_t *uids;
	size_t n;

	uids = selection_uids(cmd, sel, FLAG_DELETED, FLAG_DELETED, &n);
	w = write_new(cmd->c, sizeof(*w), run_expunge);
	w->w.free_kind = free_uids;
	w->mailbox = view_mailbox(cmd->s->view);
	w->uids = uids;
	w->n = n;
	write_start(cmd->c, &w->w, resume);
}

static void expunged(struct conn *c, struct answer *answer)
{
	struct command *cmd = ((struct session *)conn_session(c))->command;

	if (write_end(cmd, answer))
		reply_ok(cmd, "Expunged");
	if (answer->data)
		write_free(answer->data);
}

static void closed(struct conn *c, struct answer *answer)
{
	struct session *s = conn_session(c);
	struct command *cmd = s->command;

	session_unselect(s);
	/* Where the mailbox was deleted meanwhile, nothing is left to expunge. */
	if (answer->rc == -ERR_NOTFOUND || write_end(cmd, answer))
		reply_ok(cmd, "Closed");
	if (answer->data)
		write_free(answer->data);
}

/* Everything in the mailbox. */
static void select_all(struct command *cmd, struct selection *sel)
{
	const uint32_t count = view_count(cmd->s->view);

	*sel = (struct selection){.count = count, .n = count > 0};
	sel->ranges = arena_array(conn_arena(cmd->c), struct imap_range, 1);
	if (sel->ranges)
		sel->ranges[0] = (struct imap_range){1, count};
	else
		sel->n = 0;
}

void cmd_expunge(struct command *cmd)
{
	struct selection sel;
	struct imap_set set;
	struct err err;

	if (!cmd->is_uid) {
		select_all(cmd, &sel);
	} else if (imap_lex_byte(&cmd->lex, ' ', &err) < 0 ||
		   imap_set_parse(&cmd->lex, &set, &err) < 0 || imap_lex_end(&cmd->lex, &err) < 0 ||
		   selection_make(cmd, &set, true, &sel, &err) < 0) {
		reply_err(cmd, &err);
		return;
	}
	if (cmd->s->is_examine)
		reply_no(cmd, "READ-ONLY", "The mailbox is read-only");
	else
		start_expunge(cmd, &sel, expunged);
}

void cmd_close(struct command *cmd)
{
	struct selection sel;

	if (cmd->s->is_examine) {
		session_unselect(cmd->s);
		reply_ok(cmd, "Closed");
		return;
	}
	select_all(cmd, &sel);
	start_expunge(cmd, &sel, closed);
}
