/* ours.c - see ours.h for the contract. */
#include "courier/ours.h"

#include <stdlib.h>

#include "ask/verbs.h"
#include "base/mem.h"
#include "wire/dns/rdata.h"

enum { ADDRESSES_MAX = 16, VIEW_MAX = 1 << 20 };

struct addresses {
	struct ip list[ADDRESSES_MAX];
	size_t n;
};

/* That one kind cannot be told now matters only if there is nothing else. */
static int look_up(struct dns_view *view, struct slice host, struct addresses *out, struct err *err)
{
	static const enum dns_type types[] = {DNS_AAAA, DNS_A};
	bool has_failed = false;

	out->n = 0;
	for (size_t k = 0; k < 2; k++) {
		struct dns_answer answer;

		has_failed |= dns_view_get(view, host, types[k], &answer) == DNS_FAILED;
		for (size_t i = 0; i < answer.n && out->n < ADDRESSES_MAX; i++)
			out->n += dns_read_address(answer.rdata[i], &out->list[out->n]);
	}
	if (out->n)
		return 0;
	return has_failed ? err_set(err, ERR_BUSY, "%.*s cannot be looked up now", SLICE_ARG(host))
			  : err_set(err, ERR_NOTFOUND, "%.*s is not in the DNS", SLICE_ARG(host));
}

/* The setting, or what the DNS says of the host's own name. */
static int find_ours(const struct config *settings, struct dns_view *view, struct addresses *out,
	struct err *err)
{
	struct slice set = settings->acme_addresses;

	out->n = 0;
	while (set.len && out->n < ADDRESSES_MAX)
		out->n += ip_parse(slice_cut(set, ' ', &set), &out->list[out->n]);
	return out->n ? 0 : look_up(view, settings->host_name, out, err);
}

static bool is_among(const struct addresses *ours, const struct ip *ip)
{
	for (size_t i = 0; i < ours->n; i++) {
		if (ip_eq(&ours->list[i], ip))
			return true;
	}
	return false;
}

int ours_check(
	const struct config *settings, struct dns_view *view, struct slice host, struct err *err)
{
	struct addresses ours, its;
	struct err own_err;
	const int own = find_ours(settings, view, &ours, &own_err);
	int rc = look_up(view, host, &its, err); /* asked together with the other */

	if (own < 0)
		return err_set(err, own_err.code, "%s", own_err.msg);
	for (size_t i = 0; i < its.n && rc == 0; i++) {
		char text[IP_TEXT_MAX];

		if (is_among(&ours, &its.list[i]))
			continue;
		ip_write(&its.list[i], text);
		rc = err_set(err, ERR_CONFLICT, "%.*s has the address %s, which is not ours",
			SLICE_ARG(slice_head(host, 80)), text);
	}
	return rc;
}

/* ---- the servers' question ---- */

struct question {
	struct courier *courier;
	struct asked *asked;
	struct arena arena;
	struct dns_view view;
	struct slice host;
};

static void answer(struct question *q)
{
	struct buf none AUTO(buf_done);
	struct err err;

	buf_init(&none, 1);
	if (ours_check(q->courier->settings, &q->view, q->host, &err) < 0)
		asked_fail(q->asked, &err);
	else
		asked_answer(q->asked, &none);
	arena_done(&q->arena);
	free(q);
}

static void on_done(void *context, const struct dns_batch *batch)
{
	struct question *q = context;

	dns_batch_take(batch, &q->view);
	answer(q);
}

void desk_ours(struct courier *courier, struct asked *asked, struct frame *f, int fd)
{
	struct question *q = mem_new(struct question);
	struct err err;

	(void)fd;
	q->courier = courier;
	q->asked = asked;
	arena_init(&q->arena, VIEW_MAX);
	dns_view_init(&q->view, &q->arena);
	q->host = arena_dup(&q->arena, slice_head(frame_bytes(f), DNS_NAME_MAX));
	if (ours_check(courier->settings, &q->view, q->host, &err) < 0 && q->view.pending)
		dns_ask(courier->dns, &q->view, DNS_WAIT_MS, on_done, q);
	else
		answer(q);
}
