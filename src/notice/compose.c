/* compose.c - see compose.h for the contract. */
#include "notice/compose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mail/trace.h"
#include "wire/mime/write.h"

extern const struct page_set notice_texts;

enum { NAME_MAX_BYTES = 80, SET_MAX = 200 };

#define FALLBACK "en"

const struct page_set *compose_set(void)
{
	return &notice_texts;
}

/* ---- values ---- */

json_t *notice_text(struct slice text)
{
	json_t *json = json_stringn(text.len ? text.ptr : "", text.len);
	char *copy;

	if (json)
		return json;
	copy = mem_str(text);
	for (char *p = copy; *p; p++) {
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	}
	json = json_string(copy);
	free(copy);
	return json;
}

static json_t *clean_text(const json_t *text)
{
	size_t len = json_string_length(text);
	char *copy = mem_str((struct slice){json_string_value(text), len});
	json_t *clean;

	if (len > NOTICE_VALUE_MAX) {
		len = NOTICE_VALUE_MAX;
		while (len &&
			((unsigned char)copy[len] & 0xc0) == 0x80) /* not inside a character */
			len--;
	}
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)copy[i] < 0x20 || copy[i] == 0x7f)
			copy[i] = ' ';
	}
	clean = json_stringn(copy, len);
	free(copy);
	return clean;
}

void compose_clean(json_t *values)
{
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe(values, next, key, value)
	{
		if (json_is_string(value))
			json_object_set_new(values, key, clean_text(value));
	}
}

/* ---- rendering ---- */

static bool has_template(const char *name)
{
	for (size_t i = 0; i < notice_texts.n; i++) {
		if (strcmp(notice_texts.templates[i].name, name) == 0)
			return true;
	}
	return false;
}

/* "de/NAME" for "de", "de-CH"; else the fallback's. */
static void find_name(struct slice language, const char *template, char out[NAME_MAX_BYTES])
{
	struct slice rest;
	const struct slice primary = slice_cut(language, '-', &rest);

	snprintf(out, NAME_MAX_BYTES, "%.*s/%s", SLICE_ARG(slice_head(primary, 8)), template);
	if (!has_template(out))
		snprintf(out, NAME_MAX_BYTES, FALLBACK "/%s", template);
}

/* The same templates as HTML: their values are escaped. */
static int render_escaped(const char *name, const json_t *values, struct buf *out, struct err *err)
{
	struct page_template list[SET_MAX];
	const struct page_set set = {list, notice_texts.n < SET_MAX ? notice_texts.n : SET_MAX};

	for (size_t i = 0; i < set.n; i++) {
		list[i] = notice_texts.templates[i];
		list[i].is_text = false;
	}
	return page_render(&set, name, values, NULL, out, err);
}

static bool is_page_address(struct slice line)
{
	return (slice_starts(line, slice_lit("https://")) ||
		       slice_starts(line, slice_lit("http://"))) &&
	       slice_chr(line, ' ') == SIZE_MAX;
}

static void put_line(struct buf *out, struct slice line)
{
	if (!is_page_address(line)) {
		buf_append(out, slice_trim(line));
		return;
	}
	buf_lit(out, "<a href=\"");
	buf_append(out, line);
	buf_lit(out, "\">");
	buf_append(out, line);
	buf_lit(out, "</a>");
}

/* Paragraphs around what is escaped already. */
static void put_paragraphs(struct buf *out, struct slice text)
{
	bool is_open = false, was_detail = false;

	while (text.len) {
		const struct slice line = slice_cut(text, '\n', &text);
		const bool is_detail = slice_starts(line, slice_lit("  "));

		if (slice_trim(line).len == 0) {
			buf_str(out, is_open ? "</p>\n" : "");
			is_open = false;
			continue;
		}
		if (!is_open)
			buf_lit(out, "<p>");
		else
			buf_str(out, is_detail || was_detail ? "<br>\n" : "\n");
		put_line(out, line);
		is_open = true;
		was_detail = is_detail;
	}
	buf_str(out, is_open ? "</p>\n" : "");
}

/* "Subject: …" of the first line is taken off. */
static int take_subject(struct slice *text, struct slice *out, struct err *err)
{
	const struct slice line = slice_cut(*text, '\n', text);

	if (!slice_starts(line, slice_lit("Subject: ")))
		return err_set(err, ERR_SYNTAX, "the template does not begin with its subject");
	*out = slice_trim(slice_from(line, sizeof("Subject:") - 1));
	return 0;
}

static int put_text(const struct compose *c, const char *name, const char *footer, struct buf *out,
	struct err *err)
{
	int rc = page_render(&notice_texts, name, c->values, NULL, out, err);

	buf_lit(out, "\n-- \n"); /* RFC 3676 4.3 */
	return rc < 0 ? rc : page_render(&notice_texts, footer, c->values, NULL, out, err);
}

static int put_html(const struct compose *c, const char *name, const char *footer,
	struct slice subject, struct buf *out, struct err *err)
{
	struct buf escaped AUTO(buf_done), body AUTO(buf_done), foot AUTO(buf_done);
	struct slice rest, ignored;
	json_t *values;
	int rc;

	buf_init(&escaped, NOTICE_TEXT_MAX);
	buf_init(&body, NOTICE_TEXT_MAX);
	buf_init(&foot, NOTICE_TEXT_MAX);
	rc = render_escaped(name, c->values, &escaped, err);
	rest = buf_slice(&escaped);
	if (rc == 0)
		rc = take_subject(&rest, &ignored, err);
	if (rc == 0)
		put_paragraphs(&body, rest);
	buf_clear(&escaped);
	if (rc == 0)
		rc = render_escaped(footer, c->values, &escaped, err);
	if (rc < 0)
		return rc;
	put_paragraphs(&foot, buf_slice(&escaped));
	values = json_pack("{s:s%, s:s%, s:s%, s:O, s:s#}", "subject", subject.ptr, subject.len,
		"body", body.ptr, body.len, "footer", foot.ptr, foot.len, "service",
		json_object_get(c->values, "service"), "language", name,
		(int)slice_chr(slice_str(name), '/'));
	rc = values ? page_render(&notice_texts, "layout", values, NULL, out, err)
		    : err_set(err, ERR_SYNTAX, "the notice is not UTF-8");
	json_decref(values);
	return rc;
}

/* ---- the message ---- */

static void put_address(struct buf *out, const char *field, struct slice name, struct slice address)
{
	const size_t at = slice_rchr(address, '@');
	struct buf value AUTO(buf_done);

	buf_init(&value, NOTICE_TEXT_MAX);
	mime_write_address(&value, name, slice_head(address, at),
		at == SIZE_MAX ? (struct slice){0} : slice_from(address, at + 1));
	mime_write_words(out, field, buf_slice(&value));
}

static void put_head(const struct compose *c, struct slice subject, struct slice language,
	struct slice boundary, struct buf *out)
{
	struct buf value AUTO(buf_done);

	buf_init(&value, NOTICE_TEXT_MAX);
	put_address(out, "From", c->from_name, c->from_address);
	put_address(out, "To", (struct slice){0}, c->to);
	mime_write_text(out, "Subject", subject);
	mime_write_date(&value, c->now_s);
	mime_write_words(out, "Date", buf_slice(&value));
	/* The same for each attempt to send this notice. */
	buf_printf(out, "Message-ID: <notice-%llx@%.*s>\r\n", (unsigned long long)c->id,
		SLICE_ARG(c->host_name));
	buf_lit(out, "Auto-Submitted: auto-generated\r\n"); /* RFC 3834 5 */
	mime_write_words(out, "Content-Language", language);
	buf_lit(out, "MIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n boundary=\"");
	buf_append(out, boundary);
	buf_lit(out, "\"\r\n\r\n");
}

static void put_part(struct buf *out, struct slice boundary, const char *type, struct slice text)
{
	buf_lit(out, "--");
	buf_append(out, boundary);
	buf_lit(out, "\r\nContent-Type: ");
	buf_str(out, type);
	buf_lit(out, "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
	mime_write_qp(out, text);
}

int compose_message(
	const struct compose *c, struct buf *out, uint64_t *own_bytes_out, struct err *err)
{
	static const struct slice own = {"Return-Path: <>\r\n", sizeof("Return-Path: <>\r\n") - 1};
	char name[NAME_MAX_BYTES], footer[NAME_MAX_BYTES], mark[40];
	struct buf text AUTO(buf_done), html AUTO(buf_done);
	struct slice subject, rest, boundary = {mark, 0};
	int rc;

	buf_init(&text, NOTICE_TEXT_MAX);
	buf_init(&html, NOTICE_TEXT_MAX);
	compose_clean(c->values);
	find_name(c->language, c->template, name);
	find_name(slice_head(slice_str(name), slice_chr(slice_str(name), '/')), "footer", footer);
	boundary.len = (size_t)snprintf(mark, sizeof(mark), "=_%016llx", (unsigned long long)c->id);
	rc = put_text(c, name, footer, &text, err);
	rest = buf_slice(&text);
	if (rc == 0)
		rc = take_subject(&rest, &subject, err);
	if (rc == 0)
		rc = put_html(c, name, footer, subject, &html, err);
	if (rc < 0)
		return rc;
	buf_append(out, own);
	put_head(c, subject, slice_head(slice_str(name), slice_chr(slice_str(name), '/')), boundary,
		out);
	put_part(out, boundary, "text/plain", slice_from(rest, rest.len && *rest.ptr == '\n'));
	put_part(out, boundary, "text/html", buf_slice(&html));
	buf_lit(out, "--");
	buf_append(out, boundary);
	buf_lit(out, "--\r\n");
	*own_bytes_out = own.len;
	return buf_check(out, "the notice", err);
}
