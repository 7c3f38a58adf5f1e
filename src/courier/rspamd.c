/* rspamd.c - Rspamd's HTTP interface (POST /checkv2): the message as it is, JSON back. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "courier/scanner.h"

enum {
	RCPT_LINES_MAX = 50,
	LINES_MAX = RCPT_LINES_MAX + 8,
	LINE_MAX_BYTES = 1100,
	REPLY_MAX = 1 << 20,
	FIELDS_TEXT_MAX = 8192,
	NAME_MAX_BYTES = 76
};

/* Header lines of the request; what would end a line is not sent. */
struct lines {
	char *at[LINES_MAX + 1];
	size_t n;
};

static void lines_done(struct lines *lines)
{
	while (lines->n)
		free(lines->at[--lines->n]);
}

static void add_line(struct lines *lines, const char *name, struct slice value)
{
	char *line;

	if (!value.len || lines->n == LINES_MAX)
		return;
	line = mem_alloc(LINE_MAX_BYTES);
	snprintf(line, LINE_MAX_BYTES, "%s: %.*s", name, SLICE_ARG(value));
	for (char *p = line; *p; p++) {
		if ((unsigned char)*p < ' ')
			*p = ' ';
	}
	lines->at[lines->n++] = line;
}

static void json_auto(json_t **json)
{
	json_decref(*json);
}

/* A header field: its name letters, digits and "-"; the value in one line. False: not for us. */
static bool put_field(struct buf *out, const char *name, const char *value)
{
	const struct slice s = slice_str(name);

	for (size_t i = 0; i < s.len; i++) {
		const unsigned char c = (unsigned char)name[i], l = ascii_lower(c);

		if ((l < 'a' || l > 'z') && (c < '0' || c > '9') && c != '-')
			return false;
	}
	if (s.len == 0 || s.len > NAME_MAX_BYTES)
		return false;
	buf_printf(out, "%s: ", name);
	for (const char *p = value; *p; p++) {
		if (p - value < LINE_MAX_BYTES - NAME_MAX_BYTES)
			buf_byte(out, (unsigned char)*p < ' ' ? ' ' : *p);
	}
	buf_lit(out, "\r\n");
	return true;
}

/* "name": "value" or {"value": "…"} or a list of these. */
static void put_added(struct buf *out, const char *name, const json_t *value)
{
	const json_t *inner = json_is_object(value) ? json_object_get(value, "value") : value;

	if (json_is_string(inner)) {
		put_field(out, name, json_string_value(inner));
		return;
	}
	for (size_t i = 0; i < json_array_size(inner); i++) {
		const json_t *one = json_array_get(inner, i);
		const json_t *text = json_is_object(one) ? json_object_get(one, "value") : one;

		if (json_is_string(text))
			put_field(out, name, json_string_value(text));
	}
}

static void put_fields(struct buf *out, const json_t *reply, const char *action)
{
	json_t *added = json_object_get(json_object_get(reply, "milter"), "add_headers");
	char status[120];
	const char *name;
	json_t *value;

	snprintf(status, sizeof(status), "%s, score=%.1f required=%.1f",
		slice_eq(slice_str(action), slice_lit("no action")) ? "No" : "Yes",
		json_number_value(json_object_get(reply, "score")),
		json_number_value(json_object_get(reply, "required_score")));
	put_field(out, "X-Spam-Status", status);
	json_object_foreach(added, name, value) put_added(out, name, value);
}

static enum scan_action action_of(struct slice action)
{
	if (slice_eq(action, slice_lit("reject")))
		return SCAN_REFUSE;
	if (slice_eq(action, slice_lit("soft reject")) || slice_eq(action, slice_lit("greylist")))
		return SCAN_DEFER;
	return SCAN_PASS;
}

int rspamd_read(struct slice text, struct buf *texts, struct buf *fields, struct scan_result *out,
	struct err *err)
{
	json_t *reply AUTO(json_auto) =
		json_loadb(text.ptr ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, NULL);
	const char *action = json_string_value(json_object_get(reply, "action"));
	const char *said = json_string_value(
		json_object_get(json_object_get(reply, "messages"), "smtp_message"));

	if (!action)
		return err_set(err, ERR_SYNTAX, "the answer of Rspamd makes no sense");
	buf_clear(texts);
	buf_append(texts, slice_head(slice_str(said ? said : ""), SCAN_TEXT_MAX));
	put_fields(fields, reply, action);
	if (fields->failed)
		return err_set(err, ERR_SYNTAX, "the answer of Rspamd is too long");
	*out = (struct scan_result){
		.action = action_of(slice_str(action)), .text = buf_slice(texts)};
	return 0;
}

int rspamd_scan(struct fetch *fetch, struct slice url, const struct scan *scan,
	struct scan_mail *mail, int64_t wait_ms, struct buf *texts, struct scan_result *out,
	struct err *err)
{
	struct fetch_reply reply AUTO(fetch_reply_done);
	struct lines lines AUTO(lines_done) = {.n = 0};
	struct buf address AUTO(buf_done), header AUTO(buf_done);
	struct fetch_request request = {.method = "POST",
		.fields = (const char *const *)lines.at,
		.body = mail->message,
		.body_max = REPLY_MAX,
		.timeout_ms = wait_ms};
	int rc;

	fetch_reply_init(&reply);
	buf_init(&address, FETCH_URL_MAX);
	buf_init(&header, FIELDS_TEXT_MAX);
	buf_append(&address, url);
	buf_str(&address, slice_ends(url, slice_lit("/")) ? "checkv2" : "/checkv2");
	request.url = buf_slice(&address);
	add_line(&lines, "Content-Type", slice_lit("message/rfc822"));
	add_line(&lines, "IP", scan->ip);
	add_line(&lines, "Hostname", scan->name);
	add_line(&lines, "Helo", scan->helo);
	add_line(&lines, "From", scan->sender);
	add_line(&lines, "Queue-Id", scan->id);
	add_line(&lines, "TLS-Version", scan->tls);
	for (size_t i = 0; i < scan->n && i < RCPT_LINES_MAX; i++)
		add_line(&lines, "Rcpt", scan->recipients[i]);
	rc = fetch_do(fetch, &request, &reply, err);
	if (rc == 0 && reply.status != 200)
		rc = err_set(err, ERR_BUSY, "Rspamd answers %u", reply.status);
	if (rc == 0)
		rc = rspamd_read(buf_slice(&reply.body), texts, &header, out, err);
	if (rc == 0) {
		buf_append(&mail->header, buf_slice(&header));
		buf_append(&mail->header, slice_head(mail->message, mail->header_len));
		mail->has_header = true;
	}
	return rc;
}
