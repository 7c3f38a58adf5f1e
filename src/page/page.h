/*
 * page.h - text from templates that escape by default.
 *
 * A template is HTML or plain text with marks, in the manner of Mustache:
 *
 *   {{name}}  {{user.name}}   a value, escaped for HTML (in a text template: as it is)
 *   {{#list}}…{{/list}}       for each item, or once if it is true; inside, names are looked up in
 *                             the item first, then outside; {{.}} is the item itself
 *   {{^list}}…{{/list}}       if it is false, empty or not there
 *   {{>other}}                another template of the set
 *   {{t.key}}                 a text of the language, from the set's catalogue
 *   {{&name}}                 as it is: only for markup that this program has made
 *
 * Values are jansson's JSON. A name that is not there is empty. Escaping is good in element content
 * and in quoted attribute values; templates put values nowhere else. Templates are embedded in the
 * program, and a mistake in one is found by the build's tests: page_set_check().
 *
 * A mark of a section or a partial that is alone on its line takes the line with it. A text of the
 * catalogue may hold values, {{name}}; the rest of it is escaped like any value.
 *
 * The build embeds a folder of templates by script/embed (see its head).
 *
 * Bounds: PAGE_DEPTH_MAX nested sections and partials; PAGE_MARKS_MAX marks looked at in one page,
 * each turn of a section counted anew; output as the buffer's maximum.
 */
#ifndef PAGE_PAGE_H
#define PAGE_PAGE_H

#include <jansson.h>

#include "base/buf.h"

enum { PAGE_DEPTH_MAX = 32, PAGE_MARKS_MAX = 1000000 };

struct page_template {
	const char *name;
	bool is_text; /* not HTML */
	struct slice source;
};

struct page_set {
	const struct page_template *templates;
	size_t n;
};

/* page_book_new - a set taken apart, for many pages; the set must outlive it. -ERR_SYNTAX with the
 * place: a template is not well-formed or names a partial that there is not. Any thread may render
 * from it. */
struct page_book;
MUST_CHECK int page_book_new(const struct page_set *set, struct page_book **out, struct err *err);
void page_book_free(struct page_book **book);

/* page_book_render - append the template to out. texts is a JSON object of the language's texts (or
 * NULL). -ERR_NOTFOUND, -ERR_SYNTAX (nested too deeply), -ERR_TOOBIG. */
MUST_CHECK int page_book_render(const struct page_book *book, const char *name,
	const json_t *values, const json_t *texts, struct buf *out, struct err *err);

/* page_set_check - every template is well-formed and names only partials that exist. */
MUST_CHECK int page_set_check(const struct page_set *set, struct err *err);

/* page_render - both at once, for a page now and then. */
MUST_CHECK int page_render(const struct page_set *set, const char *name, const json_t *values,
	const json_t *texts, struct buf *out, struct err *err);

/* page_escape - for HTML: & < > " ' */
void page_escape(struct buf *out, struct slice text);

#endif
