/* args.c - see args.h for the contract. */
#include "wire/imap/args.h"

#include "wire/imap/name.h"

enum { ID_WORDS_MAX = 60 };

/* A name that stands for a bit. */
struct option {
	struct slice name;
	unsigned bit;
};

/* Steps over one of the labels; -ERR_SYNTAX if none is there. */
static int take_option(struct imap_lex *lx, const struct option *options, size_t n,
	unsigned *mask_out, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		if (imap_lex_take_label(lx, options[i].name)) {
			*mask_out |= options[i].bit;
			return 0;
		}
	}
	return imap_lex_fail(lx, "an option that is known here", err);
}

static int parse_mailbox(struct imap_lex *lx, bool is_utf8, struct slice *out, struct err *err)
{
	int rc = imap_lex_byte(lx, ' ', err);

	return rc < 0 ? rc : imap_name_parse(lx, is_utf8, out, err);
}

static int parse_unchanged_since(struct imap_lex *lx, struct imap_store *s, struct err *err)
{
	int rc;

	if (!imap_lex_take(lx, '('))
		return 0;
	s->has_unchanged_since = true;
	if (!imap_lex_take_label(lx, slice_lit("UNCHANGEDSINCE")))
		return imap_lex_fail(lx, "UNCHANGEDSINCE", err);
	rc = imap_lex_byte(lx, ' ', err);
	if (rc == 0)
		rc = imap_lex_number(lx, INT64_MAX, &s->unchanged_since, err);
	if (rc == 0)
		rc = imap_lex_byte(lx, ')', err);
	return rc < 0 ? rc : imap_lex_byte(lx, ' ', err);
}

int imap_store_parse(struct imap_lex *lx, struct imap_store *out, struct err *err)
{
	struct imap_store s = {0};
	int rc = imap_lex_byte(lx, ' ', err);

	if (rc == 0)
		rc = imap_set_parse(lx, &s.set, err);
	if (rc == 0)
		rc = imap_lex_byte(lx, ' ', err);
	if (rc == 0)
		rc = parse_unchanged_since(lx, &s, err);
	if (rc < 0)
		return rc;
	s.how = imap_lex_take(lx, '+')   ? IMAP_STORE_ADD
		: imap_lex_take(lx, '-') ? IMAP_STORE_REMOVE
					 : IMAP_STORE_SET;
	s.is_silent = imap_lex_take_label(lx, slice_lit("FLAGS.SILENT"));
	if (!s.is_silent && !imap_lex_take_label(lx, slice_lit("FLAGS")))
		return imap_lex_fail(lx, "FLAGS", err);
	rc = imap_lex_byte(lx, ' ', err);
	if (rc == 0)
		rc = imap_flags_parse(lx, &s.flags, err);
	if (rc == 0 && s.flags.has_recent)
		return err_set(err, ERR_SYNTAX, "\\Recent cannot be changed");
	if (rc == 0)
		rc = imap_lex_end(lx, err);
	if (rc == 0)
		*out = s;
	return rc;
}

int imap_copy_parse(struct imap_lex *lx, bool is_utf8, struct imap_copy *out, struct err *err)
{
	struct imap_copy copy = {0};
	int rc = imap_lex_byte(lx, ' ', err);

	if (rc == 0)
		rc = imap_set_parse(lx, &copy.set, err);
	if (rc == 0)
		rc = parse_mailbox(lx, is_utf8, &copy.mailbox, err);
	if (rc == 0)
		rc = imap_lex_end(lx, err);
	if (rc == 0)
		*out = copy;
	return rc;
}

int imap_status_items_parse(struct imap_lex *lx, unsigned *out, struct err *err)
{
	static const struct option items[] = {
		{{"MESSAGES", 8}, IMAP_STATUS_MESSAGES},
		{{"RECENT", 6}, IMAP_STATUS_RECENT},
		{{"UIDNEXT", 7}, IMAP_STATUS_UIDNEXT},
		{{"UIDVALIDITY", 11}, IMAP_STATUS_UIDVALIDITY},
		{{"UNSEEN", 6}, IMAP_STATUS_UNSEEN},
		{{"DELETED", 7}, IMAP_STATUS_DELETED},
		{{"SIZE", 4}, IMAP_STATUS_SIZE},
		{{"HIGHESTMODSEQ", 13}, IMAP_STATUS_HIGHESTMODSEQ},
		{{"MAILBOXID", 9}, IMAP_STATUS_MAILBOXID},
		{{"APPENDLIMIT", 11}, IMAP_STATUS_APPENDLIMIT},
	};
	unsigned mask = 0;
	int rc = imap_lex_byte(lx, '(', err);

	while (rc == 0) {
		rc = take_option(lx, items, sizeof(items) / sizeof(items[0]), &mask, err);
		if (rc == 0 && !imap_lex_take(lx, ' '))
			break;
	}
	if (rc == 0)
		rc = imap_lex_byte(lx, ')', err);
	if (rc == 0)
		*out = mask;
	return rc;
}

int imap_status_parse(struct imap_lex *lx, bool is_utf8, struct slice *mailbox_out,
	unsigned *items_out, struct err *err)
{
	struct slice mailbox = {NULL, 0};
	unsigned items = 0;
	int rc = parse_mailbox(lx, is_utf8, &mailbox, err);

	if (rc == 0)
		rc = imap_lex_byte(lx, ' ', err);
	if (rc == 0)
		rc = imap_status_items_parse(lx, &items, err);
	if (rc == 0)
		rc = imap_lex_end(lx, err);
	if (rc == 0) {
		*mailbox_out = mailbox;
		*items_out = items;
	}
	return rc;
}

/* "(SUBSCRIBED RECURSIVEMATCH) " if a list of options is there. */
static int parse_list_selection(struct imap_lex *lx, struct imap_list *list, struct err *err)
{
	static const struct option options[] = {
		{{"SUBSCRIBED", 10}, IMAP_LIST_SUBSCRIBED},
		{{"REMOTE", 6}, IMAP_LIST_REMOTE},
		{{"RECURSIVEMATCH", 14}, IMAP_LIST_RECURSIVE},
		{{"SPECIAL-USE", 11}, IMAP_LIST_SPECIAL_USE},
	};
	int rc = 0;

	if (!imap_lex_take(lx, '('))
		return 0;
	list->is_extended = true;
	if (imap_lex_take(lx, ')'))
		return imap_lex_byte(lx, ' ', err);
	do {
		rc = take_option(lx, options, 4, &list->select, err);
	} while (rc == 0 && imap_lex_take(lx, ' '));
	if (rc == 0)
		rc = imap_lex_byte(lx, ')', err);
	if (rc == 0 && (list->select & IMAP_LIST_RECURSIVE) &&
		!(list->select & (IMAP_LIST_SUBSCRIBED | IMAP_LIST_SPECIAL_USE)))
		return err_set(err, ERR_SYNTAX, "RECURSIVEMATCH needs another option");
	return rc < 0 ? rc : imap_lex_byte(lx, ' ', err);
}

static int parse_pattern(struct imap_lex *lx, struct imap_list *list, struct err *err)
{
	int rc;

	if (list->patterns_n == lx->limits->items_max)
		return err_set(err, ERR_TOOBIG, "too many patterns");
	rc = imap_lex_astring(lx, IMAP_WORD_PATTERN, &list->patterns[list->patterns_n], err);
	if (rc == 0)
		list->patterns_n++;
	return rc;
}

static int parse_patterns(struct imap_lex *lx, struct imap_list *list, struct err *err)
{
	int rc = imap_lex_alloc(
		lx, sizeof(*list->patterns), imap_lex_count(lx), &list->patterns, err);

	if (rc < 0)
		return rc;
	if (!imap_lex_take(lx, '('))
		return parse_pattern(lx, list, err);
	list->is_extended = true;
	do {
		rc = parse_pattern(lx, list, err);
	} while (rc == 0 && imap_lex_take(lx, ' '));
	return rc < 0 ? rc : imap_lex_byte(lx, ')', err);
}

static int parse_list_return(struct imap_lex *lx, struct imap_list *list, struct err *err)
{
	static const struct option options[] = {
		{{"SUBSCRIBED", 10}, IMAP_LIST_SUBSCRIBED},
		{{"CHILDREN", 8}, IMAP_LIST_CHILDREN},
		{{"SPECIAL-USE", 11}, IMAP_LIST_SPECIAL_USE},
		{{"STATUS", 6}, IMAP_LIST_STATUS},
	};
	const bool had_status = list->returns & IMAP_LIST_STATUS;
	int rc = take_option(lx, options, 4, &list->returns, err);

	if (rc == 0 && !had_status && (list->returns & IMAP_LIST_STATUS)) {
		rc = imap_lex_byte(lx, ' ', err);
		if (rc == 0)
			rc = imap_status_items_parse(lx, &list->status, err);
	}
	return rc;
}

/* " RETURN (CHILDREN STATUS (MESSAGES))" */
static int parse_list_returns(struct imap_lex *lx, struct imap_list *list, struct err *err)
{
	int rc;

	if (!imap_lex_take(lx, ' '))
		return 0;
	list->is_extended = true;
	if (!imap_lex_take_label(lx, slice_lit("RETURN")))
		return imap_lex_fail(lx, "RETURN", err);
	rc = imap_lex_byte(lx, ' ', err);
	if (rc == 0)
		rc = imap_lex_byte(lx, '(', err);
	if (rc == 0 && imap_lex_take(lx, ')'))
		return 0;
	while (rc == 0) {
		rc = parse_list_return(lx, list, err);
		if (rc == 0 && !imap_lex_take(lx, ' '))
			return imap_lex_byte(lx, ')', err);
	}
	return rc;
}

int imap_list_parse(struct imap_lex *lx, struct imap_list *out, struct err *err)
{
	struct imap_list list = {0};
	int rc = imap_lex_byte(lx, ' ', err);

	if (rc == 0)
		rc = parse_list_selection(lx, &list, err);
	if (rc == 0)
		rc = imap_lex_astring(lx, IMAP_WORD_ASTRING, &list.reference, err);
	if (rc == 0)
		rc = imap_lex_byte(lx, ' ', err);
	if (rc == 0)
		rc = parse_patterns(lx, &list, err);
	if (rc == 0)
		rc = parse_list_returns(lx, &list, err);
	if (rc == 0)
		rc = imap_lex_end(lx, err);
	if (rc == 0)
		*out = list;
	return rc;
}

int imap_append_parse(struct imap_lex *lx, bool is_utf8, struct imap_append *out, struct err *err)
{
	struct imap_append a = {0};
	int rc = parse_mailbox(lx, is_utf8, &a.mailbox, err);

	if (rc == 0)
		rc = imap_lex_byte(lx, ' ', err);
	if (rc == 0 && imap_lex_peek(lx) == '(') {
		rc = imap_flags_parse(lx, &a.flags, err);
		if (rc == 0)
			rc = imap_lex_byte(lx, ' ', err);
	}
	if (rc == 0 && imap_lex_peek(lx) == '"') {
		a.has_date = true;
		rc = imap_date_time_parse(lx, &a.date, err);
		if (rc == 0)
			rc = imap_lex_byte(lx, ' ', err);
	}
	if (rc == 0)
		rc = imap_lex_body(lx, &a.body, err);
	if (rc == 0)
		rc = imap_lex_end(lx, err);
	if (rc == 0)
		*out = a;
	return rc;
}

int imap_select_parse(struct imap_lex *lx, bool is_utf8, struct slice *mailbox_out,
	bool *condstore_out, struct err *err)
{
	struct slice mailbox;
	bool has_condstore = false;
	int rc = parse_mailbox(lx, is_utf8, &mailbox, err);

	if (rc == 0 && imap_lex_take(lx, ' ')) {
		rc = imap_lex_byte(lx, '(', err);
		has_condstore = rc == 0 && imap_lex_take_label(lx, slice_lit("CONDSTORE"));
		if (rc == 0 && !has_condstore)
			rc = imap_lex_fail(lx, "CONDSTORE", err);
		if (rc == 0)
			rc = imap_lex_byte(lx, ')', err);
	}
	if (rc == 0)
		rc = imap_lex_end(lx, err);
	if (rc == 0) {
		*mailbox_out = mailbox;
		*condstore_out = has_condstore;
	}
	return rc;
}

/* "(USE (\Sent))" */
static int parse_use(struct imap_lex *lx, struct slice *out, struct err *err)
{
	const char *start;
	struct slice name;
	int rc = imap_lex_byte(lx, '(', err);

	if (rc == 0 && !imap_lex_take_label(lx, slice_lit("USE")))
		return imap_lex_fail(lx, "USE", err);
	if (rc == 0)
		rc = imap_lex_byte(lx, ' ', err);
	if (rc == 0)
		rc = imap_lex_byte(lx, '(', err);
	if (rc == 0 && imap_lex_take(lx, ')'))
		return imap_lex_byte(lx, ')', err);
	start = lx->rest.ptr;
	if (rc == 0)
		rc = imap_lex_byte(lx, '\\', err);
	if (rc == 0)
		rc = imap_lex_word(lx, IMAP_WORD_ATOM, &name, err);
	if (rc == 0 && imap_lex_take(lx, ' '))
		return err_set(err, ERR_SYNTAX, "a mailbox has one special use at most");
	if (rc == 0)
		rc = imap_lex_byte(lx, ')', err);
	if (rc == 0)
		rc = imap_lex_byte(lx, ')', err);
	if (rc == 0)
		*out = (struct slice){start, name.len + 1};
	return rc;
}

int imap_create_parse(struct imap_lex *lx, bool is_utf8, struct slice *mailbox_out,
	struct slice *use_out, struct err *err)
{
	struct slice mailbox, use = {NULL, 0};
	int rc = parse_mailbox(lx, is_utf8, &mailbox, err);

	if (rc == 0 && imap_lex_take(lx, ' '))
		rc = parse_use(lx, &use, err);
	if (rc == 0)
		rc = imap_lex_end(lx, err);
	if (rc < 0)
		return rc;
	if (mailbox.len && mailbox.ptr[mailbox.len - 1] == '/')
		mailbox.len--;
	rc = imap_name_check(mailbox, err);
	if (rc < 0)
		return rc;
	*mailbox_out = mailbox;
	*use_out = use;
	return 0;
}

int imap_mailbox_parse(struct imap_lex *lx, bool is_utf8, struct slice *out, struct err *err)
{
	struct slice mailbox = {NULL, 0};
	int rc = parse_mailbox(lx, is_utf8, &mailbox, err);

	if (rc == 0)
		rc = imap_lex_end(lx, err);
	if (rc == 0)
		*out = mailbox;
	return rc;
}

int imap_rename_parse(struct imap_lex *lx, bool is_utf8, struct slice *from_out,
	struct slice *to_out, struct err *err)
{
	struct slice from = {NULL, 0}, to = {NULL, 0};
	int rc = parse_mailbox(lx, is_utf8, &from, err);

	if (rc == 0)
		rc = parse_mailbox(lx, is_utf8, &to, err);
	if (rc == 0)
		rc = imap_lex_end(lx, err);
	if (rc == 0)
		rc = imap_name_check(to, err);
	if (rc == 0) {
		*from_out = from;
		*to_out = to;
	}
	return rc;
}

int imap_login_parse(
	struct imap_lex *lx, struct slice *user_out, struct slice *password_out, struct err *err)
{
	struct slice user = {NULL, 0}, password = {NULL, 0};
	int rc = imap_lex_byte(lx, ' ', err);

	if (rc == 0)
		rc = imap_lex_astring(lx, IMAP_WORD_ASTRING, &user, err);
	if (rc == 0)
		rc = imap_lex_byte(lx, ' ', err);
	if (rc == 0)
		rc = imap_lex_astring(lx, IMAP_WORD_ASTRING, &password, err);
	if (rc == 0)
		rc = imap_lex_end(lx, err);
	if (rc == 0) {
		*user_out = user;
		*password_out = password;
	}
	return rc;
}

int imap_authenticate_parse(struct imap_lex *lx, struct slice *mechanism_out,
	struct slice *initial_out, struct err *err)
{
	struct slice mechanism, initial = {NULL, 0};
	int rc = imap_lex_byte(lx, ' ', err);

	if (rc == 0)
		rc = imap_lex_word(lx, IMAP_WORD_ATOM, &mechanism, err);
	if (rc == 0 && imap_lex_take(lx, ' '))
		rc = imap_lex_word(lx, IMAP_WORD_BASE64, &initial, err);
	if (rc == 0)
		rc = imap_lex_end(lx, err);
	if (rc == 0) {
		*mechanism_out = mechanism;
		*initial_out = initial;
	}
	return rc;
}

int imap_enable_parse(struct imap_lex *lx, struct imap_words *out, struct err *err)
{
	struct imap_words words = {0};
	int rc = imap_lex_alloc(lx, sizeof(*words.words), imap_lex_count(lx), &words.words, err);

	if (rc < 0)
		return rc;
	do {
		if (words.n == lx->limits->items_max)
			return err_set(err, ERR_TOOBIG, "too many capabilities");
		rc = imap_lex_byte(lx, ' ', err);
		if (rc == 0)
			rc = imap_lex_word(lx, IMAP_WORD_ATOM, &words.words[words.n++], err);
	} while (rc == 0 && imap_lex_peek(lx) == ' ');
	if (rc == 0)
		rc = imap_lex_end(lx, err);
	if (rc == 0)
		*out = words;
	return rc;
}

static int parse_id_pairs(struct imap_lex *lx, struct imap_words *words, struct err *err)
{
	int rc = imap_lex_byte(lx, '(', err);

	if (rc == 0 && imap_lex_take(lx, ')'))
		return 0;
	while (rc == 0) {
		if (words->n == ID_WORDS_MAX)
			return err_set(err, ERR_TOOBIG, "more than 30 fields");
		rc = imap_lex_string(lx, &words->words[words->n++], err);
		if (rc == 0)
			rc = imap_lex_byte(lx, ' ', err);
		if (rc == 0)
			rc = imap_lex_nstring(lx, &words->words[words->n++], err);
		if (rc == 0 && !imap_lex_take(lx, ' '))
			return imap_lex_byte(lx, ')', err);
	}
	return rc;
}

int imap_id_parse(struct imap_lex *lx, struct imap_words *out, struct err *err)
{
	struct imap_words words = {0};
	int rc = imap_lex_alloc(lx, sizeof(*words.words), ID_WORDS_MAX, &words.words, err);

	if (rc == 0)
		rc = imap_lex_byte(lx, ' ', err);
	if (rc == 0 && !imap_lex_take_label(lx, slice_lit("NIL")))
		rc = parse_id_pairs(lx, &words, err);
	if (rc == 0)
		rc = imap_lex_end(lx, err);
	if (rc == 0)
		*out = words;
	return rc;
}
