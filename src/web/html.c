/* html.c - see html.h for the contract. */
#include "web/html.h"

#include <libxml/HTMLparser.h>
#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>

#include "page/page.h"
#include "web/html_rules.h"
#include "web/text.h"

enum { URL_MAX = 4096 };

struct writer {
	const struct html_options *options;
	struct html_result *result;
	struct buf *out;
	bool is_text;
	/* text: what stands between the last word and the next */
	unsigned breaks;
	bool has_space, has_words;
	unsigned quotes;
};

static void ignore(void *context, const char *message, ...)
{
	(void)context;
	(void)message;
}

void html_init(void)
{
	xmlInitParser();
	xmlSetGenericErrorFunc(NULL, ignore);
}

static struct slice text_of(const xmlChar *s)
{
	return s ? slice_str((const char *)s) : (struct slice){0};
}

/* Entities are resolved already, so it is one text. */
static struct slice value_of(const xmlAttr *a)
{
	const bool is_one = a->children && !a->children->next;

	return is_one ? text_of(a->children->content) : (struct slice){0};
}

static struct slice attribute(const xmlNode *node, const char *name)
{
	for (const xmlAttr *a = node->properties; a; a = a->next) {
		if (strcmp((const char *)a->name, name) == 0)
			return value_of(a);
	}
	return (struct slice){0};
}

/* ---- clean HTML ---- */

static void put_attribute(struct writer *w, const char *name, struct slice value)
{
	buf_printf(w->out, " %s=\"", name);
	page_escape(w->out, value);
	buf_byte(w->out, '"');
}

/* White space and control bytes, which browsers skip in a URL, are taken out before it is judged.
 */
static struct slice tidy_url(struct slice url, char text[URL_MAX])
{
	size_t n = 0;

	if (url.len > URL_MAX)
		return (struct slice){0};
	for (size_t i = 0; i < url.len; i++) {
		if ((unsigned char)url.ptr[i] > ' ' && url.ptr[i] != 0x7f)
			text[n++] = url.ptr[i];
	}
	return (struct slice){text, n};
}

static void put_link(struct writer *w, struct slice href)
{
	char text[URL_MAX];
	const struct slice url = tidy_url(href, text);

	if (slice_starts_nocase(url, slice_lit("mailto:"))) {
		buf_lit(w->out, " href=\"/mail/write?mailto=");
		text_put_query(w->out, slice_from(url, 7));
		buf_byte(w->out, '"');
	} else if (html_is_web_url(url) || slice_starts_nocase(url, slice_lit("tel:"))) {
		put_attribute(w, "href", url);
	} else {
		return;
	}
	buf_lit(w->out, " target=\"_blank\" rel=\"noopener noreferrer nofollow\"");
}

static void put_alt(struct writer *w, const xmlNode *node)
{
	const struct slice alt = slice_trim(attribute(node, "alt"));

	if (alt.len == 0)
		return;
	buf_lit(w->out, "<span title=\"Picture not shown\">[");
	page_escape(w->out, alt);
	buf_lit(w->out, "]</span>");
}

/* True if it is written with its source, and attributes may follow. */
static bool put_picture(struct writer *w, const xmlNode *node)
{
	const struct slice src = slice_trim(attribute(node, "src"));
	const size_t before = w->out->len;

	if (html_is_data_picture(src)) {
		buf_lit(w->out, "<img");
		put_attribute(w, "src", src);
		return true;
	}
	if (slice_starts_nocase(src, slice_lit("cid:")) && w->options->picture) {
		buf_lit(w->out, "<img src=\"");
		if (w->options->picture(w->options->context, slice_from(src, 4), w->out)) {
			buf_byte(w->out, '"');
			return true;
		}
		w->out->len = before;
	}
	w->result->outside += src.len > 0;
	put_alt(w, node);
	return false;
}

static void put_attributes(struct writer *w, const xmlNode *node)
{
	for (const xmlAttr *a = node->properties; a; a = a->next) {
		const char *name = (const char *)a->name;
		const struct slice value = value_of(a);

		if (html_attribute_is_kept(slice_str(name))) {
			put_attribute(w, name, value);
		} else if (strcmp(name, "style") == 0) {
			struct buf style AUTO(buf_done);

			buf_init(&style, HTML_STYLE_MAX);
			html_clean_style(value, &style);
			if (style.len)
				put_attribute(w, "style", buf_slice(&style));
		}
	}
}

static void open_element(struct writer *w, const xmlNode *node)
{
	const char *name = (const char *)node->name;

	if (strcmp(name, "img") == 0) {
		if (!put_picture(w, node))
			return;
	} else {
		buf_printf(w->out, "<%s", name);
	}
	if (strcmp(name, "a") == 0)
		put_link(w, attribute(node, "href"));
	put_attributes(w, node);
	buf_byte(w->out, '>');
}

static void close_element(struct writer *w, const xmlNode *node)
{
	if (!html_element_is_empty(slice_str((const char *)node->name)))
		buf_printf(w->out, "</%s>", (const char *)node->name);
}

/* ---- text ---- */

static void break_line(struct writer *w, unsigned lines)
{
	if (w->breaks < lines)
		w->breaks = lines;
}

static void start_word(struct writer *w)
{
	const unsigned breaks = w->has_words ? w->breaks : 0;

	for (unsigned i = 0; i < breaks; i++)
		buf_byte(w->out, '\n');
	if (breaks || !w->has_words) {
		for (unsigned i = 0; i < w->quotes; i++)
			buf_lit(w->out, "> ");
	} else if (w->has_space) {
		buf_byte(w->out, ' ');
	}
	w->has_words = true;
	w->has_space = false;
	w->breaks = 0;
}

static void put_words(struct writer *w, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		const char c = text.ptr[i];

		if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f') {
			w->has_space = true;
			continue;
		}
		if (w->has_space || w->breaks || !w->has_words)
			start_word(w);
		buf_byte(w->out, c);
	}
}

static void open_as_text(struct writer *w, const xmlNode *node)
{
	const struct slice name = slice_str((const char *)node->name);

	if (slice_eq(name, slice_lit("br")))
		w->breaks++;
	else if (slice_eq(name, slice_lit("img")))
		put_words(w, attribute(node, "alt"));
	else
		break_line(w, html_element_breaks(name));
	if (slice_eq(name, slice_lit("li"))) {
		put_words(w, slice_lit("*"));
		w->has_space = true;
	}
	if (slice_eq(name, slice_lit("td")) || slice_eq(name, slice_lit("th")))
		w->has_space = true;
	if (slice_eq(name, slice_lit("blockquote")) && w->quotes < 9)
		w->quotes++;
}

static void close_as_text(struct writer *w, const xmlNode *node)
{
	const struct slice name = slice_str((const char *)node->name);
	const struct slice href = attribute(node, "href");

	if (slice_eq(name, slice_lit("a")) && html_is_web_url(href) && href.len < URL_MAX) {
		w->has_space = true;
		put_words(w, slice_lit("<"));
		put_words(w, href);
		put_words(w, slice_lit(">"));
	}
	break_line(w, html_element_breaks(name));
	if (slice_eq(name, slice_lit("blockquote")) && w->quotes)
		w->quotes--;
}

/* ---- the walk ---- */

static void enter(struct writer *w, const xmlNode *node)
{
	if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE) {
		if (w->is_text)
			put_words(w, text_of(node->content));
		else
			page_escape(w->out, text_of(node->content));
	} else if (node->type == XML_ELEMENT_NODE && w->is_text) {
		open_as_text(w, node);
	} else if (node->type == XML_ELEMENT_NODE &&
		   html_element_rule(slice_str((const char *)node->name)) == HTML_KEEP) {
		open_element(w, node);
	}
}

static void leave(struct writer *w, const xmlNode *node)
{
	if (node->type != XML_ELEMENT_NODE)
		return;
	if (w->is_text)
		close_as_text(w, node);
	else if (html_element_rule(slice_str((const char *)node->name)) == HTML_KEEP)
		close_element(w, node);
}

static const xmlNode *first_child(const xmlNode *node)
{
	if (node->type != XML_ELEMENT_NODE ||
		html_element_rule(slice_str((const char *)node->name)) == HTML_DROP)
		return NULL;
	return node->children;
}

static void walk(struct writer *w, const xmlNode *root)
{
	const xmlNode *node = root;

	while (node) {
		enter(w, node);
		if (first_child(node)) {
			node = first_child(node);
			continue;
		}
		leave(w, node);
		while (node != root && !node->next) {
			node = node->parent;
			leave(w, node);
		}
		node = node == root ? NULL : node->next;
	}
}

static void walk_document(struct writer *w, struct slice html)
{
	const int options = HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
			    HTML_PARSE_NONET | HTML_PARSE_NOBLANKS;
	const struct slice most = slice_head(html, HTML_INPUT_MAX);
	const struct slice used = slice_head(most, html_readable(most));
	htmlDocPtr document =
		used.len ? htmlReadMemory(used.ptr, (int)used.len, NULL, "utf-8", options) : NULL;

	if (w->result)
		w->result->is_cut = used.len < html.len;
	if (!document)
		return;
	if (xmlDocGetRootElement(document))
		walk(w, xmlDocGetRootElement(document));
	xmlFreeDoc(document);
}

void html_clean(struct slice html, const struct html_options *options, struct buf *out,
	struct html_result *result_out)
{
	struct writer w = {.options = options, .result = result_out, .out = out};

	*result_out = (struct html_result){0};
	walk_document(&w, html);
}

void html_to_text(struct slice html, struct buf *out)
{
	struct writer w = {.out = out, .is_text = true};

	walk_document(&w, html);
	if (w.has_words)
		buf_byte(out, '\n');
}
