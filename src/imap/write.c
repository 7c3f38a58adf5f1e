/* write.c - see write.h for the contract. */
#include "imap/write.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void write_free(void *object)
{
	struct write *w = object;

	if (w->free_kind)
		w->free_kind(w);
	account_free(&w->account);
	arena_done(&w->arena);
	free(w);
}

static void on_done(struct account_write *item, int rc, const struct err *err)
{
	struct write *w = (struct write *)item;
	struct answer answer = {.rc = rc, .data = w, .free_data = write_free};

	if (rc < 0)
		answer.err = *err;
	if (w->before_done && w->before_done(w, &answer.rc, &answer.err))
		return;
	pool_answer(w->pool, w->who, w->ticket, &answer);
}

void *write_new(struct conn *c, size_t size,
	int (*run)(struct account_write *item, struct account_tx *tx, struct err *err))
{
	struct session *s = conn_session(c);
	struct write *w = mem_zalloc(size);

	w->item.run = run;
	w->item.done = on_done;
	w->account = account_ref(s->account);
	w->pool = conn_pool(c);
	w->who = conn_ref(c);
	arena_init(&w->arena, 1 << 20);
	return w;
}

void write_start(struct conn *c, struct write *w, conn_resume_fn *resume)
{
	w->ticket = conn_park(c, WRITE_TIMEOUT_MS, resume);
	account_submit(w->account, &w->item);
}

bool write_end(struct command *cmd, const struct answer *answer)
{
	if (answer->rc == 0)
		return true;
	reply_err(cmd, &answer->err);
	return false;
}

const uint32_t *write_slice(struct write_uids *w, size_t *n_out)
{
	const uint32_t *uids = w->uids + w->at;
	const size_t left = w->n - w->at;

	*n_out = left < WRITE_SLICE ? left : WRITE_SLICE;
	w->at += *n_out;
	return left ? uids : NULL;
}

static int run_flags(struct account_write *item, struct account_tx *tx, struct err *err)
{
	struct write_flags *w = (struct write_flags *)item;
	const size_t slice = w->many.at / WRITE_SLICE;
	const uint32_t *uids;
	uint64_t bits = 0;
	size_t n;
	int rc = 0;

	if (w->keywords_n)
		rc = tx_keywords(tx, w->keywords, w->keywords_n, &bits, err);
	uids = write_slice(&w->many, &n);
	if (rc < 0 || !uids)
		return rc;
	rc = tx_flags(tx, w->many.mailbox, uids, n, w->change, w->flags | bits, w->unchanged_since,
		&w->failed, err);
	if (rc < 0)
		return rc;
	w->slice_modseq[slice] = tx_modseq(tx);
	return w->many.at < w->many.n ? ACCOUNT_AGAIN : 0;
}

static void free_flags(struct write *base)
{
	struct write_flags *w = (struct write_flags *)base;

	free(w->many.uids);
	free(w->slice_modseq);
	buf_done(&w->failed);
}

struct write_flags *write_flags_new(struct conn *c, uint32_t *uids, size_t n)
{
	struct session *s = conn_session(c);
	struct write_flags *w = write_new(c, sizeof(*w), run_flags);

	w->many.w.free_kind = free_flags;
	w->many.mailbox = view_mailbox(s->view);
	w->many.uids = uids;
	w->many.n = n;
	w->unchanged_since = UINT64_MAX;
	w->slice_modseq = mem_zalloc_array(n / WRITE_SLICE + 1, sizeof(*w->slice_modseq));
	buf_init(&w->failed, n * sizeof(uint32_t) + 64);
	return w;
}

void write_flags_seen(struct session *s, const struct write_flags *w)
{
	for (size_t at = 0; at < w->many.at; at += WRITE_SLICE) {
		const size_t left = w->many.n - at;

		view_seen(s->view, w->many.uids + at, left < WRITE_SLICE ? left : WRITE_SLICE,
			w->slice_modseq[at / WRITE_SLICE]);
	}
}
