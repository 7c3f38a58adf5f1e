/* sign.c - see sign.h. */
#include "mail/sign.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "mailauth/domain.h"

enum { ADDRESSES_MAX = 100, MEMORY_MAX = 4 << 20, FIELDS_TEXT_MAX = 256 * 1024 };

struct mail_signing {
	struct arena arena;
	struct buf header;
	struct fields fields;
	struct body_hash body;
	struct slice domain;
	size_t own_bytes;
	uint64_t read; /* of the message */
	struct keeper_dkim_keys keys;
	size_t at;        /* the next key */
	struct buf field; /* being made */
	struct buf signed_fields;
	struct incoming *made; /* the message with them */
	uint64_t copied;
};

/* RFC 6376 5.1 leaves it open who signs; only the author's domain counts for DMARC. */
static int find_domain(struct mail_signing *s, struct err *err)
{
	const struct field *from = fields_lowest(&s->fields, slice_lit("from"));
	const struct mime_address *a = NULL;
	struct slice name;

	if (from && !from->above)
		a = mime_address_parse(from->text.value, ADDRESSES_MAX, &s->arena);
	for (; a; a = a->next) {
		if (a->kind != MIME_ADDRESS_MAILBOX)
			continue;
		if (!domain_normal(a->domain, &s->arena, &name) ||
			(s->domain.len && !slice_eq(name, s->domain)))
			return err_set(err, ERR_NOTFOUND, "From has no domain, or several");
		s->domain = name;
	}
	return s->domain.len ? 0 : err_set(err, ERR_NOTFOUND, "From has no domain");
}

static int hash_piece(void *context, struct slice piece, struct err *err)
{
	struct mail_signing *s = context;

	(void)err;
	body_hash_feed(&s->body, piece);
	return 0;
}

int mail_signing_read(
	struct mail_signing *s, struct incoming *in, int64_t max, bool *is_all_out, struct err *err)
{
	int rc;

	*is_all_out = s->keys.n == 0;
	if (s->keys.n == 0)
		return 0;
	rc = rebuild_read(in->spool, &s->read, max, hash_piece, s, err);
	*is_all_out = rc == 0 && s->read == in->size;
	if (*is_all_out)
		body_hash_finish(&s->body);
	return rc;
}

static int read_header(struct mail_signing *s, struct incoming *in, struct err *err)
{
	const struct slice end = slice_lit("\r\n\r\n");
	int rc = spool_read(in->spool, 0, FIELDS_BLOCK_MAX, &s->header, err);
	const size_t at = slice_find(buf_slice(&s->header), end);

	if (rc < 0)
		return rc;
	if (at != SIZE_MAX)
		s->header.len = at + end.len;
	else if (s->header.len < in->size)
		return err_set(err, ERR_TOOBIG, "the header is too large to be signed");
	return 0;
}

static int read_message(struct mail_signing *s, struct incoming *in, struct err *err)
{
	int rc = read_header(s, in, err);

	if (rc == 0)
		rc = fields_read(&s->fields, buf_slice(&s->header), &s->arena, err);
	if (rc == 0)
		rc = find_domain(s, err);
	s->read = s->header.len;
	body_hash_init(&s->body, CANON_RELAXED, BODY_HASH_ALL);
	return rc;
}

int mail_signing_new(
	struct incoming *in, size_t own_bytes, struct mail_signing **out, struct err *err)
{
	struct mail_signing *s = mem_new(struct mail_signing);
	int rc;

	arena_init(&s->arena, MEMORY_MAX);
	buf_init(&s->header, FIELDS_BLOCK_MAX);
	buf_init(&s->field, FIELDS_TEXT_MAX);
	buf_init(&s->signed_fields, FIELDS_TEXT_MAX);
	s->own_bytes = own_bytes;
	rc = read_message(s, in, err);
	if (rc < 0)
		mail_signing_free(&s);
	else
		*out = s;
	return rc;
}

void mail_signing_free(struct mail_signing **signing)
{
	struct mail_signing *s = *signing;

	*signing = NULL;
	if (!s)
		return;
	incoming_free(&s->made);
	fields_done(&s->fields);
	body_hash_done(&s->body);
	buf_done(&s->header);
	buf_done(&s->field);
	buf_done(&s->signed_fields);
	arena_done(&s->arena);
	free(s);
}

struct slice mail_signing_domain(const struct mail_signing *signing)
{
	return signing->domain;
}

bool mail_signing_climb(struct mail_signing *s)
{
	const struct slice above = domain_parent(s->domain);

	if (above.len == 0 || domain_is_public(above))
		return false;
	s->domain = above;
	return true;
}

void mail_signing_use(struct mail_signing *signing, const struct keeper_dkim_keys *keys)
{
	signing->keys = *keys;
}

bool mail_signing_next(struct mail_signing *s, const struct keeper_dkim_key **key_out,
	unsigned char digest_out[SHA256_LEN])
{
	struct dkim_signer signer = {.domain = s->domain, .now = clock_wall_s()};
	struct err err;

	while (s->at < s->keys.n) {
		const struct keeper_dkim_key *key = &s->keys.list[s->at++];

		signer.selector = slice_str(key->selector);
		signer.algorithm = key->is_rsa ? SIGNATURE_RSA : SIGNATURE_ED25519;
		buf_clear(&s->field);
		*key_out = key;
		if (dkim_sign_begin(&signer, &s->fields, &s->body, &s->field, digest_out, &err) ==
			0)
			return true;
	}
	return false;
}

void mail_signing_take(struct mail_signing *s, struct slice signature)
{
	sign_end(&s->field, signature);
	if (!s->field.failed)
		buf_append(&s->signed_fields, buf_slice(&s->field));
}

static int begin_made(
	struct mail_signing *s, struct service *service, const struct incoming *in, struct err *err)
{
	const struct slice own = slice_head(buf_slice(&s->header), s->own_bytes);
	int rc;

	s->made = incoming_new(store_spool_dir(service->store), in->size + s->signed_fields.len);
	if (in->is_passed_on)
		incoming_pass_on(s->made);
	s->copied = s->own_bytes;
	rc = incoming_append(s->made, own, err);
	return rc == 0 ? incoming_append(s->made, buf_slice(&s->signed_fields), err) : rc;
}

int mail_signing_end(struct mail_signing *s, struct service *service, struct incoming **in,
	int64_t max, bool *is_all_out, struct err *err)
{
	int rc = 0;

	*is_all_out = s->signed_fields.len == 0;
	if (*is_all_out)
		return 0;
	if (!s->made)
		rc = begin_made(s, service, *in, err);
	if (rc == 0)
		rc = rebuild_append(s->made, (*in)->spool, &s->copied, max, err);
	if (rc < 0 || s->copied < (*in)->size)
		return rc;
	rc = incoming_finish(s->made, err);
	if (rc < 0)
		return rc;
	s->made->number = (*in)->number;
	incoming_free(in);
	*in = s->made;
	s->made = NULL;
	*is_all_out = true;
	return 0;
}
