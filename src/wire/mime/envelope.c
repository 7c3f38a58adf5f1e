/* envelope.c - IMAP's strings and ENVELOPE; see imap_text.h. */
#include "wire/mime/imap_text.h"

static void append_literal(struct buf *out, struct slice s, size_t kept)
{
	buf_byte(out, '{');
	buf_u64(out, kept);
	buf_lit(out, "}\r\n");
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] != '\0' && s.ptr[i] != '\r' && s.ptr[i] != '\n')
			buf_byte(out, s.ptr[i]);
	}
}

static void append_quoted(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\0' || s.ptr[i] == '\r' || s.ptr[i] == '\n')
			continue;
		if (s.ptr[i] == '"' || s.ptr[i] == '\\')
			buf_byte(out, '\\');
		buf_byte(out, s.ptr[i]);
	}
}

void imap_text_nstring(struct buf *out, struct slice s)
{
	size_t dropped = 0, special = 0;
	bool is_ascii = true;

	if (!s.ptr) {
		buf_lit(out, "NIL");
		return;
	}
	for (size_t i = 0; i < s.len; i++) {
		const unsigned char c = (unsigned char)s.ptr[i];

		dropped += c == '\0' || c == '\r' || c == '\n';
		special += c == '"' || c == '\\';
		is_ascii &= c < 0x80;
	}
	if (!is_ascii) {
		append_literal(out, s, s.len - dropped);
		return;
	}
	buf_byte(out, '"');
	if (dropped || special)
		append_quoted(out, s);
	else
		buf_append(out, s);
	buf_byte(out, '"');
}

/* The first field of that name, or NULL. */
static const struct mime_kept *find_kept(const struct mime_kept *kept, enum mime_name name)
{
	while (kept && kept->name != (int)name)
		kept = kept->next;
	return kept;
}

static void append_field(struct imap_text *text, const struct mime_part *part, enum mime_name name)
{
	const struct mime_kept *kept = find_kept(part->fields, name);

	imap_text_nstring(text->out, kept ? kept->field.value : (struct slice){NULL, 0});
}

/* Group markers have no host; RFC 9051 7.5.2. */
static void append_address(struct buf *out, const struct mime_address *address)
{
	static const struct slice nil = {NULL, 0};
	const bool is_mailbox = address->kind == MIME_ADDRESS_MAILBOX;
	const bool is_group = address->kind == MIME_ADDRESS_GROUP;

	buf_byte(out, '(');
	imap_text_nstring(out, is_mailbox ? address->name : nil);
	buf_byte(out, ' ');
	imap_text_nstring(out, is_mailbox ? address->route : nil);
	buf_byte(out, ' ');
	imap_text_nstring(out, is_mailbox ? address->mailbox : is_group ? address->name : nil);
	buf_byte(out, ' ');
	imap_text_nstring(out, is_mailbox ? address->domain : nil);
	buf_byte(out, ')');
}

static void append_addresses(struct buf *out, const struct mime_address *list)
{
	if (!list) {
		buf_lit(out, "NIL");
		return;
	}
	buf_byte(out, '(');
	for (; list; list = list->next)
		append_address(out, list);
	buf_byte(out, ')');
}

/* The addresses of all fields of that name, as if they were one. */
static struct mime_address *read_addresses(
	struct imap_text *text, const struct mime_part *part, enum mime_name name)
{
	struct mime_address *first = NULL, **link = &first;
	const struct mime_kept *kept = part->fields;

	while ((kept = find_kept(kept, name))) {
		*link = mime_address_parse(kept->field.value, text->addresses_left, &text->scratch);
		for (; *link; link = &(*link)->next)
			text->addresses_left--;
		kept = kept->next;
	}
	return first;
}

void imap_text_envelope(struct imap_text *text, const struct mime_part *message)
{
	struct mime_address *from = NULL;

	buf_byte(text->out, '(');
	append_field(text, message, MIME_NAME_DATE);
	buf_byte(text->out, ' ');
	append_field(text, message, MIME_NAME_SUBJECT);
	for (int name = MIME_NAME_FROM; name <= MIME_NAME_BCC; name++) {
		struct mime_address *list = read_addresses(text, message, (enum mime_name)name);

		if (name == MIME_NAME_FROM)
			from = list;
		else if (!list && (name == MIME_NAME_SENDER || name == MIME_NAME_REPLY_TO))
			list = from;
		buf_byte(text->out, ' ');
		append_addresses(text->out, list);
	}
	buf_byte(text->out, ' ');
	append_field(text, message, MIME_NAME_IN_REPLY_TO);
	buf_byte(text->out, ' ');
	append_field(text, message, MIME_NAME_MESSAGE_ID);
	buf_byte(text->out, ')');
	arena_reset(&text->scratch);
}
