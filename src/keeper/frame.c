/* frame.c - see frame.h for the contract. */
#include "keeper/frame.h"

#include <assert.h>

#include "base/encode.h"

enum { FIELD_U64 = 8, DAYS_MAX = 36500, SMALL_MAX = 64 };

/* A number of at most max; else the frame is bad. */
static unsigned take_small(struct frame *f, unsigned max)
{
	const uint64_t n = frame_u64(f);

	if (n > max) {
		f->is_bad = true;
		return 0;
	}
	return (unsigned)n;
}

static struct slice take_bytes(struct frame *f, size_t max)
{
	const struct slice s = frame_bytes(f);

	if (s.len > max)
		f->is_bad = true;
	return s;
}

bool frame_is_name(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		const unsigned char c = (unsigned char)s.ptr[i], l = ascii_lower(c);

		if ((l < 'a' || l > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' &&
			(c != '.' || i == 0))
			return false;
	}
	return s.len > 0 && s.len <= FRAME_KEY_NAME_MAX;
}

static struct slice take_key_name(struct frame *f)
{
	const struct slice s = frame_bytes(f);

	if (!frame_is_name(s))
		f->is_bad = true;
	return s;
}

/* Reads a field that the letter describes. */
static void take_field(struct frame *f, char letter, struct frame_field *out)
{
	size_t max = 0;

	if (letter == 'n' || letter == 'i' || letter == 'b') {
		out->n = frame_u64(f);
		if ((letter == 'i' && out->n == 0) || (letter == 'b' && out->n > 1))
			f->is_bad = true;
		return;
	}
	if (letter == 't')
		max = FRAME_TEXT_MAX;
	else if (letter == 'p')
		max = FRAME_PASSWORD_MAX;
	else if (letter == 'd' || letter == 'l')
		max = FRAME_DATA_MAX;
	out->s = take_bytes(f, max);
	if (letter == 'l' && (out->s.len == 0 || out->s.len % FIELD_U64))
		f->is_bad = true;
}

bool frame_read_fields(
	struct frame *f, const char *grammar, struct frame_field out[FRAME_FIELDS_MAX])
{
	for (size_t i = 0; grammar[i]; i++) {
		assert(i < FRAME_FIELDS_MAX);
		out[i] = (struct frame_field){0};
		take_field(f, grammar[i], &out[i]);
	}
	return frame_end(f);
}

void frame_put_session(unsigned char out[FRAME_SESSION_LEN], const struct frame_session *session)
{
	be64_put(out, session->account);
	be64_put(out + 8, session->seq);
	be64_put(out + 16, session->credential);
	be64_put(out + 24, session->scopes);
}

bool frame_take_session(struct slice *rest, struct frame_session *out)
{
	const unsigned char *p = (const unsigned char *)rest->ptr;

	if (rest->len < FRAME_SESSION_LEN)
		return false;
	*out = (struct frame_session){
		be64_get(p), be64_get(p + 8), be64_get(p + 16), be64_get(p + 24)};
	*rest = slice_from(*rest, FRAME_SESSION_LEN);
	return true;
}

bool frame_read_sign(struct frame *f, struct frame_sign *out)
{
	out->key_name = take_key_name(f);
	out->purpose = take_small(f, SMALL_MAX);
	out->algorithm = take_small(f, SMALL_MAX);
	out->hash = take_small(f, SMALL_MAX);
	out->digest = take_bytes(f, SMALL_MAX);
	return frame_end(f);
}

bool frame_read_secrets(struct frame *f, struct frame_secrets *out)
{
	out->is_fast = take_small(f, 1);
	for (out->n = 0; !frame_end(f) && !f->is_bad; out->n++) {
		struct frame_secret *it = &out->items[out->n];

		if (out->n == FRAME_SECRETS_MAX)
			return false;
		it->account = frame_u64(f);
		it->is_hash = take_small(f, 1);
		it->secret = take_bytes(f, FRAME_PASSWORD_MAX);
		if (it->account == 0)
			f->is_bad = true;
	}
	return frame_end(f) && out->n > 0;
}

bool frame_read_account(struct frame *f, uint64_t *account_out)
{
	*account_out = frame_u64(f);
	return frame_end(f) && *account_out != 0;
}

/* A DNS name or an IP address by its bytes; whether it is one is seen when it is used. */
static bool is_host(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		const unsigned char c = (unsigned char)s.ptr[i], l = ascii_lower(c);

		if ((l < 'a' || l > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' &&
			c != ':' && c != '*' && c != '_')
			return false;
	}
	return s.len > 0;
}

bool frame_read_certificate(struct frame *f, struct frame_certificate *out)
{
	out->name = take_key_name(f);
	out->days = take_small(f, DAYS_MAX);
	out->flags = take_small(f, SMALL_MAX);
	for (out->n = 0; !frame_end(f) && !f->is_bad; out->n++) {
		if (out->n == FRAME_NAMES_MAX)
			return false;
		out->names[out->n] = take_bytes(f, UINT8_MAX);
		if (!is_host(out->names[out->n]))
			f->is_bad = true;
	}
	return frame_end(f) && out->n > 0;
}
