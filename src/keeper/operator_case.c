/* operator_case.c - recovery cases, as the CLI asks for them; see keeper.h for the contract. */
#include <string.h>

#include "base/mem.h"
#include "keeper/keeper.h"
#include "keeper/operator_internal.h"

static void take_row(struct frame *f, struct keeper_case *out)
{
	out->id = frame_u64(f);
	out->account = frame_u64(f);
	out->opener = frame_u64(f);
	out->approver = frame_u64(f);
	out->state = (unsigned)frame_u64(f);
	out->removes_factors = frame_u64(f) != 0;
	out->points = (unsigned)frame_u64(f);
	out->opened_s = (int64_t)frame_u64(f);
	out->wait_until_s = (int64_t)frame_u64(f);
	out->closed_s = (int64_t)frame_u64(f);
}

static void take_text(struct frame *f, char *out, size_t size)
{
	const struct slice s = frame_bytes(f);

	if (s.len >= size)
		f->is_bad = true;
	else if (s.len)
		memcpy(out, s.ptr, s.len);
}

static int nonsense(struct err *err)
{
	return err_set(err, ERR_IO, "the keeper's answer makes no sense");
}

/* A question that was begun with begin_step() and has all its fields. */
static int ask_step(
	const char *socket_path, struct buf *request, struct keeper_case_step *out, struct err *err)
{
	struct keeper_case_step step = {.link = ""};
	struct buf reply AUTO(operator_wipe);
	struct frame f;
	int rc;

	buf_init(&reply, FRAME_ANSWER_MAX);
	rc = operator_ask(socket_path, request, &reply, &f, err);
	if (rc < 0)
		return rc;
	take_row(&f, &step.row);
	take_text(&f, step.link, sizeof(step.link));
	take_text(&f, step.recovery, sizeof(step.recovery));
	take_text(&f, step.former, sizeof(step.former));
	if (!frame_end(&f))
		return nonsense(err);
	*out = step;
	return 0;
}

static void begin_step(struct buf *request, enum frame_verb verb, const struct keeper_staff *staff)
{
	buf_init(request, FRAME_CLI_MAX);
	buf_reserve(request, FRAME_CLI_MAX); /* growing would leave copies behind */
	frame_begin(request, 1, (uint8_t)verb);
	frame_put_u64(request, staff->account);
	frame_put(request, staff->code);
}

int keeper_case_open(const char *socket_path, const struct keeper_staff *staff, uint64_t account,
	bool removes_factors, struct slice note, struct keeper_case_step *out, struct err *err)
{
	struct buf request AUTO(operator_wipe);

	begin_step(&request, FRAME_CASE_OPEN, staff);
	frame_put_u64(&request, account);
	frame_put_u64(&request, removes_factors);
	frame_put(&request, note);
	return ask_step(socket_path, &request, out, err);
}

int keeper_case_evidence(const char *socket_path, const struct keeper_staff *staff, uint64_t id,
	struct slice kind, struct slice note, struct keeper_case_step *out, struct err *err)
{
	struct buf request AUTO(operator_wipe);

	begin_step(&request, FRAME_CASE_EVIDENCE, staff);
	frame_put_u64(&request, id);
	frame_put(&request, kind);
	frame_put(&request, note);
	return ask_step(socket_path, &request, out, err);
}

int keeper_case_approve(const char *socket_path, const struct keeper_staff *staff, uint64_t id,
	struct keeper_case_step *out, struct err *err)
{
	struct buf request AUTO(operator_wipe);

	begin_step(&request, FRAME_CASE_APPROVE, staff);
	frame_put_u64(&request, id);
	return ask_step(socket_path, &request, out, err);
}

int keeper_case_close(const char *socket_path, const struct keeper_staff *staff, uint64_t id,
	bool is_granted, struct slice note, struct keeper_case_step *out, struct err *err)
{
	struct buf request AUTO(operator_wipe);

	begin_step(&request, FRAME_CASE_CLOSE, staff);
	frame_put_u64(&request, id);
	frame_put_u64(&request, is_granted);
	frame_put(&request, note);
	return ask_step(socket_path, &request, out, err);
}

int keeper_case_list(
	const char *socket_path, bool is_all, keeper_case_fn *each, void *context, struct err *err)
{
	struct buf request AUTO(buf_done), reply AUTO(buf_done);
	struct keeper_case row;
	struct frame f;
	int rc;

	buf_init(&request, FRAME_CLI_MAX);
	buf_init(&reply, FRAME_ANSWER_MAX);
	frame_begin(&request, 1, FRAME_CASE_LIST);
	frame_put_u64(&request, is_all);
	rc = operator_ask(socket_path, &request, &reply, &f, err);
	while (rc == 0 && !frame_end(&f)) {
		take_row(&f, &row);
		if (f.is_bad)
			return nonsense(err);
		each(context, &row);
	}
	return rc;
}

int keeper_case_show(const char *socket_path, uint64_t id, struct keeper_case *out,
	keeper_case_entry_fn *each, void *context, struct err *err)
{
	struct buf request AUTO(buf_done), reply AUTO(buf_done);
	struct keeper_case_entry entry;
	struct frame f;
	int rc;

	buf_init(&request, FRAME_CLI_MAX);
	buf_init(&reply, FRAME_ANSWER_MAX);
	frame_begin(&request, 1, FRAME_CASE_SHOW);
	frame_put_u64(&request, id);
	rc = operator_ask(socket_path, &request, &reply, &f, err);
	if (rc < 0)
		return rc;
	take_row(&f, out);
	while (!frame_end(&f)) {
		entry.at_s = (int64_t)frame_u64(&f);
		entry.staff = frame_u64(&f);
		entry.kind = frame_bytes(&f);
		entry.points = (unsigned)frame_u64(&f);
		entry.note = frame_bytes(&f);
		if (f.is_bad)
			return nonsense(err);
		each(context, &entry);
	}
	return 0;
}

int keeper_case_flags(const char *socket_path, keeper_flag_fn *each, void *context, struct err *err)
{
	struct buf request AUTO(buf_done), reply AUTO(buf_done);
	struct keeper_flag flag;
	struct frame f;
	int rc;

	buf_init(&request, FRAME_CLI_MAX);
	buf_init(&reply, FRAME_ANSWER_MAX);
	frame_begin(&request, 1, FRAME_CASE_FLAGS);
	rc = operator_ask(socket_path, &request, &reply, &f, err);
	while (rc == 0 && !frame_end(&f)) {
		flag.account = frame_u64(&f);
		flag.at_s = (int64_t)frame_u64(&f);
		flag.peer = frame_bytes(&f);
		if (f.is_bad)
			return nonsense(err);
		each(context, &flag);
	}
	return rc;
}
