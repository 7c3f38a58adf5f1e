/* page.c - see page.h for the contract. Templates are taken apart once; a page is made in one walk
 * over the pieces, and a section that repeats is walked again for each item. */
#include "page/page.h"

#include <stdlib.h>

#include "base/mem.h"

enum { NAME_MAX_LEN = 64 };

enum mark_kind {
	MARK_TEXT, /* not a mark: the text in front of one, or the last */
	MARK_VALUE,
	MARK_RAW,
	MARK_SECTION,
	MARK_INVERTED,
	MARK_CLOSE,
	MARK_PARTIAL,
	MARK_END,
};

struct mark {
	enum mark_kind kind;
	struct slice text; /* MARK_TEXT: the text; else the name */
};

/* A template taken apart once: what is shown and asked for, in order. */
struct piece {
	enum mark_kind kind;
	bool is_catalogue; /* MARK_VALUE: {{t.key}} */
	unsigned to;       /* a section: the piece behind its end; MARK_PARTIAL: the template */
	struct slice text; /* MARK_TEXT: the text; else the name */
};

struct part {
	unsigned first, end; /* its pieces */
};

struct page_book {
	struct page_set set;
	struct part *parts; /* of each template */
	struct piece *pieces;
	unsigned n;
};

/* One walk over a template. */
struct walk {
	const struct page_book *book;
	unsigned template;
	const json_t *texts;
	const json_t *values[PAGE_DEPTH_MAX + 1]; /* what names are looked up in, the last first */
	size_t values_n;
	unsigned depth;
	size_t marks; /* looked at */
	struct buf *out;
};

void page_escape(struct buf *out, struct slice text)
{
	size_t from = 0;

	for (size_t i = 0; i < text.len; i++) {
		const char *name = NULL;

		switch (text.ptr[i]) {
		case '&':
			name = "&amp;";
			break;
		case '<':
			name = "&lt;";
			break;
		case '>':
			name = "&gt;";
			break;
		case '"':
			name = "&quot;";
			break;
		case '\'':
			name = "&#39;";
			break;
		default:
			continue;
		}
		buf_append(out, (struct slice){text.ptr + from, i - from});
		buf_str(out, name);
		from = i + 1;
	}
	if (from < text.len)
		buf_append(out, slice_from(text, from));
}

/* ---- marks ---- */

static int fail_at(
	const struct page_template *template, size_t at, const char *why, struct err *err)
{
	size_t line = 1;

	for (size_t i = 0; i < at && i < template->source.len; i++)
		line += template->source.ptr[i] == '\n';
	return err_set(err, ERR_SYNTAX, "%s:%zu: %s", template->name, line, why);
}

static bool is_name(struct slice s)
{
	if (slice_eq(s, slice_lit(".")))
		return true;
	if (s.len == 0 || s.len > NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		const unsigned char c = ascii_lower((unsigned char)s.ptr[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '-' &&
			c != '.')
			return false;
	}
	return true;
}

static enum mark_kind kind_of(char c)
{
	switch (c) {
	case '#':
		return MARK_SECTION;
	case '^':
		return MARK_INVERTED;
	case '/':
		return MARK_CLOSE;
	case '>':
		return MARK_PARTIAL;
	case '&':
		return MARK_RAW;
	default:
		return MARK_VALUE;
	}
}

/* A mark that makes no text of its own and is alone on its line takes the line with it: *from is
 * moved back to the line's start and *end behind its end. */
static void take_line(struct slice source, size_t least, size_t *from, size_t *end)
{
	size_t a = *from, b = *end;

	while (a > least && (source.ptr[a - 1] == ' ' || source.ptr[a - 1] == '\t'))
		a--;
	while (b < source.len && (source.ptr[b] == ' ' || source.ptr[b] == '\t'))
		b++;
	if ((a > 0 && source.ptr[a - 1] != '\n') || (b < source.len && source.ptr[b] != '\n'))
		return;
	*from = a;
	*end = b < source.len ? b + 1 : b;
}

/* The next piece from *at on: the text before a mark, and when *at is at the mark, the mark. */
static int next_mark(
	const struct page_template *template, size_t *at, struct mark *out, struct err *err)
{
	const struct slice source = template->source, rest = slice_from(source, *at);
	size_t open = slice_find(rest, slice_lit("{{")), close, end, from;
	struct slice inner;

	if (rest.len == 0) {
		*out = (struct mark){.kind = MARK_END};
		return 0;
	}
	if (open == SIZE_MAX) {
		*out = (struct mark){MARK_TEXT, rest};
		*at = source.len;
		return 0;
	}
	from = open = open + *at;
	close = slice_find(slice_from(source, open), slice_lit("}}"));
	if (close == SIZE_MAX)
		return fail_at(template, open, "a mark is not closed", err);
	end = open + close + 2;
	inner = (struct slice){source.ptr + open + 2, close - 2};
	out->kind = inner.len ? kind_of(inner.ptr[0]) : MARK_VALUE;
	if (out->kind != MARK_VALUE)
		inner = slice_from(inner, 1);
	if (!is_name(inner))
		return fail_at(template, open, "not a name", err);
	if (out->kind >= MARK_SECTION)
		take_line(source, *at, &from, &end);
	if (from > *at) {
		*out = (struct mark){MARK_TEXT, {source.ptr + *at, from - *at}};
		*at = from;
		return 0;
	}
	out->text = inner;
	*at = end;
	return 0;
}

/* ---- a book: the templates, taken apart ---- */

static unsigned find_template(const struct page_set *set, struct slice name)
{
	unsigned i = 0;

	while (i < set->n && !slice_eq(slice_str(set->templates[i].name), name))
		i++;
	return i;
}

/* Sections that are open, the outermost first: their pieces. */
struct open {
	unsigned pieces[PAGE_DEPTH_MAX];
	size_t n;
};

/* False: something else is open, or nothing. */
static bool close_section(struct page_book *book, struct open *open, struct slice name)
{
	struct piece *section;

	if (open->n == 0)
		return false;
	section = &book->pieces[open->pieces[--open->n]];
	section->to = book->n;
	return slice_eq(section->text, name);
}

static int add_piece(struct page_book *book, const struct page_template *template,
	const struct mark *mark, size_t at, struct open *open, struct err *err)
{
	const struct slice catalogue = slice_lit("t.");
	struct piece *piece = &book->pieces[book->n];

	if (mark->kind == MARK_CLOSE)
		return close_section(book, open, mark->text)
			       ? 0
			       : fail_at(template, at, "closes what is not open", err);
	*piece = (struct piece){.kind = mark->kind, .text = mark->text};
	if (mark->kind == MARK_PARTIAL) {
		piece->to = find_template(&book->set, mark->text);
		if (piece->to == book->set.n)
			return fail_at(template, at, "no such template", err);
	} else if (mark->kind == MARK_VALUE && slice_starts(mark->text, catalogue)) {
		piece->is_catalogue = true;
		piece->text = slice_from(mark->text, catalogue.len);
	} else if (mark->kind == MARK_SECTION || mark->kind == MARK_INVERTED) {
		if (open->n == PAGE_DEPTH_MAX)
			return fail_at(template, at, "nested too deeply", err);
		open->pieces[open->n++] = book->n;
	}
	book->n++;
	return 0;
}

static int add_template(struct page_book *book, const struct page_template *template,
	struct part *part, struct err *err)
{
	struct open open = {.n = 0};
	struct mark mark;
	size_t at = 0;
	int rc;

	part->first = book->n;
	for (;;) {
		const size_t before = at;

		rc = next_mark(template, &at, &mark, err);
		if (rc < 0)
			return rc;
		if (mark.kind == MARK_END)
			break;
		rc = add_piece(book, template, &mark, before, &open, err);
		if (rc < 0)
			return rc;
	}
	part->end = book->n;
	return open.n ? fail_at(template, at, "a section is not closed", err) : 0;
}

/* No template has more: a mark and the text in front of it for each brace, and the last text. */
static size_t most_pieces(const struct page_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++) {
		struct slice rest = set->templates[i].source;
		size_t at;

		for (n++; (at = slice_find(rest, slice_lit("{{"))) != SIZE_MAX; n += 2)
			rest = slice_from(rest, at + 2);
	}
	return n;
}

int page_book_new(const struct page_set *set, struct page_book **out, struct err *err)
{
	struct page_book *book AUTO(page_book_free) = mem_new(struct page_book);

	book->set = *set;
	book->parts = mem_zalloc_array(set->n, sizeof(*book->parts));
	book->pieces = mem_zalloc_array(most_pieces(set), sizeof(*book->pieces));
	for (size_t i = 0; i < set->n; i++) {
		const int rc = add_template(book, &set->templates[i], &book->parts[i], err);

		if (rc < 0)
			return rc;
	}
	*out = book;
	book = NULL;
	return 0;
}

void page_book_free(struct page_book **book)
{
	if (!*book)
		return;
	free((*book)->parts);
	free((*book)->pieces);
	free(*book);
	*book = NULL;
}

/* ---- values ---- */

static const json_t *member(const json_t *object, struct slice name)
{
	return json_object_getn(object, name.ptr, name.len);
}

/* "a.b.c": a is looked up in the innermost value that has it, the rest below it. */
static const json_t *look_up(const struct walk *w, struct slice name)
{
	struct slice rest, first;
	const json_t *value = NULL;

	if (slice_eq(name, slice_lit(".")))
		return w->values_n ? w->values[w->values_n - 1] : NULL;
	first = slice_cut(name, '.', &rest);
	for (size_t i = w->values_n; i > 0 && !value; i--)
		value = member(w->values[i - 1], first);
	while (value && rest.ptr) {
		first = slice_cut(rest, '.', &rest);
		value = member(value, first);
	}
	return value;
}

static bool is_true(const json_t *value)
{
	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_NULL:
	case JSON_FALSE:
		return false;
	case JSON_STRING:
		return json_string_length(value) > 0;
	case JSON_ARRAY:
		return json_array_size(value) > 0;
	case JSON_INTEGER:
		return json_integer_value(value) != 0;
	default:
		return true;
	}
}

static void put(struct walk *w, struct slice text, bool is_raw)
{
	if (is_raw || w->book->set.templates[w->template].is_text)
		buf_append(w->out, text);
	else
		page_escape(w->out, text);
}

static void put_value(struct walk *w, const json_t *value, bool is_raw)
{
	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		put(w, (struct slice){json_string_value(value), json_string_length(value)}, is_raw);
		break;
	case JSON_INTEGER:
		buf_printf(w->out, "%lld", (long long)json_integer_value(value));
		break;
	case JSON_TRUE:
		buf_lit(w->out, "true");
		break;
	default:
		break;
	}
}

/* A text of the catalogue: plain, with values in it as {{name}}. */
static void put_text(struct walk *w, struct slice key)
{
	const json_t *found = w->texts ? member(w->texts, key) : NULL;
	struct slice text, name;
	size_t open;

	if (!json_is_string(found))
		return;
	text = (struct slice){json_string_value(found), json_string_length(found)};
	while ((open = slice_find(text, slice_lit("{{"))) != SIZE_MAX) {
		const struct slice inner = slice_from(text, open + 2);
		const size_t close = slice_find(inner, slice_lit("}}"));

		if (close == SIZE_MAX)
			break;
		put(w, slice_head(text, open), false);
		name = slice_head(inner, close);
		if (is_name(name))
			put_value(w, look_up(w, name), false);
		text = slice_from(inner, close + 2);
	}
	put(w, text, false);
}

/* ---- the walk ---- */

static int walk_part(struct walk *w, struct part part, struct err *err);

static int walk_template(struct walk *w, unsigned template, struct err *err)
{
	const unsigned outer = w->template;
	int rc;

	w->template = template;
	rc = walk_part(w, w->book->parts[template], err);
	w->template = outer;
	return rc;
}

static int walk_item(struct walk *w, const json_t *item, struct part part, struct err *err)
{
	int rc;

	w->values[w->values_n++] = item;
	rc = walk_part(w, part, err);
	w->values_n--;
	return rc;
}

static int walk_section(
	struct walk *w, const struct piece *section, struct part inside, struct err *err)
{
	const json_t *value = look_up(w, section->text);
	int rc = 0;

	if (section->kind == MARK_INVERTED)
		return is_true(value) ? 0 : walk_part(w, inside, err);
	if (!is_true(value))
		return 0;
	if (!json_is_array(value))
		return walk_item(w, value, inside, err);
	for (size_t i = 0; rc == 0 && i < json_array_size(value); i++) {
		rc = walk_item(w, json_array_get(value, i), inside, err);
		if (rc == 0)
			rc = buf_check(w->out, "page", err);
	}
	return rc;
}

/* The piece at *at, and with a section what is inside: *at is then behind it. */
static int walk_piece(struct walk *w, unsigned *at, struct err *err)
{
	const struct piece *piece = &w->book->pieces[*at];
	const struct part inside = {*at + 1, piece->to};

	++*at;
	switch (piece->kind) {
	case MARK_TEXT:
		buf_append(w->out, piece->text);
		return 0;
	case MARK_PARTIAL:
		return walk_template(w, piece->to, err);
	case MARK_SECTION:
	case MARK_INVERTED:
		*at = piece->to;
		return walk_section(w, piece, inside, err);
	default:
		if (piece->is_catalogue)
			put_text(w, piece->text);
		else
			put_value(w, look_up(w, piece->text), piece->kind == MARK_RAW);
		return 0;
	}
}

static int walk_part(struct walk *w, struct part part, struct err *err)
{
	int rc = 0;

	if (w->depth == PAGE_DEPTH_MAX)
		return fail_at(&w->book->set.templates[w->template], 0, "nested too deeply", err);
	w->depth++;
	for (unsigned at = part.first; rc == 0 && at < part.end;) {
		if (++w->marks > PAGE_MARKS_MAX)
			rc = err_set(err, ERR_TOOBIG, "a page of too many marks");
		else
			rc = walk_piece(w, &at, err);
	}
	w->depth--;
	return rc;
}

int page_book_render(const struct page_book *book, const char *name, const json_t *values,
	const json_t *texts, struct buf *out, struct err *err)
{
	struct walk w = {.book = book, .texts = texts, .out = out};
	const unsigned template = find_template(&book->set, slice_str(name));
	int rc;

	if (template == book->set.n)
		return err_set(err, ERR_NOTFOUND, "no template %s", name);
	if (values)
		w.values[w.values_n++] = values;
	rc = walk_template(&w, template, err);
	return rc < 0 ? rc : buf_check(out, "page", err);
}

int page_render(const struct page_set *set, const char *name, const json_t *values,
	const json_t *texts, struct buf *out, struct err *err)
{
	struct page_book *book AUTO(page_book_free) = NULL;
	const int rc = page_book_new(set, &book, err);

	return rc < 0 ? rc : page_book_render(book, name, values, texts, out, err);
}

int page_set_check(const struct page_set *set, struct err *err)
{
	struct page_book *book AUTO(page_book_free) = NULL;
	int rc = page_book_new(set, &book, err);

	/* With nothing to show: partials that never end are found. */
	for (size_t i = 0; i < set->n && rc == 0; i++) {
		struct buf out AUTO(buf_done);

		buf_init(&out, 1 << 20);
		rc = page_book_render(book, set->templates[i].name, NULL, NULL, &out, err);
	}
	return rc;
}
