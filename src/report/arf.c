/* arf.c - see arf.h. */
#include "report/arf.h"

#include "report/feedback.h"
#include "wire/mime/header.h"

enum { VALUE_MAX = 8 << 10, ADDRESSES_MAX = 4 };

enum form { TEXT, WORD, ADDRESS };

static const struct {
	const char *name;
	enum form form;
	size_t at;
} texts[] = {
	{"Feedback-Type", WORD, offsetof(struct arf, type)},
	{"Auth-Failure", WORD, offsetof(struct arf, failure)},
	{"Delivery-Result", WORD, offsetof(struct arf, result)},
	{"Identity-Alignment", TEXT, offsetof(struct arf, alignment)},
	{"Original-Mail-From", ADDRESS, offsetof(struct arf, mail_from)},
	{"Original-Rcpt-To", ADDRESS, offsetof(struct arf, rcpt_to)},
	{"Arrival-Date", TEXT, offsetof(struct arf, arrival)},
	{"Received-Date", TEXT, offsetof(struct arf, arrival)},
	{"Source-IP", TEXT, offsetof(struct arf, source)},
	{"Reported-Domain", TEXT, offsetof(struct arf, domain)},
	{"Authentication-Results", TEXT, offsetof(struct arf, results)},
	{"DKIM-Domain", TEXT, offsetof(struct arf, dkim_domain)},
	{"DKIM-Identity", TEXT, offsetof(struct arf, dkim_identity)},
	{"DKIM-Selector", TEXT, offsetof(struct arf, dkim_selector)},
	{"SPF-DNS", TEXT, offsetof(struct arf, spf_dns)},
};

enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };

bool arf_is_complaint(const struct arf *arf)
{
	return slice_eq(arf->type, slice_lit("abuse")) || slice_eq(arf->type, slice_lit("fraud")) ||
	       slice_eq(arf->type, slice_lit("virus")) || slice_eq(arf->type, slice_lit("opt-out"));
}

bool arf_is_failure(const struct arf *arf)
{
	return slice_eq(arf->type, slice_lit("auth-failure"));
}

/* ---- reading ---- */

static struct slice without_brackets(struct slice text)
{
	if (text.len >= 2 && text.ptr[0] == '<' && text.ptr[text.len - 1] == '>')
		return (struct slice){text.ptr + 1, text.len - 2};
	return text;
}

static struct slice lower(struct slice text, struct arena *arena)
{
	char *copy = arena_alloc(arena, text.len + 1);

	if (!copy)
		return (struct slice){0};
	for (size_t i = 0; i < text.len; i++)
		copy[i] = (char)ascii_lower((unsigned char)text.ptr[i]);
	return (struct slice){copy, text.len};
}

static struct slice read_value(struct slice value, enum form form, struct arena *arena)
{
	struct buf line AUTO(buf_done);
	struct slice text;

	buf_init(&line, VALUE_MAX);
	mime_header_unfold(slice_head(value, VALUE_MAX), &line);
	text = slice_trim(buf_slice(&line));
	if (form == WORD)
		return lower(feedback_text(slice_next_word(&text), arena), arena);
	return feedback_text(form == ADDRESS ? without_brackets(text) : text, arena);
}

/* A field that may stand there more than once counts the first time. */
static void take_field(const struct mime_field *field, struct arena *arena, struct arf *out)
{
	uint64_t n;

	for (size_t i = 0; i < TEXTS; i++) {
		struct slice *to = (struct slice *)(void *)((char *)out + texts[i].at);

		if (slice_eq_nocase(field->name, slice_str(texts[i].name)) && !to->len)
			*to = read_value(field->value, texts[i].form, arena);
	}
	if (slice_eq_nocase(field->name, slice_lit("Incidents")) &&
		slice_to_u64(slice_trim(field->value), UINT32_MAX, &n) && n)
		out->incidents = n;
}

int arf_read(struct slice fields, struct arena *arena, struct arf *out, struct err *err)
{
	struct arf found = {.incidents = 1};
	struct mime_field field;

	if (fields.len > ARF_FIELDS_BYTES_MAX)
		return err_set(err, ERR_TOOBIG, "the report is too large");
	while (mime_header_next(&fields, &field))
		take_field(&field, arena, &found);
	if (!found.type.len)
		return err_set(err, ERR_SYNTAX, "the report does not say what it reports");
	*out = found;
	return 0;
}

static struct slice read_address(
	struct slice header, const char *name, struct buf *line, struct arena *arena)
{
	const struct mime_address *list;
	struct mime_field field;

	buf_clear(line);
	if (!mime_header_find(header, slice_str(name), &field))
		return (struct slice){0};
	list = mime_address_parse(slice_head(field.value, VALUE_MAX), ADDRESSES_MAX, arena);
	while (list && list->kind != MIME_ADDRESS_MAILBOX)
		list = list->next;
	if (!list || !list->mailbox.len || !list->domain.len)
		return (struct slice){0};
	buf_append(line, list->mailbox);
	buf_byte(line, '@');
	buf_append(line, list->domain);
	return feedback_text(buf_slice(line), arena);
}

void arf_message_read(struct slice header, struct arena *arena, struct arf_message *out)
{
	struct buf line AUTO(buf_done);
	struct mime_field field;
	struct slice value;

	buf_init(&line, VALUE_MAX);
	*out = (struct arf_message){.author = read_address(header, "From", &line, arena),
		.sender = read_address(header, "Return-Path", &line, arena)};
	if (mime_header_find(header, slice_lit("Message-ID"), &field)) {
		value = slice_head(field.value, VALUE_MAX);
		if (mime_msgid_next(&value, &line))
			out->id = feedback_text(buf_slice(&line), arena);
	}
	buf_clear(&line);
	if (mime_header_find(header, slice_lit("Subject"), &field)) {
		mime_header_unfold(slice_head(field.value, VALUE_MAX), &line);
		out->subject = feedback_text(buf_slice(&line), arena);
	}
}

/* ---- writing ---- */

static void put(struct buf *out, const char *name, struct slice value)
{
	if (value.len)
		buf_printf(out, "%s: %.*s\r\n", name, SLICE_ARG(value));
}

void arf_write(const struct arf *arf, struct buf *out)
{
	buf_lit(out, "Feedback-Type: auth-failure\r\nVersion: 1\r\nUser-Agent: Posthouse\r\n");
	put(out, "Auth-Failure", arf->failure);
	put(out, "Identity-Alignment", arf->alignment);
	put(out, "Authentication-Results", arf->results);
	put(out, "Delivery-Result", arf->result);
	if (arf->mail_from.len)
		buf_printf(out, "Original-Mail-From: <%.*s>\r\n", SLICE_ARG(arf->mail_from));
	put(out, "Arrival-Date", arf->arrival);
	put(out, "Source-IP", arf->source);
	put(out, "Reported-Domain", arf->domain);
	put(out, "DKIM-Domain", arf->dkim_domain);
	put(out, "DKIM-Identity", arf->dkim_identity);
	put(out, "DKIM-Selector", arf->dkim_selector);
	put(out, "SPF-DNS", arf->spf_dns);
}

/* RFC 9991 6: as little as tells what it is. A field that is cut off would be another one. */
void arf_put_header(struct slice header, struct buf *out)
{
	static const struct slice told[] = {{"From", 4}, {"Sender", 6}, {"Reply-To", 8},
		{"Date", 4}, {"Subject", 7}, {"Message-ID", 10}, {"List-Id", 7},
		{"MIME-Version", 12}, {"Content-Type", 12}, {"User-Agent", 10}, {"X-Mailer", 8},
		{"DKIM-Signature", 14}};
	struct buf one AUTO(buf_done);
	const size_t max = out->len + ARF_HEADER_MAX;
	struct mime_field field;

	buf_init(&one, ARF_HEADER_MAX);
	while (mime_header_next(&header, &field)) {
		buf_clear(&one);
		mime_header_filter(field.raw, told, sizeof(told) / sizeof(told[0]), false, &one);
		if (!one.failed && out->len + one.len <= max)
			buf_append(out, buf_slice(&one));
		one.failed = false;
	}
}
