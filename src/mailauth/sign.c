/* sign.c - see sign.h. */
#include "mailauth/sign.h"

#include "mailauth/dkim.h"

#include <string.h>

enum { LINE_MAX_LEN = 76 };

struct sign_text sign_text_begin(struct buf *out, const char *name)
{
	const size_t line = out->len;

	buf_str(out, name);
	buf_byte(out, ':');
	return (struct sign_text){out, line};
}

static void break_line(struct sign_text *text)
{
	buf_lit(text->out, "\r\n");
	text->line = text->out->len;
	buf_byte(text->out, '\t');
}

static bool has_room(const struct sign_text *text, size_t n)
{
	return text->out->len - text->line + n <= LINE_MAX_LEN;
}

static void begin_tag(struct sign_text *text, const char *name, size_t len)
{
	if (!has_room(text, strlen(name) + len + 3))
		break_line(text);
	else
		buf_byte(text->out, ' ');
	buf_str(text->out, name);
	buf_byte(text->out, '=');
}

void sign_tag(struct sign_text *text, const char *name, struct slice value)
{
	begin_tag(text, name, value.len);
	buf_append(text->out, value);
	buf_byte(text->out, ';');
}

void sign_number(struct sign_text *text, const char *name, uint64_t value)
{
	begin_tag(text, name, 20);
	buf_u64(text->out, value);
	buf_byte(text->out, ';');
}

static void put_base64(struct sign_text *text, struct slice bytes)
{
	struct buf packed AUTO(buf_done);

	buf_init(&packed, 2 * SIGNATURE_BYTES_MAX);
	base64_encode(&packed, bytes);
	for (size_t i = 0; i < packed.len; i++) {
		if (!has_room(text, 1))
			break_line(text);
		buf_byte(text->out, packed.ptr[i]);
	}
}

void sign_base64(struct sign_text *text, const char *name, struct slice bytes)
{
	begin_tag(text, name, 1);
	put_base64(text, bytes);
}

const char *sign_algorithm(enum signature_algorithm algorithm)
{
	return algorithm == SIGNATURE_RSA ? "rsa-sha256" : "ed25519-sha256";
}

static void put_name(struct sign_text *text, const char *name, bool *is_first)
{
	if (!*is_first)
		buf_byte(text->out, ':');
	*is_first = false;
	if (!has_room(text, strlen(name) + 1))
		break_line(text);
	buf_str(text->out, name);
}

void sign_names(struct sign_text *text, const struct fields *fields, const char *const *always,
	const char *const *present)
{
	bool is_first = true;

	begin_tag(text, "h", 1);
	for (; *always; always++)
		for (unsigned n = fields_count(fields, slice_str(*always)) + 1; n > 0; n--)
			put_name(text, *always, &is_first);
	for (; *present; present++)
		for (unsigned n = fields_count(fields, slice_str(*present)); n > 0; n--)
			put_name(text, *present, &is_first);
	buf_byte(text->out, ';');
}

int sign_digest(struct fields *fields, struct slice written, unsigned char digest_out[SHA256_LEN],
	struct err *err)
{
	struct slice rest = written;
	struct mime_field field;
	struct signature sig;

	if (!mime_header_next(&rest, &field))
		return err_set(err, ERR_SYNTAX, "the signature's field is none");
	sig = (struct signature){.field = &field};
	if (tags_parse(field.value, &sig.tags, err) < 0)
		return -(int)err->code;
	signature_hash_fields(&sig, fields, tags_get(&sig.tags, "h"), CANON_RELAXED);
	if (sig.result != AUTH_PENDING)
		return err_set(err, ERR_TOOBIG, "%s", sig.reason);
	memcpy(digest_out, sig.digest, SHA256_LEN);
	return 0;
}

void sign_end(struct buf *field, struct slice signature)
{
	const size_t line = slice_rchr(buf_slice(field), '\n');
	struct sign_text text = {field, line == SIZE_MAX ? 0 : line + 1};

	put_base64(&text, signature);
	buf_lit(field, "\r\n");
}
