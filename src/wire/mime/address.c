/* address.c - address lists; RFC 5322 3.4 and 4.4, and what senders make of them. header.h. */
#include <string.h>

#include "wire/mime/header.h"

/* A source route longer than this is not looked for; it bounds the search for its end. */
enum { ROUTE_MAX = 1000 };

/*
 * All texts of one list are written one behind the other into a single block as long as the value:
 * each byte of the value gets into one text at most, and runs of white space and comments become
 * one space.
 */
struct reader {
	struct slice in;
	size_t at;
	char *text;
	size_t used;
	bool is_in_group;
	struct slice comment; /* the last one seen, raw: the name in "a@b (Name)" */
};

static bool is_end(const struct reader *r)
{
	return r->at >= r->in.len;
}

/* The byte at hand, 0 at the end; a NUL in the value is white space. */
static char peek(const struct reader *r)
{
	return is_end(r) ? '\0' : r->in.ptr[r->at];
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}

/* Comments nest; one that does not end goes to the end of the value. */
static void skip_comment(struct reader *r)
{
	const size_t start = r->at + 1;
	unsigned depth = 0;

	for (; !is_end(r); r->at++) {
		if (peek(r) == '\\' && r->at + 1 < r->in.len) {
			r->at++;
		} else if (peek(r) == '(') {
			depth++;
		} else if (peek(r) == ')' && --depth == 0) {
			r->comment = slice_trim((struct slice){r->in.ptr + start, r->at - start});
			r->at++;
			return;
		}
	}
	r->comment = slice_trim(slice_from(r->in, start));
}

/* White space and comments; true if there were any. */
static bool skip_space(struct reader *r)
{
	const size_t start = r->at;

	while (!is_end(r)) {
		if (peek(r) == '(')
			skip_comment(r);
		else if (is_space(peek(r)))
			r->at++;
		else
			break;
	}
	return r->at > start;
}

static void put(struct reader *r, char c)
{
	r->text[r->used++] = c;
}

/* What is between quotes, without them and without line ends. */
static void take_quoted(struct reader *r)
{
	for (r->at++; !is_end(r) && peek(r) != '"'; r->at++) {
		if (peek(r) == '\\' && r->at + 1 < r->in.len)
			r->at++;
		if (peek(r) != '\r' && peek(r) != '\n' && peek(r) != '\0')
			put(r, peek(r));
	}
	if (!is_end(r))
		r->at++;
}

/* Bytes up to white space or a byte that means something: an atom, or what is used as one. */
static void take_word(struct reader *r, const char *stops)
{
	while (!is_end(r) && !is_space(peek(r)) && !strchr(stops, peek(r)))
		put(r, r->in.ptr[r->at++]);
}

/* Words with one space between them, up to one of `<>@,;` or, outside of a group, `:`. */
static struct slice take_phrase(struct reader *r)
{
	const char *stops = r->is_in_group ? "<>@,;\"(" : "<>@,;:\"(";
	const size_t start = r->used;

	while (!is_end(r)) {
		const bool was_space = skip_space(r);

		if (is_end(r) || (peek(r) != '"' && strchr(stops, peek(r))))
			break;
		if (was_space && r->used > start)
			put(r, ' ');
		if (peek(r) == '"')
			take_quoted(r);
		else
			take_word(r, stops);
	}
	return (struct slice){r->text + start, r->used - start};
}

/* After "@": atoms and dots with nothing between them, or a literal in brackets. */
static struct slice take_domain(struct reader *r)
{
	const size_t start = r->used;

	skip_space(r);
	if (peek(r) == '[') {
		while (!is_end(r) && peek(r) != ']' && peek(r) != '>' && peek(r) != ',') {
			if (!is_space(peek(r)))
				put(r, peek(r));
			r->at++;
		}
		if (peek(r) == ']')
			put(r, r->in.ptr[r->at++]);
	}
	while (!is_end(r)) {
		const size_t before = r->used;

		take_word(r, "<>@,;(\"");
		if (!skip_space(r))
			break;
		/* obs-domain has white space only around dots: anything else is another word. */
		if (peek(r) != '.' && !(r->used > before && r->text[r->used - 1] == '.'))
			break;
	}
	return (struct slice){r->text + start, r->used - start};
}

/* A local part was read as a phrase: white space around its dots is obsolete and means nothing. */
static struct slice tidy_local(struct slice s)
{
	char *p = (char *)s.ptr;
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		const bool is_by_dot = (n && p[n - 1] == '.') || (i + 1 < s.len && p[i + 1] == '.');

		if (p[i] != ' ' || !is_by_dot)
			p[n++] = p[i];
	}
	return (struct slice){p, n};
}

/* "@a,@b:" at the front of an angle address. */
static struct slice take_route(struct reader *r)
{
	const struct slice head = slice_head(slice_from(r->in, r->at), ROUTE_MAX);
	const size_t colon = slice_chr(head, ':');
	const size_t start = r->used;

	if (colon == SIZE_MAX || slice_chr(head, '>') < colon)
		return (struct slice){NULL, 0};
	for (size_t i = 0; i < colon; i++) {
		if (!is_space(head.ptr[i]))
			put(r, head.ptr[i]);
	}
	r->at += colon + 1;
	return (struct slice){r->text + start, r->used - start};
}

static void take_angle(struct reader *r, struct mime_address *out)
{
	const bool was_in_group = r->is_in_group;

	r->at++;
	skip_space(r);
	if (peek(r) == '@')
		out->route = take_route(r);
	r->is_in_group = true; /* a colon has no meaning in here */
	out->mailbox = tidy_local(take_phrase(r));
	r->is_in_group = was_in_group;
	if (peek(r) == '@') {
		r->at++;
		out->domain = take_domain(r);
	}
	while (!is_end(r) && peek(r) != '>' && peek(r) != ',')
		r->at++;
	if (peek(r) == '>')
		r->at++;
}

/* The comment's text without its escapes. */
static struct slice comment_text(struct reader *r)
{
	const size_t start = r->used;
	const struct slice s = r->comment;

	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\\' && i + 1 < s.len)
			i++;
		if (s.ptr[i] != '\r' && s.ptr[i] != '\n' && s.ptr[i] != '\0')
			put(r, s.ptr[i]);
	}
	return (struct slice){r->text + start, r->used - start};
}

/* After a phrase without angle brackets: "local@domain", or a local part alone. */
static void take_plain(struct reader *r, struct slice phrase, struct mime_address *out)
{
	const size_t start = (size_t)(phrase.ptr - r->text);
	struct slice domain = {"", 0};

	if (peek(r) == '@') {
		put(r, '@');
		r->at++;
		domain = take_domain(r);
		skip_space(r);
	}
	if (peek(r) == '<') { /* "a@b <a@b>": an address for a name */
		out->name = (struct slice){r->text + start, r->used - start};
		take_angle(r, out);
	} else {
		out->mailbox = tidy_local(phrase);
		out->domain = domain;
	}
}

/* What stands behind an address up to the next separator, which is left. */
static void skip_rest(struct reader *r)
{
	while (!is_end(r) && peek(r) != ',' && peek(r) != ';') {
		if (peek(r) == '(')
			skip_comment(r);
		else
			r->at++;
	}
}

/* One address from what is neither white space nor separator. */
static void read_address(struct reader *r, struct mime_address *out)
{
	struct slice phrase;

	r->comment = (struct slice){NULL, 0};
	phrase = take_phrase(r);
	out->mailbox = out->domain = (struct slice){"", 0};
	if (peek(r) == ':' && !r->is_in_group) {
		r->at++;
		out->kind = MIME_ADDRESS_GROUP;
		out->name = phrase;
		r->is_in_group = true;
		return;
	}
	if (peek(r) == '<') {
		if (phrase.len)
			out->name = phrase;
		take_angle(r, out);
	} else {
		take_plain(r, phrase, out);
	}
	skip_rest(r);
	if (!out->name.ptr && r->comment.len)
		out->name = comment_text(r);
}

/* The next address or end of group; false at the end. */
static bool next_address(struct reader *r, struct mime_address *out)
{
	for (;;) {
		skip_space(r);
		if (peek(r) == ';' && r->is_in_group)
			break;
		if (is_end(r))
			break;
		if (peek(r) != ',' && peek(r) != ';' && peek(r) != '>')
			break;
		r->at++;
	}
	if (r->is_in_group && (is_end(r) || peek(r) == ';')) {
		r->at += !is_end(r);
		r->is_in_group = false;
		out->kind = MIME_ADDRESS_GROUP_END;
		return true;
	}
	if (is_end(r))
		return false;
	read_address(r, out);
	return true;
}

struct mime_address *mime_address_parse(struct slice value, size_t max, struct arena *arena)
{
	/* Twice: a name that comes from a comment may be written behind what it follows. */
	struct reader r = {.in = value, .text = arena_alloc(arena, value.len + 2)};
	struct mime_address *first = NULL, **link = &first;

	for (size_t n = 0; r.text && n < max; n++) {
		struct mime_address address = {0};

		if (!next_address(&r, &address))
			break;
		*link = arena_alloc(arena, sizeof(**link));
		if (!*link)
			break;
		**link = address;
		link = &(*link)->next;
	}
	return first;
}
