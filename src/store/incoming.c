/* incoming.c - see incoming.h. */
#include "store/incoming.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"

enum { MSGID_MAX = 2000, SUBJECT_MAX = 64 * 1024 };

struct incoming *incoming_new(int spool_dirfd, uint64_t max)
{
	struct incoming *in = mem_new(struct incoming);

	in->references = 1;
	in->spool = spool_new(spool_dirfd, max);
	in->parser = mime_parser_new(&mime_limits_default);
	in->sha = EVP_MD_CTX_new();
	if (!in->sha || !EVP_DigestInit_ex(in->sha, EVP_sha256(), NULL))
		abort();
	in->received_s = clock_wall_s();
	in->number = random_dated();
	buf_init(&in->prepared, MIME_PREPARED_MAX);
	return in;
}

static void end_parsing(struct incoming *in)
{
	mime_parser_free(&in->parser);
	EVP_MD_CTX_free(in->sha);
	in->sha = NULL;
}

void incoming_pass_on(struct incoming *in)
{
	in->is_passed_on = true;
	end_parsing(in);
}

struct incoming *incoming_ref(struct incoming *in)
{
	in->references++;
	return in;
}

void incoming_free(struct incoming **in)
{
	if (*in && --(*in)->references == 0) {
		spool_free(&(*in)->spool);
		end_parsing(*in);
		buf_done(&(*in)->prepared);
		free(*in);
	}
	*in = NULL;
}

int incoming_append(struct incoming *in, struct slice bytes, struct err *err)
{
	int rc = spool_append(in->spool, bytes, err);

	if (rc < 0 || in->is_passed_on)
		return rc;
	mime_parser_feed(in->parser, bytes);
	EVP_DigestUpdate(in->sha, bytes.ptr, bytes.len);
	return 0;
}

/* Stored for ever: it must not depend on the process or the version of anything. */
static uint64_t stable_hash(struct slice s)
{
	unsigned char digest[SHA256_LEN];
	uint64_t n;

	sha256(s, digest);
	n = be64_get(digest) >> 1;
	return n ? n : 1;
}

/* The ids of a field, the last of them last; of many the newest are kept. */
static void take_ids(struct slice fields, struct slice name, uint64_t *out, size_t max, size_t *n)
{
	struct mime_field field;
	struct buf id AUTO(buf_done);
	struct slice rest;

	*n = 0;
	buf_init(&id, MSGID_MAX);
	if (!mime_header_find(fields, name, &field))
		return;
	rest = field.value;
	while (mime_msgid_next(&rest, &id)) {
		if (*n == max)
			memmove(out, out + 1, --*n * sizeof(*out));
		out[(*n)++] = stable_hash(buf_slice(&id));
	}
}

static void add_ref(struct incoming *in, uint64_t ref)
{
	for (size_t i = 1; i < in->refs_n; i++) {
		if (in->refs[i] == ref)
			return;
	}
	if (in->refs_n < INCOMING_REFS_MAX && ref != in->refs[0])
		in->refs[in->refs_n++] = ref;
}

/* RFC 8621 3: white space does not count; neither does case, as in RFC 5256 2.1. */
static uint64_t subject_hash(const struct buf *base)
{
	struct buf plain AUTO(buf_done);

	buf_init(&plain, SUBJECT_MAX);
	for (size_t i = 0; i < base->len; i++) {
		if (base->ptr[i] != ' ' && base->ptr[i] != '\t')
			buf_byte(&plain, (char)ascii_lower((unsigned char)base->ptr[i]));
	}
	return stable_hash(buf_slice(&plain));
}

static void read_threading(struct incoming *in, struct slice fields)
{
	uint64_t ids[INCOMING_REFS_MAX];
	struct buf base AUTO(buf_done);
	struct mime_field field;
	size_t n;

	take_ids(fields, slice_lit("Message-ID"), ids, 1, &n);
	in->refs[0] = n ? ids[0] : 0;
	in->refs_n = 1;
	take_ids(fields, slice_lit("In-Reply-To"), ids, INCOMING_REFS_MAX, &n);
	while (n)
		add_ref(in, ids[--n]);
	take_ids(fields, slice_lit("References"), ids, INCOMING_REFS_MAX, &n);
	while (n)
		add_ref(in, ids[--n]);
	buf_init(&base, SUBJECT_MAX);
	if (mime_header_find(fields, slice_lit("Subject"), &field))
		(void)mime_subject_base(field.value, &base);
	in->subject = subject_hash(&base);
}

int incoming_finish(struct incoming *in, struct err *err)
{
	struct mime_message *message AUTO(mime_message_free) = NULL;
	struct mime_prepared prepared;
	int rc;

	in->size = spool_size(in->spool);
	if (in->is_passed_on)
		return 0;
	assert(in->parser);
	message = mime_parser_finish(in->parser);
	EVP_DigestFinal_ex(in->sha, in->hash, NULL);
	end_parsing(in);
	rc = mime_prepare(message, &in->prepared, err);
	if (rc == 0)
		rc = mime_prepared_open(buf_slice(&in->prepared), &prepared, err);
	if (rc == 0)
		read_threading(in, prepared.fields);
	return rc;
}
