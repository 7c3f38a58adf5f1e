/* external_kit.c - see external_kit.h. The functions below take the place of desk.c's, of the
 * pool's and of the runner's. */
#include "courier/external_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "courier/runner.h"

enum { FRAME_MAX = 64 << 10 };

struct asked {
	struct external_kit *kit;
};

void asked_answer(struct asked *asked, const struct buf *fields)
{
	asked->kit->rc = fields->failed ? -ERR_TOOBIG : 0;
	asked->kit->answers++;
}

void asked_fail(struct asked *asked, const struct err *err)
{
	asked->kit->rc = -(int)err->code;
	asked->kit->err = *err;
	asked->kit->answers++;
}

void pool_run(struct pool *pool, enum pool_class class, struct pool_job *job)
{
	(void)pool;
	(void)class;
	job->run(job);
}

int runner_test_external(struct runner *runner, uint64_t id, struct err *err)
{
	struct external_kit *kit = (struct external_kit *)(void *)runner;
	struct external_server server;
	int rc = external_get(kit->courier.external, id, &server, err);

	kit->tests++;
	if (rc == 0 && kit->test_rc < 0)
		rc = err_set(err, (enum err_code)(-kit->test_rc), "the login was refused");
	return rc;
}

void external_kit_open(struct external_kit *kit)
{
	char path[EXTERNAL_KIT_PATH];
	struct err err;

	*kit = (struct external_kit){.rc = 0};
	kit->courier.runner = (struct runner *)(void *)kit;
	if (!mkdtemp(temp_path(kit->folder, "external-XXXXXX")) ||
		external_open(external_kit_path(kit, "", path), &kit->courier.external, &err) < 0)
		abort();
}

char *external_kit_path(
	const struct external_kit *kit, const char *end, char out[EXTERNAL_KIT_PATH])
{
	snprintf(out, EXTERNAL_KIT_PATH, "%s/external.db%s", kit->folder, end);
	return out;
}

void external_kit_close(struct external_kit *kit)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	char path[EXTERNAL_KIT_PATH];

	external_close(&kit->courier.external);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		unlink(external_kit_path(kit, ends[i], path));
	if (rmdir(kit->folder) < 0)
		abort();
}

int external_kit_ask(struct external_kit *kit, desk_fn *verb, struct slice fields)
{
	struct asked asked = {kit};
	struct buf text AUTO(buf_done);
	struct frame f;
	const unsigned before = kit->answers;

	buf_init(&text, FRAME_MAX);
	frame_begin(&text, 1, 1);
	buf_append(&text, fields);
	frame_finish(&text, 0);
	if (text.failed)
		return -ERR_TOOBIG;
	frame_open(buf_slice(&text), &f);
	verb(&kit->courier, &asked, &f, -1);
	if (kit->answers != before + 1)
		abort();
	return kit->rc;
}
