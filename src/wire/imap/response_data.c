/* response_data.c - see response.h for the contract: LIST, NAMESPACE, STATUS and FETCH. */
#include "wire/imap/response.h"

/* Over one value, whatever it is: lists within lists are counted, not descended into. */
static int skip_value(struct imap_lex *lx, struct err *err)
{
	unsigned depth = 0;
	struct slice ignored;
	int rc = 0;

	do {
		const int c = imap_lex_peek(lx);

		if (c == '(' && ++depth > lx->limits->depth_max)
			return err_set(err, ERR_TOOBIG, "the server's lists are too deep");
		if (c == '(' || ((c == ' ' || c == ')') && depth)) {
			depth -= c == ')';
			imap_lex_take(lx, (char)c);
		} else if (c == '"' || c == '{') {
			rc = imap_lex_string(lx, &ignored, err);
		} else {
			imap_lex_take(lx, '\\');
			rc = imap_lex_word(lx, IMAP_WORD_PATTERN, &ignored, err);
		}
	} while (rc == 0 && depth);
	return rc;
}

/* ---- LIST ---- */

static unsigned attribute_of(struct slice name)
{
	static const struct {
		const char *name;
		unsigned bit;
	} rows[] = {{"Noselect", IMAP_NOSELECT}, {"NonExistent", IMAP_NOSELECT},
		{"All", IMAP_USE_ALL}, {"AllMail", IMAP_USE_ALL}, {"Archive", IMAP_USE_ARCHIVE},
		{"Drafts", IMAP_USE_DRAFTS}, {"Flagged", IMAP_USE_FLAGGED},
		{"Starred", IMAP_USE_FLAGGED}, {"Important", IMAP_USE_IMPORTANT},
		{"Junk", IMAP_USE_JUNK}, {"Spam", IMAP_USE_JUNK}, {"Sent", IMAP_USE_SENT},
		{"Trash", IMAP_USE_TRASH}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (slice_eq_nocase(slice_str(rows[i].name), name))
			return rows[i].bit;
	}
	return 0;
}

static int take_attributes(struct imap_lex *lx, unsigned *out, struct err *err)
{
	struct slice name;
	int rc = imap_lex_byte(lx, '(', err);

	*out = 0;
	while (rc == 0 && !imap_lex_take(lx, ')')) {
		const bool is_flag = imap_lex_take(lx, '\\');

		rc = imap_lex_word(lx, IMAP_WORD_ASTRING, &name, err);
		if (rc == 0 && is_flag)
			*out |= attribute_of(name);
		imap_lex_take(lx, ' ');
	}
	return rc;
}

static int take_separator(struct imap_lex *lx, char *out, struct err *err)
{
	struct slice text;
	const int rc = imap_lex_nstring(lx, &text, err);

	if (rc < 0)
		return rc;
	if (text.len > 1)
		return err_set(err, ERR_SYNTAX, "the separator of mailbox names makes no sense");
	*out = text.len ? text.ptr[0] : 0;
	return 0;
}

int imap_listed_parse(struct imap_lex *lx, struct imap_listed *out, struct err *err)
{
	struct imap_listed listed;
	int rc = take_attributes(lx, &listed.attributes, err);

	if (rc == 0)
		rc = imap_lex_byte(lx, ' ', err);
	if (rc == 0)
		rc = take_separator(lx, &listed.separator, err);
	if (rc == 0)
		rc = imap_lex_byte(lx, ' ', err);
	if (rc == 0)
		rc = imap_lex_astring(lx, IMAP_WORD_PATTERN, &listed.name, err);
	if (rc == 0)
		*out = listed;
	return rc;
}

int imap_namespace_parse(struct imap_lex *lx, struct slice *prefix_out, struct err *err)
{
	if (imap_lex_take(lx, '(') && imap_lex_take(lx, '('))
		return imap_lex_string(lx, prefix_out, err);
	*prefix_out = (struct slice){0};
	return 0;
}

int imap_messages_parse(struct imap_lex *lx, uint64_t *out, struct err *err)
{
	uint64_t n = 0;
	int rc = skip_value(lx, err); /* the mailbox */

	if (rc == 0)
		rc = imap_lex_byte(lx, ' ', err);
	if (rc == 0)
		rc = imap_lex_byte(lx, '(', err);
	while (rc == 0 && !imap_lex_take(lx, ')')) {
		const bool is_it = imap_lex_take_label(lx, slice_lit("MESSAGES"));

		rc = is_it ? 0 : skip_value(lx, err);
		if (rc == 0)
			rc = imap_lex_byte(lx, ' ', err);
		if (rc == 0)
			rc = is_it ? imap_lex_number(lx, UINT32_MAX, &n, err) : skip_value(lx, err);
		imap_lex_take(lx, ' ');
	}
	if (rc == 0)
		*out = n;
	return rc;
}

/* ---- FETCH ---- */

static int take_flag(struct imap_lex *lx, struct imap_flags *flags, struct err *err)
{
	const bool is_system = imap_lex_take(lx, '\\');
	struct slice name;
	const int rc = imap_lex_word(lx, IMAP_WORD_PATTERN, &name, err);

	if (rc < 0)
		return rc;
	for (unsigned bit = IMAP_SEEN; is_system && bit <= IMAP_DRAFT; bit <<= 1) {
		if (slice_eq_nocase(slice_from(imap_flag_name(bit), 1), name))
			flags->system |= bit;
	}
	if (!is_system && flags->keywords_n < lx->limits->items_max)
		flags->keywords[flags->keywords_n++] = name;
	return 0;
}

static int take_flags(struct imap_lex *lx, struct imap_fetched *f, struct err *err)
{
	struct imap_flags flags = {0};
	int rc = imap_lex_alloc(
		lx, sizeof(*flags.keywords), imap_lex_count(lx), &flags.keywords, err);

	if (rc == 0)
		rc = imap_lex_byte(lx, '(', err);
	while (rc == 0 && !imap_lex_take(lx, ')')) {
		rc = take_flag(lx, &flags, err);
		imap_lex_take(lx, ' ');
	}
	f->flags = flags;
	f->has_flags = rc == 0;
	return rc;
}

static int take_date(struct imap_lex *lx, struct imap_fetched *f, struct err *err)
{
	struct imap_lex before = *lx;

	f->has_date = imap_date_time_parse(lx, &f->date, err) == 0;
	if (f->has_date)
		return 0;
	*lx = before;
	return skip_value(lx, err);
}

static int take_uid(struct imap_lex *lx, struct imap_fetched *f, struct err *err)
{
	uint64_t uid = 0;
	const int rc = imap_lex_number(lx, UINT32_MAX, &uid, err);

	f->uid = (uint32_t)uid;
	return rc;
}

static int take_size(struct imap_lex *lx, struct imap_fetched *f, struct err *err)
{
	const int rc = imap_lex_number(lx, UINT64_MAX, &f->size, err);

	f->has_size = rc == 0;
	return rc;
}

/* RFC 8474: "EMAILID (M6d99)"; of Gmail: "X-GM-MSGID 1278455344230334865". */
static int take_object(struct imap_lex *lx, struct imap_fetched *f, struct err *err)
{
	const bool is_list = imap_lex_take(lx, '(');
	int rc = imap_lex_word(lx, IMAP_WORD_LABEL, &f->object, err);

	if (rc == 0 && is_list)
		rc = imap_lex_byte(lx, ')', err);
	return rc;
}

static int take_body(struct imap_lex *lx, struct imap_fetched *f, struct err *err)
{
	struct imap_body body;
	int rc;

	f->has_body = true;
	if (imap_lex_peek(lx) == '"' || imap_lex_peek(lx) == 'N' || imap_lex_peek(lx) == 'n')
		return imap_lex_nstring(lx, &f->body, err);
	rc = imap_lex_body(lx, &body, err);
	f->is_streamed = rc == 0 && body.is_streamed;
	f->body = f->is_streamed ? (struct slice){0} : body.bytes;
	return rc;
}

/* "UID 5": the item's name was before the space. */
static int take_item(
	struct imap_lex *lx, struct slice name, struct imap_fetched *f, struct err *err)
{
	static const struct {
		const char *name;
		int (*take)(struct imap_lex *lx, struct imap_fetched *f, struct err *err);
	} rows[] = {{"UID", take_uid}, {"FLAGS", take_flags}, {"INTERNALDATE", take_date},
		{"RFC822.SIZE", take_size}, {"BODY[]", take_body}, {"BODY[]<0>", take_body},
		{"EMAILID", take_object}, {"X-GM-MSGID", take_object}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (slice_eq_nocase(slice_str(rows[i].name), name))
			return rows[i].take(lx, f, err);
	}
	return skip_value(lx, err);
}

/* Items up to the closing parenthesis, or to the text that follows elsewhere. */
static int take_items(struct imap_lex *lx, struct imap_fetched *f, struct err *err)
{
	int rc = 0;

	f->is_streamed = false;
	while (rc == 0 && !f->is_streamed && !imap_lex_take(lx, ')')) {
		struct slice name;

		imap_lex_take(lx, ' ');
		name = slice_cut(lx->rest, ' ', &lx->rest);
		if (name.len == 0 || slice_chr(name, '"') != SIZE_MAX)
			return imap_lex_fail(lx, "an item", err);
		rc = take_item(lx, name, f, err);
	}
	return rc;
}

int imap_fetched_parse(struct imap_lex *lx, struct imap_fetched *out, struct err *err)
{
	const int rc = imap_lex_byte(lx, '(', err);

	*out = (struct imap_fetched){.uid = 0};
	return rc < 0 ? rc : take_items(lx, out, err);
}

int imap_fetched_go_on(struct imap_lex *lx, struct imap_fetched *out, struct err *err)
{
	return take_items(lx, out, err);
}
