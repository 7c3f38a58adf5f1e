/* desk.c - see desk.h for the contract. */
#include "keeper/desk.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void task_free(struct task *t)
{
	mem_wipe(t->bytes, t->len);
	if (t->state)
		mem_wipe(t->state, t->state_len);
	free(t->state);
	mem_wipe(t->out.ptr, t->out.cap);
	buf_done(&t->out);
	free(t);
}

static void run(struct crew_job *job, bool is_dismissed)
{
	struct task *t = (struct task *)job; /* its first member */
	struct err err;

	if (!is_dismissed) {
		t->run(t);
		return;
	}
	err_set(&err, ERR_BUSY, "the keeper is ending");
	task_fail(t, &err);
}

void task_next(struct task *t, enum task_place place, task_fn *fn)
{
	struct crew *const crews[] = {t->desk->reader, t->desk->clerk, t->desk->hashers};
	struct err err;

	t->run = fn;
	if (crew_put(crews[place], CREW_FIRST, &t->job))
		return;
	err_set(&err, ERR_BUSY, "too much is asked at once");
	task_fail(t, &err);
}

void task_take(struct desk *desk, struct caller caller, const struct frame *f, const char *grammar,
	enum task_place place, task_fn *fn)
{
	struct task *t = mem_zalloc(sizeof(*t) + f->rest.len);
	struct frame copy = *f;
	struct err err;

	t->job.run = run;
	t->desk = desk;
	t->caller = caller;
	t->len = f->rest.len;
	buf_init(&t->out, FRAME_ANSWER_MAX);
	if (t->len)
		memcpy(t->bytes, f->rest.ptr, t->len);
	copy.rest = (struct slice){t->bytes, t->len};
	t->frame = copy;
	if (!grammar || frame_read_fields(&copy, grammar, t->f)) {
		task_next(t, place, fn);
		return;
	}
	err_set(&err, ERR_SYNTAX, "too long, or not what is asked for");
	task_fail(t, &err);
}

void *task_keep(struct task *t, size_t size)
{
	t->state = mem_zalloc(size);
	t->state_len = size;
	return t->state;
}

void task_put(struct task *t, struct slice bytes)
{
	frame_put(&t->out, bytes);
}

void task_put_u64(struct task *t, uint64_t n)
{
	frame_put_u64(&t->out, n);
}

void task_reply(struct task *t)
{
	caller_answer(t->caller, &t->out);
	task_free(t);
}

void task_fail(struct task *t, const struct err *err)
{
	caller_fail(t->caller, -(int)err->code, err->msg);
	task_free(t);
}

void task_end(struct task *t, int rc, const struct err *err)
{
	if (rc < 0)
		task_fail(t, err);
	else
		task_reply(t);
}

void task_drop(struct task *t)
{
	caller_drop(t->caller);
	task_free(t);
}
