/* scan.c - see scan.h for the contract. */
#include "ask/scan.h"

#include <string.h>

#include "ask/internal.h"
#include "ask/verbs.h"
#include "base/clock.h"
#include "base/mem.h"

struct scanned {
	enum scan_action action;
	uint64_t cut;
	size_t text_len, head_len;
	char bytes[];
};

static void *read_result(struct frame *f)
{
	const uint64_t action = frame_u64(f);
	const struct slice text = slice_head(frame_bytes(f), SCAN_TEXT_MAX);
	const uint64_t cut = frame_u64(f);
	const struct slice head = frame_bytes(f);
	struct scanned *scanned = mem_zalloc(sizeof(*scanned) + text.len + head.len);

	if (action > SCAN_REFUSE || head.len > SCAN_HEAD_MAX)
		f->is_bad = true;
	scanned->action = (enum scan_action)action;
	scanned->cut = cut;
	scanned->text_len = text.len;
	scanned->head_len = head.len;
	if (text.len)
		memcpy(scanned->bytes, text.ptr, text.len);
	if (head.len)
		memcpy(scanned->bytes + text.len, head.ptr, head.len);
	return scanned;
}

int scan_take(struct answer *answer, struct scan_result *out, struct err *err)
{
	const struct scanned *scanned = answer->data;

	if (answer->rc < 0)
		return err_set(err, answer->err.code, "%s", answer->err.msg);
	*out = (struct scan_result){.action = scanned->action,
		.text = {scanned->bytes, scanned->text_len},
		.cut = scanned->cut,
		.head = {scanned->bytes + scanned->text_len, scanned->head_len}};
	return 0;
}

void ask_scan(struct ask *ask, struct conn *c, const struct scan *scan, int fd, int64_t wait_ms,
	conn_resume_fn *resume)
{
	struct line_request request = {
		.who = conn_ref(c),
		.deadline_ms = clock_mono_ms() + wait_ms,
		.read = read_result,
		.fd = fd,
	};
	const struct slice texts[] = {
		scan->ip, scan->name, scan->helo, scan->sender, scan->id, scan->tls, scan->login};

	buf_init(&request.frame, ASK_REQUEST_MAX);
	frame_begin(&request.frame, 0, ASK_SCAN);
	frame_put_u64(&request.frame, (uint64_t)wait_ms);
	frame_put_u64(&request.frame, scan->skip);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		frame_put(&request.frame, texts[i]);
	for (size_t i = 0; i < scan->n; i++)
		frame_put(&request.frame, scan->recipients[i]);
	request.ticket = conn_park(c, wait_ms + ASK_GRACE_MS, resume);
	line_ask(ask->line, &request);
}

bool scan_read(struct frame *f, int64_t *wait_ms_out, struct scan *out)
{
	struct slice *const texts[] = {
		&out->ip, &out->name, &out->helo, &out->sender, &out->id, &out->tls, &out->login};

	*wait_ms_out = (int64_t)frame_u64(f);
	out->skip = frame_u64(f);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i] = frame_bytes(f);
	for (out->n = 0; !frame_end(f) && !f->is_bad && out->n < SCAN_RCPT_MAX; out->n++)
		out->recipients[out->n] = frame_bytes(f);
	return frame_end(f);
}

void scan_put_result(struct buf *fields, const struct scan_result *result)
{
	frame_put_u64(fields, result->action);
	frame_put(fields, slice_head(result->text, SCAN_TEXT_MAX));
	frame_put_u64(fields, result->cut);
	frame_put(fields, result->head);
}
