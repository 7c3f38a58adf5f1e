/* text.c - see text.h for the contract. */
#include "transfer/text.h"

#include <string.h>

static const char *const own_fields[] = {"Status", "X-Status", "X-Keywords", "X-UID", "X-IMAP",
	"X-IMAPbase", "X-Mozilla-Status", "X-Mozilla-Status2", "X-Mozilla-Keys"};
static const char *const mail_fields[] = {"From", "Date", "Subject", "Received", "Return-Path",
	"Message-ID", "To", "MIME-Version", "Delivered-To", "Content-Type", "Reply-To", "Cc",
	"DKIM-Signature", "X-Mozilla-Status"};

enum { FIELD_MAX = 76, LINES_LOOKED_AT = 50, LOOK_MAX = 64 << 10, PIECE_MIN = 256 };

/* The name of the field that the line begins; empty: it begins none. */
static struct slice field_name(struct slice line)
{
	const size_t at = slice_chr(slice_head(line, FIELD_MAX), ':');
	struct slice name;

	if (at == SIZE_MAX)
		return (struct slice){0};
	name = slice_trim(slice_head(line, at));
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] <= ' ' || name.ptr[i] > '~')
			return (struct slice){0};
	}
	return name;
}

static bool is_of(struct slice name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (slice_eq_nocase(name, slice_str(list[i])))
			return true;
	}
	return false;
}

bool text_is_own_field(struct slice line)
{
	return is_of(field_name(line), own_fields, sizeof(own_fields) / sizeof(own_fields[0]));
}

bool text_looks_like_mail(struct slice raw)
{
	bool is_mail = false;

	raw = slice_head(raw, LOOK_MAX);
	for (int i = 0; i < LINES_LOOKED_AT && raw.len; i++) {
		const struct slice line = slice_cut(raw, '\n', &raw);
		const struct slice name = field_name(line);

		if (slice_trim(line).len == 0)
			break;
		if (name.len == 0 && (i == 0 || (line.ptr[0] != ' ' && line.ptr[0] != '\t')))
			return false;
		is_mail |= is_of(name, mail_fields, sizeof(mail_fields) / sizeof(mail_fields[0]));
	}
	return is_mail;
}

void text_open(struct text *text, struct slice raw, unsigned how)
{
	*text = (struct text){.rest = raw, .how = how};
}

static bool is_quoted(struct slice line)
{
	size_t n = 0;

	while (n < line.len && line.ptr[n] == '>')
		n++;
	return n && slice_starts(slice_from(line, n), slice_lit("From "));
}

/* At the start of a line: what it is. */
static void meet_line(struct text *text, struct slice *piece)
{
	if (piece->ptr[0] == '\n' || slice_starts(*piece, slice_lit("\r\n")))
		text->is_body = true;
	if (text->is_body)
		text->is_skipped = false;
	else if (piece->ptr[0] != ' ' && piece->ptr[0] != '\t')
		text->is_skipped = (text->how & TEXT_OWN_FIELDS) && text_is_own_field(*piece);
	if ((text->how & TEXT_UNQUOTE) && is_quoted(*piece))
		*piece = slice_from(*piece, 1);
}

/* The piece has at most one LF, its last byte. */
static void put_piece(struct text *text, struct buf *out, struct slice piece)
{
	const bool is_end = piece.len && piece.ptr[piece.len - 1] == '\n';

	if (is_end && (text->how & TEXT_CRLF)) {
		const char before = piece.len > 1 ? piece.ptr[piece.len - 2] : text->last;

		buf_append(out, slice_head(piece, piece.len - 1));
		if (before != '\r')
			buf_byte(out, '\r');
		buf_byte(out, '\n');
		return;
	}
	buf_append(out, piece);
}

bool text_pull(struct text *text, struct buf *out, size_t max)
{
	const size_t before = out->len;

	if (text->how == 0) {
		const struct slice piece = slice_head(text->rest, max);

		text->rest = slice_from(text->rest, piece.len);
		buf_append(out, piece);
		return piece.len > 0;
	}
	while (text->rest.len && out->len - before < max) {
		struct slice piece = slice_head(text->rest, max > PIECE_MIN ? max : PIECE_MIN);
		const size_t end = slice_chr(piece, '\n');
		char last;

		if (end != SIZE_MAX)
			piece.len = end + 1;
		text->rest = slice_from(text->rest, piece.len);
		last = piece.ptr[piece.len - 1];
		if (!text->is_inside)
			meet_line(text, &piece);
		if (!text->is_skipped)
			put_piece(text, out, piece);
		text->last = last;
		text->is_inside = last != '\n';
	}
	return out->len > before;
}
