/*
 * copy.c - COPY and MOVE (RFC 9051 6.4.7, 6.4.8) with COPYUID.
 *
 * COPY is all or nothing (RFC 9051 6.4.7): when a later slice fails, what the earlier ones put
 * there is taken out again before the answer.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "imap/mailbox.h"
#include "imap/selection.h"
#include "imap/write.h"

enum { COPYUID_MAX = 8 << 20 };

struct write_copy {
	struct write_uids many;
	uint64_t to;
	uint32_t to_validity;
	bool is_move, is_undoing;
	uint32_t *new_uids; /* one for each of many.uids */
	size_t slice_at;    /* where the present slice began: what is before it is committed */
	int rc;             /* why it is undone */
};

static int run_undo(struct write_copy *w, struct account_tx *tx, struct err *err)
{
	uint32_t gone[WRITE_SLICE];
	size_t n = 0;
	int rc;

	while (w->many.at < w->slice_at && n < WRITE_SLICE) {
		const uint32_t uid = w->new_uids[w->many.at++];

		if (uid)
			gone[n++] = uid;
	}
	rc = tx_expunge(tx, w->to, gone, n, err);
	return rc < 0 || w->many.at == w->slice_at ? rc : ACCOUNT_AGAIN;
}

static int run_copy(struct account_write *item, struct account_tx *tx, struct err *err)
{
	struct write_copy *w = (struct write_copy *)item;
	const uint32_t *uids;
	size_t n;
	int rc = 0;

	if (w->is_undoing)
		return run_undo(w, tx, err);
	w->slice_at = w->many.at;
	uids = write_slice(&w->many, &n);
	if (uids)
		rc = tx_copy(tx, w->many.mailbox, uids, n, w->to, w->is_move,
			w->new_uids + w->slice_at, err);
	return rc < 0 || w->many.at == w->many.n ? rc : ACCOUNT_AGAIN;
}

static bool begin_undo(struct write *base, int *rc, struct err *err)
{
	struct write_copy *w = (struct write_copy *)base;

	if (w->is_undoing) {
		*rc = w->rc;
		*err = w->many.w.err;
		return false;
	}
	if (*rc >= 0 || w->is_move || w->slice_at == 0)
		return false;
	w->is_undoing = true;
	w->rc = *rc;
	w->many.w.err = *err;
	w->many.at = 0;
	w->many.w.item.is_adding = false;
	account_submit(w->many.w.account, &w->many.w.item);
	return true;
}

static void free_copy(struct write *base)
{
	struct write_copy *w = (struct write_copy *)base;

	free(w->many.uids);
	free(w->new_uids);
}

/* "COPYUID validity source-uids new-uids"; false if nothing was there to copy. */
static bool write_copyuid(const struct write_copy *w, struct buf *out)
{
	struct imap_set_writer set;
	bool has_any;

	buf_lit(out, "COPYUID ");
	buf_u64(out, w->to_validity);
	buf_byte(out, ' ');
	imap_set_writer_init(&set, out);
	for (size_t i = 0; i < w->many.n; i++) {
		if (w->new_uids[i])
			imap_set_writer_add(&set, w->many.uids[i]);
	}
	has_any = imap_set_writer_end(&set);
	buf_byte(out, ' ');
	imap_set_writer_init(&set, out);
	for (size_t i = 0; i < w->many.n; i++) {
		if (w->new_uids[i])
			imap_set_writer_add(&set, w->new_uids[i]);
	}
	imap_set_writer_end(&set);
	return has_any && !out->failed;
}

/* Before the EXPUNGEs, RFC 6851 4.3; also of what was moved before a failure. */
static void tell_moved(struct command *cmd, struct write_copy *w, bool is_failed)
{
	struct buf *out = conn_out(cmd->c);
	struct buf code AUTO(buf_done);

	buf_init(&code, COPYUID_MAX);
	for (size_t i = is_failed ? w->slice_at : w->many.n; i < w->many.n; i++)
		w->new_uids[i] = 0; /* what the failed slice had put there is gone again */
	if (!write_copyuid(w, &code))
		return;
	buf_lit(out, "* OK [");
	buf_append(out, buf_slice(&code));
	buf_lit(out, "] Moved\r\n");
}

static void reply_copied(struct command *cmd, struct write_copy *w)
{
	struct buf code AUTO(buf_done);

	buf_init(&code, COPYUID_MAX);
	if (w->is_move) {
		tell_moved(cmd, w, false);
		reply_ok(cmd, "Done");
	} else if (!write_copyuid(w, &code)) {
		reply_ok(cmd, "There was nothing to copy");
	} else {
		reply_ok_code(cmd, buf_slice(&code), "Copied");
	}
}

static void copied(struct conn *c, struct answer *answer)
{
	struct command *cmd = ((struct session *)conn_session(c))->command;
	struct write_copy *w = answer->data;

	if (answer->rc < 0 && w && w->is_move)
		tell_moved(cmd, w, true);
	if (answer->rc < 0)
		reply_err_mailbox(cmd, &answer->err);
	else
		reply_copied(cmd, w);
	if (w)
		write_free(w);
}

static void start_copy(struct command *cmd, const struct selection *sel,
	const struct mailbox_info *to, bool is_move)
{
	struct write_copy *w = write_new(cmd->c, sizeof(*w), run_copy);

	w->many.w.free_kind = free_copy;
	w->many.w.before_done = begin_undo;
	w->many.w.item.is_adding = !is_move;
	w->many.mailbox = view_mailbox(cmd->s->view);
	w->many.uids = selection_uids(cmd, sel, 0, 0, &w->many.n);
	w->new_uids = mem_zalloc_array(w->many.n + 1, sizeof(*w->new_uids));
	w->to = to->id;
	w->to_validity = to->uidvalidity;
	w->is_move = is_move;
	if (w->many.n) {
		write_start(cmd->c, &w->many.w, copied);
		return;
	}
	write_free(w);
	reply_ok(cmd, "There is nothing to copy");
}

static void copy_or_move(struct command *cmd, bool is_move)
{
	struct mailbox_info to;
	struct imap_copy args;
	struct selection sel;
	struct err err;

	if (imap_copy_parse(&cmd->lex, cmd->s->is_rev2, &args, &err) < 0 ||
		selection_make(cmd, &args.set, cmd->is_uid, &sel, &err) < 0)
		reply_err(cmd, &err);
	else if (is_move && cmd->s->is_examine)
		reply_no(cmd, "READ-ONLY", "The mailbox is read-only");
	else if (mailbox_find(cmd, args.mailbox, &to, &err) < 0)
		reply_err_mailbox(cmd, &err);
	else
		start_copy(cmd, &sel, &to, is_move);
}

void cmd_copy(struct command *cmd)
{
	copy_or_move(cmd, false);
}

void cmd_move(struct command *cmd)
{
	copy_or_move(cmd, true);
}
