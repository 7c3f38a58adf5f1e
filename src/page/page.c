/* page.c - see page.h for the contract. Templates are interpreted as they stand: a page is made in
 * one walk over its text, and a section that repeats is walked again for each item. */
#include "page/page.h"

#include <assert.h>
#include <string.h>

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

/* One walk over a template. */
struct walk {
	const struct page_set *set;
	const struct page_template *template;
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

/* Behind the end of the section that began just before *at; its inside is *at to *inner_end_out. */
static int find_close(const struct page_template *template, size_t *at, struct slice name,
	size_t *inner_end_out, struct err *err)
{
	struct slice open[PAGE_DEPTH_MAX];
	const size_t start = *at;
	size_t depth = 1;
	struct mark mark;

	open[0] = name;
	for (;;) {
		const size_t before = *at;
		const int rc = next_mark(template, at, &mark, err);

		if (rc < 0)
			return rc;
		if (mark.kind == MARK_END)
			return fail_at(template, start, "a section is not closed", err);
		if (mark.kind == MARK_SECTION || mark.kind == MARK_INVERTED) {
			if (depth == PAGE_DEPTH_MAX)
				return fail_at(template, before, "nested too deeply", err);
			open[depth++] = mark.text;
		}
		if (mark.kind != MARK_CLOSE)
			continue;
		if (!slice_eq(mark.text, open[depth - 1]))
			return fail_at(template, before, "closes what is not open", err);
		if (--depth == 0) {
			*inner_end_out = before;
			return 0;
		}
	}
}

/* ---- values ---- */

static const json_t *member(const json_t *object, struct slice name)
{
	char key[NAME_MAX_LEN + 1];

	assert(name.len <= NAME_MAX_LEN);
	memcpy(key, name.ptr, name.len);
	key[name.len] = '\0';
	return json_object_get(object, key);
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
	if (is_raw || w->template->is_text)
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

static int walk_part(struct walk *w, size_t at, size_t end, struct err *err);

static const struct page_template *find_template(const struct page_set *set, struct slice name)
{
	for (size_t i = 0; i < set->n; i++) {
		if (slice_eq(slice_str(set->templates[i].name), name))
			return &set->templates[i];
	}
	return NULL;
}

static int walk_partial(struct walk *w, struct slice name, struct err *err)
{
	const struct page_template *outer = w->template, *inner = find_template(w->set, name);
	int rc;

	if (!inner)
		return err_set(err, ERR_NOTFOUND, "no template %.*s", SLICE_ARG(name));
	w->template = inner;
	rc = walk_part(w, 0, inner->source.len, err);
	w->template = outer;
	return rc;
}

static int walk_item(struct walk *w, const json_t *item, size_t at, size_t end, struct err *err)
{
	int rc;

	w->values[w->values_n++] = item;
	rc = walk_part(w, at, end, err);
	w->values_n--;
	return rc;
}

static int walk_section(
	struct walk *w, const struct mark *mark, size_t at, size_t end, struct err *err)
{
	const json_t *value = look_up(w, mark->text);
	int rc = 0;

	if (mark->kind == MARK_INVERTED)
		return is_true(value) ? 0 : walk_part(w, at, end, err);
	if (!is_true(value))
		return 0;
	if (!json_is_array(value))
		return walk_item(w, value, at, end, err);
	for (size_t i = 0; rc == 0 && i < json_array_size(value); i++) {
		rc = walk_item(w, json_array_get(value, i), at, end, err);
		if (rc == 0)
			rc = buf_check(w->out, "page", err);
	}
	return rc;
}

static int walk_mark(struct walk *w, const struct mark *mark, size_t *at, struct err *err)
{
	const struct slice text_prefix = slice_lit("t.");
	size_t inner = *at, inner_end;
	int rc;

	switch (mark->kind) {
	case MARK_TEXT:
		buf_append(w->out, mark->text);
		return 0;
	case MARK_VALUE:
		if (slice_starts(mark->text, text_prefix))
			put_text(w, slice_from(mark->text, text_prefix.len));
		else
			put_value(w, look_up(w, mark->text), false);
		return 0;
	case MARK_RAW:
		put_value(w, look_up(w, mark->text), true);
		return 0;
	case MARK_PARTIAL:
		return walk_partial(w, mark->text, err);
	case MARK_SECTION:
	case MARK_INVERTED:
		rc = find_close(w->template, at, mark->text, &inner_end, err);
		return rc < 0 ? rc : walk_section(w, mark, inner, inner_end, err);
	default:
		return fail_at(w->template, *at, "closes what is not open", err);
	}
}

static int walk_part(struct walk *w, size_t at, size_t end, struct err *err)
{
	struct mark mark;
	int rc = 0;

	if (w->depth == PAGE_DEPTH_MAX)
		return fail_at(w->template, at, "nested too deeply", err);
	w->depth++;
	while (rc == 0 && at < end) {
		rc = next_mark(w->template, &at, &mark, err);
		if (rc == 0 && ++w->marks > PAGE_MARKS_MAX)
			rc = err_set(err, ERR_TOOBIG, "a page of too many marks");
		if (rc == 0)
			rc = walk_mark(w, &mark, &at, err);
	}
	w->depth--;
	return rc;
}

int page_render(const struct page_set *set, const char *name, const json_t *values,
	const json_t *texts, struct buf *out, struct err *err)
{
	struct walk w = {.set = set, .texts = texts, .out = out};
	int rc;

	if (values)
		w.values[w.values_n++] = values;
	rc = walk_partial(&w, slice_str(name), err);
	return rc < 0 ? rc : buf_check(out, "page", err);
}

static int check_template(
	const struct page_set *set, const struct page_template *template, struct err *err)
{
	struct mark mark;
	size_t at = 0;
	int rc;

	do {
		const size_t before = at;
		size_t after, ignored;

		rc = next_mark(template, &at, &mark, err);
		if (rc < 0)
			return rc;
		if (mark.kind == MARK_PARTIAL && !find_template(set, mark.text))
			return fail_at(template, before, "no such template", err);
		after = at;
		if (mark.kind == MARK_SECTION || mark.kind == MARK_INVERTED)
			rc = find_close(template, &after, mark.text, &ignored, err);
		if (rc < 0)
			return rc;
	} while (mark.kind != MARK_END);
	return 0;
}

int page_set_check(const struct page_set *set, struct err *err)
{
	for (size_t i = 0; i < set->n; i++) {
		struct buf out AUTO(buf_done);
		int rc = check_template(set, &set->templates[i], err);

		buf_init(&out, 1 << 20);
		/* With nothing to show: a stray end, and partials that never end, are found. */
		if (rc == 0)
			rc = page_render(set, set->templates[i].name, NULL, NULL, &out, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}
