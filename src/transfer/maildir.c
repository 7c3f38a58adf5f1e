/* maildir.c - see maildir.h for the contract. */
#include "transfer/maildir.h"

#include <stdio.h>

#include "wire/imap/name.h"

/* A dot in a level's name, which Maildir++ keeps for itself. */
#define DOT "&AC4-"

enum { ZONE_MAX = 24 * 60, NAME_ARENA = 16 << 10, HEX = 16, LETTER_BASE = 10 };

static const struct {
	char letter;
	unsigned flag;
} letters[] = {{'D', IMAP_DRAFT}, {'F', IMAP_FLAGGED}, {'R', IMAP_ANSWERED}, {'S', IMAP_SEEN},
	{'T', IMAP_DELETED}};

enum { LETTERS = sizeof(letters) / sizeof(letters[0]) };

/* ---- files ---- */

static void take_letter(struct maildir_name *out, char c)
{
	for (size_t i = 0; i < LETTERS; i++)
		out->system |= c == letters[i].letter ? letters[i].flag : 0;
	out->is_forwarded |= c == 'P';
	if (c >= 'a' && c <= 'z')
		out->letters |= 1ull << (c - 'a');
}

static bool take_hex(struct slice s, uint64_t *out)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		const unsigned char c = ascii_lower((unsigned char)s.ptr[i]);
		const bool is_digit = c >= '0' && c <= '9';

		if (!is_digit && (c < 'a' || c > 'f'))
			return false;
		n = n * HEX + (uint64_t)(is_digit ? c - '0' : c - 'a' + LETTER_BASE);
	}
	*out = n;
	return s.len > 0 && s.len <= HEX;
}

static void take_part(struct maildir_name *out, struct slice part)
{
	const struct slice value = slice_from(part, 2);
	const bool is_minus = slice_starts(value, slice_lit("-"));
	uint64_t n;

	if (slice_starts(part, slice_lit("Z=")) &&
		slice_to_u64(slice_from(value, is_minus), ZONE_MAX, &n)) {
		out->has_zone = true;
		out->zone_min = is_minus ? -(int)n : (int)n;
	} else if (slice_starts(part, slice_lit("K="))) {
		out->has_bits = take_hex(value, &out->bits);
	}
}

void maildir_read_name(struct slice file, struct maildir_name *out)
{
	static const char separators[] = ":;!";
	struct slice parts, base = file;
	uint64_t n;

	*out = (struct maildir_name){0};
	for (size_t i = 0; separators[i]; i++) {
		const char mark[] = {separators[i], '2', ','};
		const size_t at = slice_find(file, (struct slice){mark, sizeof(mark)});

		if (at == SIZE_MAX)
			continue;
		base = slice_head(file, at);
		for (size_t k = at + sizeof(mark); k < file.len; k++)
			take_letter(out, file.ptr[k]);
		break;
	}
	slice_cut(base, ',', &parts);
	while (parts.len) {
		const struct slice part = slice_cut(parts, ',', &parts);

		take_part(out, part);
	}
	out->has_date = slice_to_u64(slice_cut(base, '.', &parts), INT64_MAX / 2, &n);
	out->date_s = out->has_date ? (int64_t)n : 0;
}

void maildir_write_name(
	struct buf *out, const struct maildir_name *name, uint64_t number, uint64_t size)
{
	buf_printf(out, "%010lld.M%llu.posthouse,S=%llu,Z=%d,K=%llx:2,", (long long)name->date_s,
		(unsigned long long)number, (unsigned long long)size, name->zone_min,
		(unsigned long long)name->bits);
	for (size_t i = 0; i < LETTERS; i++) {
		if (i == 2 && name->is_forwarded) /* letters stand in the order of ASCII */
			buf_byte(out, 'P');
		if (name->system & letters[i].flag)
			buf_byte(out, letters[i].letter);
	}
	for (int i = 0; i < MAILDIR_LETTERS; i++) {
		if (name->bits >> i & 1)
			buf_byte(out, (char)('a' + i));
	}
}

/* ---- folders ---- */

/* What is not the one form of modified UTF-7 is taken as it is. */
static void put_decoded(struct buf *out, struct slice part)
{
	struct arena arena AUTO(arena_done);
	struct slice name;
	struct err err;

	arena_init(&arena, NAME_ARENA);
	if (imap_name_decode(&arena, part, false, &name, &err) == 0)
		buf_append(out, name);
	else
		buf_append(out, part);
}

static void put_level(struct buf *out, struct slice level)
{
	size_t at;

	while ((at = slice_find(level, slice_lit(DOT))) != SIZE_MAX) {
		put_decoded(out, slice_head(level, at));
		buf_byte(out, '.');
		level = slice_from(level, at + sizeof(DOT) - 1);
	}
	put_decoded(out, level);
}

void maildir_read_folder(struct slice folder, struct buf *out)
{
	const size_t start = out->len;

	while (folder.len) {
		struct slice part = slice_cut(folder, '/', &folder);
		const bool is_dotted = part.len > 1 && part.ptr[0] == '.';

		if (is_dotted)
			part = slice_from(part, 1);
		while (part.len) {
			const struct slice level = is_dotted ? slice_cut(part, '.', &part) : part;

			if (out->len > start)
				buf_byte(out, '/');
			put_level(out, level);
			if (!is_dotted)
				break;
		}
	}
}

void maildir_write_folder(struct slice path, struct buf *out)
{
	if (slice_eq(path, slice_lit("INBOX")))
		return;
	while (path.len) {
		struct slice level = slice_cut(path, '/', &path);

		buf_byte(out, '.');
		while (level.len) {
			const size_t at = slice_chr(level, '.');

			imap_name_encode(out, slice_head(level, at));
			if (at == SIZE_MAX)
				break;
			buf_lit(out, DOT);
			level = slice_from(level, at + 1);
		}
	}
}

void maildir_read_keywords(struct slice text, struct slice out[MAILDIR_LETTERS])
{
	while (text.len) {
		const struct slice line = slice_trim(slice_cut(text, '\n', &text));
		struct slice name;
		uint64_t n;

		if (slice_to_u64(slice_cut(line, ' ', &name), MAILDIR_LETTERS - 1, &n))
			out[n] = name;
	}
}
