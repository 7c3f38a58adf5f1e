/* http_kit.c - see http_kit.h. */
#include "http/http_kit.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"

enum { BODY_MAX = 1 << 30 };

/* n bytes from `from` on of an endless text. */
struct text {
	struct source source;
	uint64_t at, left;
	bool must_wait, must_fail;
};

struct later {
	struct pool_job job;
	struct pool *pool;
	struct conn_ref ref;
	uint64_t ticket; /* 0: only wake */
};

static void run_later(struct pool_job *job)
{
	struct later *l = (struct later *)job;
	const struct answer answer = {0};

	if (l->ticket)
		pool_answer(l->pool, l->ref, l->ticket, &answer);
	else
		pool_wake(l->pool, l->ref);
	free(l);
}

static void later(struct conn *c, uint64_t ticket)
{
	struct later *l = mem_new(struct later);

	*l = (struct later){{run_later, NULL}, conn_pool(c), conn_ref(c), ticket};
	pool_run(l->pool, POOL_BULK, &l->job);
}

static int pull_text(struct source *source, struct conn *c, struct buf *out, struct err *err)
{
	struct text *t = (struct text *)source;
	size_t n = t->left < 20000 ? (size_t)t->left : 20000;

	if (t->must_wait) {
		t->must_wait = false;
		later(c, 0);
		return SOURCE_WAIT;
	}
	if (t->must_fail && t->at > 0)
		return err_set(err, ERR_IO, "the rest is gone");
	for (size_t i = 0; i < n; i++)
		buf_byte(out, (char)('a' + (t->at + i) % 23));
	t->at += n;
	t->left -= n;
	return t->left ? SOURCE_MORE : SOURCE_DONE;
}

static void free_text(struct source *source)
{
	free(source);
}

static struct source *text(void *context, uint64_t from, uint64_t n)
{
	struct text *t = mem_new(struct text);

	(void)context;
	*t = (struct text){{pull_text, free_text, NULL}, from, n, false, false};
	return &t->source;
}

static uint64_t number(struct http *x)
{
	uint64_t n = 0;

	slice_to_u64(http_segment(x, "n"), UINT64_MAX, &n);
	return n;
}

static void hello(struct http *x)
{
	http_set(x, "ETag", slice_lit("\"hello\""));
	http_reply(x, 200, "text/plain", slice_lit("hello\n"));
}

static void memory(struct http *x)
{
	struct buf out;

	buf_init(&out, 16 << 20);
	for (uint64_t i = number(x); i > 0; i--)
		buf_byte(&out, 'm');
	http_set(x, "ETag", slice_lit("\"memory\""));
	http_reply_buf(x, 200, "text/plain", &out);
}

static void known(struct http *x)
{
	http_reply_source(
		x, 200, "application/octet-stream", text(NULL, 0, number(x)), (int64_t)number(x));
}

static void stream(struct http *x)
{
	http_reply_source(x, 200, "application/octet-stream", text(NULL, 0, number(x)), -1);
}

static void squeezed(struct http *x)
{
	http_reply_source(x, 200, "text/plain", text(NULL, 0, number(x)), -1);
}

static void ranges(struct http *x)
{
	http_set(x, "ETag", slice_lit("\"range\""));
	http_reply_ranges(x, "application/octet-stream", number(x), text, NULL);
}

static void waiting(struct http *x)
{
	struct source *source = text(NULL, 0, 10);

	((struct text *)source)->must_wait = true;
	http_reply_source(x, 200, "text/plain", source, 10);
}

static void breaking(struct http *x)
{
	struct source *source = text(NULL, 0, 100000);

	((struct text *)source)->must_fail = true;
	http_reply_source(x, 200, "text/plain", source, 100000);
}

static void answered(struct http *x, struct answer *answer)
{
	if (answer->rc < 0)
		http_fail(x, 503);
	else
		http_reply(x, 200, "text/plain", slice_lit("answered\n"));
}

static void park(struct http *x)
{
	later(http_conn(x), http_park(x, 10000, answered));
}

static void late(struct http *x)
{
	http_park(x, 300, answered);
}

static void digest(struct http *x)
{
	unsigned char hash[SHA256_LEN];
	struct buf out;

	sha256(http_body(x), hash);
	buf_init(&out, 1000);
	buf_u64(&out, http_body(x).len);
	buf_byte(&out, ' ');
	hex_encode(&out, (struct slice){(char *)hash, sizeof(hash)});
	http_reply_buf(x, 200, "text/plain", &out);
}

static void form(struct http *x)
{
	struct buf out;
	struct slice value;
	struct http_file file;
	size_t at = 0;

	buf_init(&out, 1 << 20);
	buf_printf(&out, "q=%.*s\n", SLICE_ARG(http_param(x, "q")));
	while (http_form_next(x, "a", &at, &value))
		buf_printf(&out, "a=%.*s\n", SLICE_ARG(value));
	for (at = 0; http_file_next(x, "f", &at, &file);)
		buf_printf(&out, "f=%.*s %.*s %zu\n", SLICE_ARG(file.name), SLICE_ARG(file.type),
			file.bytes.len);
	http_reply_buf(x, 200, "application/octet-stream", &out);
}

/* What the request looks like from inside. */
static void show(struct http *x)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	buf_printf(&out, "%.*s %.*s %.*s %.*s rest=%.*s cookie=%.*s\n",
		SLICE_ARG(http_method_name(x)), SLICE_ARG(http_host(x)), SLICE_ARG(http_path(x)),
		SLICE_ARG(http_query(x)), SLICE_ARG(http_segment(x, "rest")),
		SLICE_ARG(http_cookie(x, "c")));
	http_set_cookie(x, "c", slice_lit("value"), 60);
	http_set_filename(x, true, slice_lit("a \"\r\n.txt"));
	http_reply_buf(x, 200, "application/octet-stream", &out);
}

static void redirect(struct http *x)
{
	http_redirect(x, 302, http_param(x, "to"));
}

static void file(struct http *x)
{
	static const struct http_static it = {
		"/file", "text/css", "abc123", {"body { color: red }", 19}, {"\x1f\x8b", 2}};

	http_reply_static(x, &it);
}

const struct http_row kit_rows[] = {
	{HTTP_GET, "/hello", hello, 0, 0},
	{HTTP_GET, "/memory/:n", memory, 0, 0},
	{HTTP_GET, "/known/:n", known, 0, 0},
	{HTTP_GET, "/stream/:n", stream, 0, 0},
	{HTTP_GET, "/squeezed/:n", squeezed, 0, 0},
	{HTTP_GET, "/range/:n", ranges, 0, 0},
	{HTTP_GET, "/wait", waiting, 0, 0},
	{HTTP_GET, "/break", breaking, 0, 0},
	{HTTP_GET, "/park", park, 0, 0},
	{HTTP_GET, "/late", late, 0, 0},
	{HTTP_POST | HTTP_PUT, "/digest", digest, BODY_MAX, 0},
	{HTTP_POST, "/small", digest, 1000, 0},
	{HTTP_POST, "/form", form, 1 << 20, 0},
	{HTTP_GET | HTTP_POST | HTTP_OTHER, "/show/*rest", show, 1000, 0},
	{HTTP_GET, "/redirect", redirect, 0, 0},
	{HTTP_GET, "/file", file, 0, 0},
};

const size_t kit_rows_n = sizeof(kit_rows) / sizeof(kit_rows[0]);
