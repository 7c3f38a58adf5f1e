/* prepare.c - writes the blob; see prepare.h for the contract and prepared.h for its form. */
#include "wire/mime/prepare.h"

#include "base/encode.h"
#include "wire/mime/imap_text.h"
#include "wire/mime/prepared.h"

enum { SCRATCH_MAX = 16 * 1024 * 1024, CHARSET_MAX = 60 };

static uint64_t zigzag(int64_t n)
{
	return (uint64_t)n << 1 ^ (uint64_t)(n >> 63);
}

static size_t count_within(const struct mime_part *part)
{
	size_t n = 0;

	for (const struct mime_part *child = part->children; child; child = child->next)
		n += 1 + count_within(child);
	return n;
}

static void append_entry(const struct mime_part *part, struct buf *out)
{
	const bool is_text = part->kind == MIME_LEAF && slice_eq(part->type, slice_lit("text"));
	unsigned flags = part->kind;

	if (is_text)
		flags |= MIME_ENTRY_IS_TEXT;
	if (is_text && slice_eq(part->subtype, slice_lit("html")))
		flags |= MIME_ENTRY_IS_HTML;
	if (slice_eq(part->disposition, slice_lit("attachment")))
		flags |= MIME_ENTRY_IS_ATTACHMENT;
	buf_byte(out, (char)flags);
	buf_byte(out, (char)part->encoding);
	varint_put(out, part->header_start);
	varint_put(out, part->body_start - part->header_start);
	varint_put(out, part->body_end - part->body_start);
	varint_put(out, count_within(part));
	if (is_text) {
		const struct slice charset = slice_head(
			mime_param_text(&part->params, slice_lit("charset")), CHARSET_MAX);

		varint_put(out, charset.len);
		buf_append(out, charset);
	}
	for (const struct mime_part *child = part->children; child; child = child->next)
		append_entry(child, out);
}

static void append_texts(const struct mime_part *root, struct buf *out, size_t lens[3])
{
	struct imap_text text = {.out = out};

	arena_init(&text.scratch, SCRATCH_MAX);
	for (int i = 0; i < 3; i++) {
		const size_t start = out->len;

		text.addresses_left = MIME_ENVELOPE_ADDRESSES_MAX;
		if (i == 0)
			imap_text_envelope(&text, root);
		else
			imap_text_body(&text, root, i == 1);
		lens[i] = out->len - start;
	}
	arena_done(&text.scratch);
}

static size_t append_fields(const struct mime_part *root, struct buf *out)
{
	const size_t start = out->len;

	for (const struct mime_kept *kept = root->fields; kept; kept = kept->next)
		buf_append(out, kept->field.raw);
	return out->len - start;
}

static bool find_date(const struct mime_part *root, struct mime_date *out)
{
	for (const struct mime_kept *kept = root->fields; kept; kept = kept->next) {
		if (kept->name == MIME_NAME_DATE)
			return mime_date_parse(kept->field.value, out);
	}
	return false;
}

/* Everything up to the lengths. */
static void append_facts(const struct mime_message *message, struct buf *out)
{
	const struct mime_part *root = message->root;
	struct mime_date date;
	const bool has_date = find_date(root, &date);
	unsigned flags = 0;

	flags |= has_date ? MIME_PREPARED_HAS_DATE : 0;
	flags |= root->has_blank ? MIME_PREPARED_HAS_BLANK : 0;
	flags |= root->is_header_cut ? 0 : MIME_PREPARED_HAS_ALL_FIELDS;
	buf_byte(out, MIME_PREPARED_VERSION);
	buf_byte(out, (char)flags);
	varint_put(out, message->size);
	varint_put(out, root->body_start);
	if (has_date) {
		varint_put(out, zigzag(date.utc));
		varint_put(out, zigzag(date.zone_min));
	}
}

int mime_prepare(const struct mime_message *message, struct buf *out, struct err *err)
{
	struct buf texts AUTO(buf_done);
	size_t lens[3], fields, index;

	buf_init(&texts, out->max);
	append_texts(message->root, &texts, lens);
	fields = append_fields(message->root, &texts);
	index = texts.len;
	append_entry(message->root, &texts);
	index = texts.len - index;

	append_facts(message, out);
	for (int i = 0; i < 3; i++)
		varint_put(out, lens[i]);
	varint_put(out, fields);
	varint_put(out, message->parts);
	varint_put(out, index);
	buf_append(out, buf_slice(&texts));
	out->failed |= texts.failed;
	return buf_check(out, "prepared message", err);
}
