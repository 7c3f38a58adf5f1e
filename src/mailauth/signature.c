/* signature.c - see signature.h. */
#include "mailauth/signature.h"

#include <string.h>

#include "mailauth/domain.h"

void signature_decide(struct signature *sig, enum auth_result result, const char *reason)
{
	if (sig->result != AUTH_PENDING)
		return;
	sig->result = result;
	sig->reason = reason;
}

static void read_algorithm(struct signature *sig)
{
	const struct slice a = tags_get(&sig->tags, "a");

	if (slice_eq_nocase(a, slice_lit("rsa-sha256")))
		sig->algorithm = SIGNATURE_RSA;
	else if (slice_eq_nocase(a, slice_lit("ed25519-sha256")))
		sig->algorithm = SIGNATURE_ED25519;
	else if (slice_eq_nocase(a, slice_lit("rsa-sha1")))
		signature_decide(sig, AUTH_PERMERROR, "SHA-1 is no longer accepted");
	else
		signature_decide(sig, AUTH_PERMERROR, "unknown algorithm");
}

void signature_read(struct signature *sig, const struct mime_field *field, struct arena *arena)
{
	struct err err;

	*sig = (struct signature){.field = field};
	if (tags_parse(field->value, &sig->tags, &err) < 0) {
		signature_decide(sig, AUTH_PERMERROR, "malformed signature");
		return;
	}
	read_algorithm(sig);
	if (!domain_normal(tags_get(&sig->tags, "d"), arena, &sig->domain) ||
		!domain_normal(tags_get(&sig->tags, "s"), arena, &sig->selector))
		signature_decide(sig, AUTH_PERMERROR, "malformed domain or selector");
	if (tags_base64(tags_get(&sig->tags, "b"), SIGNATURE_BYTES_MAX, arena, &sig->bytes, &err) <
			0 ||
		sig->bytes.len == 0)
		signature_decide(sig, AUTH_PERMERROR, "malformed signature");
}

void signature_hash_fields(
	struct signature *sig, struct fields *fields, struct slice names, enum canon canon)
{
	struct buf text AUTO(buf_done);
	struct slice name;

	buf_init(&text, 3 * FIELDS_BLOCK_MAX);
	fields_begin(fields);
	while (tags_item(&names, &name)) {
		const struct field *field = fields_take(fields, name);

		if (field)
			canon_field(canon, &field->text, &text);
	}
	canon_without_b(canon, sig->field, &text);
	if (text.failed)
		signature_decide(sig, AUTH_PERMERROR, "the header is too large");
	else
		sha256(buf_slice(&text), sig->digest);
}

static void read_canon(struct signature *sig, struct signature_body *out)
{
	struct slice rest, c = tags_get(&sig->tags, "c"),
			   header = slice_trim(slice_cut(c, '/', &rest));
	const struct slice body = slice_trim(rest);

	/* RFC 6376 3.5: without c both are simple; without the second the body is simple. */
	if (slice_eq_nocase(header, slice_lit("relaxed")))
		out->header_canon = CANON_RELAXED;
	else if (header.len > 0 && !slice_eq_nocase(header, slice_lit("simple")))
		signature_decide(sig, AUTH_PERMERROR, "unknown canonicalization");
	if (slice_eq_nocase(body, slice_lit("relaxed")))
		out->body_canon = CANON_RELAXED;
	else if (body.len > 0 && !slice_eq_nocase(body, slice_lit("simple")))
		signature_decide(sig, AUTH_PERMERROR, "unknown canonicalization");
}

void signature_read_body(struct signature *sig, struct signature_body *out, struct arena *arena)
{
	const struct slice limit = tags_get(&sig->tags, "l");
	struct err err;

	*out = (struct signature_body){CANON_SIMPLE, CANON_SIMPLE, {0}, BODY_HASH_ALL};
	read_canon(sig, out);
	if (tags_base64(tags_get(&sig->tags, "bh"), SHA256_LEN, arena, &out->expected, &err) < 0 ||
		out->expected.len != SHA256_LEN)
		signature_decide(sig, AUTH_PERMERROR, "malformed body hash");
	if (limit.ptr && !tags_number(limit, &out->limit))
		signature_decide(sig, AUTH_PERMERROR, "malformed body length");
}

void signature_check_body(
	struct signature *sig, const struct signature_body *body, const struct body_hash *hash)
{
	if (sig->result != AUTH_PENDING)
		return;
	if (memcmp(hash->sum, body->expected.ptr, SHA256_LEN) != 0)
		signature_decide(sig, AUTH_FAIL, "body hash did not verify");
	else if (body->limit != BODY_HASH_ALL && body->limit > hash->size)
		signature_decide(sig, AUTH_PERMERROR, "the body is shorter than what was signed");
}
