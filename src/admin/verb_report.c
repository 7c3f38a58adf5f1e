/* verb_report.c - what others reported of our domains: report/report.h as rows. */
#include <stdlib.h>

#include "admin/verb.h"
#include "base/mem.h"
#include "report/report.h"

struct report_task {
	struct verb_task task; /* must be first */
	json_t *args, *rows;
	report_show_fn *show;
};

static int work(struct verb_task *task, struct err *err)
{
	struct report_task *t = (struct report_task *)(void *)task;

	return t->show(task->service->reports, verb_text_or_empty(t->args, "domain"),
		(unsigned)verb_number(t->args, "days"), &t->rows, err);
}

static void reply(struct verb_task *task, struct buf *out)
{
	const struct report_task *t = (struct report_task *)(void *)task;

	for (size_t i = 0; i < json_array_size(t->rows); i++)
		verb_row(out, json_incref(json_array_get(t->rows, i)));
	verb_done(out, NULL);
}

static void task_free(struct verb_task *task)
{
	struct report_task *t = (struct report_task *)(void *)task;

	json_decref(t->args);
	json_decref(t->rows);
	free(t);
}

static void begin(struct conn *c, const json_t *args, report_show_fn *fn)
{
	struct report_task *t = mem_new(struct report_task);

	*t = (struct report_task){.task = {.work = work, .reply = reply, .free = task_free},
		.args = json_deep_copy(args),
		.show = fn};
	verb_task_run(c, &t->task);
}

void verb_report_list(struct conn *c, const json_t *args)
{
	begin(c, args, report_list);
}

void verb_report_show(struct conn *c, const json_t *args)
{
	const struct slice what = verb_text_or_empty(args, "what");
	const struct slice domain = verb_text_or_empty(args, "domain");
	struct directory_domain found = {0};
	struct err err;
	const int rc = directory_domain(verb_service(c)->directory, domain, &found, &err);

	if (rc == 0 && !found.is_ours)
		err_set(&err, ERR_NOTFOUND, "there is no domain %.*s here", SLICE_ARG(domain));
	if (rc < 0 || !found.is_ours)
		verb_fail(conn_out(c), &err);
	else if (slice_eq(what, slice_lit("tls")))
		begin(c, args, report_tls);
	else if (slice_eq(what, slice_lit("reports")))
		begin(c, args, report_reports);
	else
		begin(c, args, report_sources);
}
