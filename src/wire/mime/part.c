/* part.c - see part.h for the contract. */
#include "wire/mime/part.h"

#include <string.h>

#include "wire/mime/param.h"

static const struct slice names[MIME_NAME_UNKNOWN] = {
	[MIME_NAME_DATE] = slice_lit("Date"),
	[MIME_NAME_SUBJECT] = slice_lit("Subject"),
	[MIME_NAME_FROM] = slice_lit("From"),
	[MIME_NAME_SENDER] = slice_lit("Sender"),
	[MIME_NAME_REPLY_TO] = slice_lit("Reply-To"),
	[MIME_NAME_TO] = slice_lit("To"),
	[MIME_NAME_CC] = slice_lit("Cc"),
	[MIME_NAME_BCC] = slice_lit("Bcc"),
	[MIME_NAME_IN_REPLY_TO] = slice_lit("In-Reply-To"),
	[MIME_NAME_MESSAGE_ID] = slice_lit("Message-ID"),
	[MIME_NAME_REFERENCES] = slice_lit("References"),
	[MIME_NAME_LIST_ID] = slice_lit("List-Id"),
	[MIME_NAME_LIST_UNSUBSCRIBE] = slice_lit("List-Unsubscribe"),
	[MIME_NAME_CONTENT_TYPE] = slice_lit("Content-Type"),
	[MIME_NAME_CONTENT_TRANSFER_ENCODING] = slice_lit("Content-Transfer-Encoding"),
	[MIME_NAME_MIME_VERSION] = slice_lit("MIME-Version"),
	[MIME_NAME_X_PRIORITY] = slice_lit("X-Priority"),
	[MIME_NAME_IMPORTANCE] = slice_lit("Importance"),
	[MIME_NAME_PRIORITY] = slice_lit("Priority"),
	[MIME_NAME_DELIVERED_TO] = slice_lit("Delivered-To"),
	[MIME_NAME_RETURN_PATH] = slice_lit("Return-Path"),
	[MIME_NAME_AUTO_SUBMITTED] = slice_lit("Auto-Submitted"),
	[MIME_NAME_CONTENT_ID] = slice_lit("Content-ID"),
	[MIME_NAME_CONTENT_DESCRIPTION] = slice_lit("Content-Description"),
	[MIME_NAME_CONTENT_DISPOSITION] = slice_lit("Content-Disposition"),
	[MIME_NAME_CONTENT_LANGUAGE] = slice_lit("Content-Language"),
	[MIME_NAME_CONTENT_LOCATION] = slice_lit("Content-Location"),
	[MIME_NAME_CONTENT_MD5] = slice_lit("Content-MD5"),
};

enum mime_name mime_name_find(struct slice name)
{
	for (int i = 0; i < MIME_NAME_UNKNOWN; i++) {
		if (names[i].len == name.len && slice_eq_nocase(names[i], name))
			return (enum mime_name)i;
	}
	return MIME_NAME_UNKNOWN;
}

/* RFC 2045 5.2: what is no valid type counts as text/plain. */
static void fill_type(struct mime_part *part, struct slice value, struct arena *arena)
{
	struct slice subtype, type = mime_param_token(&value, arena);

	type = slice_cut(type, '/', &subtype);
	if (subtype.len == 0 && slice_eq(type, slice_lit("multipart")))
		subtype = slice_lit("mixed");
	if (type.len && subtype.len) {
		part->type = type;
		part->subtype = subtype;
	}
	part->params = mime_params_parse(value, arena);
}

static void fill_encoding(struct mime_part *part, struct slice value, struct arena *arena)
{
	static const struct {
		struct slice name;
		enum mime_encoding encoding;
	} known[] = {
		{slice_lit(""), MIME_7BIT},
		{slice_lit("7bit"), MIME_7BIT},
		{slice_lit("7-bit"), MIME_7BIT},
		{slice_lit("8bit"), MIME_8BIT},
		{slice_lit("8-bit"), MIME_8BIT},
		{slice_lit("binary"), MIME_BINARY},
		{slice_lit("quoted-printable"), MIME_QP},
		{slice_lit("base64"), MIME_BASE64},
	};
	const struct slice token = mime_param_token(&value, arena);

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (slice_eq(token, known[i].name)) {
			part->encoding = known[i].encoding;
			return;
		}
	}
	part->encoding = MIME_ENCODING_UNKNOWN;
	part->encoding_name = token;
}

static void fill_disposition(struct mime_part *part, struct slice value, struct arena *arena)
{
	const struct slice token = mime_param_token(&value, arena);

	if (token.len == 0)
		return;
	part->disposition = token;
	part->disposition_params = mime_params_parse(value, arena);
}

/* One field that describes a part's body. */
static void fill_field(
	struct mime_part *part, enum mime_name name, struct slice value, struct arena *arena)
{
	switch (name) {
	case MIME_NAME_CONTENT_TYPE:
		fill_type(part, value, arena);
		break;
	case MIME_NAME_CONTENT_TRANSFER_ENCODING:
		fill_encoding(part, value, arena);
		break;
	case MIME_NAME_CONTENT_DISPOSITION:
		fill_disposition(part, value, arena);
		break;
	case MIME_NAME_CONTENT_ID:
		part->id = mime_param_line(value, arena);
		break;
	case MIME_NAME_CONTENT_DESCRIPTION:
		part->description = mime_param_line(value, arena);
		break;
	case MIME_NAME_CONTENT_LANGUAGE:
		part->languages = mime_param_line(value, arena);
		break;
	case MIME_NAME_CONTENT_LOCATION:
		part->location = mime_param_line(value, arena);
		break;
	case MIME_NAME_CONTENT_MD5:
		part->md5 = mime_param_line(value, arena);
		break;
	default:
		break;
	}
}

/* Keeps a copy of a field for ENVELOPE, or of the message itself for lists too. */
static struct mime_kept *keep_field(const struct mime_part *part, enum mime_name name,
	const struct mime_field *field, struct arena *arena)
{
	const int end = part->parent ? MIME_NAME_ENVELOPE_END : MIME_NAME_KEPT_END;
	struct mime_kept *kept;
	struct slice raw;

	if (!part->is_message || (int)name >= end)
		return NULL;
	kept = arena_alloc(arena, sizeof(*kept));
	raw = kept ? arena_dup(arena, field->raw) : (struct slice){NULL, 0};
	if (!raw.ptr)
		return NULL;
	kept->name = (int)name;
	kept->field.raw = raw;
	kept->field.name = (struct slice){raw.ptr, field->name.len};
	kept->field.value =
		(struct slice){raw.ptr + (field->value.ptr - field->raw.ptr), field->value.len};
	return kept;
}

/* RFC 2046 5.1.5: parts of a digest are messages if they do not say otherwise. */
static void set_default_type(struct mime_part *part)
{
	const struct mime_part *parent = part->parent;
	const bool is_digest = parent && parent->kind == MIME_MULTIPART &&
			       slice_eq(parent->subtype, slice_lit("digest"));

	part->type = is_digest ? slice_lit("message") : slice_lit("text");
	part->subtype = is_digest ? slice_lit("rfc822") : slice_lit("plain");
}

/* As it was sent: that is what stands in the body. */
static struct slice boundary_of(const struct mime_part *part)
{
	if (!slice_eq(part->type, slice_lit("multipart")))
		return (struct slice){NULL, 0};
	for (size_t i = 0; i < part->params.count; i++) {
		if (slice_eq(part->params.list[i].name, slice_lit("boundary")))
			return slice_trim(part->params.list[i].value);
	}
	return slice_trim(mime_param_text(&part->params, slice_lit("boundary")));
}

struct slice mime_part_fill(
	struct mime_part *part, struct slice block, unsigned fields_max, struct arena *arena)
{
	bool seen[MIME_NAME_UNKNOWN + 1] = {false};
	struct mime_kept **link = &part->fields;
	struct mime_field field;
	unsigned n = 0;

	set_default_type(part);
	for (; mime_header_next(&block, &field); n++) {
		const enum mime_name name = mime_name_find(field.name);

		if (n == fields_max) {
			part->is_header_cut = true;
			break;
		}
		if (name == MIME_NAME_UNKNOWN)
			continue;
		if (!seen[name]) /* of repeated fields the first counts */
			fill_field(part, name, field.value, arena);
		seen[name] = true;
		*link = keep_field(part, name, &field, arena);
		if (*link)
			link = &(*link)->next;
		else if (part->is_message && name < MIME_NAME_KEPT_END)
			part->is_header_cut |= !part->parent;
	}
	return boundary_of(part);
}

void mime_part_set_plain(struct mime_part *part)
{
	part->kind = MIME_LEAF;
	part->type = slice_lit("text");
	part->subtype = slice_lit("plain");
	part->params = (struct mime_params){0};
}
