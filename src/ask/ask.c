/* ask.c - see ask.h for the contract. */
#include "ask/ask.h"

#include <stdlib.h>
#include <string.h>

#include "ask/internal.h"
#include "ask/verbs.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "line/line.h"
#include "wire/dns/pack.h"

enum { SCRATCH_MAX = 1 << 16 };

struct field {
	size_t len;
	char bytes[];
};

/* The courier's number; an older courier answers nothing else, and is soon replaced. */
static void on_forms(void *context, struct frame *f)
{
	const uint64_t form = f->verb ? 0 : frame_u64(f);

	(void)context;
	if (form < ASK_FORM_NOW)
		log_warn(NULL, "courier-older", log_n("form", (int64_t)form));
}

static void on_connected(void *context, struct conn *c)
{
	struct ask *ask = context;
	struct line_request request = {.own = on_forms, .fd = -1};

	buf_init(&request.frame, ASK_REQUEST_MAX);
	frame_begin(&request.frame, 0, ASK_FORMS);
	frame_put_u64(&request.frame, ASK_FORM_NOW);
	line_say_first(ask->line, c, &request);
}

struct ask *ask_new(const char *socket_path)
{
	struct ask *ask = mem_new(struct ask);
	const struct line_config config = {
		.name = "courier",
		.path = socket_path,
		.answer_max = ASK_ANSWER_MAX,
		.sent_max = ASK_SENT_MAX,
		.away_ms = ASK_AWAY_MS,
		.context = ask,
		.connected = on_connected,
	};

	ask->line = line_new(&config);
	return ask;
}

void ask_start(struct ask *ask, struct pool *pool)
{
	line_start(ask->line, pool);
}

void ask_stop(struct ask *ask)
{
	line_stop(ask->line);
}

void ask_free(struct ask **ask)
{
	if (!*ask)
		return;
	line_free(&(*ask)->line);
	free(*ask);
	*ask = NULL;
}

static void *read_field(struct frame *f)
{
	const struct slice bytes = frame_bytes(f);
	struct field *field = mem_alloc(sizeof(*field) + bytes.len);

	field->len = bytes.len;
	if (bytes.len)
		memcpy(field->bytes, bytes.ptr, bytes.len);
	return field;
}

static void pack_questions(const struct dns_view *view, struct buf *out)
{
	struct dns_question question;
	size_t at = 0;

	while (dns_view_next_pending(view, &at, &question))
		dns_pack_question(out, &question);
}

static void put_question(const struct dns_view *view, int64_t wait_ms, struct buf *frame)
{
	struct buf questions AUTO(buf_done);

	buf_init(&questions, ASK_REQUEST_MAX);
	pack_questions(view, &questions);
	buf_init(frame, ASK_REQUEST_MAX);
	frame_begin(frame, 0, ASK_RESOLVE);
	frame_put_u64(frame, (uint64_t)wait_ms);
	frame_put(frame, buf_slice(&questions));
}

void ask_resolve(struct ask *ask, struct conn *c, const struct dns_view *view, int64_t wait_ms,
	conn_resume_fn *resume)
{
	struct line_request request = {
		.who = conn_ref(c),
		.deadline_ms = clock_mono_ms() + wait_ms,
		.read = read_field,
		.fd = -1,
	};

	put_question(view, wait_ms, &request.frame);
	request.ticket = conn_park(c, wait_ms + ASK_GRACE_MS, resume);
	line_ask(ask->line, &request);
}

static void put_all(struct dns_view *view, struct slice packed)
{
	struct dns_question question;
	struct dns_answer answer;
	struct arena scratch AUTO(arena_done);

	arena_init(&scratch, SCRATCH_MAX * sizeof(struct slice));
	while (packed.len && dns_unpack_question(&packed, &question) &&
		dns_unpack_answer(&packed, &scratch, &answer))
		dns_view_put(view, question.name, question.type, &answer);
}

void ask_take(struct dns_view *view, struct answer *answer)
{
	const struct field *field = answer->data;

	if (answer->rc == 0 && field)
		put_all(view, (struct slice){field->bytes, field->len});
	dns_view_fail(view);
	free(answer->data);
	answer->data = NULL;
}

struct names_call {
	struct dns_view *view;
	ask_names_fn *done;
	void *context;
};

static void on_names(void *context, struct frame *f, int rc, const struct err *err)
{
	struct names_call *call = context;

	(void)err;
	if (rc == 0)
		put_all(call->view, frame_bytes(f));
	dns_view_fail(call->view);
	call->done(call->context);
	free(call);
}

void ask_names(
	struct ask *ask, struct dns_view *view, int64_t wait_ms, ask_names_fn *done, void *context)
{
	struct names_call *call = mem_new(struct names_call);
	struct buf frame;

	*call = (struct names_call){view, done, context};
	put_question(view, wait_ms, &frame);
	ask_call(ask, &frame, -1, wait_ms, on_names, call);
}

static struct line_request one_field(
	struct conn_ref who, uint64_t ticket, enum ask_verb verb, int64_t wait_ms)
{
	struct line_request request = {
		.who = who,
		.ticket = ticket,
		.deadline_ms = clock_mono_ms() + wait_ms,
		.read = read_field,
		.fd = -1,
	};

	buf_init(&request.frame, ASK_REQUEST_MAX);
	frame_begin(&request.frame, 0, (uint8_t)verb);
	return request;
}

void ask_queue_for(
	struct ask *ask, struct conn_ref who, uint64_t ticket, struct slice wish, int64_t wait_ms)
{
	struct line_request request = one_field(who, ticket, ASK_QUEUE, wait_ms);

	frame_put(&request.frame, wish);
	line_ask(ask->line, &request);
}

void ask_queue(
	struct ask *ask, struct conn *c, struct slice wish, int64_t wait_ms, conn_resume_fn *resume)
{
	const uint64_t ticket = conn_park(c, wait_ms + ASK_GRACE_MS, resume);

	ask_queue_for(ask, conn_ref(c), ticket, wish, wait_ms);
}

void ask_taken_text(struct ask *ask, struct conn_ref who, uint64_t ticket, uint64_t submitter,
	uint64_t delivery_id, uint64_t at, int64_t wait_ms)
{
	struct line_request request = one_field(who, ticket, ASK_TAKEN_TEXT, wait_ms);

	frame_put_u64(&request.frame, submitter);
	frame_put_u64(&request.frame, delivery_id);
	frame_put_u64(&request.frame, at);
	line_ask(ask->line, &request);
}

bool ask_queue_take(const struct answer *answer, struct slice *out)
{
	const struct field *field = answer->data;

	if (!field)
		return false;
	*out = (struct slice){field->bytes, field->len};
	return true;
}

void ask_call(struct ask *ask, struct buf *frame, int fd, int64_t wait_ms, ask_done_fn *done,
	void *context)
{
	struct line_request request = {
		.deadline_ms = clock_mono_ms() + wait_ms,
		.done = done,
		.done_context = context,
		.fd = fd,
		.frame = *frame,
	};

	line_ask(ask->line, &request);
}
