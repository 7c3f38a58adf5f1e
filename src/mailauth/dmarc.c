/* dmarc.c - see dmarc.h. */
#include "mailauth/dmarc.h"

#include "mailauth/domain.h"
#include "mailauth/tags.h"
#include "wire/dns/rdata.h"

const char *dmarc_policy_name(enum dmarc_policy policy)
{
	return policy == DMARC_REJECT       ? "reject"
	       : policy == DMARC_QUARANTINE ? "quarantine"
					    : "none";
}

static bool read_policy(struct slice text, enum dmarc_policy *out)
{
	for (enum dmarc_policy policy = DMARC_NONE; policy <= DMARC_REJECT; policy++) {
		if (slice_eq_nocase(text, slice_str(dmarc_policy_name(policy)))) {
			*out = policy;
			return true;
		}
	}
	return false;
}

/* A list of URIs with one that is one: a scheme and something behind it. */
static bool has_uri(struct slice list)
{
	while (list.len > 0) {
		struct slice rest;

		slice_cut(slice_trim(slice_cut(list, ',', &list)), ':', &rest);
		if (rest.len > 0)
			return true;
	}
	return false;
}

/* RFC 9989 4.10.1: a record whose policies cannot be read counts as p=none if it asks for reports,
 * and else says nothing about mail. */
static void read_policies(const struct tags *tags, struct dmarc_record *record)
{
	const struct slice below = tags_get(tags, "sp"), missing = tags_get(tags, "np");
	const bool has_below = read_policy(below, &record->below);
	const bool is_good = read_policy(tags_get(tags, "p"), &record->policy);

	record->has_missing = read_policy(missing, &record->missing);
	if (!is_good || (below.ptr && !has_below) || (missing.ptr && !record->has_missing)) {
		record->policy = record->below = record->missing = DMARC_NONE;
		record->is_void = !has_uri(record->rua);
	} else if (!has_below) {
		record->below = record->policy;
	}
}

/* RFC 9989 4.7: options with colons between; d and s are about DKIM and SPF alone. */
static void read_options(struct slice options, struct dmarc_record *record)
{
	record->tells_whole = slice_trim(options).len == 0;
	while (options.len) {
		const struct slice option = slice_trim(slice_cut(options, ':', &options));

		record->tells_whole = record->tells_whole || slice_eq(option, slice_lit("0"));
		record->tells_any = record->tells_any || slice_eq(option, slice_lit("1"));
	}
}

bool dmarc_record_read(struct slice text, struct dmarc_record *out)
{
	struct tags tags;
	struct dmarc_record record = {.percent = 100, .psd = 'u'};
	struct slice psd;
	uint64_t percent, interval;

	tags_parse_loose(text, &tags);
	if (tags.n == 0 || !slice_eq(tags.list[0].name, slice_lit("v")) ||
		!slice_eq(tags.list[0].value, slice_lit("DMARC1")))
		return false;
	record.rua = tags_get(&tags, "rua");
	record.ruf = tags_get(&tags, "ruf");
	read_options(tags_get(&tags, "fo"), &record);
	read_policies(&tags, &record);
	record.is_dkim_strict = slice_eq_nocase(tags_get(&tags, "adkim"), slice_lit("s"));
	record.is_spf_strict = slice_eq_nocase(tags_get(&tags, "aspf"), slice_lit("s"));
	record.is_testing = slice_eq_nocase(tags_get(&tags, "t"), slice_lit("y"));
	if (slice_to_u64(tags_get(&tags, "pct"), 100, &percent))
		record.percent = (unsigned)percent;
	if (slice_to_u64(tags_get(&tags, "ri"), UINT32_MAX, &interval))
		record.interval_s = (int64_t)interval;
	psd = tags_get(&tags, "psd");
	if (psd.len == 1 && (ascii_lower((unsigned char)*psd.ptr) == 'y' ||
				    ascii_lower((unsigned char)*psd.ptr) == 'n'))
		record.psd = (char)ascii_lower((unsigned char)*psd.ptr);
	*out = record;
	return true;
}

/* What the DNS has at the names of a walk, from the domain up. */
struct walk {
	struct slice names[DMARC_WALK_MAX];
	struct dmarc_record records[DMARC_WALK_MAX];
	bool has_record[DMARC_WALK_MAX];
	size_t n;
	bool is_pending, is_failed;
};

/* More than one record at a name is none (RFC 9989 4.10). */
static void look_up(struct walk *walk, size_t at, struct dns_view *view)
{
	struct buf name AUTO(buf_done);
	struct dns_answer answer;
	size_t found = 0;

	buf_init(&name, DNS_NAME_MAX + 16);
	buf_lit(&name, "_dmarc.");
	buf_append(&name, walk->names[at]);
	switch (dns_view_get(view, buf_slice(&name), DNS_TXT, &answer)) {
	case DNS_UNKNOWN:
		walk->is_pending = true;
		return;
	case DNS_FAILED:
		walk->is_failed = true;
		return;
	case DNS_NONE:
	case DNS_NXDOMAIN:
		return;
	case DNS_FOUND:
		break;
	}
	for (size_t i = 0; i < answer.n; i++) {
		struct slice text;

		if (dns_read_txt(answer.rdata[i], view->arena, &text) &&
			dmarc_record_read(text, &walk->records[at]))
			found++;
	}
	walk->has_record[at] = found == 1;
}

/* RFC 9989 4.10: at most eight names, so long ones skip some labels. */
static void walk_up(struct walk *walk, struct slice domain, struct dns_view *view)
{
	*walk = (struct walk){.n = 0};
	while (domain.len > 0 && walk->n < DMARC_WALK_MAX) {
		walk->names[walk->n] = domain;
		look_up(walk, walk->n, view);
		walk->n++;
		/* A record that says so ends the walk; then what is above does not matter. */
		if (walk->has_record[walk->n - 1] && walk->records[walk->n - 1].psd != 'u')
			return;
		domain = domain_parent(domain);
		while (walk->n == 1 && domain_labels(domain) > DMARC_WALK_MAX - 1)
			domain = domain_parent(domain);
	}
}

/* The name one label longer than that suffix of the domain. */
static struct slice one_below(struct slice domain, struct slice suffix)
{
	struct slice name = domain;

	while (domain_labels(name) > domain_labels(suffix) + 1)
		name = domain_parent(name);
	return name;
}

/* RFC 9989 4.10.2. The list of public suffixes only keeps a suffix without psd=y from being the one
 * organisation of all who register under it. */
static struct slice organisation(const struct walk *walk)
{
	struct slice found = walk->names[0];

	for (size_t i = 0; i < walk->n; i++) {
		if (!walk->has_record[i])
			continue;
		if (walk->records[i].psd == 'n')
			return walk->names[i];
		if (i > 0 && (walk->records[i].psd == 'y' || domain_is_public(walk->names[i])))
			return one_below(walk->names[0], walk->names[i]);
		found = walk->names[i];
	}
	return found;
}

static size_t find_name(const struct walk *walk, struct slice name)
{
	for (size_t i = 0; i < walk->n; i++)
		if (slice_eq(walk->names[i], name))
			return i;
	return SIZE_MAX;
}

/* RFC 9989 4.10.1: the author's domain, its organisation, the public suffix. SIZE_MAX: no record.
 */
static size_t find_policy(const struct walk *walk, struct slice home)
{
	const size_t at = find_name(walk, home);

	if (walk->has_record[0])
		return 0;
	if (at != SIZE_MAX && walk->has_record[at])
		return at;
	for (size_t i = 1; i < walk->n; i++)
		if (walk->has_record[i] && walk->records[i].psd == 'y')
			return i;
	return SIZE_MAX;
}

enum alignment { ALIGNED, NOT_ALIGNED, ALIGNMENT_PENDING };

static enum alignment align(struct slice domain, struct slice author, struct slice home,
	bool is_strict, struct dns_view *view)
{
	struct slice name;
	struct walk walk;

	if (!domain_normal(domain, view->arena, &name))
		return NOT_ALIGNED;
	if (slice_eq(name, author))
		return ALIGNED;
	if (is_strict || !domain_is_within(name, home))
		return NOT_ALIGNED;
	if (slice_eq(name, home))
		return ALIGNED;
	walk_up(&walk, name, view);
	if (walk.is_pending)
		return ALIGNMENT_PENDING;
	return slice_eq(organisation(&walk), home) ? ALIGNED : NOT_ALIGNED;
}

struct evidence {
	bool is_pending, is_temporary;
};

static bool weigh(struct evidence *evidence, enum auth_result result, enum alignment alignment)
{
	evidence->is_pending = evidence->is_pending || alignment == ALIGNMENT_PENDING;
	if (alignment == ALIGNED && result == AUTH_TEMPERROR)
		evidence->is_temporary = true;
	return alignment == ALIGNED && result == AUTH_PASS;
}

/* False: answers are missing. */
static bool check_alignment(const struct dmarc_request *request, struct slice home,
	struct dns_view *view, struct dmarc_outcome *out)
{
	const struct dmarc_record *record = &out->record;
	struct evidence evidence = {0};

	if (request->spf->result == AUTH_PASS || request->spf->result == AUTH_TEMPERROR)
		out->is_spf_aligned = weigh(&evidence, request->spf->result,
			align(request->spf->domain, request->author, home, record->is_spf_strict,
				view));
	for (size_t i = 0; i < request->dkim->n; i++) {
		const struct signature *sig = &request->dkim->list[i].sig;

		if (sig->result != AUTH_PASS && sig->result != AUTH_TEMPERROR)
			continue;
		if (weigh(&evidence, sig->result,
			    align(sig->domain, request->author, home, record->is_dkim_strict,
				    view)))
			out->is_dkim_aligned = true;
	}
	if (out->is_spf_aligned || out->is_dkim_aligned)
		out->result = AUTH_PASS;
	else if (evidence.is_pending)
		return false;
	else
		out->result = evidence.is_temporary ? AUTH_TEMPERROR : AUTH_FAIL;
	return true;
}

/* Testing, and all but a part: what fails is treated one step better. */
static enum dmarc_policy soften(const struct dmarc_outcome *out, unsigned sample)
{
	if (out->policy == DMARC_NONE || (!out->record.is_testing && sample < out->record.percent))
		return out->policy;
	return out->policy - 1;
}

/* RFC 9989 4.7: the policy for the author's domain. False: an answer is missing. */
static bool choose_policy(struct dmarc_outcome *out, bool is_own, struct dns_view *view)
{
	struct dns_answer answer;

	out->policy = is_own ? out->record.policy : out->record.below;
	if (is_own || !out->record.has_missing)
		return true;
	switch (dns_view_get(view, out->author, DNS_A, &answer)) {
	case DNS_UNKNOWN:
		return false;
	case DNS_NXDOMAIN:
		out->policy = out->record.missing;
		return true;
	default:
		return true;
	}
}

bool dmarc_check(
	const struct dmarc_request *request, struct dns_view *view, struct dmarc_outcome *out)
{
	struct walk walk;
	struct slice home;
	size_t at;

	*out = (struct dmarc_outcome){.result = AUTH_PENDING, .author = request->author};
	walk_up(&walk, request->author, view);
	if (walk.is_pending)
		return false;
	home = organisation(&walk);
	at = find_policy(&walk, home);
	/* What could not be looked up may be nearer to the domain than what was found. */
	if (at == SIZE_MAX || (at > 0 && walk.is_failed)) {
		out->result = walk.is_failed ? AUTH_TEMPERROR : AUTH_NONE;
		return true;
	}
	if (walk.records[at].is_void) {
		out->result = AUTH_NONE;
		return true;
	}
	out->record = walk.records[at];
	out->found_at = walk.names[at];
	if (!choose_policy(out, at == 0, view) || !check_alignment(request, home, view, out)) {
		out->result = AUTH_PENDING;
		return false;
	}
	out->wanted = out->result == AUTH_FAIL ? soften(out, request->sample) : DMARC_NONE;
	return true;
}
