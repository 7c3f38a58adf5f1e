/* spf.c - check_host() of RFC 7208 4; see spf.h. */
#include "mailauth/spf.h"

#include "mailauth/domain.h"
#include "mailauth/spf_check.h"
#include "wire/dns/rdata.h"

static enum auth_result check_host(struct spf_check *check, struct slice domain, bool is_included);

static enum auth_result fail_with(
	struct spf_check *check, enum auth_result result, const char *problem)
{
	if (!check->problem)
		check->problem = problem;
	return result;
}

static enum auth_result pending(struct spf_check *check)
{
	check->is_pending = true;
	return AUTH_PENDING;
}

static bool is_record(struct slice text)
{
	return slice_starts_nocase(text, slice_lit("v=spf1")) &&
	       (text.len == 6 || text.ptr[6] == ' ');
}

/* RFC 7208 4.4 and 4.5: AUTH_PASS with the one record, or what there is instead. */
static enum auth_result find_record(
	struct spf_check *check, struct slice domain, struct slice *record_out)
{
	struct dns_answer answer;
	size_t found = 0;

	switch (dns_view_get(check->view, domain, DNS_TXT, &answer)) {
	case DNS_UNKNOWN:
		return pending(check);
	case DNS_FAILED:
		return fail_with(check, AUTH_TEMPERROR, "a record could not be looked up");
	case DNS_NONE:
	case DNS_NXDOMAIN:
		return AUTH_NONE;
	case DNS_FOUND:
		break;
	}
	for (size_t i = 0; i < answer.n; i++) {
		struct slice text;

		if (!dns_read_txt(answer.rdata[i], &check->scratch, &text) || !is_record(text))
			continue;
		*record_out = slice_from(text, 6);
		found++;
	}
	if (found > 1)
		return fail_with(check, AUTH_PERMERROR, "more than one record");
	return found == 1 ? AUTH_PASS : AUTH_NONE;
}

/* RFC 7208 4.6: an error anywhere is one, also behind what matches. */
static bool is_well_formed(struct slice rest)
{
	struct spf_term term;
	unsigned redirects = 0, exps = 0;
	bool is_good;

	while (spf_term_next(&rest, &term, &is_good)) {
		redirects += term.kind == SPF_REDIRECT;
		exps += term.kind == SPF_EXP;
		if (!is_good || redirects > 1 || exps > 1)
			return false;
	}
	return true;
}

/* Note the questions of all terms at once, so that their answers come together. Names that depend
 * on answers themselves have to wait. */
static void ask_ahead(struct spf_check *check, struct slice rest, struct slice domain)
{
	const bool was_pending = check->is_pending;
	unsigned left = SPF_LOOKUPS_MAX - check->lookups;
	struct spf_term term;
	bool is_good;

	while (left > 0 && spf_term_next(&rest, &term, &is_good)) {
		const bool is_4 = check->request->ip.len == IP_V4;
		struct slice name = domain;
		struct dns_answer answer;
		enum dns_type type = DNS_TXT;

		if (!spf_term_asks(term.kind))
			continue;
		left--;
		if (term.kind == SPF_PTR || term.kind == SPF_EXISTS || term.kind == SPF_REDIRECT ||
			(term.domain.len > 0 && !spf_domain(check, term.domain, domain, &name)))
			continue;
		if (term.kind == SPF_A)
			type = is_4 ? DNS_A : DNS_AAAA;
		else if (term.kind == SPF_MX)
			type = DNS_MX;
		dns_view_get(check->view, name, type, &answer);
	}
	check->is_pending = was_pending;
}

static enum spf_match match_mx(
	struct spf_check *check, const struct spf_term *term, struct slice name)
{
	struct dns_answer answer;
	enum spf_match all = spf_ask(check, name, DNS_MX, &answer);

	if (all != SPF_YES)
		return all;
	all = SPF_NO;
	if (answer.n > SPF_HOSTS_MAX)
		return SPF_PERMERROR;
	for (size_t i = 0; i < answer.n; i++) {
		struct dns_mx mx;
		enum spf_match match;

		if (!dns_read_mx(answer.rdata[i], &check->scratch, &mx) || mx.host.len == 0)
			continue;
		match = spf_has_address(check, mx.host, term->bits4, term->bits6);
		/* All hosts are asked for at once; the first that decides, decides. */
		if (all == SPF_NO)
			all = match;
	}
	return all;
}

static enum spf_match match_ptr(struct spf_check *check, struct slice name)
{
	struct slice names[SPF_HOSTS_MAX];
	size_t n = 0;

	if (!spf_names_of_client(check, names, &n))
		return SPF_WAIT;
	for (size_t i = 0; i < n; i++)
		if (domain_is_within(names[i], name))
			return SPF_YES;
	return check->voids > SPF_VOID_MAX ? SPF_PERMERROR : SPF_NO;
}

/* RFC 7208 5.2. */
static enum spf_match match_include(struct spf_check *check, struct slice name)
{
	switch (check_host(check, name, true)) {
	case AUTH_PENDING:
		return SPF_WAIT;
	case AUTH_PASS:
		return SPF_YES;
	case AUTH_TEMPERROR:
		return SPF_TEMPERROR;
	case AUTH_PERMERROR:
		return SPF_PERMERROR;
	case AUTH_NONE:
		fail_with(check, AUTH_PERMERROR, "an included domain has no record");
		return SPF_PERMERROR;
	default:
		return SPF_NO;
	}
}

static enum spf_match match_network(const struct spf_check *check, const struct spf_term *term)
{
	const struct ip *client = &check->request->ip;
	const unsigned len = term->kind == SPF_IP4 ? IP_V4 : IP_V6;
	struct ip_network network;
	struct ip ip;

	if (client->len != len || !ip_parse(term->domain, &ip) || ip.len != len)
		return SPF_NO;
	network = ip_network_of(&ip, len == IP_V4 ? term->bits4 : term->bits6);
	return ip_is_in(client, &network) ? SPF_YES : SPF_NO;
}

static enum spf_match match(
	struct spf_check *check, const struct spf_term *term, struct slice domain)
{
	struct slice name = domain;
	struct dns_answer answer;

	if (term->kind == SPF_ALL)
		return SPF_YES;
	if (term->kind == SPF_IP4 || term->kind == SPF_IP6)
		return match_network(check, term);
	if (spf_term_asks(term->kind) && ++check->lookups > SPF_LOOKUPS_MAX) {
		fail_with(check, AUTH_PERMERROR, "too many look-ups");
		return SPF_PERMERROR;
	}
	if (term->domain.len > 0 && !spf_domain(check, term->domain, domain, &name))
		return check->is_pending ? SPF_WAIT : SPF_NO;
	switch (term->kind) {
	case SPF_INCLUDE:
		return match_include(check, name);
	case SPF_A:
		return spf_has_address(check, name, term->bits4, term->bits6);
	case SPF_MX:
		return match_mx(check, term, name);
	case SPF_PTR:
		return match_ptr(check, name);
	default:
		return spf_ask(check, name, DNS_A, &answer);
	}
}

static enum auth_result redirect(
	struct spf_check *check, const struct spf_term *term, struct slice domain, bool is_included)
{
	enum auth_result result;
	struct slice name;

	if (++check->lookups > SPF_LOOKUPS_MAX)
		return fail_with(check, AUTH_PERMERROR, "too many look-ups");
	if (!spf_domain(check, term->domain, domain, &name))
		return check->is_pending
			       ? AUTH_PENDING
			       : fail_with(check, AUTH_PERMERROR, "redirected to no domain");
	result = check_host(check, name, is_included);
	if (result == AUTH_NONE)
		return fail_with(check, AUTH_PERMERROR, "redirected to a domain without a record");
	return result;
}

/* Terms from the left to the right until one matches (RFC 7208 4.6.2); AUTH_NONE: none did. */
static enum auth_result run_mechanisms(
	struct spf_check *check, struct slice rest, struct slice domain)
{
	struct spf_term term;
	bool is_good;

	while (spf_term_next(&rest, &term, &is_good)) {
		if (term.kind >= SPF_REDIRECT)
			continue;
		switch (match(check, &term, domain)) {
		case SPF_YES:
			return term.qualifier;
		case SPF_NO:
			break;
		case SPF_WAIT:
			return pending(check);
		case SPF_TEMPERROR:
			return fail_with(check, AUTH_TEMPERROR, "a name could not be looked up");
		case SPF_PERMERROR:
			return fail_with(check, AUTH_PERMERROR, "too many names, or empty answers");
		}
	}
	return AUTH_NONE;
}

static bool find_modifier(struct slice rest, enum spf_kind kind, struct spf_term *out)
{
	bool is_good;

	while (spf_term_next(&rest, out, &is_good))
		if (out->kind == kind)
			return true;
	return false;
}

static enum auth_result check_host(struct spf_check *check, struct slice domain, bool is_included)
{
	struct slice record;
	struct spf_term term;
	enum auth_result result = find_record(check, domain, &record);

	if (result != AUTH_PASS)
		return result;
	if (!is_well_formed(record))
		return fail_with(check, AUTH_PERMERROR, "a malformed record");
	ask_ahead(check, record, domain);
	result = run_mechanisms(check, record, domain);
	if (result == AUTH_NONE) {
		if (!find_modifier(record, SPF_REDIRECT, &term))
			return AUTH_NEUTRAL;
		return redirect(check, &term, domain, is_included);
	}
	/* RFC 7208 6.2: the explanation is that of the record which decided, never of an included
	 * one. */
	if (result == AUTH_FAIL && !is_included && find_modifier(record, SPF_EXP, &term)) {
		check->exp = term.domain;
		check->exp_domain = domain;
	}
	return result;
}

/* RFC 7208 6.2: whatever goes wrong, there is just no explanation. False: the answer is missing. */
static bool explain(struct spf_check *check, struct buf *out)
{
	struct slice name, text;
	struct dns_answer answer;
	bool is_known = true;

	if (!spf_domain(check, check->exp, check->exp_domain, &name))
		return !check->is_pending;
	if (dns_view_get(check->view, name, DNS_TXT, &answer) == DNS_UNKNOWN) {
		check->is_pending = true;
		return false;
	}
	if (answer.status != DNS_FOUND || answer.n != 1 ||
		!dns_read_txt(answer.rdata[0], &check->scratch, &text) ||
		!spf_macro_is_good(text, false))
		return true;
	if (!spf_expand(check, text, check->exp_domain, out)) {
		is_known = !check->is_pending;
		buf_clear(out);
	}
	for (size_t i = 0; i < out->len; i++)
		if (out->ptr[i] < ' ' || out->ptr[i] > '~')
			buf_clear(out);
	return is_known;
}

/* RFC 7208 4.3: a name of more than one label. */
static bool is_checkable(struct spf_check *check, struct slice domain, struct slice *out)
{
	return dns_name_parse(domain, &check->scratch, out) && slice_chr(*out, '.') != SIZE_MAX;
}

static bool run(struct spf_check *check, struct spf_outcome *out)
{
	struct buf text AUTO(buf_done);
	struct slice domain;

	buf_init(&text, SPF_EXPLANATION_MAX);
	if (!is_checkable(check, check->domain, &domain)) {
		out->result = AUTH_NONE;
		return true;
	}
	out->result = check_host(check, domain, false);
	if (check->is_pending)
		return false;
	out->problem = check->problem;
	if (out->result != AUTH_FAIL || check->exp.len == 0)
		return true;
	if (!explain(check, &text))
		return false;
	out->explanation = arena_dup(check->view->arena, buf_slice(&text));
	return true;
}

bool spf_check(const struct spf_request *request, struct dns_view *view, struct spf_outcome *out)
{
	const bool is_helo = request->sender_domain.len == 0;
	struct spf_check check = {.request = request,
		.view = view,
		.local = is_helo || request->sender_local.len == 0 ? slice_lit("postmaster")
								   : request->sender_local,
		.domain = is_helo ? request->helo : request->sender_domain};
	bool is_over;

	*out = (struct spf_outcome){.is_helo = is_helo, .domain = check.domain};
	arena_init(&check.scratch, SPF_SCRATCH_MAX);
	is_over = run(&check, out);
	arena_done(&check.scratch);
	if (!is_over)
		out->result = AUTH_PENDING;
	return is_over;
}
