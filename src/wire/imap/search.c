/* search.c - see search.h for the contract. */
#include "wire/imap/search.h"

#include "wire/imap/date.h"
#include "wire/imap/flags.h"
#include "base/utf8.h"

/* What follows a key's name. */
enum key_argument {
	ARG_NONE,
	ARG_TEXT,
	ARG_NAME_TEXT,
	ARG_KEYWORD,
	ARG_DATE,
	ARG_NUMBER,
	ARG_MODSEQ,
	ARG_OBJECTID,
	ARG_SET,
	ARG_KEY,
	ARG_KEY_KEY,
};

static const struct key_row {
	struct slice name;
	enum imap_key_kind kind;
	enum key_argument argument;
	unsigned flag;
	bool is_negated;
	const char *field; /* of a HEADER key */
} key_rows[] = {
	{{"ALL", 3}, IMAP_KEY_ALL, ARG_NONE, 0, false, NULL},
	{{"ANSWERED", 8}, IMAP_KEY_FLAG, ARG_NONE, IMAP_ANSWERED, false, NULL},
	{{"BCC", 3}, IMAP_KEY_HEADER, ARG_TEXT, 0, false, "Bcc"},
	{{"BEFORE", 6}, IMAP_KEY_BEFORE, ARG_DATE, 0, false, NULL},
	{{"BODY", 4}, IMAP_KEY_BODY, ARG_TEXT, 0, false, NULL},
	{{"CC", 2}, IMAP_KEY_HEADER, ARG_TEXT, 0, false, "Cc"},
	{{"DELETED", 7}, IMAP_KEY_FLAG, ARG_NONE, IMAP_DELETED, false, NULL},
	{{"DRAFT", 5}, IMAP_KEY_FLAG, ARG_NONE, IMAP_DRAFT, false, NULL},
	{{"EMAILID", 7}, IMAP_KEY_EMAILID, ARG_OBJECTID, 0, false, NULL},
	{{"FLAGGED", 7}, IMAP_KEY_FLAG, ARG_NONE, IMAP_FLAGGED, false, NULL},
	{{"FROM", 4}, IMAP_KEY_HEADER, ARG_TEXT, 0, false, "From"},
	{{"HEADER", 6}, IMAP_KEY_HEADER, ARG_NAME_TEXT, 0, false, NULL},
	{{"KEYWORD", 7}, IMAP_KEY_KEYWORD, ARG_KEYWORD, 0, false, NULL},
	{{"LARGER", 6}, IMAP_KEY_LARGER, ARG_NUMBER, 0, false, NULL},
	{{"MODSEQ", 6}, IMAP_KEY_MODSEQ, ARG_MODSEQ, 0, false, NULL},
	{{"NOT", 3}, IMAP_KEY_NOT, ARG_KEY, 0, false, NULL},
	{{"OLD", 3}, IMAP_KEY_RECENT, ARG_NONE, 0, true, NULL},
	{{"OLDER", 5}, IMAP_KEY_OLDER, ARG_NUMBER, 0, false, NULL},
	{{"ON", 2}, IMAP_KEY_ON, ARG_DATE, 0, false, NULL},
	{{"OR", 2}, IMAP_KEY_OR, ARG_KEY_KEY, 0, false, NULL},
	{{"RECENT", 6}, IMAP_KEY_RECENT, ARG_NONE, 0, false, NULL},
	{{"SEEN", 4}, IMAP_KEY_FLAG, ARG_NONE, IMAP_SEEN, false, NULL},
	{{"SENTBEFORE", 10}, IMAP_KEY_SENTBEFORE, ARG_DATE, 0, false, NULL},
	{{"SENTON", 6}, IMAP_KEY_SENTON, ARG_DATE, 0, false, NULL},
	{{"SENTSINCE", 9}, IMAP_KEY_SENTSINCE, ARG_DATE, 0, false, NULL},
	{{"SINCE", 5}, IMAP_KEY_SINCE, ARG_DATE, 0, false, NULL},
	{{"SMALLER", 7}, IMAP_KEY_SMALLER, ARG_NUMBER, 0, false, NULL},
	{{"SUBJECT", 7}, IMAP_KEY_HEADER, ARG_TEXT, 0, false, "Subject"},
	{{"TEXT", 4}, IMAP_KEY_TEXT, ARG_TEXT, 0, false, NULL},
	{{"THREADID", 8}, IMAP_KEY_THREADID, ARG_OBJECTID, 0, false, NULL},
	{{"TO", 2}, IMAP_KEY_HEADER, ARG_TEXT, 0, false, "To"},
	{{"UID", 3}, IMAP_KEY_UID, ARG_SET, 0, false, NULL},
	{{"UNANSWERED", 10}, IMAP_KEY_FLAG, ARG_NONE, IMAP_ANSWERED, true, NULL},
	{{"UNDELETED", 9}, IMAP_KEY_FLAG, ARG_NONE, IMAP_DELETED, true, NULL},
	{{"UNDRAFT", 7}, IMAP_KEY_FLAG, ARG_NONE, IMAP_DRAFT, true, NULL},
	{{"UNFLAGGED", 9}, IMAP_KEY_FLAG, ARG_NONE, IMAP_FLAGGED, true, NULL},
	{{"UNKEYWORD", 9}, IMAP_KEY_KEYWORD, ARG_KEYWORD, 0, true, NULL},
	{{"UNSEEN", 6}, IMAP_KEY_FLAG, ARG_NONE, IMAP_SEEN, true, NULL},
	{{"YOUNGER", 7}, IMAP_KEY_YOUNGER, ARG_NUMBER, 0, false, NULL},
};

struct key_parser {
	struct imap_lex *lx;
	unsigned keys, depth;
	bool has_modseq;
};

static int parse_key(struct key_parser *p, struct imap_key **out, struct err *err);

static int new_key(
	struct key_parser *p, enum imap_key_kind kind, struct imap_key **out, struct err *err)
{
	struct imap_key *key;
	int rc;

	if (p->keys++ == p->lx->limits->items_max)
		return err_set(err, ERR_TOOBIG, "too many search keys");
	rc = imap_lex_alloc(p->lx, sizeof(*key), 1, &key, err);
	if (rc < 0)
		return rc;
	key->kind = kind;
	*out = key;
	return 0;
}

static int parse_text(struct imap_lex *lx, struct slice *out, struct err *err)
{
	int rc = imap_lex_byte(lx, ' ', err);

	if (rc == 0)
		rc = imap_lex_astring(lx, IMAP_WORD_ASTRING, out, err);
	if (rc == 0 && !utf8_is_valid(*out))
		return err_set(err, ERR_SYNTAX, "search text is not UTF-8");
	return rc;
}

/* [SP entry-name SP entry-type] SP number: flags share one modseq, so the entry does not matter. */
static int parse_modseq(struct imap_lex *lx, struct imap_key *key, struct err *err)
{
	struct slice ignored;
	int rc = imap_lex_byte(lx, ' ', err);

	if (rc == 0 && imap_lex_peek(lx) == '"') {
		rc = imap_lex_string(lx, &ignored, err);
		if (rc == 0)
			rc = imap_lex_byte(lx, ' ', err);
		if (rc == 0)
			rc = imap_lex_word(lx, IMAP_WORD_LABEL, &ignored, err);
		if (rc == 0)
			rc = imap_lex_byte(lx, ' ', err);
	}
	return rc < 0 ? rc : imap_lex_number(lx, INT64_MAX, &key->number, err);
}

/* The keys below `key`, as a list. */
static int parse_children(struct key_parser *p, struct imap_key *key, unsigned n, struct err *err)
{
	struct imap_key **at = &key->first;

	for (unsigned i = 0; i < n; i++) {
		int rc = imap_lex_byte(p->lx, ' ', err);

		if (rc == 0)
			rc = parse_key(p, at, err);
		if (rc < 0)
			return rc;
		at = &(*at)->next;
	}
	return 0;
}

static int parse_argument(
	struct key_parser *p, enum key_argument argument, struct imap_key *key, struct err *err)
{
	struct imap_lex *lx = p->lx;
	int rc;

	switch (argument) {
	case ARG_NONE:
		return 0;
	case ARG_KEY:
		return parse_children(p, key, 1, err);
	case ARG_KEY_KEY:
		return parse_children(p, key, 2, err);
	case ARG_TEXT:
		return parse_text(lx, &key->text, err);
	case ARG_NAME_TEXT:
		rc = parse_text(lx, &key->name, err);
		return rc < 0 ? rc : parse_text(lx, &key->text, err);
	case ARG_MODSEQ:
		p->has_modseq = true;
		return parse_modseq(lx, key, err);
	default:
		break;
	}
	rc = imap_lex_byte(lx, ' ', err);
	if (rc < 0)
		return rc;
	switch (argument) {
	case ARG_DATE:
		return imap_date_parse(lx, &key->day, err);
	case ARG_NUMBER:
		return imap_lex_number(lx, INT64_MAX, &key->number, err);
	case ARG_SET:
		return imap_set_parse(lx, &key->set, err);
	default: /* ARG_KEYWORD, ARG_OBJECTID */
		return imap_lex_astring(lx, IMAP_WORD_ATOM, &key->text, err);
	}
}

/* Puts a NOT, or an AND for NEW, around what was read. */
static int wrap_key(struct key_parser *p, enum imap_key_kind kind, struct imap_key *inner,
	struct imap_key **out, struct err *err)
{
	int rc = new_key(p, kind, out, err);

	if (rc == 0)
		(*out)->first = inner;
	return rc;
}

static int parse_row(
	struct key_parser *p, const struct key_row *row, struct imap_key **out, struct err *err)
{
	struct imap_key *key;
	int rc = new_key(p, row->kind, &key, err);

	if (rc < 0)
		return rc;
	key->flag = row->flag;
	if (row->field)
		key->name = slice_str(row->field);
	rc = parse_argument(p, row->argument, key, err);
	if (rc < 0)
		return rc;
	if (row->is_negated)
		return wrap_key(p, IMAP_KEY_NOT, key, out, err);
	*out = key;
	return 0;
}

/* NEW: RECENT and not SEEN (RFC 3501 6.4.4). */
static int make_new(struct key_parser *p, struct imap_key **out, struct err *err)
{
	struct imap_key *recent, *seen, *unseen;
	int rc = new_key(p, IMAP_KEY_RECENT, &recent, err);

	if (rc == 0)
		rc = new_key(p, IMAP_KEY_FLAG, &seen, err);
	if (rc < 0)
		return rc;
	seen->flag = IMAP_SEEN;
	rc = wrap_key(p, IMAP_KEY_NOT, seen, &unseen, err);
	if (rc < 0)
		return rc;
	recent->next = unseen;
	return wrap_key(p, IMAP_KEY_AND, recent, out, err);
}

/* key *(SP key): one alone stands for itself, more are an AND. */
static int parse_keys(struct key_parser *p, struct imap_key **out, struct err *err)
{
	struct imap_key *first = NULL, **at = &first;
	int rc;

	do {
		rc = parse_key(p, at, err);
		if (rc < 0)
			return rc;
		at = &(*at)->next;
	} while (imap_lex_take(p->lx, ' '));
	if (!first->next) {
		*out = first;
		return 0;
	}
	return wrap_key(p, IMAP_KEY_AND, first, out, err);
}

static int parse_set_key(struct key_parser *p, struct imap_key **out, struct err *err)
{
	int rc = new_key(p, IMAP_KEY_SEQ, out, err);

	return rc < 0 ? rc : imap_set_parse(p->lx, &(*out)->set, err);
}

static int parse_key_here(struct key_parser *p, struct imap_key **out, struct err *err)
{
	const int c = imap_lex_peek(p->lx);
	struct slice name;
	int rc;

	if (imap_lex_take(p->lx, '(')) {
		rc = parse_keys(p, out, err);
		return rc < 0 ? rc : imap_lex_byte(p->lx, ')', err);
	}
	if ((c >= '0' && c <= '9') || c == '*' || c == '$')
		return parse_set_key(p, out, err);
	rc = imap_lex_word(p->lx, IMAP_WORD_LABEL, &name, err);
	if (rc < 0)
		return rc;
	if (slice_eq_nocase(name, slice_lit("NEW")))
		return make_new(p, out, err);
	for (size_t i = 0; i < sizeof(key_rows) / sizeof(key_rows[0]); i++) {
		if (slice_eq_nocase(name, key_rows[i].name))
			return parse_row(p, &key_rows[i], out, err);
	}
	return err_set(err, ERR_SYNTAX, "there is no search key \"%.*s\"",
		(int)(name.len < 32 ? name.len : 32), name.ptr);
}

/* On success *out is a key whose next is NULL. */
static int parse_key(struct key_parser *p, struct imap_key **out, struct err *err)
{
	int rc;

	if (p->depth == p->lx->limits->depth_max)
		return err_set(err, ERR_SYNTAX, "search keys nested deeper than %u", p->depth);
	p->depth++;
	rc = parse_key_here(p, out, err);
	p->depth--;
	return rc;
}

static int parse_returns(struct imap_lex *lx, struct imap_search *s, struct err *err)
{
	static const struct {
		struct slice name;
		unsigned bit;
	} options[] = {
		{{"MIN", 3}, IMAP_RETURN_MIN},
		{{"MAX", 3}, IMAP_RETURN_MAX},
		{{"ALL", 3}, IMAP_RETURN_ALL},
		{{"COUNT", 5}, IMAP_RETURN_COUNT},
		{{"SAVE", 4}, IMAP_RETURN_SAVE},
	};
	int rc = imap_lex_byte(lx, ' ', err);

	s->has_return = true;
	if (rc == 0)
		rc = imap_lex_byte(lx, '(', err);
	if (rc == 0 && imap_lex_take(lx, ')')) {
		s->returns = IMAP_RETURN_ALL;
		return imap_lex_byte(lx, ' ', err);
	}
	while (rc == 0) {
		size_t i = 0;

		while (i < 5 && !imap_lex_take_label(lx, options[i].name))
			i++;
		if (i == 5)
			return err_set(err, ERR_SYNTAX, "there is no such RETURN option");
		s->returns |= options[i].bit;
		if (!imap_lex_take(lx, ' '))
			break;
	}
	if (rc == 0)
		rc = imap_lex_byte(lx, ')', err);
	return rc < 0 ? rc : imap_lex_byte(lx, ' ', err);
}

static int parse_charset(struct imap_lex *lx, struct imap_search *s, struct err *err)
{
	struct slice charset;
	int rc = imap_lex_byte(lx, ' ', err);

	if (rc == 0)
		rc = imap_lex_astring(lx, IMAP_WORD_ASTRING, &charset, err);
	if (rc < 0)
		return rc;
	s->is_bad_charset = !slice_eq_nocase(charset, slice_lit("UTF-8")) &&
			    !slice_eq_nocase(charset, slice_lit("US-ASCII"));
	return s->is_bad_charset ? 0 : imap_lex_byte(lx, ' ', err);
}

int imap_search_parse(struct imap_lex *lx, struct imap_search *out, struct err *err)
{
	struct imap_search s = {0};
	struct key_parser p = {.lx = lx};
	int rc = imap_lex_byte(lx, ' ', err);

	if (rc == 0 && imap_lex_take_label(lx, slice_lit("RETURN")))
		rc = parse_returns(lx, &s, err);
	if (rc == 0 && imap_lex_take_label(lx, slice_lit("CHARSET")))
		rc = parse_charset(lx, &s, err);
	if (rc == 0 && !s.is_bad_charset) {
		rc = parse_keys(&p, &s.key, err);
		s.has_modseq = p.has_modseq;
		if (rc == 0)
			rc = imap_lex_end(lx, err);
	}
	if (rc == 0)
		*out = s;
	return rc;
}
