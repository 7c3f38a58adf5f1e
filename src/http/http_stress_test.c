/*
 * http_stress_test.c - clients of both versions that do everything at once, some of which go away
 * in the middle. It asserts that each whole reply is right; run under ThreadSanitizer it says
 * whether the rules of ownership hold: a request belongs to its connection's thread, also while it
 * is parked and answered by another.
 */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <nghttp2/nghttp2.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/http_kit.h"
#include "net/net_kit.h"

enum { CLIENTS = 4, ROUNDS = 25, STREAMS = 8, TARGETS = 7, LIMIT_MS = 20000, HEAD_MAX = 16 << 10 };

/* What is asked for, and how long the body is that comes. */
static const struct target {
	const char *path;
	size_t length;
} targets[TARGETS] = {{"/hello", 6}, {"/memory/70000", 70000}, {"/known/100000", 100000},
	{"/stream/50000", 50000}, {"/wait", 10}, {"/park", 9}, {"/nowhere", SIZE_MAX}};

struct stress {
	struct pool *pool;
	struct kit_ring ring;
	struct tls *tls;
	SSL_CTX *client;
	uint16_t clear, secure;
	_Atomic size_t whole, wrong;
};

struct client {
	struct stress *stress;
	pthread_t thread;
	unsigned seed;
};

static const struct target *pick(struct client *c)
{
	return &targets[(unsigned)rand_r(&c->seed) % TARGETS];
}

static bool gives_up(struct client *c)
{
	return rand_r(&c->seed) % 6 == 0;
}

static void count(struct stress *s, const struct target *t, size_t length)
{
	if (t->length == SIZE_MAX || t->length == length)
		s->whole++;
	else
		s->wrong++;
}

/* ---- HTTP/1.1 ---- */

/* Fields up to the empty line; the Content-Length, or -1 for chunks, or -2 at the end. */
static long read_head(struct peer *p)
{
	long length = -2;
	const char *line;
	uint64_t n;

	while ((line = peer_line(p)) && *line) {
		if (strncasecmp(line, "content-length: ", 16) == 0 &&
			slice_to_u64(slice_str(line + 16), INT32_MAX, &n))
			length = (long)n;
		else if (strncasecmp(line, "transfer-encoding: ", 19) == 0)
			length = -1;
	}
	return line ? length : -2;
}

static size_t read_chunks(struct peer *p)
{
	size_t sum = 0, n;
	const char *line;

	while ((line = peer_line(p)) && (n = strtoul(line, NULL, 16)) > 0) {
		if (!peer_skip(p, n + 2))
			return SIZE_MAX - 1;
		sum += n;
	}
	peer_line(p);
	return sum;
}

static bool read_reply(struct client *c, struct peer *p, const struct target *t)
{
	const long length = read_head(p);

	if (length == -2 || (length >= 0 && !peer_skip(p, (size_t)length)))
		return false;
	count(c->stress, t, length >= 0 ? (size_t)length : read_chunks(p));
	return true;
}

/* Some requests in one piece, and their replies in order. */
static void round_1(struct client *c)
{
	const struct target *asked[STREAMS];
	char text[STREAMS * 64];
	struct peer p;
	size_t len = 0;

	peer_connect(&p, c->stress->clear);
	for (int i = 0; i < STREAMS; i++) {
		asked[i] = pick(c);
		len += (size_t)snprintf(text + len, sizeof(text) - len,
			"GET %s HTTP/1.1\r\nHost: a.example\r\n\r\n", asked[i]->path);
	}
	peer_send(&p, text);
	for (int i = 0; i < STREAMS; i++) {
		if (gives_up(c) || !read_reply(c, &p, asked[i]))
			break;
	}
	peer_close(&p);
}

/* ---- HTTP/2 ---- */

struct stream {
	const struct target *target;
	size_t length;
};

struct two {
	struct client *client;
	struct stream streams[STREAMS];
	int open;
};

static int on_data(
	nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *data, size_t len, void *user)
{
	struct stream *stream = nghttp2_session_get_stream_user_data(ng, id);

	(void)flags;
	(void)data;
	(void)user;
	stream->length += len;
	return 0;
}

static int on_close(nghttp2_session *ng, int32_t id, uint32_t error, void *user)
{
	const struct stream *stream = nghttp2_session_get_stream_user_data(ng, id);
	struct two *two = user;

	two->open--;
	if (error == 0)
		count(two->client->stress, stream->target, stream->length);
	return 0;
}

static nghttp2_nv field(const char *name, const char *value)
{
	return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
		strlen(value), NGHTTP2_NV_FLAG_NONE};
}

static nghttp2_session *two_open(struct two *two)
{
	nghttp2_session_callbacks *callbacks;
	nghttp2_session *ng;

	nghttp2_session_callbacks_new(&callbacks);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	nghttp2_session_client_new(&ng, callbacks, two);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(ng, NGHTTP2_FLAG_NONE, NULL, 0);
	for (int i = 0; i < STREAMS; i++) {
		struct stream *stream = &two->streams[i];

		stream->target = pick(two->client);
		const nghttp2_nv fields[] = {field(":method", "GET"), field(":scheme", "https"),
			field(":authority", "a.example"), field(":path", stream->target->path)};

		nghttp2_submit_request(ng, NULL, fields, 4, NULL, stream);
	}
	two->open = STREAMS;
	return ng;
}

static bool two_write(nghttp2_session *ng, struct peer *p)
{
	const uint8_t *data;
	ssize_t n;

	while ((n = nghttp2_session_mem_send(ng, &data)) > 0) {
		if (SSL_write(p->ssl, data, (int)n) <= 0)
			return false;
	}
	return n == 0;
}

static void round_2(struct client *c)
{
	struct two two = {.client = c};
	nghttp2_session *ng = two_open(&two);
	uint8_t bytes[16384];
	struct peer p;
	int n = 1;

	peer_connect(&p, c->stress->secure);
	assert_true(peer_tls(&p, c->stress->client, "localhost"));
	while (two.open && n > 0 && two_write(ng, &p) && !gives_up(c)) {
		if (gives_up(c))
			nghttp2_submit_rst_stream(
				ng, 0, 1 + 2 * (rand_r(&c->seed) % STREAMS), NGHTTP2_CANCEL);
		n = SSL_read(p.ssl, bytes, sizeof(bytes));
		if (n > 0 && nghttp2_session_mem_recv(ng, bytes, (size_t)n) < 0)
			c->stress->wrong++;
	}
	nghttp2_session_del(ng);
	peer_close(&p);
}

/* ---- all of it ---- */

static void *run(void *context)
{
	struct client *c = context;

	for (int i = 0; i < ROUNDS; i++) {
		round_1(c);
		round_2(c);
	}
	return NULL;
}

static void open_server(struct stress *s, struct http_site *site)
{
	struct err err;

	s->ring.keys[0] = kit_key_ec("P-256", "localhost", 86400);
	s->ring.names[0] = "key";
	assert_int_equal(tls_new(kit_sign, &s->ring, &s->tls, &err), 0);
	kit_use(s->tls, &s->ring.keys[0], "key");
	assert_int_equal(pool_new(&(struct pool_config){.threads = 6, .connections_max = 100},
				 &s->pool, &err),
		0);
	s->clear = kit_listen_with(
		s->pool, &(struct pool_listener){.protocol = &http_protocol, .context = site});
	s->secure = kit_listen_with(s->pool, &(struct pool_listener){.protocol = &http_protocol,
						     .context = site,
						     .tls = s->tls,
						     .is_implicit_tls = true});
	s->client = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_alpn_protos(s->client, (const unsigned char *)"\2h2", 3);
	assert_int_equal(pool_start(s->pool, &err), 0);
}

static void test_everything_at_once(void **state)
{
	struct http_site site = {.name = "test",
		.rows = kit_rows,
		.rows_n = kit_rows_n,
		.spool_dirfd = open(".", O_RDONLY | O_DIRECTORY),
		.limits = {LIMIT_MS, LIMIT_MS, LIMIT_MS, HEAD_MAX}};
	struct client clients[CLIENTS];
	struct stress s = {.whole = 0};

	(void)state;
	open_server(&s, &site);
	for (unsigned i = 0; i < CLIENTS; i++) {
		clients[i] = (struct client){.stress = &s, .seed = i + 1};
		pthread_create(&clients[i].thread, NULL, run, &clients[i]);
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		pthread_join(clients[i].thread, NULL);
	assert_int_equal(s.wrong, 0);
	assert_true(s.whole > CLIENTS * ROUNDS);
	pool_stop(&s.pool);
	tls_free(&s.tls);
	SSL_CTX_free(s.client);
	kit_key_done(&s.ring.keys[0]);
	close(site.spool_dirfd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_everything_at_once)};

	signal(SIGPIPE, SIG_IGN);
	log_open("http_stress_test", LOG_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
