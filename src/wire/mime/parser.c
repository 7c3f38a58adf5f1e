/*
 * parser.c - the line machine of mime.h.
 *
 * Invariants:
 * 1. open[0] is the message; each open part is a child of the one before it.
 * 2. IN_HEADER: the last open part's header is being read, and header holds its bytes (up to the
 *    limit) including the line at hand; header_line is where that line begins in it.
 * 3. `boundaries` open parts have a boundary: multiparts whose closing delimiter was not seen.
 * 4. offset is where the line at hand begins, lines the number of LFs before it, eol the length
 *    of the line end in front of it.
 * 5. Only the first LINE_KEPT bytes of a line, its length and its end decide anything, so that the
 *    result cannot depend on how the bytes were cut.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/mime/line.h"
#include "wire/mime/part.h"

enum { LINE_KEPT = 1024, BOUNDARY_MAX = 500, PART_TEXT_MAX = 2048 };

const struct mime_limits mime_limits_default = {
	.depth_max = 50, .parts_max = 1000, .header_bytes_max = 256 * 1024, .fields_max = 2000};

struct open_part {
	struct mime_part *part;
	struct mime_part **link; /* where its next child goes */
	struct slice boundary;   /* empty: none, or closed */
	uint64_t lines_before;   /* its body */
};

struct mime_parser {
	struct mime_limits limits;
	struct mime_message *message;
	struct open_part *open;
	unsigned depth, boundaries;
	bool is_in_header;
	uint64_t offset, lines;
	unsigned eol;
	struct buf header;
	size_t header_line;
	bool has_field;    /* the header has a field already */
	uint64_t line_len; /* bytes of the line at hand that came with former feeds */
	char line_last;    /* the last of them */
	char line[LINE_KEPT];
};

/* Opens a part as the last child of the innermost open one; false past a limit. */
static bool open_part(struct mime_parser *p, bool is_message)
{
	struct open_part *outer = p->depth ? &p->open[p->depth - 1] : NULL;
	struct mime_part *part;

	if (p->message->parts >= p->limits.parts_max || p->depth >= p->limits.depth_max)
		return false;
	part = arena_alloc(&p->message->arena, sizeof(*part));
	if (!part)
		return false;
	part->is_message = is_message;
	part->header_start = p->offset;
	if (outer) {
		part->parent = outer->part;
		*outer->link = part;
		outer->link = &part->next;
	}
	p->open[p->depth++] = (struct open_part){.part = part, .link = &part->children};
	p->message->parts++;
	p->is_in_header = true;
	p->has_field = false;
	p->header_line = 0;
	buf_clear(&p->header);
	return true;
}

struct mime_parser *mime_parser_new(const struct mime_limits *limits)
{
	struct mime_parser *p = mem_new(struct mime_parser);

	p->limits = *limits;
	if (p->limits.depth_max == 0)
		p->limits.depth_max = 1;
	if (p->limits.parts_max == 0)
		p->limits.parts_max = 1;
	p->open = mem_zalloc_array(p->limits.depth_max, sizeof(*p->open));
	p->message = mem_new(struct mime_message);
	arena_init(&p->message->arena, sizeof(struct mime_part) + 4 * p->limits.header_bytes_max +
					       (size_t)p->limits.parts_max * PART_TEXT_MAX);
	buf_init(&p->header, p->limits.header_bytes_max);
	(void)open_part(p, true);
	p->message->root = p->open[0].part;
	return p;
}

/* Multiparts and messages that we look into; RFC 2046 5.2.1 and RFC 6532 3.7 for the encodings. */
static enum mime_kind kind_of(const struct mime_parser *p, const struct mime_part *part)
{
	if (p->depth >= p->limits.depth_max)
		return MIME_LEAF;
	if (slice_eq(part->type, slice_lit("multipart")))
		return MIME_MULTIPART;
	if (!slice_eq(part->type, slice_lit("message")) || part->encoding > MIME_BINARY)
		return MIME_LEAF;
	if (slice_eq(part->subtype, slice_lit("rfc822")) ||
		slice_eq(part->subtype, slice_lit("global")))
		return MIME_MESSAGE;
	return MIME_LEAF;
}

/* The innermost header ends, and the body begins at offset. */
static void end_header(struct mime_parser *p)
{
	struct open_part *open = &p->open[p->depth - 1];
	struct mime_part *part = open->part;
	struct slice boundary;

	boundary = mime_part_fill(
		part, buf_slice(&p->header), p->limits.fields_max, &p->message->arena);
	part->body_start = p->offset;
	open->lines_before = p->lines;
	p->is_in_header = false;
	part->kind = kind_of(p, part);
	if (part->kind == MIME_MULTIPART) {
		if (boundary.len && boundary.len <= BOUNDARY_MAX) {
			open->boundary = boundary;
			p->boundaries++;
		} else {
			mime_part_set_plain(part);
		}
	}
	if (part->kind == MIME_MESSAGE && !open_part(p, true))
		part->kind = MIME_LEAF;
}

/* Closes the innermost part at *end, before which are *lines LFs, or where its body begins if that
 * is later: then what it is in ends there too. */
static void close_part(struct mime_parser *p, uint64_t *end, uint64_t *lines)
{
	struct open_part *open = &p->open[--p->depth];
	struct mime_part *part = open->part;

	if (*end < part->body_start) {
		*end = part->body_start;
		*lines = open->lines_before;
	}
	part->body_end = *end;
	part->lines = *lines - open->lines_before;
	if (open->boundary.len)
		p->boundaries--;
	if (part->kind == MIME_MULTIPART && !part->children)
		mime_part_set_plain(part);
}

/* Closes parts until depth are left. The line end before a delimiter belongs to that. */
static void close_to(struct mime_parser *p, unsigned depth, unsigned eol)
{
	uint64_t end = p->offset - eol, lines = p->lines - (eol > 0);

	while (p->is_in_header && p->depth > depth)
		end_header(p);
	while (p->depth > depth)
		close_part(p, &end, &lines);
}

enum delimiter { DELIMITER_NONE, DELIMITER_LOOSE, DELIMITER_PART, DELIMITER_CLOSE };

/* What a line behind its "--" is to a boundary. */
static enum delimiter compare_boundary(struct slice rest, struct slice boundary)
{
	if (!boundary.len || !slice_starts(rest, boundary))
		return DELIMITER_NONE;
	rest = slice_from(rest, boundary.len);
	if (rest.len == 0)
		return DELIMITER_PART;
	if (!slice_starts(rest, slice_lit("--")))
		return DELIMITER_NONE;
	return rest.len == 2 ? DELIMITER_CLOSE : DELIMITER_LOOSE;
}

/* The innermost multipart that the line is a delimiter of. One boundary may be the front of
 * another, so the line must be all of it; only behind "--" may there be more, if no other fits. */
static enum delimiter find_delimiter(
	const struct mime_parser *p, struct slice line, unsigned *depth_out)
{
	bool is_loose = false;
	struct slice rest;

	if (p->boundaries == 0 || !slice_starts(line, slice_lit("--")))
		return DELIMITER_NONE;
	rest = slice_from(line, 2);
	while (rest.len && strchr(" \t\r", rest.ptr[rest.len - 1]) && rest.ptr[rest.len - 1])
		rest.len--;
	for (unsigned i = p->depth; i-- > 0;) {
		const enum delimiter found = compare_boundary(rest, p->open[i].boundary);

		if (found == DELIMITER_NONE || (found == DELIMITER_LOOSE && is_loose))
			continue;
		*depth_out = i + 1;
		if (found != DELIMITER_LOOSE)
			return found;
		is_loose = true;
	}
	return is_loose ? DELIMITER_CLOSE : DELIMITER_NONE;
}

static void next_line(struct mime_parser *p, uint64_t len, unsigned eol)
{
	p->offset += len;
	p->lines += eol > 0;
	p->eol = eol;
	p->header_line = p->header.len;
}

static bool end_at_delimiter(struct mime_parser *p, struct slice text, uint64_t len, unsigned eol)
{
	unsigned depth = 0;
	const enum delimiter found = find_delimiter(p, text, &depth);

	if (found == DELIMITER_NONE)
		return false;
	if (p->is_in_header)
		p->header.len = p->header_line;
	close_to(p, depth, p->eol);
	next_line(p, len, eol);
	if (found == DELIMITER_PART) {
		(void)open_part(p, false);
	} else {
		p->open[depth - 1].boundary = (struct slice){NULL, 0};
		p->boundaries--;
	}
	return true;
}

static bool is_white(struct slice s)
{
	return slice_trim(s).len == 0;
}

/* A line of a header; false if it belongs to the body. */
static bool take_header_line(struct mime_parser *p, struct slice text, uint64_t len, unsigned eol)
{
	size_t colon;
	enum mime_line kind = mime_line_kind(text, &colon);

	if (kind == MIME_LINE_FOLD && !p->has_field && is_white(text))
		kind = MIME_LINE_BLANK;
	if (kind == MIME_LINE_OTHER)
		return false;
	p->has_field |= kind == MIME_LINE_FIELD;
	next_line(p, len, eol);
	if (kind == MIME_LINE_BLANK) {
		p->open[p->depth - 1].part->has_blank = true;
		end_header(p);
	}
	return true;
}

/* A whole line, of which head is the front, or all without its end. */
static void take_line(struct mime_parser *p, struct slice head, uint64_t len, unsigned eol)
{
	const struct slice text = len <= LINE_KEPT ? mime_line_text(head) : head;

	if (end_at_delimiter(p, text, len, eol))
		return;
	if (p->is_in_header) {
		if (take_header_line(p, text, len, eol))
			return;
		/* The blank line is missing. In a message within, its header is missing too. */
		p->header.len = p->header_line;
		while (p->is_in_header)
			end_header(p);
		if (end_at_delimiter(p, text, len, eol))
			return;
	}
	next_line(p, len, eol);
}

static void keep_header(struct mime_parser *p, struct slice piece)
{
	const size_t room = p->limits.header_bytes_max - p->header.len;

	if (piece.len > room)
		p->open[p->depth - 1].part->is_header_cut = true;
	buf_append(&p->header, slice_head(piece, room));
}

/* All of a line, or the next piece of one. */
static void take_piece(struct mime_parser *p, struct slice piece, bool is_end)
{
	const char before = piece.len > 1 ? piece.ptr[piece.len - 2] : p->line_last;
	const bool is_crlf = piece.len + p->line_len > 1 && before == '\r';
	const uint64_t len = p->line_len + piece.len;

	if (p->is_in_header)
		keep_header(p, piece);
	if (is_end && p->line_len == 0) {
		take_line(p, slice_head(piece, LINE_KEPT), len, is_crlf ? 2 : 1);
		return;
	}
	if (p->line_len < LINE_KEPT) {
		const struct slice kept = slice_head(piece, LINE_KEPT - p->line_len);

		memcpy(p->line + p->line_len, kept.ptr, kept.len);
	}
	p->line_last = piece.ptr[piece.len - 1];
	p->line_len = len;
	if (is_end) {
		p->line_len = 0;
		take_line(p, slice_head((struct slice){p->line, len}, LINE_KEPT), len,
			is_crlf ? 2 : 1);
	}
}

/* Passes over lines of a body that cannot be delimiters; nearly all of a message goes by here. */
static struct slice skim_body(struct mime_parser *p, struct slice bytes)
{
	const char *at = bytes.ptr, *end = bytes.ptr + bytes.len, *nl;

	while (at < end && (*at != '-' || p->boundaries == 0)) {
		nl = memchr(at, '\n', (size_t)(end - at));
		if (!nl)
			break;
		p->lines++;
		p->eol = nl > at && nl[-1] == '\r' ? 2 : 1;
		at = nl + 1;
	}
	p->offset += (uint64_t)(at - bytes.ptr);
	return slice_from(bytes, (size_t)(at - bytes.ptr));
}

void mime_parser_feed(struct mime_parser *p, struct slice bytes)
{
	while (bytes.len) {
		const char *nl;
		size_t n;

		if (!p->is_in_header && p->line_len == 0)
			bytes = skim_body(p, bytes);
		if (bytes.len == 0)
			break;
		nl = memchr(bytes.ptr, '\n', bytes.len);
		n = nl ? (size_t)(nl - bytes.ptr) + 1 : bytes.len;
		take_piece(p, slice_head(bytes, n), nl != NULL);
		bytes = slice_from(bytes, n);
	}
}

struct mime_message *mime_parser_finish(struct mime_parser *p)
{
	struct mime_message *message = p->message;
	const uint64_t len = p->line_len;

	p->line_len = 0;
	if (len)
		take_line(p, slice_head((struct slice){p->line, len}, LINE_KEPT), len, 0);
	message->size = p->offset;
	close_to(p, 0, 0);
	p->message = NULL;
	return message;
}

void mime_parser_free(struct mime_parser **pp)
{
	struct mime_parser *p = *pp;

	if (!p)
		return;
	mime_message_free(&p->message);
	buf_done(&p->header);
	free(p->open);
	free(p);
	*pp = NULL;
}

void mime_message_free(struct mime_message **message)
{
	if (!*message)
		return;
	arena_done(&(*message)->arena);
	free(*message);
	*message = NULL;
}
