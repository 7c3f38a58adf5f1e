/* runner_connect.c - which host a lane's mail goes to, and what is demanded of TLS with it: DANE
 * where there are TLSA records, else what the domain's MTA-STS policy says, else what comes. */
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/log.h"
#include "base/random.h"
#include "courier/runner_internal.h"
#include "courier/sts.h"

enum { VIEW_MAX = 1 << 20, DNS_TURNS = 8 };

static const char here_path[] = "../run/courier-lmtp.sock";

/* One look at a destination. */
struct trip {
	struct turn *turn;
	enum runner_demand demand;
	struct plan plan;
	struct sts_found sts;
	const char *domain; /* plan.domain, or NULL */
	bool is_later;      /* some host may be better another time */
};

PRINTF_LIKE(2, 3)
static void say_why(struct turn *t, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(t->why, sizeof(t->why), fmt, args);
	va_end(args);
}

/* ---- what is demanded ---- */

static bool has_policy(const struct trip *trip)
{
	return trip->sts.is_any && trip->sts.policy.mode != STS_NONE;
}

static bool is_in_policy(const struct trip *trip, const struct plan_host *host)
{
	return has_policy(trip) && sts_policy_fits(&trip->sts.policy, host->name);
}

/* RFC 8461 2: DANE goes first, whatever comes of it. */
static struct smtp_wish wish_for(const struct trip *trip, const struct plan_host *host)
{
	const enum sts_mode mode = trip->sts.policy.mode;
	struct smtp_wish wish = {.need = host->has_tlsa ? SMTP_NEED_TLS : SMTP_NEED_SOME,
		.is_sure = host->is_sure || is_in_policy(trip, host),
		.domain = trip->domain};

	if (host->tlsa_n)
		wish.need = SMTP_NEED_DANE;
	else if (mode == STS_ENFORCE)
		wish.need = SMTP_NEED_VERIFIED;
	wish.counted = mode == STS_TESTING && !host->tlsa_n ? SMTP_NEED_VERIFIED : wish.need;
	if (trip->demand == RUNNER_REQUIRED && wish.need < SMTP_NEED_VERIFIED)
		wish.need = SMTP_NEED_VERIFIED;
	if (trip->demand == RUNNER_RELAXED)
		wish.need = SMTP_NEED_SOME;
	return wish;
}

/* ---- what is counted ---- */

/* As in RFC 8460 4.4: "3 1 1 HEX". */
static void put_tlsa(const struct plan_host *host, struct buf *out)
{
	for (size_t i = 0; i < host->tlsa_n; i++) {
		const struct dns_tlsa *tlsa = &host->tlsa[i];

		buf_printf(out, "%s%u %u %u ", i ? "\n" : "", tlsa->usage, tlsa->selector,
			tlsa->matching);
		hex_encode(out, tlsa->data);
	}
}

static void put_sts(const struct sts_found *sts, struct buf *strings, struct buf *mx)
{
	struct slice text = sts->text;

	while (text.len) {
		const struct slice line = slice_trim(slice_cut(text, '\n', &text));

		buf_str(strings, strings->len && line.len ? "\n" : "");
		buf_append(strings, line);
	}
	for (size_t i = 0; i < sts->policy.mx_n; i++) {
		buf_str(mx, i ? "\n" : "");
		buf_append(mx, sts->policy.mx[i]);
	}
}

static void note(const struct trip *trip, const struct plan_host *host, enum tls_result result,
	struct slice reason, const struct smtp_tls *tls)
{
	struct tls_session session = {.domain = trip->plan.domain,
		.policy = {.domain = trip->plan.domain},
		.result = result,
		.our_ip = slice_str(tls->our_ip),
		.mx_host = host->name,
		.mx_ip = slice_str(tls->ip),
		.reason = reason};
	struct buf strings AUTO(buf_done), mx AUTO(buf_done);

	buf_init(&strings, TLS_RESULTS_TEXT_MAX);
	buf_init(&mx, TLS_RESULTS_TEXT_MAX);
	if (!trip->plan.domain.len)
		return; /* a host that the operator named has no domain that asks for reports */
	if (trip->demand == RUNNER_RELAXED)
		return; /* reports about TLS go like this: RFC 8460 3 wants them not in the next one
			 */
	if (host->has_tlsa || host->is_tlsa_unsure) {
		session.policy.type = TLS_POLICY_TLSA;
		session.policy.domain = host->tlsa_base ? slice_str(host->tlsa_base) : host->name;
		put_tlsa(host, &strings);
	} else if (has_policy(trip) || trip->sts.trouble != TLS_RESULT_GOOD) {
		session.policy.type = TLS_POLICY_STS;
		put_sts(&trip->sts, &strings, &mx);
	}
	session.policy.strings = buf_slice(&strings);
	session.policy.mx = buf_slice(&mx);
	tls_results_note(trip->turn->r->courier->tls_results, &session);
}

/* A policy that could not be had is what is told of its domain; so is a host that it leaves out. */
static void note_session(
	const struct trip *trip, const struct plan_host *host, const struct smtp_tls *tls)
{
	if (host->has_tlsa || tls->result != TLS_RESULT_GOOD)
		note(trip, host, tls->result, slice_str(tls->reason), tls);
	else if (!trip->sts.is_any && trip->sts.trouble != TLS_RESULT_GOOD)
		note(trip, host, trip->sts.trouble, trip->sts.reason, tls);
	else if (has_policy(trip) && !is_in_policy(trip, host))
		note(trip, host, TLS_RESULT_FAILED, slice_lit("mx-mismatch"), tls);
	else
		note(trip, host, TLS_RESULT_GOOD, (struct slice){0}, tls);
}

/* ---- hosts ---- */

/* Whether the host is worth a connection. */
static bool may_try(struct trip *trip, const struct plan_host *host)
{
	const struct smtp_tls none = {.is_tried = false};
	struct turn *t = trip->turn;

	if (!host->addresses_n || trip->demand == RUNNER_RELAXED)
		return host->addresses_n > 0;
	if (host->is_unsure) {
		trip->is_later = true;
		t->is_denied = t->is_denied || host->is_tlsa_unsure;
		say_why(t, "4.4.3 %.*s: its records cannot be looked up now",
			SLICE_ARG(host->name));
		if (host->is_tlsa_unsure)
			note(trip, host, TLS_RESULT_DNSSEC_INVALID, (struct slice){0}, &none);
		return false;
	}
	if (!host->tlsa_n && trip->sts.policy.mode == STS_ENFORCE && !is_in_policy(trip, host)) {
		t->is_denied = true;
		say_why(t, "4.7.5 %.*s: not a host of the domain's MTA-STS policy",
			SLICE_ARG(host->name));
		note(trip, host, TLS_RESULT_FAILED, slice_lit("mx-mismatch"), &none);
		return false;
	}
	if (trip->demand == RUNNER_REQUIRED && !host->is_sure && !is_in_policy(trip, host)) {
		t->is_denied = true;
		say_why(t, "5.7.30 %.*s: neither DNSSEC nor MTA-STS vouches for the host",
			SLICE_ARG(host->name));
		return false;
	}
	return true;
}

static void note_failure(struct trip *trip, const struct plan_host *host, const struct err *err)
{
	struct turn *t = trip->turn;
	const char *status = "4.4.1";

	if (err->code == ERR_DENIED)
		status = trip->demand == RUNNER_REQUIRED ? "5.7.10" : "4.7.5";
	else
		trip->is_later = true;
	t->is_denied = t->is_denied || err->code == ERR_DENIED;
	say_why(t, "%s %.*s: %s", status, SLICE_ARG(host->name), err->msg);
	log_info(NULL, "no-connection", log_s("host", host->name), log_e(err));
}

static void try_host(struct trip *trip, const struct plan_host *host)
{
	const struct smtp_wish wish = wish_for(trip, host);
	struct turn *t = trip->turn;
	struct smtp_tls tls;
	struct err err;
	const int rc = smtp_client_open(
		&t->r->client, host, trip->plan.port, &wish, &tls, &t->client, &err);

	if (tls.is_tried)
		note_session(trip, host, &tls);
	if (rc < 0) {
		note_failure(trip, host, &err);
	} else if (trip->demand == RUNNER_REQUIRED && !smtp_client_may_require(t->client)) {
		t->is_denied = true;
		say_why(t, "5.7.30 %.*s: REQUIRETLS is not supported", SLICE_ARG(host->name));
		smtp_client_close(&t->client);
	}
}

static void try_hosts(struct trip *trip)
{
	struct turn *t = trip->turn;

	for (size_t i = 0; i < trip->plan.n && !t->client; i++) {
		if (may_try(trip, &trip->plan.hosts[i]))
			try_host(trip, &trip->plan.hosts[i]);
	}
	if (trip->demand == RUNNER_REQUIRED && !trip->is_later)
		t->outcome = QUEUE_OUT_FAILED;
}

/* ---- the plan ---- */

enum plan_result runner_plan(struct runner *r, struct slice destination, struct arena *arena,
	struct plan *out, char why[PLAN_WHY])
{
	const struct plan_question question = {.destination = destination,
		.host_name = r->settings->host_name,
		.port = (unsigned)r->settings->courier_smtp_port,
		.chance = random_u64()};
	enum plan_result result = PLAN_ASK;
	struct dns_view view;

	dns_view_init(&view, arena);
	for (int i = 0; i < DNS_TURNS && result == PLAN_ASK; i++) {
		result = plan_make(&view, &question, arena, out, why);
		if (result == PLAN_ASK)
			dns_fill(r->courier->dns, &view, DNS_WAIT_MS);
	}
	return result;
}

/* Where each host has TLSA records nobody asks for more. */
static void find_policy(struct trip *trip, struct arena *arena)
{
	const struct plan *plan = &trip->plan;
	bool is_asked = false;

	for (size_t i = 0; i < plan->n && !is_asked; i++)
		is_asked = plan->hosts[i].addresses_n && !plan->hosts[i].tlsa_n;
	if (plan->domain.len)
		trip->domain = arena_str(arena, plan->domain);
	if (plan->domain.len && is_asked)
		sts_find(
			trip->turn->r->courier->sts, plan->domain, plan->sts_id, arena, &trip->sts);
}

static void connect_here(struct turn *t)
{
	struct err err;

	if (smtp_client_open_here(&t->r->client, here_path, &t->client, &err) < 0)
		say_why(t, "4.4.1 the mail server here: %s", err.msg);
}

void runner_connect(struct turn *t, enum runner_demand demand)
{
	const struct slice name = slice_str(t->lane->name);
	struct trip trip = {.turn = t, .demand = demand};
	struct arena arena AUTO(arena_done);
	char why[PLAN_WHY];

	arena_init(&arena, VIEW_MAX);
	t->outcome = QUEUE_OUT_DEFERRED;
	t->is_denied = false;
	say_why(t, "4.4.1 no host can be tried now");
	if (strcmp(t->lane->name, QUEUE_HERE) == 0) {
		connect_here(t);
		return;
	}
	if (slice_starts(name, slice_lit(QUEUE_EXTERNAL))) {
		runner_connect_external(t, slice_from(name, sizeof(QUEUE_EXTERNAL) - 1));
		return;
	}
	switch (runner_plan(t->r, name, &arena, &trip.plan, why)) {
	case PLAN_DONE:
		find_policy(&trip, &arena);
		try_hosts(&trip);
		break;
	case PLAN_NEVER:
		t->outcome = QUEUE_OUT_FAILED;
		say_why(t, "%s", why);
		break;
	case PLAN_LATER:
		say_why(t, "%s", why);
		break;
	case PLAN_ASK:
		say_why(t, "4.4.3 the DNS leads in circles");
		break;
	}
}

/* ---- looking ---- */

static const char *words_for(const struct trip *trip, const struct plan_host *host)
{
	const enum sts_mode mode = trip->sts.policy.mode;

	if (!host->addresses_n)
		return "it has no address";
	if (host->is_unsure)
		return "its records cannot be looked up now";
	if (host->tlsa_n)
		return "DANE: a certificate that its TLSA records name";
	if (mode == STS_ENFORCE && !is_in_policy(trip, host))
		return "MTA-STS: left out, as the policy does not name it";
	if (mode == STS_ENFORCE)
		return "MTA-STS: a certificate for its name";
	if (host->has_tlsa)
		return "DANE: TLS, as no TLSA record of it can be used";
	return mode == STS_TESTING ? "nothing (MTA-STS is being tested)" : "nothing";
}

static int look(struct runner *r, struct slice destination, runner_host_fn *each, void *context,
	struct err *err)
{
	struct turn turn = {.r = r};
	struct trip trip = {.turn = &turn};
	struct arena arena AUTO(arena_done);
	char why[PLAN_WHY] = "4.4.3 the DNS leads in circles";

	arena_init(&arena, VIEW_MAX);
	if (runner_plan(r, destination, &arena, &trip.plan, why) != PLAN_DONE)
		return err_set(err, ERR_NOTFOUND, "%.100s", why);
	find_policy(&trip, &arena);
	for (size_t i = 0; i < trip.plan.n; i++)
		each(context, trip.plan.hosts[i].name, words_for(&trip, &trip.plan.hosts[i]));
	return 0;
}

int runner_look(struct runner *r, struct slice destination, runner_host_fn *each, void *context,
	struct err *err)
{
	int rc = runner_visit_begin(r, err);

	if (rc < 0)
		return rc;
	rc = look(r, destination, each, context, err);
	runner_visit_end(r);
	return rc;
}
