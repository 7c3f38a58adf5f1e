/* reply.c - from what a function says to what is sent: conditions, ranges, coding, fields. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "http/internal.h"
#include "wire/http/chars.h"
#include "wire/http/field.h"

enum { FIELD_VALUE_MAX = 8192 };

static struct http_field *find_field(struct http *x, struct slice name)
{
	for (size_t i = 0; i < x->fields_n; i++) {
		if (slice_eq_nocase(x->fields[i].name, name))
			return &x->fields[i];
	}
	return NULL;
}

/* A copy in which no byte can end the field. */
static struct slice clean_value(struct http *x, struct slice value)
{
	char *copy = arena_alloc(&x->own, value.len + 1);

	assert(copy && value.len <= FIELD_VALUE_MAX);
	for (size_t i = 0; i < value.len; i++) {
		const bool is_good = http_is_value((struct slice){value.ptr + i, 1});

		copy[i] = is_good ? value.ptr[i] : '_';
	}
	return http_trim((struct slice){copy, value.len});
}

static void add_field(struct http *x, struct slice name, struct slice value)
{
	if (!x->fields)
		x->fields = arena_array(&x->own, struct http_field, HTTP_REPLY_FIELDS_MAX);
	assert(x->fields && x->fields_n < HTTP_REPLY_FIELDS_MAX);
	x->fields[x->fields_n++] = (struct http_field){name, value};
}

void http_set(struct http *x, const char *name, struct slice value)
{
	const struct slice key = slice_str(name);
	struct http_field *old = find_field(x, key);

	if (old && !slice_eq_nocase(key, slice_lit("set-cookie")))
		old->value = clean_value(x, value);
	else
		add_field(x, key, clean_value(x, value));
}

void http_set_f(struct http *x, const char *name, const char *format, ...)
{
	char text[FIELD_VALUE_MAX];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	assert(n >= 0 && (size_t)n < sizeof(text));
	http_set(x, name, (struct slice){text, (size_t)n});
}

void http_set_cookie(struct http *x, const char *name, struct slice value, int64_t max_age_s)
{
	const bool is_tls = http_is_tls(x);
	char age[48] = "";

	if (max_age_s)
		snprintf(age, sizeof(age), "; Max-Age=%lld",
			(long long)(max_age_s > 0 ? max_age_s : 0));
	http_set_f(x, "Set-Cookie", "%s%s=%.*s; Path=/%s; HttpOnly; SameSite=Lax%s",
		is_tls ? "__Host-" : "", name, SLICE_ARG(value), is_tls ? "; Secure" : "", age);
}

void http_set_filename(struct http *x, bool is_attachment, struct slice name)
{
	struct buf text AUTO(buf_done);

	buf_init(&text, FIELD_VALUE_MAX);
	buf_str(&text, is_attachment ? "attachment" : "inline");
	if (name.len) {
		buf_str(&text, "; filename*=UTF-8''");
		http_url_encode(&text, slice_head(name, 1024));
	}
	http_set(x, "Content-Disposition", buf_slice(&text));
}

/* ---- what is added by itself ---- */

static void add_number(struct http *x, const char *name, uint64_t number)
{
	http_set_f(x, name, "%llu", (unsigned long long)number);
}

static void add_usual(struct http *x)
{
	char date[HTTP_DATE_LEN];

	http_date_write(clock_wall_s(), date);
	http_set(x, "Date", (struct slice){date, sizeof(date)});
	if (http_is_tls(x))
		http_set(x, "Strict-Transport-Security", slice_lit("max-age=31536000"));
	for (const char *const *at = x->site->headers; at && *at; at++) {
		struct slice value;
		const struct slice name = slice_cut(slice_str(*at), ':', &value);

		if (!find_field(x, name))
			add_field(x, name, http_trim(value));
	}
}

static bool is_text(struct slice type)
{
	static const char *const types[] = {"text/", "application/json", "application/javascript",
		"application/xml", "image/svg+xml", "application/problem+json",
		"application/manifest+json"};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (slice_starts_nocase(type, slice_str(types[i])))
			return true;
	}
	return false;
}

static bool may_gzip(struct http *x)
{
	const struct http_field *type = find_field(x, slice_lit("content-type"));
	const struct http_field *cache = find_field(x, slice_lit("cache-control"));

	return x->has_body && x->status == 200 && type && is_text(type->value) &&
	       (x->length < 0 || x->length >= HTTP_GZIP_MIN) &&
	       !find_field(x, slice_lit("content-encoding")) &&
	       !find_field(x, slice_lit("content-range")) &&
	       (!cache || slice_find(cache->value, slice_lit("no-transform")) == SIZE_MAX);
}

static bool gzip_memory(struct http *x)
{
	struct buf small;

	buf_init(&small, HTTP_REPLY_MAX);
	if (!http_gzip(buf_slice(&x->memory), &small)) {
		buf_done(&small);
		return false;
	}
	mem_wipe(x->memory.ptr, x->memory.cap);
	buf_done(&x->memory);
	x->memory = small;
	x->length = (int64_t)small.len;
	return true;
}

static bool gzip_source(struct http *x)
{
	struct source *source = http_gzip_source(x->source);

	if (!source)
		return false;
	x->source = source;
	x->length = -1;
	return true;
}

/* A strong tag names bytes, and these are others now. */
static void weaken_etag(struct http *x)
{
	const struct http_field *etag = find_field(x, slice_lit("etag"));

	if (etag && !slice_starts(etag->value, slice_lit("W/")))
		http_set_f(x, "ETag", "W/%.*s", SLICE_ARG(etag->value));
}

static void compress(struct http *x)
{
	if (!may_gzip(x))
		return;
	http_set(x, "Vary", slice_lit("Accept-Encoding"));
	if (!http_accepts(http_header(x, "accept-encoding"), slice_lit("gzip")))
		return;
	if (x->source ? gzip_source(x) : gzip_memory(x)) {
		http_set(x, "Content-Encoding", slice_lit("gzip"));
		weaken_etag(x);
	}
}

static void drop_body(struct http *x)
{
	if (x->source && x->source->free)
		x->source->free(x->source);
	x->source = NULL;
	if (x->memory.ptr)
		mem_wipe(x->memory.ptr, x->memory.cap);
	buf_done(&x->memory);
	x->has_body = false;
}

/* RFC 9110 13.1.2: what the client has is still good. */
static bool is_unchanged(struct http *x)
{
	const struct http_field *etag = find_field(x, slice_lit("etag"));
	const struct slice have = http_header(x, "if-none-match");

	return etag && have.ptr && x->status == 200 && x->method == HTTP_GET &&
	       http_etag_matches(have, etag->value, true);
}

static void finish(struct http *x, unsigned status, const char *type)
{
	assert(!x->status);
	x->status = status;
	x->has_body = status != 204 && status != 304;
	if (x->has_body && type)
		http_set(x, "Content-Type", slice_str(type));
	if (is_unchanged(x)) {
		x->status = 304;
		x->has_body = false;
	}
	if (!x->is_head)
		compress(x);
	add_usual(x);
	if (x->length >= 0 && x->has_body)
		add_number(x, "Content-Length", (uint64_t)x->length);
	if (!x->has_body || x->is_head)
		drop_body(x);
	if (x->stream)
		http2_send(x);
	else
		http1_send(x);
}

/* ---- replies ---- */

void http_reply_buf(struct http *x, unsigned status, const char *type, struct buf *body)
{
	const size_t max = body->max;

	if (body->failed) {
		buf_done(body);
		log_error(&x->log, "reply-too-large");
		http_reply(x, 500, "text/plain", slice_lit("Internal Server Error\n"));
		return;
	}
	x->memory = *body;
	buf_init(body, max);
	x->length = (int64_t)x->memory.len;
	finish(x, status, type);
}

void http_reply(struct http *x, unsigned status, const char *type, struct slice body)
{
	struct buf copy;

	buf_init(&copy, HTTP_REPLY_MAX);
	buf_append(&copy, body);
	http_reply_buf(x, status, type, &copy);
}

void http_reply_source(
	struct http *x, unsigned status, const char *type, struct source *source, int64_t length)
{
	x->source = source;
	x->length = length;
	finish(x, status, type);
}

/* RFC 9110 13.1.5: a range of what the client has seen before, or else all. */
static bool may_send_range(struct http *x)
{
	const struct slice seen = http_header(x, "if-range");
	const struct http_field *etag = find_field(x, slice_lit("etag"));

	return x->method == HTTP_GET &&
	       (!seen.ptr || (etag && http_etag_matches(seen, etag->value, false)));
}

void http_reply_ranges(
	struct http *x, const char *type, uint64_t length, http_open_fn *open, void *context)
{
	const struct slice range = http_header(x, "range");
	uint64_t from = 0, n = length;
	const int found =
		range.ptr && may_send_range(x) ? http_range_parse(range, length, &from, &n) : 0;

	http_set(x, "Accept-Ranges", slice_lit("bytes"));
	if (found < 0) {
		http_set_f(x, "Content-Range", "bytes */%llu", (unsigned long long)length);
		http_fail(x, 416);
		return;
	}
	if (found > 0)
		http_set_f(x, "Content-Range", "bytes %llu-%llu/%llu", (unsigned long long)from,
			(unsigned long long)(from + n - 1), (unsigned long long)length);
	http_reply_source(x, found > 0 ? 206 : 200, type, open(context, from, n), (int64_t)n);
}

/* A location is a URI: what cannot stand in one is encoded. */
static void append_location(struct buf *out, struct slice location)
{
	for (size_t i = 0; i < location.len; i++) {
		const unsigned char c = (unsigned char)location.ptr[i];

		if (c <= 0x20 || c >= 0x7f || strchr("\"<>\\^`{|}", c))
			buf_printf(out, "%%%02X", c);
		else
			buf_byte(out, (char)c);
	}
}

void http_redirect(struct http *x, unsigned status, struct slice location)
{
	struct buf text AUTO(buf_done);

	buf_init(&text, FIELD_VALUE_MAX);
	append_location(&text, location);
	if (text.failed) {
		http_fail(x, 400);
		return;
	}
	http_set(x, "Location", buf_slice(&text));
	http_reply(x, status, "text/plain", slice_str(http_status_text(status)));
}

static void set_allow(struct http *x)
{
	static const char *const names[] = {"GET, HEAD", "POST", "PUT", "DELETE", "OPTIONS"};
	struct buf text AUTO(buf_done);

	buf_init(&text, FIELD_VALUE_MAX);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (x->allowed & 1U << i)
			buf_printf(&text, "%s%s", text.len ? ", " : "", names[i]);
	}
	http_set(x, "Allow", buf_slice(&text));
}

void http_fail(struct http *x, unsigned status)
{
	char line[64];

	if (status == 405)
		set_allow(x);
	if (x->site->failed && x->path.ptr) {
		x->site->failed(x, status);
		return;
	}
	snprintf(line, sizeof(line), "%u %s\n", status, http_status_text(status));
	http_reply(x, status, "text/plain", slice_str(line));
}

void http_reply_static(struct http *x, const struct http_static *file)
{
	const struct slice version = http_param(x, "v");
	const bool is_gzip = file->gzip.len &&
			     http_accepts(http_header(x, "accept-encoding"), slice_lit("gzip"));
	const struct slice bytes = is_gzip ? file->gzip : file->bytes;

	http_set_f(x, "ETag", "%s\"%s\"", is_gzip ? "W/" : "", file->etag);
	http_set(x, "Cache-Control",
		slice_eq(version, slice_str(file->etag))
			? slice_lit("public, max-age=31536000, immutable, no-transform")
			: slice_lit("no-cache, no-transform"));
	if (file->gzip.len)
		http_set(x, "Vary", slice_lit("Accept-Encoding"));
	if (is_gzip)
		http_set(x, "Content-Encoding", slice_lit("gzip"));
	http_reply_source(x, 200, file->type, http_slice_source(bytes), (int64_t)bytes.len);
}
