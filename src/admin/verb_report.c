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
	static const struct {
		const char *what;
		report_show_fn *show;
		enum { OF_ONE, OF_ONE_OR_ALL, OF_ANY } of; /* domains of ours; any domain */
	} kinds[] = {{"sources", report_sources, OF_ONE}, {"tls", report_tls, OF_ONE},
		{"reports", report_reports, OF_ONE},
		{"complaints", report_complaints, OF_ONE_OR_ALL},
		{"failures", report_failures, OF_ONE_OR_ALL}, {"sent", report_sent, OF_ANY}};
	const struct slice what = verb_text_or_empty(args, "what");
	const struct slice domain = verb_text_or_empty(args, "domain");
	struct directory_domain found = {0};
	size_t at = 0;
	struct err err;
	int rc = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		at = slice_eq(what, slice_str(kinds[i].what)) ? i : at;
	if (kinds[at].of == OF_ONE || (kinds[at].of == OF_ONE_OR_ALL && domain.len))
		rc = directory_domain(verb_service(c)->directory, domain, &found, &err);
	else
		found.is_ours = true;
	if (rc == 0 && !found.is_ours)
		rc = err_set(&err, ERR_NOTFOUND, "there is no domain %.*s here", SLICE_ARG(domain));
	if (rc < 0)
		verb_fail(conn_out(c), &err);
	else
		begin(c, args, kinds[at].show);
}
