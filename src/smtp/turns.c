/* turns.c - long work on a message, a bounded piece in each turn; others' turns are between them.
 */
#include "mail/rebuild.h"
#include "net/pool.h"
#include "smtp/session.h"

static void on_turn(struct conn *c, struct answer *answer);

static void go_on(struct conn *c)
{
	const struct session_work work = session_of(c)->work;
	const struct answer now = {0};
	bool is_done = false;
	struct err err;
	const int rc = work.step(c, &is_done, &err);

	if (rc == 0 && !is_done)
		pool_answer(
			conn_pool(c), conn_ref(c), conn_park(c, SESSION_PARK_MS, on_turn), &now);
	else if (rc == 0)
		work.then(c);
	else
		smtp_session_broken(c, &err);
}

static void on_turn(struct conn *c, struct answer *answer)
{
	(void)answer;
	go_on(c);
}

void smtp_session_work(struct conn *c, smtp_step_fn *step, smtp_session_fn *then)
{
	session_of(c)->work = (struct session_work){.step = step, .then = then};
	go_on(c);
}

int smtp_session_made(struct session_tx *tx, struct err *err)
{
	const int rc = incoming_finish(tx->made, err);

	if (rc < 0)
		return rc;
	tx->made->number = tx->id;
	incoming_free(&tx->in);
	tx->in = tx->made;
	tx->made = NULL;
	return 0;
}

/* A new message, since what came is parsed already. */
static int begin_again(struct conn *c, uint64_t cut, struct slice head, struct err *err)
{
	struct session_tx *tx = session_of(c)->tx;
	const uint64_t behind = tx->in->size - tx->env.own_bytes;
	struct buf own AUTO(buf_done);
	int rc;

	buf_init(&own, SESSION_TRACE_MAX);
	if (cut > behind)
		return err_set(err, ERR_SYNTAX, "more is replaced than there is");
	tx->made =
		incoming_new(store_spool_dir(session_service(c)->store), tx->in->size + head.len);
	tx->copied = tx->env.own_bytes + cut;
	rc = spool_read(tx->in->spool, 0, tx->env.own_bytes, &own, err);
	if (rc == 0)
		rc = incoming_append(tx->made, buf_slice(&own), err);
	return rc == 0 ? incoming_append(tx->made, head, err) : rc;
}

static int go_on_again(struct conn *c, bool *is_done, struct err *err)
{
	struct session_tx *tx = session_of(c)->tx;
	int rc = rebuild_append(tx->made, tx->in->spool, &tx->copied, REBUILD_TURN, err);

	*is_done = tx->copied == tx->in->size;
	return rc == 0 && *is_done ? smtp_session_made(tx, err) : rc;
}

void smtp_session_replace(struct conn *c, uint64_t cut, struct slice head, smtp_session_fn *then)
{
	struct err err;

	if (begin_again(c, cut, head, &err) < 0)
		smtp_session_broken(c, &err);
	else
		smtp_session_work(c, go_on_again, then);
}
