/* flags.c - see flags.h for the contract. */
#include "wire/imap/flags.h"

static const struct {
	unsigned mask;
	struct slice name;
} system_flags[] = {
	{IMAP_SEEN, {"\\Seen", 5}},
	{IMAP_ANSWERED, {"\\Answered", 9}},
	{IMAP_FLAGGED, {"\\Flagged", 8}},
	{IMAP_DELETED, {"\\Deleted", 8}},
	{IMAP_DRAFT, {"\\Draft", 6}},
	{0, {"\\Recent", 7}},
};

enum { SYSTEM_FLAGS = sizeof(system_flags) / sizeof(system_flags[0]) };

struct slice imap_flag_name(unsigned mask)
{
	for (size_t i = 0; i < SYSTEM_FLAGS; i++) {
		if (system_flags[i].mask & mask)
			return system_flags[i].name;
	}
	return (struct slice){NULL, 0};
}

static int parse_system_flag(struct imap_lex *lx, struct imap_flags *flags, struct err *err)
{
	struct slice name;
	int rc = imap_lex_word(lx, IMAP_WORD_ATOM, &name, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < SYSTEM_FLAGS; i++) {
		if (slice_eq_nocase(slice_from(system_flags[i].name, 1), name)) {
			flags->system |= system_flags[i].mask;
			flags->has_recent |= system_flags[i].mask == 0;
			return 0;
		}
	}
	return err_set(err, ERR_SYNTAX, "there is no such system flag");
}

static int parse_flag(struct imap_lex *lx, struct imap_flags *flags, struct err *err)
{
	struct slice name;
	int rc;

	if (imap_lex_take(lx, '\\'))
		return parse_system_flag(lx, flags, err);
	rc = imap_lex_word(lx, IMAP_WORD_ATOM, &name, err);
	if (rc < 0)
		return rc;
	if (flags->keywords_n == lx->limits->items_max)
		return err_set(err, ERR_TOOBIG, "too many flags");
	flags->keywords[flags->keywords_n++] = name;
	return 0;
}

int imap_flags_parse(struct imap_lex *lx, struct imap_flags *out, struct err *err)
{
	struct imap_flags flags = {0};
	const bool is_list = imap_lex_take(lx, '(');
	int rc = imap_lex_alloc(
		lx, sizeof(*flags.keywords), imap_lex_count(lx), &flags.keywords, err);

	if (rc < 0)
		return rc;
	if (is_list && imap_lex_take(lx, ')')) {
		*out = flags;
		return 0;
	}
	do {
		rc = parse_flag(lx, &flags, err);
	} while (rc == 0 && imap_lex_take(lx, ' '));
	if (rc == 0 && is_list)
		rc = imap_lex_byte(lx, ')', err);
	if (rc == 0)
		*out = flags;
	return rc;
}
