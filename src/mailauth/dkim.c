/* dkim.c - the signatures of a message; see dkim.h. */
#include "mailauth/dkim.h"

#include "mailauth/domain.h"
#include "mailauth/sign.h"

/* RFC 6376 6.1.1: i is in d or below it. */
static void read_identity(struct dkim_signature *one, struct arena *arena)
{
	const struct slice identity = tags_get(&one->sig.tags, "i");
	const size_t at = slice_rchr(identity, '@');

	one->identity = identity;
	one->identity_domain = one->sig.domain;
	if (!identity.ptr)
		return;
	if (at == SIZE_MAX ||
		!domain_normal(slice_from(identity, at + 1), arena, &one->identity_domain) ||
		!domain_is_within(one->identity_domain, one->sig.domain))
		signature_decide(&one->sig, AUTH_PERMERROR, "the identity is not in the domain");
}

static void read_times(struct signature *sig, int64_t now)
{
	const struct slice made = tags_get(&sig->tags, "t"), end = tags_get(&sig->tags, "x");
	uint64_t from = 0, until = UINT64_MAX;

	if ((made.ptr && !tags_number(made, &from)) || (end.ptr && !tags_number(end, &until)) ||
		until < from)
		signature_decide(sig, AUTH_PERMERROR, "malformed time");
	else if (until < (uint64_t)now)
		signature_decide(sig, AUTH_FAIL, "the signature has expired");
	else if (from > (uint64_t)now + SIGNATURE_CLOCK_SKEW)
		signature_decide(sig, AUTH_POLICY, "the signature is from the future");
}

static void read_one(struct dkim_signature *one, const struct field *field, struct fields *fields,
	struct bodies *bodies, int64_t now, struct arena *arena)
{
	struct signature *sig = &one->sig;
	struct slice queries, names;

	signature_read(sig, &field->text, arena);
	queries = tags_get(&sig->tags, "q");
	names = tags_get(&sig->tags, "h");
	if (!slice_eq(tags_get(&sig->tags, "v"), slice_lit("1")))
		signature_decide(sig, AUTH_PERMERROR, "unknown version");
	if (!tags_has(names, "from"))
		signature_decide(sig, AUTH_PERMERROR, "From is not signed");
	if (queries.ptr && !tags_has(queries, "dns/txt"))
		signature_decide(sig, AUTH_PERMERROR, "the key is not in the DNS");
	read_identity(one, arena);
	read_times(sig, now);
	signature_read_body(sig, &one->body, arena);
	if (sig->result == AUTH_PENDING)
		signature_hash_fields(sig, fields, names, one->body.header_canon);
	if (sig->result == AUTH_PENDING &&
		!bodies_add(bodies, one->body.body_canon, one->body.limit, &one->hash))
		signature_decide(sig, AUTH_POLICY, "too many signatures");
}

void dkim_read(struct dkim *dkim, struct fields *fields, struct bodies *bodies, int64_t now,
	struct arena *arena)
{
	*dkim = (struct dkim){.n = 0};
	for (size_t i = 0; i < fields->n && dkim->n < DKIM_SIGNATURES_MAX; i++)
		if (slice_eq_nocase(fields->list[i].text.name, slice_lit("dkim-signature")))
			read_one(&dkim->list[dkim->n++], &fields->list[i], fields, bodies, now,
				arena);
}

static void check_bodies(struct dkim *dkim, const struct bodies *bodies)
{
	for (size_t i = 0; i < dkim->n; i++)
		signature_check_body(
			&dkim->list[i].sig, &dkim->list[i].body, &bodies->list[dkim->list[i].hash]);
	dkim->is_body_checked = true;
}

/* A good signature may still be one that does not count. */
static void check_pass(struct dkim_signature *one, const struct body_hash *hash)
{
	if (one->sig.result != AUTH_PASS)
		return;
	one->sig.result = AUTH_PENDING;
	if (one->sig.is_strict_domain && !slice_eq(one->identity_domain, one->sig.domain))
		signature_decide(&one->sig, AUTH_PERMERROR, "the key is for the domain alone");
	else if (hash->size > one->body.limit)
		signature_decide(&one->sig, AUTH_POLICY, "the body goes on after what was signed");
	else
		signature_decide(&one->sig, AUTH_PASS, one->sig.is_testing ? "test mode" : NULL);
}

bool dkim_verify(struct dkim *dkim, const struct bodies *bodies, struct dns_view *view)
{
	bool is_over = true;

	if (!dkim->is_body_checked)
		check_bodies(dkim, bodies);
	for (size_t i = 0; i < dkim->n; i++) {
		struct dkim_signature *one = &dkim->list[i];

		if (one->sig.result != AUTH_PENDING)
			continue;
		signature_verify(&one->sig, view);
		check_pass(one, &bodies->list[one->hash]);
		is_over = is_over && one->sig.result != AUTH_PENDING;
	}
	return is_over;
}

/* Without these a reader would see another message: they are covered also where they are missing.
 */
static const char *const always_signed[] = {
	"from", "subject", "to", "cc", "reply-to", "date", "message-id", NULL};
static const char *const present_signed[] = {"sender", "in-reply-to", "references", "mime-version",
	"content-type", "content-transfer-encoding", "content-language", "list-id", "list-help",
	"list-unsubscribe", "list-unsubscribe-post", "list-subscribe", "list-post", "list-owner",
	"list-archive", "auto-submitted", "require-recipient-valid-since", NULL};

int dkim_sign_begin(const struct dkim_signer *signer, struct fields *fields,
	const struct body_hash *body, struct buf *field_out, unsigned char digest_out[SHA256_LEN],
	struct err *err)
{
	const size_t start = field_out->len;
	struct sign_text text = sign_text_begin(field_out, "DKIM-Signature");
	int rc;

	sign_tag(&text, "v", slice_lit("1"));
	sign_tag(&text, "a", slice_str(sign_algorithm(signer->algorithm)));
	sign_tag(&text, "c", slice_lit("relaxed/relaxed"));
	sign_tag(&text, "d", signer->domain);
	sign_tag(&text, "s", signer->selector);
	sign_number(&text, "t", (uint64_t)signer->now);
	sign_names(&text, fields, always_signed, present_signed);
	sign_base64(&text, "bh", (struct slice){(const char *)body->sum, SHA256_LEN});
	buf_byte(text.out, ';');
	sign_base64(&text, "b", slice_lit(""));
	rc = buf_check(field_out, "a signature", err);
	if (rc == 0)
		rc = sign_digest(fields, slice_from(buf_slice(field_out), start), digest_out, err);
	return rc;
}
