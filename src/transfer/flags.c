/* flags.c - see flags.h for the contract. */
#include "transfer/flags.h"

#include "base/encode.h"

#include <string.h>

enum { MOZILLA_READ = 1, MOZILLA_REPLIED = 2, MOZILLA_MARKED = 4, MOZILLA_GONE = 8 };
enum { MOZILLA_FORWARDED = 0x1000, MOZILLA_DIGITS = 4, KEYWORD_MAX = 100 };

/* RFC 9051 9: an atom. */
static bool is_keyword(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		const char c = s.ptr[i];

		if (c <= ' ' || c > '~' || memchr("(){%*\"\\]", c, 8))
			return false;
	}
	return s.len && s.len <= KEYWORD_MAX;
}

void flags_add(struct transfer_flags *flags, struct slice keyword)
{
	if (!is_keyword(keyword) || flags->keywords_n == FLAGS_KEYWORDS_MAX)
		return;
	for (size_t i = 0; i < flags->keywords_n; i++) {
		if (slice_eq_nocase(flags->keywords[i], keyword))
			return;
	}
	flags->keywords[flags->keywords_n++] = keyword;
}

static void add_all(struct transfer_flags *flags, struct slice value)
{
	while (value.len) {
		const struct slice word = slice_cut(value, ' ', &value);

		flags_add(flags, slice_trim(word));
	}
}

static unsigned letter(char c)
{
	switch (c) {
	case 'R':
		return IMAP_SEEN;
	case 'A':
		return IMAP_ANSWERED;
	case 'F':
		return IMAP_FLAGGED;
	case 'D':
		return IMAP_DELETED;
	case 'T':
		return IMAP_DRAFT;
	default:
		return 0;
	}
}

static void take_mozilla(struct transfer_flags *flags, struct slice value)
{
	unsigned char bytes[MOZILLA_DIGITS / 2];
	unsigned bits;

	if (!hex_decode(slice_head(value, MOZILLA_DIGITS), bytes, sizeof(bytes)))
		return;
	bits = (unsigned)bytes[0] << 8 | bytes[1];
	flags->system |= (bits & MOZILLA_READ ? IMAP_SEEN : 0) |
			 (bits & MOZILLA_REPLIED ? IMAP_ANSWERED : 0) |
			 (bits & MOZILLA_MARKED ? IMAP_FLAGGED : 0);
	flags->is_gone |= (bits & MOZILLA_GONE) != 0;
	if (bits & MOZILLA_FORWARDED)
		flags_add(flags, slice_lit("$Forwarded"));
}

/* Google's labels: what is not unread was read. */
static void take_labels(struct transfer_flags *flags, struct slice value)
{
	flags->system |= IMAP_SEEN;
	while (value.len) {
		const struct slice label = slice_trim(slice_cut(value, ',', &value));

		if (slice_eq(label, slice_lit("Unread")))
			flags->system &= ~(unsigned)IMAP_SEEN;
		if (slice_eq(label, slice_lit("Starred")))
			flags->system |= IMAP_FLAGGED;
	}
}

static void take_field(struct transfer_flags *flags, struct slice name, struct slice value)
{
	if (slice_eq_nocase(name, slice_lit("Status")) ||
		slice_eq_nocase(name, slice_lit("X-Status"))) {
		for (size_t i = 0; i < value.len; i++)
			flags->system |= letter(value.ptr[i]);
	} else if (slice_eq_nocase(name, slice_lit("X-Keywords")) ||
		   slice_eq_nocase(name, slice_lit("X-Mozilla-Keys"))) {
		add_all(flags, value);
	} else if (slice_eq_nocase(name, slice_lit("X-Mozilla-Status"))) {
		take_mozilla(flags, value);
	} else if (slice_eq_nocase(name, slice_lit("X-Gmail-Labels"))) {
		take_labels(flags, value);
	}
}

void flags_read(struct slice raw, struct transfer_flags *out)
{
	struct slice name = {0};

	*out = (struct transfer_flags){0};
	raw = slice_head(raw, FLAGS_HEADER_MAX);
	while (raw.len) {
		const struct slice line = slice_cut(raw, '\n', &raw);
		struct slice value;

		if (slice_trim(line).len == 0)
			break;
		if (line.ptr[0] == ' ' || line.ptr[0] == '\t') {
			take_field(out, name, slice_trim(line));
			continue;
		}
		name = slice_trim(slice_cut(line, ':', &value));
		take_field(out, name, slice_trim(value));
	}
}
