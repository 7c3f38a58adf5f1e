/* html_rules.c - see html_rules.h for the contract. */
#include "web/html_rules.h"

#include <stdlib.h>
#include <string.h>

/* In alphabetical order, as all lists here: they are searched by halves. */
static const char *const kept[] = {"a", "abbr", "acronym", "address", "article", "aside", "b",
	"bdi", "bdo", "big", "blockquote", "br", "caption", "center", "cite", "code", "col",
	"colgroup", "dd", "del", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "font",
	"footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i", "img", "ins", "kbd",
	"li", "main", "mark", "nav", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s", "samp",
	"section", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td",
	"tfoot", "th", "thead", "tr", "tt", "u", "ul", "var", "wbr"};
static const char *const dropped[] = {"applet", "audio", "canvas", "frame", "frameset", "head",
	"iframe", "link", "math", "meta", "noembed", "noframes", "noscript", "object", "script",
	"select", "style", "svg", "template", "textarea", "title", "video", "xmp"};
static const char *const empty[] = {"br", "col", "hr", "img", "wbr"};
static const char *const paragraphs[] = {
	"blockquote", "dl", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "ol", "p", "pre", "ul"};
static const char *const blocks[] = {"address", "article", "aside", "caption", "center", "dd",
	"div", "dt", "figcaption", "figure", "footer", "form", "header", "li", "main", "nav",
	"section", "table", "tr"};
static const char *const attributes[] = {"abbr", "align", "alt", "bgcolor", "border", "cellpadding",
	"cellspacing", "char", "charoff", "color", "cols", "colspan", "datetime", "dir", "face",
	"headers", "height", "hspace", "lang", "noshade", "nowrap", "reversed", "rowspan", "rules",
	"scope", "size", "span", "start", "summary", "title", "type", "valign", "value", "vspace",
	"width"};
static const char *const styles[] = {"background", "background-color", "border", "border-bottom",
	"border-bottom-color", "border-bottom-style", "border-bottom-width", "border-collapse",
	"border-color", "border-left", "border-left-color", "border-left-style",
	"border-left-width", "border-radius", "border-right", "border-right-color",
	"border-right-style", "border-right-width", "border-spacing", "border-style", "border-top",
	"border-top-color", "border-top-style", "border-top-width", "border-width", "clear",
	"color", "direction", "display", "float", "font", "font-family", "font-size", "font-style",
	"font-variant", "font-weight", "height", "letter-spacing", "line-height", "list-style-type",
	"margin", "margin-bottom", "margin-left", "margin-right", "margin-top", "max-height",
	"max-width", "min-height", "min-width", "overflow-wrap", "padding", "padding-bottom",
	"padding-left", "padding-right", "padding-top", "table-layout", "text-align",
	"text-decoration", "text-indent", "text-transform", "vertical-align", "white-space",
	"width", "word-break", "word-spacing", "word-wrap"};
static const char *const functions[] = {"calc", "hsl", "hsla", "rgb", "rgba"};

static int compare(const void *key, const void *row)
{
	return slice_cmp(*(const struct slice *)key, slice_str(*(const char *const *)row));
}

static bool is_in(const char *const *list, size_t n, struct slice name)
{
	return bsearch(&name, list, n, sizeof(*list), compare) != NULL;
}

#define IS_IN(list, name) is_in(list, sizeof(list) / sizeof((list)[0]), name)

enum html_rule html_element_rule(struct slice name)
{
	if (IS_IN(kept, name))
		return HTML_KEEP;
	return IS_IN(dropped, name) ? HTML_DROP : HTML_UNWRAP;
}

bool html_element_is_empty(struct slice name)
{
	return IS_IN(empty, name);
}

unsigned html_element_breaks(struct slice name)
{
	if (IS_IN(paragraphs, name))
		return 2;
	return IS_IN(blocks, name) ? 1 : 0;
}

bool html_attribute_is_kept(struct slice name)
{
	return IS_IN(attributes, name);
}

/* ---- how much is read ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

/* Behind one attribute of a tag, as libxml2 reads it: a quote counts only after "=". */
static size_t skip_attribute(struct slice html, size_t at)
{
	while (at < html.len && !is_blank(html.ptr[at]) && html.ptr[at] != '>' &&
		html.ptr[at] != '=')
		at++;
	while (at < html.len && is_blank(html.ptr[at]))
		at++;
	if (at == html.len || html.ptr[at] != '=')
		return at;
	for (at++; at < html.len && is_blank(html.ptr[at]);)
		at++;
	if (at < html.len && (html.ptr[at] == '"' || html.ptr[at] == '\'')) {
		const size_t end = slice_chr(slice_from(html, at + 1), html.ptr[at]);

		return end == SIZE_MAX ? html.len : at + 1 + end + 1;
	}
	while (at < html.len && !is_blank(html.ptr[at]) && html.ptr[at] != '>')
		at++;
	return at;
}

/* libxml2 compares each attribute of a tag with all before it. */
size_t html_readable(struct slice html)
{
	for (size_t at = 0; at < html.len; at++) {
		size_t n = 0;

		if (html.ptr[at] != '<')
			continue;
		for (at++; at < html.len && html.ptr[at] != '>'; n++) {
			const size_t next = skip_attribute(html, at);

			if (n == HTML_ATTRIBUTES_MAX)
				return at;
			at = next > at ? next : at + 1;
		}
	}
	return html.len;
}

/* ---- URLs ---- */

bool html_is_web_url(struct slice url)
{
	return slice_starts_nocase(url, slice_lit("https://")) ||
	       slice_starts_nocase(url, slice_lit("http://"));
}

bool html_is_data_picture(struct slice url)
{
	static const char *const types[] = {"data:image/gif;base64,", "data:image/jpeg;base64,",
		"data:image/png;base64,", "data:image/webp;base64,"};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (slice_starts_nocase(url, slice_str(types[i])))
			return true;
	}
	return false;
}

/* ---- styles ---- */

/* Values without a way to load anything, to escape, or to call more than a colour. */
static bool is_value(struct slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		const unsigned char c = (unsigned char)value.ptr[i];
		size_t word = i;

		if (c < ' ' || c >= 0x7f || strchr("\\<>{}@;:&", c))
			return false;
		if (c != '(')
			continue;
		while (word > 0 && ascii_lower((unsigned char)value.ptr[word - 1]) >= 'a' &&
			ascii_lower((unsigned char)value.ptr[word - 1]) <= 'z')
			word--;
		if (!IS_IN(functions, ((struct slice){value.ptr + word, i - word})))
			return false;
	}
	return value.len > 0;
}

void html_clean_style(struct slice style, struct buf *out)
{
	while (style.len) {
		struct slice rest, value, name = slice_cut(style, ';', &rest);
		char lower[32];

		name = slice_cut(name, ':', &value);
		name = slice_trim(name);
		value = slice_trim(value);
		style = rest;
		if (name.len == 0 || name.len >= sizeof(lower))
			continue;
		for (size_t i = 0; i < name.len; i++)
			lower[i] = (char)ascii_lower((unsigned char)name.ptr[i]);
		name.ptr = lower;
		if (!IS_IN(styles, name) || !is_value(value))
			continue;
		if (out->len)
			buf_byte(out, ';');
		buf_append(out, name);
		buf_byte(out, ':');
		buf_append(out, value);
	}
}
