/* fetch.c - see fetch.h for the contract. */
#include "wire/imap/fetch.h"

#include "wire/imap/write.h"

static const struct {
	struct slice name;
	unsigned items;
} macros[] = {
	{{"ALL", 3},
		IMAP_ITEM_FLAGS | IMAP_ITEM_INTERNALDATE | IMAP_ITEM_SIZE | IMAP_ITEM_ENVELOPE},
	{{"FAST", 4}, IMAP_ITEM_FLAGS | IMAP_ITEM_INTERNALDATE | IMAP_ITEM_SIZE},
	{{"FULL", 4}, IMAP_ITEM_FLAGS | IMAP_ITEM_INTERNALDATE | IMAP_ITEM_SIZE |
			      IMAP_ITEM_ENVELOPE | IMAP_ITEM_BODY},
};

static const struct {
	struct slice name;
	unsigned item;
} simple_items[] = {
	{{"UID", 3}, IMAP_ITEM_UID},
	{{"FLAGS", 5}, IMAP_ITEM_FLAGS},
	{{"INTERNALDATE", 12}, IMAP_ITEM_INTERNALDATE},
	{{"RFC822.SIZE", 11}, IMAP_ITEM_SIZE},
	{{"ENVELOPE", 8}, IMAP_ITEM_ENVELOPE},
	{{"BODYSTRUCTURE", 13}, IMAP_ITEM_BODYSTRUCTURE},
	{{"MODSEQ", 6}, IMAP_ITEM_MODSEQ},
	{{"EMAILID", 7}, IMAP_ITEM_EMAILID},
	{{"THREADID", 8}, IMAP_ITEM_THREADID},
};

/* Items that hold a part of the message. has_section: "[...]" follows. */
static const struct section_item {
	struct slice name;
	enum imap_section_kind kind;
	enum imap_section_text text;
	bool is_peek, has_section;
} section_items[] = {
	{{"BODY", 4}, IMAP_SECTION_BODY, IMAP_TEXT_ALL, false, true},
	{{"BODY.PEEK", 9}, IMAP_SECTION_BODY, IMAP_TEXT_ALL, true, true},
	{{"BINARY", 6}, IMAP_SECTION_BINARY, IMAP_TEXT_ALL, false, true},
	{{"BINARY.PEEK", 11}, IMAP_SECTION_BINARY, IMAP_TEXT_ALL, true, true},
	{{"BINARY.SIZE", 11}, IMAP_SECTION_BINARY_SIZE, IMAP_TEXT_ALL, true, true},
	{{"RFC822", 6}, IMAP_SECTION_BODY, IMAP_TEXT_ALL, false, false},
	{{"RFC822.HEADER", 13}, IMAP_SECTION_BODY, IMAP_TEXT_HEADER, true, false},
	{{"RFC822.TEXT", 11}, IMAP_SECTION_BODY, IMAP_TEXT_TEXT, false, false},
};

/* FIELDS stands after FIELDS.NOT, whose start it is. */
static const struct {
	struct slice name;
	enum imap_section_text text;
} section_texts[] = {
	{{"HEADER", 6}, IMAP_TEXT_HEADER},
	{{"HEADER.FIELDS.NOT", 17}, IMAP_TEXT_FIELDS_NOT},
	{{"HEADER.FIELDS", 13}, IMAP_TEXT_FIELDS},
	{{"TEXT", 4}, IMAP_TEXT_TEXT},
	{{"MIME", 4}, IMAP_TEXT_MIME},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int parse_part(struct imap_lex *lx, struct imap_section *s, struct err *err)
{
	uint32_t part[IMAP_PART_DEPTH_MAX];
	size_t n = 0;
	uint64_t number;
	int rc;

	do {
		const int c = imap_lex_peek(lx);

		if (n && (c < '0' || c > '9'))
			break; /* the dot was the one before MIME, HEADER, TEXT */
		if (n == IMAP_PART_DEPTH_MAX)
			return err_set(err, ERR_TOOBIG, "part numbers nested too deep");
		rc = imap_lex_number(lx, UINT32_MAX, &number, err);
		if (rc < 0)
			return rc;
		if (number == 0)
			return err_set(err, ERR_SYNTAX, "0 is no part number");
		part[n++] = (uint32_t)number;
	} while (imap_lex_take(lx, '.'));
	rc = imap_lex_alloc(lx, sizeof(*s->part), n, &s->part, err);
	if (rc < 0)
		return rc;
	for (s->part_n = 0; s->part_n < n; s->part_n++)
		s->part[s->part_n] = part[s->part_n];
	return 0;
}

static int parse_fields(struct imap_lex *lx, struct imap_section *s, struct err *err)
{
	int rc = imap_lex_byte(lx, ' ', err);

	if (rc == 0)
		rc = imap_lex_byte(lx, '(', err);
	if (rc == 0)
		rc = imap_lex_alloc(lx, sizeof(*s->fields), imap_lex_count(lx), &s->fields, err);
	if (rc < 0)
		return rc;
	do {
		if (s->fields_n == lx->limits->items_max)
			return err_set(err, ERR_TOOBIG, "too many header field names");
		rc = imap_lex_astring(lx, IMAP_WORD_ASTRING, &s->fields[s->fields_n++], err);
	} while (rc == 0 && imap_lex_take(lx, ' '));
	return rc < 0 ? rc : imap_lex_byte(lx, ')', err);
}

static int parse_section_text(struct imap_lex *lx, struct imap_section *s, struct err *err)
{
	for (size_t i = 0; i < COUNT(section_texts); i++) {
		if (!imap_lex_take_label(lx, section_texts[i].name))
			continue;
		s->text = section_texts[i].text;
		if (s->text == IMAP_TEXT_MIME && s->part_n == 0)
			return err_set(err, ERR_SYNTAX, "MIME needs a part number");
		if (s->text == IMAP_TEXT_FIELDS || s->text == IMAP_TEXT_FIELDS_NOT)
			return parse_fields(lx, s, err);
		return 0;
	}
	return err_set(err, ERR_SYNTAX, "there is no such section");
}

/* "[" was taken; up to and with "]". */
static int parse_section(struct imap_lex *lx, struct imap_section *s, struct err *err)
{
	const int c = imap_lex_peek(lx);
	bool needs_text = c != ']';
	int rc = 0;

	if (c >= '0' && c <= '9') {
		rc = parse_part(lx, s, err);
		needs_text = rc == 0 && lx->rest.ptr[-1] == '.';
	}
	if (rc == 0 && needs_text) {
		if (s->kind != IMAP_SECTION_BODY)
			return err_set(err, ERR_SYNTAX, "BINARY takes a part number alone");
		rc = parse_section_text(lx, s, err);
	}
	return rc < 0 ? rc : imap_lex_byte(lx, ']', err);
}

/* "<" number "." nz-number ">" */
static int parse_partial(struct imap_lex *lx, struct imap_section *s, struct err *err)
{
	int rc;

	if (!imap_lex_take(lx, '<'))
		return 0;
	if (s->kind == IMAP_SECTION_BINARY_SIZE)
		return err_set(err, ERR_SYNTAX, "BINARY.SIZE has no partial form");
	s->has_partial = true;
	rc = imap_lex_number(lx, INT64_MAX, &s->offset, err);
	if (rc == 0)
		rc = imap_lex_byte(lx, '.', err);
	if (rc == 0)
		rc = imap_lex_number(lx, INT64_MAX, &s->length, err);
	if (rc == 0)
		rc = imap_lex_byte(lx, '>', err);
	if (rc == 0 && s->length == 0)
		return err_set(err, ERR_SYNTAX, "a partial of no bytes");
	return rc;
}

static void write_label(struct buf *out, const struct imap_section *s)
{
	buf_str(out, s->kind == IMAP_SECTION_BODY     ? "BODY["
		     : s->kind == IMAP_SECTION_BINARY ? "BINARY["
						      : "BINARY.SIZE[");
	for (size_t i = 0; i < s->part_n; i++) {
		if (i)
			buf_byte(out, '.');
		buf_u64(out, s->part[i]);
	}
	if (s->text != IMAP_TEXT_ALL && s->part_n)
		buf_byte(out, '.');
	for (size_t i = 0; i < COUNT(section_texts); i++) {
		if (section_texts[i].text == s->text)
			buf_append(out, section_texts[i].name);
	}
	for (size_t i = 0; i < s->fields_n; i++) {
		buf_str(out, i ? " " : " (");
		imap_write_astring(out, s->fields[i], false);
	}
	buf_str(out, s->fields_n ? ")]" : "]");
}

static int set_label(struct imap_lex *lx, struct imap_section *s, struct slice name,
	bool has_section, struct err *err)
{
	struct buf label AUTO(buf_done);

	buf_init(&label, lx->limits->string_max * 4 + 1024);
	if (!has_section) {
		s->label = name;
		return 0;
	}
	write_label(&label, s);
	s->label = arena_dup(lx->arena, buf_slice(&label));
	if (label.failed || !s->label.ptr)
		return err_set(err, ERR_TOOBIG, "too many header field names");
	return 0;
}

static int parse_section_item(
	struct imap_lex *lx, struct imap_fetch *f, const struct section_item *item, struct err *err)
{
	struct imap_section s = {.kind = item->kind, .text = item->text, .is_peek = item->is_peek};
	int rc = 0;

	if (f->sections_n == lx->limits->items_max)
		return err_set(err, ERR_TOOBIG, "too many sections");
	if (item->has_section)
		rc = imap_lex_byte(lx, '[', err);
	if (rc == 0 && item->has_section)
		rc = parse_section(lx, &s, err);
	if (rc == 0 && item->has_section)
		rc = parse_partial(lx, &s, err);
	if (rc == 0)
		rc = set_label(lx, &s, item->name, item->has_section, err);
	if (rc == 0)
		f->sections[f->sections_n++] = s;
	return rc;
}

static int parse_item(struct imap_lex *lx, struct imap_fetch *f, struct err *err)
{
	struct slice name;
	int rc = imap_lex_word(lx, IMAP_WORD_LABEL, &name, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < COUNT(simple_items); i++) {
		if (slice_eq_nocase(name, simple_items[i].name)) {
			f->items |= simple_items[i].item;
			return 0;
		}
	}
	if (slice_eq_nocase(name, slice_lit("BODY")) && imap_lex_peek(lx) != '[') {
		f->items |= IMAP_ITEM_BODY;
		return 0;
	}
	for (size_t i = 0; i < COUNT(section_items); i++) {
		if (slice_eq_nocase(name, section_items[i].name))
			return parse_section_item(lx, f, &section_items[i], err);
	}
	return err_set(err, ERR_SYNTAX, "there is no FETCH item \"%.*s\"",
		(int)(name.len < 32 ? name.len : 32), name.ptr);
}

static int parse_items(struct imap_lex *lx, struct imap_fetch *f, struct err *err)
{
	int rc;

	for (size_t i = 0; i < COUNT(macros); i++) {
		if (imap_lex_take_label(lx, macros[i].name)) {
			f->items = macros[i].items;
			return 0;
		}
	}
	rc = imap_lex_alloc(lx, sizeof(*f->sections), imap_lex_count(lx), &f->sections, err);
	if (rc < 0)
		return rc;
	if (!imap_lex_take(lx, '('))
		return parse_item(lx, f, err);
	do {
		rc = parse_item(lx, f, err);
	} while (rc == 0 && imap_lex_take(lx, ' '));
	return rc < 0 ? rc : imap_lex_byte(lx, ')', err);
}

/* " (CHANGEDSINCE n)" */
static int parse_modifiers(struct imap_lex *lx, struct imap_fetch *f, struct err *err)
{
	int rc;

	if (!imap_lex_take(lx, ' '))
		return 0;
	rc = imap_lex_byte(lx, '(', err);
	if (rc == 0 && !imap_lex_take_label(lx, slice_lit("CHANGEDSINCE")))
		return err_set(err, ERR_SYNTAX, "there is no such FETCH modifier");
	if (rc == 0)
		rc = imap_lex_byte(lx, ' ', err);
	if (rc == 0)
		rc = imap_lex_number(lx, INT64_MAX, &f->changed_since, err);
	if (rc == 0)
		rc = imap_lex_byte(lx, ')', err);
	if (rc < 0)
		return rc;
	f->has_changed_since = true;
	f->items |= IMAP_ITEM_MODSEQ; /* RFC 7162 3.1.4.1 */
	return 0;
}

int imap_fetch_parse(struct imap_lex *lx, struct imap_fetch *out, struct err *err)
{
	struct imap_fetch f = {0};
	int rc = imap_lex_byte(lx, ' ', err);

	if (rc == 0)
		rc = imap_set_parse(lx, &f.set, err);
	if (rc == 0)
		rc = imap_lex_byte(lx, ' ', err);
	if (rc == 0)
		rc = parse_items(lx, &f, err);
	if (rc == 0)
		rc = parse_modifiers(lx, &f, err);
	if (rc == 0)
		rc = imap_lex_end(lx, err);
	if (rc == 0)
		*out = f;
	return rc;
}
