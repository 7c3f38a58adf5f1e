/* check.c - see check.h. */
#include "mailauth/check.h"

#include <stdlib.h>

#include "base/mem.h"
#include "mailauth/arc_trust.h"
#include "mailauth/authres.h"
#include "mailauth/domain.h"
#include "mailauth/head.h"

enum { ADDRESSES_MAX = 1000, SIGNATURE_SHOWN = 8 };

struct mailauth_check {
	struct mailauth_request request;
	struct arena arena;
	struct dns_view view;
	struct head head;
	struct fields fields;
	struct bodies bodies;
	size_t seal_hash; /* of bodies, if it will be sealed */
	struct slice authors[MAILAUTH_AUTHORS_MAX];
	size_t authors_n;
	const char *author_problem;
	struct mailauth_verdict verdict;
};

struct mailauth_check *mailauth_check_new(const struct mailauth_request *request)
{
	struct mailauth_check *check = mem_new(struct mailauth_check);

	arena_init(&check->arena, MAILAUTH_MEMORY_MAX);
	dns_view_init(&check->view, &check->arena);
	head_init(&check->head, FIELDS_BLOCK_MAX);
	check->request = *request;
	check->request.helo = arena_dup(&check->arena, request->helo);
	check->request.sender_local = arena_dup(&check->arena, request->sender_local);
	check->request.sender_domain = arena_dup(&check->arena, request->sender_domain);
	check->request.host = arena_dup(&check->arena, request->host);
	check->request.arc_trusted = arena_dup(&check->arena, request->arc_trusted);
	return check;
}

static void add_author(struct mailauth_check *check, struct slice text)
{
	struct slice name;

	if (!domain_normal(text, &check->arena, &name)) {
		check->author_problem = "From has an address without a domain";
		return;
	}
	for (size_t i = 0; i < check->authors_n; i++)
		if (slice_eq(check->authors[i], name))
			return;
	if (check->authors_n < MAILAUTH_AUTHORS_MAX) {
		check->authors[check->authors_n++] = name;
		return;
	}
	check->author_problem = "From has too many domains";
	check->verdict.is_ambiguous = true;
}

static void read_authors(struct mailauth_check *check)
{
	const struct field *from = fields_lowest(&check->fields, slice_lit("from"));
	const struct mime_address *address;

	if (fields_count(&check->fields, slice_lit("from")) != 1) {
		check->verdict.is_ambiguous = from;
		check->author_problem = from ? "more than one From" : "no From";
		return;
	}
	address = mime_address_parse(from->text.value, ADDRESSES_MAX, &check->arena);
	for (; address; address = address->next)
		if (address->kind == MIME_ADDRESS_MAILBOX)
			add_author(check, address->domain);
	if (check->authors_n == 0 && !check->author_problem)
		check->author_problem = "From has no address";
}

/* The header is whole: what its signatures want of the body is known. */
static void read_header(struct mailauth_check *check)
{
	struct err err;

	if (check->head.is_too_large || fields_read(&check->fields, buf_slice(&check->head.text),
						&check->arena, &err) < 0) {
		check->author_problem = "the header is too large";
		check->verdict.arc.result = AUTH_FAIL;
		check->verdict.arc.reason = check->author_problem;
		return;
	}
	read_authors(check);
	/* The first of them: there is room. */
	if (check->request.is_sealed)
		bodies_add(&check->bodies, CANON_RELAXED, BODY_HASH_ALL, &check->seal_hash);
	dkim_read(&check->verdict.dkim, &check->fields, &check->bodies, check->request.now,
		&check->arena);
	arc_read(&check->verdict.arc, &check->fields, &check->bodies, &check->arena);
}

void mailauth_check_feed(struct mailauth_check *check, struct slice bytes)
{
	const bool was_over = check->head.is_over;
	struct slice body;

	if (!head_feed(&check->head, bytes, &body))
		return;
	if (!was_over)
		read_header(check);
	bodies_feed(&check->bodies, body);
}

void mailauth_check_end(struct mailauth_check *check)
{
	if (!check->head.is_over) {
		check->head.is_over = true;
		read_header(check);
	}
	bodies_finish(&check->bodies);
}

int mailauth_check_header(const struct mailauth_check *check, struct slice *out, struct err *err)
{
	if (check->head.is_too_large)
		return err_set(err, ERR_TOOBIG, "the header is larger than %d", FIELDS_BLOCK_MAX);
	*out = buf_slice(&check->head.text);
	return 0;
}

struct dns_view *mailauth_check_view(struct mailauth_check *check)
{
	return &check->view;
}

const struct mailauth_verdict *mailauth_check_verdict(const struct mailauth_check *check)
{
	return &check->verdict;
}

/* Of two authors the one who fares worse. */
static bool is_worse(const struct dmarc_outcome *a, const struct dmarc_outcome *b)
{
	static const int rank[] = {
		[AUTH_PASS] = 1, [AUTH_NONE] = 2, [AUTH_TEMPERROR] = 3, [AUTH_FAIL] = 4};

	if (a->wanted != b->wanted)
		return a->wanted > b->wanted;
	return rank[a->result] > rank[b->result];
}

static bool run_dmarc(struct mailauth_check *check)
{
	struct dmarc_request request = {.spf = &check->verdict.spf,
		.dkim = &check->verdict.dkim,
		.sample = check->request.sample};
	struct dmarc_outcome worst = {.result = AUTH_PERMERROR};
	bool is_over = true;

	for (size_t i = 0; i < check->authors_n; i++) {
		struct dmarc_outcome one;

		request.author = check->authors[i];
		is_over = dmarc_check(&request, &check->view, &one) && is_over;
		if (is_over && (i == 0 || is_worse(&one, &worst)))
			worst = one;
	}
	if (!is_over)
		return false;
	/* What is missing beside an author who can be checked must not be a way around the check.
	 */
	if (check->author_problem && worst.wanted == DMARC_NONE)
		worst.result = AUTH_PERMERROR;
	check->verdict.dmarc = worst;
	return true;
}

/* RFC 8617 7.2.1: DMARC failed, but a sealer that we trust saw it pass. What it says of one author
 * counts only if there is no other. */
static void hear_sealers(struct mailauth_check *check)
{
	struct dmarc_outcome *dmarc = &check->verdict.dmarc;
	const struct arc *arc = &check->verdict.arc;
	struct buf text AUTO(buf_done);
	size_t at;

	buf_init(&text, 2 * DNS_NAME_MAX);
	if (dmarc->result != AUTH_FAIL || dmarc->wanted == DMARC_NONE || check->authors_n != 1 ||
		check->author_problem)
		return;
	at = arc_trust_voucher(arc, check->request.arc_trusted, dmarc->author, &check->arena);
	if (at == 0)
		return;
	buf_printf(&text, "arc=pass as[%zu].d=%.*s as[%zu].s=%.*s", at,
		SLICE_ARG(arc->sets[at - 1].seal_sig.domain), at,
		SLICE_ARG(arc->sets[at - 1].seal_sig.selector));
	dmarc->override = arena_str(&check->arena, buf_slice(&text));
	if (dmarc->override)
		dmarc->wanted = DMARC_NONE;
}

bool mailauth_check_run(struct mailauth_check *check)
{
	const struct mailauth_request *request = &check->request;
	const struct spf_request spf = {.ip = request->ip,
		.helo = request->helo,
		.sender_local = request->sender_local,
		.sender_domain = request->sender_domain,
		.receiver = request->host,
		.now = request->now};
	bool is_over = true;

	if (check->verdict.spf.result == AUTH_PENDING)
		is_over = spf_check(&spf, &check->view, &check->verdict.spf);
	is_over = dkim_verify(&check->verdict.dkim, &check->bodies, &check->view) && is_over;
	is_over = arc_verify(&check->verdict.arc, &check->bodies, &check->view) && is_over;
	/* Also before the others are known: its own questions go out with theirs. */
	is_over = run_dmarc(check) && is_over;
	if (is_over)
		hear_sealers(check);
	return is_over;
}

static void write_spf(const struct mailauth_check *check, struct buf *out)
{
	const struct spf_outcome *spf = &check->verdict.spf;
	struct buf sender AUTO(buf_done);

	buf_init(&sender, 1024);
	authres_method(out, "spf", auth_result_name(spf->result));
	authres_reason(out, spf->problem);
	if (spf->is_helo) {
		authres_property(out, "smtp.helo", check->request.helo);
		return;
	}
	buf_append(&sender, check->request.sender_local);
	buf_byte(&sender, '@');
	buf_append(&sender, check->request.sender_domain);
	authres_property(out, "smtp.mailfrom", buf_slice(&sender));
}

static void write_dkim(const struct dkim_signature *one, struct buf *out)
{
	const struct slice b = tags_get(&one->sig.tags, "b");

	authres_method(out, "dkim", auth_result_name(one->sig.result));
	authres_reason(out, one->sig.reason);
	authres_property(out, "header.d", one->sig.domain);
	authres_property(out, "header.i", one->identity);
	authres_property(out, "header.s", one->sig.selector);
	authres_property(out, "header.a", tags_get(&one->sig.tags, "a"));
	authres_property(
		out, "header.b", slice_head(b, b.len < SIGNATURE_SHOWN ? b.len : SIGNATURE_SHOWN));
}

static void write_dmarc(const struct mailauth_check *check, struct buf *out)
{
	const struct dmarc_outcome *dmarc = &check->verdict.dmarc;

	authres_method(out, "dmarc", auth_result_name(dmarc->result));
	authres_reason(
		out, dmarc->result == AUTH_PERMERROR ? check->author_problem : dmarc->override);
	authres_property(out, "header.from", dmarc->author);
	if (dmarc->found_at.len > 0)
		authres_property(out, "policy.published-domain-policy",
			slice_str(dmarc_policy_name(dmarc->policy)));
	if (dmarc->override)
		authres_property(out, "policy.override-reason", slice_lit("local_policy"));
}

void mailauth_check_write(const struct mailauth_check *check, struct buf *out)
{
	const struct mailauth_verdict *verdict = &check->verdict;

	write_spf(check, out);
	for (size_t i = 0; i < verdict->dkim.n; i++)
		write_dkim(&verdict->dkim.list[i], out);
	if (verdict->dkim.n == 0)
		authres_method(out, "dkim", "none");
	write_dmarc(check, out);
	authres_method(out, "arc", auth_result_name(verdict->arc.result));
	authres_reason(out, verdict->arc.reason);
}

int mailauth_check_seal(struct mailauth_check *check, struct arc_seal *seal,
	const struct dkim_signer *signer, struct slice results,
	unsigned char digest_out[SHA256_LEN], struct err *err)
{
	return arc_seal_begin(seal, signer, &check->verdict.arc, &check->fields, results,
		&check->bodies.list[check->seal_hash], digest_out, err);
}

void mailauth_check_free(struct mailauth_check **check)
{
	if (!*check)
		return;
	buf_done(&(*check)->head.text);
	fields_done(&(*check)->fields);
	bodies_done(&(*check)->bodies);
	arena_done(&(*check)->arena);
	free(*check);
	*check = NULL;
}
