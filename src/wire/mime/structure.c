/* structure.c - BODY and BODYSTRUCTURE; see imap_text.h. */
#include "wire/mime/imap_text.h"

/* Keywords are sent in upper case, as RFC 9051 writes them. Their bytes come from tokens in lower
 * case. */
static void append_upper(struct buf *out, struct slice s)
{
	const size_t start = out->len;

	imap_text_nstring(out, s);
	for (size_t i = start; i < out->len; i++) {
		if (out->ptr[i] >= 'a' && out->ptr[i] <= 'z')
			out->ptr[i] = (char)(out->ptr[i] - 'a' + 'A');
	}
}

static void append_params(struct buf *out, const struct mime_params *params, bool needs_charset)
{
	const char *before = "(";

	if (params->count == 0 && !needs_charset) {
		buf_lit(out, "NIL");
		return;
	}
	for (size_t i = 0; i < params->count; i++) {
		buf_str(out, before);
		append_upper(out, params->list[i].name);
		buf_byte(out, ' ');
		imap_text_nstring(out, params->list[i].value);
		before = " ";
	}
	if (needs_charset) {
		buf_str(out, before);
		buf_lit(out, "\"CHARSET\" \"US-ASCII\"");
	}
	buf_byte(out, ')');
}

static void append_encoding(struct buf *out, const struct mime_part *part)
{
	static const struct slice names[] = {
		[MIME_7BIT] = slice_lit("7BIT"),
		[MIME_8BIT] = slice_lit("8BIT"),
		[MIME_BINARY] = slice_lit("BINARY"),
		[MIME_QP] = slice_lit("QUOTED-PRINTABLE"),
		[MIME_BASE64] = slice_lit("BASE64"),
	};

	if (part->encoding == MIME_ENCODING_UNKNOWN)
		append_upper(out, part->encoding_name);
	else
		append_upper(out, names[part->encoding]);
}

static void append_disposition(struct buf *out, const struct mime_part *part)
{
	if (!part->disposition.ptr) {
		buf_lit(out, "NIL");
		return;
	}
	buf_byte(out, '(');
	append_upper(out, part->disposition);
	buf_byte(out, ' ');
	append_params(out, &part->disposition_params, false);
	buf_byte(out, ')');
}

/* The next tag of a Content-Language list; false at the end. */
static bool next_language(struct slice *rest, struct slice *out)
{
	while (rest->len) {
		*out = slice_trim(slice_cut(*rest, ',', rest));
		if (out->len)
			return true;
	}
	return false;
}

static void append_languages(struct buf *out, struct slice languages)
{
	struct slice rest = languages, tag, second;

	if (!next_language(&rest, &tag)) {
		buf_lit(out, "NIL");
		return;
	}
	if (!next_language(&rest, &second)) {
		imap_text_nstring(out, tag);
		return;
	}
	buf_byte(out, '(');
	imap_text_nstring(out, tag);
	do {
		buf_byte(out, ' ');
		imap_text_nstring(out, second);
	} while (next_language(&rest, &second));
	buf_byte(out, ')');
}

/* What extensible forms end with: disposition, language, location. */
static void append_extension(struct buf *out, const struct mime_part *part)
{
	buf_byte(out, ' ');
	append_disposition(out, part);
	buf_byte(out, ' ');
	append_languages(out, part->languages);
	buf_byte(out, ' ');
	imap_text_nstring(out, part->location);
}

static void append_multipart(
	struct imap_text *text, const struct mime_part *part, bool is_extensible)
{
	for (const struct mime_part *child = part->children; child; child = child->next)
		imap_text_body(text, child, is_extensible);
	buf_byte(text->out, ' ');
	append_upper(text->out, part->subtype);
	if (is_extensible) {
		buf_byte(text->out, ' ');
		append_params(text->out, &part->params, false);
		append_extension(text->out, part);
	}
}

/* RFC 9051 has no form for a multipart or a message whose parts we do not know. */
static bool is_opaque(const struct mime_part *part)
{
	if (part->kind != MIME_LEAF)
		return false;
	return slice_eq(part->type, slice_lit("multipart")) ||
	       (slice_eq(part->type, slice_lit("message")) &&
		       (slice_eq(part->subtype, slice_lit("rfc822")) ||
			       slice_eq(part->subtype, slice_lit("global"))));
}

static void append_type(struct buf *out, const struct mime_part *part)
{
	const bool needs_charset = slice_eq(part->type, slice_lit("text")) &&
				   slice_eq(part->subtype, slice_lit("plain")) &&
				   !mime_param_text(&part->params, slice_lit("charset")).ptr;

	if (is_opaque(part)) {
		buf_lit(out, "\"APPLICATION\" \"OCTET-STREAM\"");
	} else {
		append_upper(out, part->type);
		buf_byte(out, ' ');
		append_upper(out, part->subtype);
	}
	buf_byte(out, ' ');
	append_params(out, &part->params, needs_charset);
}

static void append_single(struct imap_text *text, const struct mime_part *part, bool is_extensible)
{
	struct buf *out = text->out;

	append_type(out, part);
	buf_byte(out, ' ');
	imap_text_nstring(out, part->id);
	buf_byte(out, ' ');
	imap_text_nstring(out, part->description);
	buf_byte(out, ' ');
	append_encoding(out, part);
	buf_byte(out, ' ');
	buf_u64(out, part->body_end - part->body_start);
	if (part->kind == MIME_MESSAGE) {
		buf_byte(out, ' ');
		imap_text_envelope(text, part->children);
		buf_byte(out, ' ');
		imap_text_body(text, part->children, is_extensible);
	}
	if (part->kind == MIME_MESSAGE || slice_eq(part->type, slice_lit("text"))) {
		buf_byte(out, ' ');
		buf_u64(out, part->lines);
	}
	if (is_extensible) {
		buf_byte(out, ' ');
		imap_text_nstring(out, part->md5);
		append_extension(out, part);
	}
}

void imap_text_body(struct imap_text *text, const struct mime_part *part, bool is_extensible)
{
	buf_byte(text->out, '(');
	if (part->kind == MIME_MULTIPART)
		append_multipart(text, part, is_extensible);
	else
		append_single(text, part, is_extensible);
	buf_byte(text->out, ')');
}
