/* plan.c - see plan.h for the contract. */
#include "courier/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "courier/sts_policy.h"

enum { NAME_MAX_HERE = DNS_NAME_MAX + 32, DANE_TA = 2, DANE_EE = 3 };

struct making {
	struct dns_view *view;
	const struct plan_question *question;
	struct arena *arena;
	struct plan *plan;
	char *why;
	bool must_ask;
	bool is_secure; /* the names of the hosts came by DNSSEC, or from the operator */
	bool is_by_mx;
};

static enum plan_result never(struct making *m, const char *why)
{
	snprintf(m->why, PLAN_WHY, "%s", why);
	return PLAN_NEVER;
}

static enum plan_result later(struct making *m, const char *why)
{
	snprintf(m->why, PLAN_WHY, "%s", why);
	return PLAN_LATER;
}

static void add_host(struct making *m, struct slice name, unsigned preference)
{
	char *copy = arena_str(m->arena, name);

	if (copy && m->plan->n < PLAN_HOSTS_MAX)
		m->plan->hosts[m->plan->n++] = (struct plan_host){.preference = preference,
			.name = {copy, name.len},
			.is_sure = m->is_secure || !m->is_by_mx};
}

/* ---- the hosts ---- */

/* Of one preference in any order, but the same in each run. */
static uint64_t place_of(const struct making *m, const struct plan_host *host)
{
	uint64_t place = m->question->chance;

	for (size_t i = 0; i < host->name.len; i++)
		place = (place ^ (unsigned char)host->name.ptr[i]) * 0x100000001b3u;
	return place;
}

static bool is_before(const struct making *m, const struct plan_host *a, const struct plan_host *b)
{
	if (a->preference != b->preference)
		return a->preference < b->preference;
	return place_of(m, a) < place_of(m, b);
}

static void sort_hosts(struct making *m)
{
	struct plan_host *hosts = m->plan->hosts;

	for (size_t i = 1; i < m->plan->n; i++) {
		const struct plan_host host = hosts[i];
		size_t k = i;

		for (; k > 0 && is_before(m, &host, &hosts[k - 1]); k--)
			hosts[k] = hosts[k - 1];
		hosts[k] = host;
	}
}

/* RFC 5321 5.1: where we are one of the hosts, only those that are preferred to us are of use. */
static bool drop_from_us_on(struct making *m)
{
	unsigned ours = UINT32_MAX;
	size_t n = 0;

	for (size_t i = 0; i < m->plan->n; i++) {
		if (slice_eq_nocase(m->plan->hosts[i].name, m->question->host_name) &&
			m->plan->hosts[i].preference < ours)
			ours = m->plan->hosts[i].preference;
	}
	for (size_t i = 0; i < m->plan->n; i++) {
		if (m->plan->hosts[i].preference < ours)
			m->plan->hosts[n++] = m->plan->hosts[i];
	}
	m->plan->n = n;
	return n > 0;
}

static enum plan_result use_mx(struct making *m, const struct dns_answer *answer)
{
	bool is_null = false;

	m->is_secure = answer->is_secure;
	m->is_by_mx = true;
	for (size_t i = 0; i < answer->n; i++) {
		struct dns_mx mx;

		if (!dns_read_mx(answer->rdata[i], m->arena, &mx))
			continue;
		if (mx.host.len)
			add_host(m, mx.host, mx.preference);
		else
			is_null = answer->n == 1;
	}
	if (is_null)
		return never(m, "5.1.10 the domain takes no mail (null MX)");
	if (m->plan->n == 0)
		return never(m, "5.4.4 the domain's MX records name no host");
	sort_hosts(m);
	if (!drop_from_us_on(m))
		return never(m, "5.4.6 mail for the domain would come back to this host");
	return PLAN_DONE;
}

/* RFC 8461 3.1: one record, and no other. One that cannot be told is none. */
static void find_sts_id(struct making *m, struct slice domain)
{
	char name[NAME_MAX_HERE];
	struct dns_answer answer;
	enum dns_status status;
	unsigned n = 0;

	snprintf(name, sizeof(name), "_mta-sts.%.*s", SLICE_ARG(domain));
	status = dns_view_get(m->view, slice_str(name), DNS_TXT, &answer);
	m->must_ask = m->must_ask || status == DNS_UNKNOWN;
	for (size_t i = 0; status == DNS_FOUND && i < answer.n; i++) {
		struct slice text;

		if (dns_read_txt(answer.rdata[i], m->arena, &text) && sts_record_is(text)) {
			n++;
			m->plan->sts_id = sts_record_id(text);
		}
	}
	if (n > 1)
		m->plan->sts_id = (struct slice){0};
}

static enum plan_result find_hosts(struct making *m, struct slice domain)
{
	struct dns_answer answer;

	m->plan->domain = domain;
	find_sts_id(m, domain);
	switch (dns_view_get(m->view, domain, DNS_MX, &answer)) {
	case DNS_UNKNOWN:
		return PLAN_ASK;
	case DNS_FOUND:
		return use_mx(m, &answer);
	case DNS_NXDOMAIN:
		return never(m, "5.1.2 there is no such domain");
	case DNS_FAILED:
		return later(m, "4.4.3 the domain's MX records cannot be looked up now");
	default:
		break;
	}
	m->is_secure = answer.is_secure;
	add_host(m, domain, 0);
	return drop_from_us_on(m)
		       ? PLAN_DONE
		       : never(m, "5.4.6 mail for the domain would come back to this host");
}

/* ---- their addresses, and what their certificates must fit ---- */

/* What the addresses tell of the name: whether all came by DNSSEC, and another that it stands for.
 */
struct naming {
	bool is_secure;
	struct slice canonical;
};

static void take_addresses(
	struct making *m, struct plan_host *host, enum dns_type type, struct naming *naming)
{
	struct dns_answer answer;
	const enum dns_status status = dns_view_get(m->view, host->name, type, &answer);

	if (status == DNS_UNKNOWN)
		m->must_ask = true;
	/* Who makes one kind fail must not be able to make the other count as unsigned. */
	if (status == DNS_FAILED)
		host->is_unsure = true;
	else
		naming->is_secure = naming->is_secure && answer.is_secure;
	if (answer.canonical.len && !slice_eq_nocase(answer.canonical, host->name))
		naming->canonical = answer.canonical;
	for (size_t i = 0; status == DNS_FOUND && i < answer.n; i++) {
		if (host->addresses_n < PLAN_ADDRESSES_MAX &&
			dns_read_address(answer.rdata[i], &host->addresses[host->addresses_n]))
			host->addresses_n++;
	}
}

/* RFC 8305 4: families by turns, IPv6 first. Those of IPv6 stand in front. */
static void interleave(struct plan_host *host)
{
	struct ip in[PLAN_ADDRESSES_MAX];
	size_t six = 0, four, n = 0;

	memcpy(in, host->addresses, sizeof(in));
	while (six < host->addresses_n && in[six].len == IP_V6)
		six++;
	four = six;
	for (size_t i = 0; n < host->addresses_n; i++) {
		if (i < six)
			host->addresses[n++] = in[i];
		if (four < host->addresses_n)
			host->addresses[n++] = in[four++];
	}
}

/* RFC 7672 3.1: usages 2 and 3 count, 0 and 1 are of no use for SMTP. */
static bool is_usable(const struct dns_tlsa *tlsa)
{
	static const size_t lengths[] = {0, 32, 64}; /* by matching type; 0: any */

	return (tlsa->usage == DANE_TA || tlsa->usage == DANE_EE) && tlsa->selector <= 1 &&
	       tlsa->matching < sizeof(lengths) / sizeof(lengths[0]) &&
	       (lengths[tlsa->matching] ? tlsa->data.len == lengths[tlsa->matching]
					: tlsa->data.len > 0);
}

static void read_tlsa(struct plan_host *host, const struct dns_answer *answer)
{
	for (size_t i = 0; i < answer->n && host->tlsa_n < PLAN_TLSA_MAX; i++) {
		struct dns_tlsa *tlsa = &host->tlsa[host->tlsa_n];

		if (dns_read_tlsa(answer->rdata[i], tlsa) && is_usable(tlsa))
			host->tlsa_n++;
	}
}

/* False: another name may have them. */
static bool take_tlsa(struct making *m, struct plan_host *host, struct slice base)
{
	struct dns_answer answer;
	char name[NAME_MAX_HERE];
	enum dns_status status;

	snprintf(name, sizeof(name), "_%u._tcp.%.*s", m->plan->port, SLICE_ARG(base));
	status = dns_view_get(m->view, slice_str(name), DNS_TLSA, &answer);
	if (status == DNS_UNKNOWN)
		m->must_ask = true;
	if (status == DNS_FAILED)
		host->is_unsure = host->is_tlsa_unsure = true;
	if (status != DNS_FOUND || !answer.is_secure)
		return status == DNS_UNKNOWN || status == DNS_FAILED;
	host->has_tlsa = true;
	host->tlsa_base = arena_str(m->arena, base);
	if (host->tlsa_base)
		read_tlsa(host, &answer);
	else
		host->is_unsure = true;
	return true;
}

/* RFC 7672 2.2.2: an alias may lead out of what is signed, and still be signed itself. */
static bool is_signed_alias(struct making *m, const struct plan_host *host)
{
	struct dns_answer answer;
	const enum dns_status status = dns_view_get(m->view, host->name, DNS_CNAME, &answer);

	m->must_ask = m->must_ask || status == DNS_UNKNOWN;
	return status == DNS_FOUND && answer.is_secure;
}

/* The name that an alias stands for comes before the alias. */
static void find_tlsa(struct making *m, struct plan_host *host, const struct naming *naming)
{
	if (naming->is_secure) {
		if (!naming->canonical.len || !take_tlsa(m, host, naming->canonical))
			take_tlsa(m, host, host->name);
	} else if (naming->canonical.len && is_signed_alias(m, host)) {
		take_tlsa(m, host, host->name);
	}
}

static void look_at_host(struct making *m, struct plan_host *host)
{
	struct naming naming = {.is_secure = true};

	take_addresses(m, host, DNS_AAAA, &naming);
	take_addresses(m, host, DNS_A, &naming);
	interleave(host);
	/* One kind of addresses is enough to go there. */
	if (host->addresses_n)
		host->is_unsure = false;
	if (!m->must_ask && m->is_secure && host->addresses_n)
		find_tlsa(m, host, &naming);
}

static enum plan_result find_addresses(struct making *m)
{
	bool is_unsure = false, is_any = false;

	for (size_t i = 0; i < m->plan->n; i++)
		look_at_host(m, &m->plan->hosts[i]);
	if (m->must_ask)
		return PLAN_ASK;
	for (size_t i = 0; i < m->plan->n; i++) {
		is_unsure = is_unsure || m->plan->hosts[i].is_unsure;
		is_any = is_any || m->plan->hosts[i].addresses_n;
	}
	if (is_any)
		return PLAN_DONE;
	if (is_unsure)
		return later(m, "4.4.3 the hosts' addresses cannot be looked up now");
	return never(m, "5.4.4 there is no host with an address for the domain");
}

/* ---- destinations ---- */

/* "[host]:port", "host:port", "host", "[address]"; true: the host itself is meant. */
static bool read_destination(
	struct slice text, struct slice *host_out, unsigned *port, struct ip *ip, bool *is_ip)
{
	const bool is_bracketed = slice_starts(text, slice_lit("["));
	const size_t end = is_bracketed ? slice_chr(text, ']') : slice_rchr(text, ':');
	struct slice host = text, rest = {0};
	uint64_t n;

	if (end != SIZE_MAX) {
		host = slice_head(text, end);
		rest = slice_from(text, end + is_bracketed);
	}
	host = slice_from(host, is_bracketed);
	if (slice_starts(rest, slice_lit(":")) && slice_to_u64(slice_from(rest, 1), UINT16_MAX, &n))
		*port = (unsigned)n;
	*is_ip = ip_parse(
		slice_starts_nocase(host, slice_lit("ipv6:")) ? slice_from(host, 5) : host, ip);
	*host_out = host;
	return is_bracketed || *is_ip;
}

enum plan_result plan_make(struct dns_view *view, const struct plan_question *question,
	struct arena *arena, struct plan *out, char why[PLAN_WHY])
{
	struct making m = {.view = view,
		.question = question,
		.arena = arena,
		.plan = out,
		.why = why,
		.is_secure = true};
	enum plan_result result = PLAN_DONE;
	struct slice host;
	struct ip ip;
	bool is_ip;

	*out = (struct plan){.port = question->port};
	out->hosts = arena_array(arena, struct plan_host, PLAN_HOSTS_MAX);
	if (!out->hosts)
		return later(&m, "4.3.0 the DNS has too much to say");
	if (!read_destination(question->destination, &host, &out->port, &ip, &is_ip)) {
		result = find_hosts(&m, host);
	} else if (is_ip) {
		add_host(&m, question->destination, 0);
		out->hosts[0].addresses[0] = ip;
		out->hosts[0].addresses_n = 1;
		out->hosts[0].is_address = true;
		return PLAN_DONE;
	} else {
		add_host(&m, host, 0);
	}
	return result == PLAN_DONE ? find_addresses(&m) : result;
}
