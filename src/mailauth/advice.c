/* advice.c - see advice.h. */
#include "mailauth/advice.h"

#include <stdio.h>

#include "base/encode.h"
#include "mailauth/dmarc.h"
#include "mailauth/spf.h"
#include "mailauth/tags.h"
#include "wire/dns/rdata.h"

enum { TEXT_MAX = 4096 };

struct advising {
	const struct advice_request *request;
	struct dns_view *view;
	struct advice *out;
	bool is_pending;
};

const char *advice_state_name(enum advice_state state)
{
	static const char *const names[] = {[ADVICE_OK] = "ok",
		[ADVICE_MISSING] = "missing",
		[ADVICE_WRONG] = "wrong",
		[ADVICE_UNKNOWN] = "unknown",
		[ADVICE_OPTIONAL] = "optional"};

	return names[state];
}

PRINTF_LIKE(2, 3)
static struct slice text(struct advising *a, const char *fmt, ...)
{
	struct buf b AUTO(buf_done);
	va_list ap;
	char line[TEXT_MAX];
	int n;

	buf_init(&b, TEXT_MAX);
	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	buf_append(&b, (struct slice){line, n < TEXT_MAX ? (size_t)n : TEXT_MAX - 1});
	return arena_dup(a->view->arena, buf_slice(&b));
}

/* A new row; NULL when there are too many. What is found is decided by the caller. */
static struct advice_row *row(struct advising *a, const char *what, const char *type,
	struct slice name, struct slice wanted)
{
	struct advice_row *r;

	if (a->out->n == ADVICE_ROWS_MAX)
		return NULL;
	r = &a->out->rows[a->out->n++];
	*r = (struct advice_row){.what = what,
		.type = type,
		.name = name,
		.wanted = wanted,
		.state = ADVICE_MISSING};
	return r;
}

/* True if there are records to look at; else the row has its state. */
static bool ask(
	struct advising *a, struct advice_row *r, enum dns_type type, struct dns_answer *answer)
{
	switch (dns_view_get(a->view, r->name, type, answer)) {
	case DNS_UNKNOWN:
		a->is_pending = true;
		return false;
	case DNS_FAILED:
		r->state = ADVICE_UNKNOWN;
		return false;
	case DNS_FOUND:
		return true;
	default:
		return false;
	}
}

/* The records of that kind among a name's texts: how many, and the last. */
static size_t texts_with(struct advising *a, struct advice_row *r, struct slice front)
{
	struct dns_answer answer;
	struct slice found;
	size_t n = 0;

	if (!ask(a, r, DNS_TXT, &answer))
		return 0;
	for (size_t i = 0; i < answer.n; i++) {
		if (!dns_read_txt(answer.rdata[i], a->view->arena, &found) ||
			!slice_starts_nocase(found, front))
			continue;
		r->found = found;
		n++;
	}
	return n;
}

static void advise_mx(struct advising *a)
{
	const struct slice domain = a->request->domain, host = a->request->host;
	struct advice_row *r = row(a, "MX", "MX", domain, text(a, "10 %.*s.", SLICE_ARG(host)));
	struct dns_answer answer;
	struct dns_mx mx;

	if (!r || !ask(a, r, DNS_MX, &answer))
		return;
	r->state = ADVICE_WRONG;
	for (size_t i = 0; i < answer.n; i++) {
		if (!dns_read_mx(answer.rdata[i], a->view->arena, &mx))
			continue;
		if (r->state != ADVICE_OK)
			r->found = text(a, "%u %.*s.", mx.preference, SLICE_ARG(mx.host));
		if (slice_eq_nocase(mx.host, host))
			r->state = ADVICE_OK;
	}
}

/* May all our addresses send? */
static void try_spf(struct advising *a, struct advice_row *r)
{
	static const enum dns_type types[] = {DNS_A, DNS_AAAA};
	struct spf_request request = {.helo = a->request->host,
		.sender_local = slice_lit("postmaster"),
		.sender_domain = a->request->domain,
		.receiver = a->request->host};
	struct dns_answer answer;
	struct spf_outcome outcome;

	for (size_t t = 0; t < 2; t++) {
		if (dns_view_get(a->view, a->request->host, types[t], &answer) == DNS_UNKNOWN)
			a->is_pending = true;
		for (size_t i = 0; answer.status == DNS_FOUND && i < answer.n; i++) {
			if (!dns_read_address(answer.rdata[i], &request.ip))
				continue;
			if (!spf_check(&request, a->view, &outcome))
				a->is_pending = true;
			else if (outcome.result != AUTH_PASS)
				r->state = ADVICE_WRONG;
		}
	}
}

static void advise_spf(struct advising *a)
{
	struct advice_row *r = row(a, "SPF", "TXT", a->request->domain,
		text(a, "v=spf1 mx a:%.*s -all", SLICE_ARG(a->request->host)));
	size_t n;

	if (!r)
		return;
	n = texts_with(a, r, slice_lit("v=spf1"));
	if (n == 0)
		return;
	r->state = n == 1 ? ADVICE_OK : ADVICE_WRONG;
	try_spf(a, r);
}

static struct slice public_key(struct slice record)
{
	struct tags tags;

	tags_parse_loose(record, &tags);
	return tags_get(&tags, "p");
}

static void advise_dkim(struct advising *a)
{
	for (size_t i = 0; i < a->request->keys_n; i++) {
		const struct advice_key *key = &a->request->keys[i];
		struct advice_row *r = row(a, "DKIM", "TXT", key->name, key->value);

		if (r && texts_with(a, r, slice_lit("")) > 0)
			r->state = slice_eq(public_key(r->found), public_key(key->value))
					   ? ADVICE_OK
					   : ADVICE_WRONG;
	}
	if (a->request->keys_n == 0)
		row(a, "DKIM", "-", a->request->domain,
			text(a, "posthouse dkim add %.*s", SLICE_ARG(a->request->domain)));
}

static void advise_dmarc(struct advising *a)
{
	const struct slice domain = a->request->domain;
	struct advice_row *r = row(a, "DMARC", "TXT", text(a, "_dmarc.%.*s", SLICE_ARG(domain)),
		text(a, "v=DMARC1; p=quarantine; rua=mailto:dmarc-reports@%.*s",
			SLICE_ARG(domain)));
	struct dmarc_record record;
	size_t n;

	if (!r)
		return;
	n = texts_with(a, r, slice_lit("v=DMARC1"));
	if (n > 0)
		r->state = n == 1 && dmarc_record_read(r->found, &record) && !record.is_void
				   ? ADVICE_OK
				   : ADVICE_WRONG;
}

/* A text of tags whose version is the front; it must have this tag, with this value if one is
 * given. */
static void advise_tags(struct advising *a, const char *what, struct slice name,
	const char *version, const char *tag, struct slice value, struct slice wanted)
{
	struct advice_row *r = row(a, what, "TXT", name, wanted);
	struct tags tags;
	struct slice got;
	size_t n;

	if (!r)
		return;
	n = texts_with(a, r, slice_str(version));
	if (n == 0) {
		if (r->state == ADVICE_MISSING)
			r->state = ADVICE_OPTIONAL;
		return;
	}
	tags_parse_loose(r->found, &tags);
	got = tags_get(&tags, tag);
	r->state = n == 1 && got.len && (!value.len || slice_eq(got, value)) ? ADVICE_OK
									     : ADVICE_WRONG;
}

static void advise_reports(struct advising *a)
{
	const struct slice domain = a->request->domain, id = a->request->sts_id,
			   home = a->request->home;

	advise_tags(a, "MTA-STS", text(a, "_mta-sts.%.*s", SLICE_ARG(domain)), "v=STSv1", "id", id,
		text(a, "v=STSv1; id=%.*s", SLICE_ARG(id)));
	advise_tags(a, "TLSRPT", text(a, "_smtp._tls.%.*s", SLICE_ARG(domain)), "v=TLSRPTv1", "rua",
		(struct slice){0},
		home.len ? text(a, "v=TLSRPTv1; rua=mailto:tls-reports@%.*s,%.*s/tls-reports/%.*s",
				   SLICE_ARG(domain), SLICE_ARG(home), SLICE_ARG(domain))
			 : text(a, "v=TLSRPTv1; rua=mailto:tls-reports@%.*s", SLICE_ARG(domain)));
}

/* RFC 7672 3.1: DANE-EE, public key, SHA-256. Records for other keys may stand there, too. */
static void advise_tlsa(struct advising *a, struct slice certificate)
{
	struct advice_row *r =
		row(a, "TLSA", "TLSA", text(a, "_25._tcp.%.*s", SLICE_ARG(a->request->host)),
			text(a, "3 1 1 %.*s", SLICE_ARG(certificate)));
	struct dns_answer answer;
	struct dns_tlsa tlsa;

	if (!r)
		return;
	r->state = ADVICE_OPTIONAL;
	if (!ask(a, r, DNS_TLSA, &answer))
		return;
	r->state = ADVICE_WRONG;
	for (size_t i = 0; i < answer.n; i++) {
		struct buf digits AUTO(buf_done);

		buf_init(&digits, TEXT_MAX);
		if (!dns_read_tlsa(answer.rdata[i], &tlsa))
			continue;
		hex_encode(&digits, tlsa.data);
		if (r->state != ADVICE_OK)
			r->found = text(a, "%u %u %u %.*s", tlsa.usage, tlsa.selector,
				tlsa.matching, SLICE_ARG(buf_slice(&digits)));
		if (tlsa.usage == 3 && tlsa.selector == 1 && tlsa.matching == 1 &&
			slice_eq_nocase(buf_slice(&digits), certificate))
			r->state = ADVICE_OK;
	}
}

static void advise_srv(struct advising *a, const char *service, unsigned port)
{
	const struct slice host = a->request->host;
	struct advice_row *r = row(a, "SRV", "SRV",
		text(a, "%s._tcp.%.*s", service, SLICE_ARG(a->request->domain)),
		text(a, "0 1 %u %.*s.", port, SLICE_ARG(host)));
	struct dns_answer answer;
	struct dns_srv srv;

	if (!r)
		return;
	r->state = ADVICE_OPTIONAL;
	if (!ask(a, r, DNS_SRV, &answer))
		return;
	r->state = ADVICE_WRONG;
	for (size_t i = 0; i < answer.n; i++) {
		if (!dns_read_srv(answer.rdata[i], a->view->arena, &srv))
			continue;
		r->found = text(a, "%u %u %u %.*s.", srv.priority, srv.weight, srv.port,
			SLICE_ARG(srv.host));
		if (srv.port == port && slice_eq_nocase(srv.host, host)) {
			r->state = ADVICE_OK;
			break;
		}
	}
}

static bool has_address(const struct dns_answer *answer, const struct ip *ip)
{
	struct ip one;

	for (size_t i = 0; answer->status == DNS_FOUND && i < answer->n; i++)
		if (dns_read_address(answer->rdata[i], &one) && ip_eq(&one, ip))
			return true;
	return false;
}

/* A name that must lead to our host, by CNAME or by the same address. */
static void advise_alias(struct advising *a, const char *what, const char *label)
{
	const struct slice host = a->request->host;
	struct advice_row *r =
		row(a, what, "CNAME", text(a, "%s.%.*s", label, SLICE_ARG(a->request->domain)),
			text(a, "%.*s.", SLICE_ARG(host)));
	struct dns_answer answer, ours;
	char address[IP_TEXT_MAX];
	struct ip ip;

	if (!r)
		return;
	r->state = ADVICE_OPTIONAL;
	if (dns_view_get(a->view, host, DNS_A, &ours) == DNS_UNKNOWN)
		a->is_pending = true;
	if (!ask(a, r, DNS_A, &answer) || !dns_read_address(answer.rdata[0], &ip))
		return;
	ip_write(&ip, address);
	r->found = text(a, "%s", address);
	r->state = has_address(&ours, &ip) ? ADVICE_OK : ADVICE_WRONG;
}

bool advice_run(const struct advice_request *request, struct dns_view *view, struct advice *out)
{
	struct advising a = {.request = request, .view = view, .out = out};

	out->n = 0;
	advise_mx(&a);
	advise_spf(&a);
	advise_dkim(&a);
	advise_dmarc(&a);
	advise_reports(&a);
	advise_alias(&a, "MTA-STS", "mta-sts");
	for (size_t i = 0; i < request->certificates_n; i++)
		advise_tlsa(&a, request->certificates[i]);
	advise_srv(&a, "_imaps", 993);
	advise_srv(&a, "_submissions", 465);
	advise_alias(&a, "autoconfig", "autoconfig");
	advise_alias(&a, "autodiscover", "autodiscover");
	return !a.is_pending;
}
