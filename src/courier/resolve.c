/* resolve.c - see resolve.h for the contract. */
#include "courier/resolve.h"

#include <stdlib.h>

#include "ask/verbs.h"
#include "base/mem.h"
#include "courier/dns.h"
#include "wire/dns/pack.h"

enum { WAIT_MAX_MS = 60000, VIEW_MAX = 2 << 20 };

struct resolving {
	struct asked *asked;
	struct arena arena;
	struct dns_view view;
};

static void resolving_free(struct resolving *r)
{
	arena_done(&r->arena);
	free(r);
}

/* Questions with their answers. What does not fit is left out, and whoever asked sees it failed. */
static void pack(const struct dns_view *view, struct buf *out)
{
	struct dns_question question;
	struct dns_answer answer;
	size_t at = 0;

	while (dns_view_next(view, &at, &question, &answer)) {
		const size_t before = out->len;

		dns_pack_question(out, &question);
		dns_pack_answer(out, &answer);
		if (out->failed) {
			out->len = before;
			out->failed = false;
		}
	}
}

static void on_done(void *context, const struct dns_batch *batch)
{
	struct resolving *r = context;
	struct buf packed AUTO(buf_done), fields AUTO(buf_done);

	buf_init(&packed, ASK_ANSWER_MAX - 2 * FRAME_HEAD);
	buf_init(&fields, ASK_ANSWER_MAX);
	dns_batch_take(batch, &r->view);
	pack(&r->view, &packed);
	frame_put(&fields, buf_slice(&packed));
	asked_answer(r->asked, &fields);
	resolving_free(r);
}

/* False: they are not questions as a view has them. */
static bool take_questions(struct slice packed, struct dns_view *view)
{
	struct dns_question question;
	struct dns_answer answer;

	while (packed.len) {
		if (!dns_unpack_question(&packed, &question) ||
			dns_view_get(view, question.name, question.type, &answer) != DNS_UNKNOWN)
			return false;
	}
	return view->n > 0;
}

void desk_resolve(struct courier *courier, struct asked *asked, struct frame *f, int fd)
{
	struct resolving *r = mem_new(struct resolving);
	const uint64_t wait_ms = frame_u64(f);
	const struct slice packed = frame_bytes(f);
	struct err err;

	(void)fd;
	r->asked = asked;
	arena_init(&r->arena, VIEW_MAX);
	dns_view_init(&r->view, &r->arena);
	if (!frame_end(f) || wait_ms > WAIT_MAX_MS || !take_questions(packed, &r->view)) {
		err_set(&err, ERR_SYNTAX, "these are no questions");
		asked_fail(asked, &err);
		resolving_free(r);
		return;
	}
	dns_ask(courier->dns, &r->view, (int64_t)wait_ms, on_done, r);
}
