/* runner_external.c - connections to users' own SMTP servers: TLS with a known certificate, then
 * their login, and nothing less. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "courier/external.h"
#include "courier/runner_internal.h"

enum { VIEW_MAX = 1 << 20, DESTINATION_MAX = DNS_NAME_MAX + 16 };

static int open_hosts(struct runner *r, const struct plan *plan,
	const struct external_server *server, struct smtp_client **out, struct err *err)
{
	const struct smtp_login login = {slice_str(server->login), slice_str(server->password)};
	const struct smtp_wish wish = {.need = SMTP_NEED_VERIFIED,
		.counted = SMTP_NEED_VERIFIED,
		.is_sure = true,
		.is_implicit = !server->is_starttls,
		.login = &login};
	struct smtp_tls ignored;
	int rc = err_set(err, ERR_BUSY, "%s cannot be reached now", server->host);

	for (size_t i = 0; i < plan->n && rc < 0 && rc != -ERR_CONFLICT; i++) {
		if (!external_may_reach(
			    r->settings, plan->hosts[i].addresses, plan->hosts[i].addresses_n))
			rc = err_set(err, ERR_BUSY, "%s has no public address", server->host);
		else
			rc = smtp_client_open(&r->client, &plan->hosts[i], server->port, &wish,
				&ignored, out, err);
	}
	return rc;
}

static int open_server(struct runner *r, const struct external_server *server,
	struct smtp_client **out, struct err *err)
{
	char destination[DESTINATION_MAX], why[PLAN_WHY];
	struct arena arena AUTO(arena_done);
	struct plan plan;

	arena_init(&arena, VIEW_MAX);
	snprintf(destination, sizeof(destination), "[%s]:%u", server->host, server->port);
	switch (runner_plan(r, slice_str(destination), &arena, &plan, why)) {
	case PLAN_DONE:
		return open_hosts(r, &plan, server, out, err);
	case PLAN_ASK:
		return err_set(err, ERR_BUSY, "the DNS leads in circles");
	default:
		return err_set(err, ERR_BUSY, "%s", why);
	}
}

static int open_external(struct runner *r, uint64_t id, struct smtp_client **out, struct err *err)
{
	struct external_server server;
	int rc = external_get(r->courier->external, id, &server, err);

	if (rc == 0)
		rc = open_server(r, &server, out, err);
	mem_wipe(&server, sizeof(server));
	return rc;
}

int runner_test_external(struct runner *r, uint64_t id, struct err *err)
{
	struct smtp_client *client AUTO(smtp_client_close) = NULL;
	int rc = runner_visit_begin(r, err);

	if (rc < 0)
		return rc;
	rc = open_external(r, id, &client, err);
	runner_visit_end(r);
	return rc;
}

void runner_connect_external(struct turn *t, struct slice number)
{
	uint64_t id = 0;
	struct err err;
	int rc;

	slice_to_u64(slice_head(number, slice_chr(number, '>')), INT64_MAX, &id);
	rc = open_external(t->r, id, &t->client, &err);
	if (rc == 0)
		return;
	log_info(NULL, "no-external", log_n("server", (int64_t)id), log_e(&err));
	if (rc == -ERR_NOTFOUND || rc == -ERR_CONFLICT) { /* no other time will be better */
		t->outcome = QUEUE_OUT_FAILED;
		snprintf(t->why, sizeof(t->why), "5.7.8 your own mail server: %s", err.msg);
	} else {
		snprintf(t->why, sizeof(t->why), "4.4.1 your own mail server: %s", err.msg);
	}
}
