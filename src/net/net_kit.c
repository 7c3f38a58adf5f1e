/* net_kit.c - see net_kit.h. */
#include "net/net_kit.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"

struct session {
	bool has_parked_twice;
};

static void on_greet(struct conn *c)
{
	struct kit *kit = conn_context(c);
	const struct conn_ref ref = conn_ref(c);

	atomic_fetch_add(&kit->opened, 1);
	atomic_store(&kit->last_ref, (uint64_t)ref.slot << 32 | ref.generation);
	buf_lit(conn_out(c), "+HELLO\r\n");
}

static size_t on_frame(struct conn *c, struct slice in, bool is_full)
{
	const size_t at = slice_chr(in, '\n');

	(void)c;
	(void)is_full;
	return at == SIZE_MAX ? 0 : at + 1;
}

static void free_data(void *data)
{
	struct kit *kit = data;

	atomic_fetch_add(&kit->data_freed, 1);
}

struct answer_job {
	struct pool_job job;
	struct pool *pool;
	struct kit *kit;
	struct conn_ref ref;
	uint64_t ticket;
};

static void run_answer(struct pool_job *job)
{
	struct answer_job *a = (struct answer_job *)job;
	const struct answer answer = {.data = a->kit, .free_data = free_data};

	if (a->ticket)
		pool_answer(a->pool, a->ref, a->ticket, &answer);
	else
		pool_wake(a->pool, a->ref);
	free(a);
}

static void later(struct conn *c, uint64_t ticket)
{
	struct answer_job *a = mem_new(struct answer_job);

	*a = (struct answer_job){.job.run = run_answer,
		.pool = conn_pool(c),
		.kit = conn_context(c),
		.ref = conn_ref(c),
		.ticket = ticket};
	pool_run(conn_pool(c), POOL_BULK, &a->job);
}

static void on_answer(struct conn *c, struct answer *answer)
{
	if (answer->rc == -ERR_BUSY)
		buf_lit(conn_out(c), "-BUSY\r\n");
	else if (answer->data == conn_context(c))
		buf_lit(conn_out(c), "+ANSWER\r\n");
}

static void on_first_answer(struct conn *c, struct answer *answer)
{
	(void)answer;
	later(c, conn_park(c, 60000, on_answer));
}

struct text {
	struct source source;
	struct kit *kit;
	size_t left;
	bool must_wait, must_fail;
};

static int pull_text(struct source *source, struct conn *c, struct buf *out, struct err *err)
{
	struct text *t = (struct text *)source;
	size_t n = t->left < 65536 ? t->left : 65536;
	char *p;

	if (t->must_wait) {
		t->must_wait = false;
		later(c, 0);
		return SOURCE_WAIT;
	}
	p = n ? buf_reserve(out, n) : NULL;
	if (p) {
		memset(p, 'x', n);
		out->len += n;
	}
	t->left -= n;
	if (t->left)
		return SOURCE_MORE;
	return t->must_fail ? err_set(err, ERR_IO, "the body is gone") : SOURCE_DONE;
}

static void free_text(struct source *source)
{
	struct text *t = (struct text *)source;

	atomic_fetch_add(&t->kit->sources_freed, 1);
	free(t);
}

static void add_text(struct conn *c, size_t n, bool must_wait, bool must_fail)
{
	struct text *t = mem_new(struct text);

	*t = (struct text){.source = {.pull = pull_text, .free = free_text},
		.kit = conn_context(c),
		.left = n,
		.must_wait = must_wait,
		.must_fail = must_fail};
	conn_source(c, &t->source);
}

static void spin(void)
{
	const int64_t until = clock_mono_us() + 6000;

	while (clock_mono_us() < until)
		;
}

static void on_park_command(struct conn *c, struct slice line)
{
	struct kit *kit = conn_context(c);
	const struct answer now = {.data = kit, .free_data = free_data};

	if (slice_eq(line, slice_lit("LATE"))) {
		atomic_store(&kit->last_ticket, conn_park(c, 20, on_answer));
	} else if (slice_eq(line, slice_lit("TWICE"))) {
		later(c, conn_park(c, 60000, on_first_answer));
	} else if (slice_eq(line, slice_lit("SELF"))) {
		pool_answer(conn_pool(c), conn_ref(c), conn_park(c, 60000, on_answer), &now);
	} else {
		const uint64_t ticket = conn_park(c, 60000, on_answer);

		atomic_store(&kit->last_ticket, ticket);
		if (slice_eq(line, slice_lit("PARK")))
			later(c, ticket);
	}
}

static void on_source_command(struct conn *c, struct slice line)
{
	uint64_t n = 0;

	if (slice_eq(line, slice_lit("WAIT"))) {
		buf_lit(conn_out(c), "+WAITING\r\n");
		add_text(c, 5, true, false);
	} else if (slice_eq(line, slice_lit("BREAK"))) {
		add_text(c, 4, false, true);
	} else if (slice_to_u64(slice_from(line, 4), UINT32_MAX, &n)) {
		add_text(c, n, false, false);
	}
	buf_lit(conn_out(c), "\r\n+DONE\r\n");
}

static void on_who_command(struct conn *c)
{
	uint32_t uid = 0;

	if (conn_peer_uid(c, &uid))
		buf_printf(conn_out(c), "+uid %u\r\n", uid);
	else
		buf_printf(conn_out(c), "+%.*s\r\n", SLICE_ARG(conn_peer_address(c)));
}

/* Holds its thread until the test says so. */
static void on_stick_command(struct conn *c)
{
	struct kit *kit = conn_context(c);

	atomic_fetch_add(&kit->stuck, 1);
	while (!atomic_load(&kit->may_go))
		usleep(200);
	atomic_fetch_sub(&kit->stuck, 1);
	buf_lit(conn_out(c), "+FREE\r\n");
}

static void on_join_command(struct conn *c, uint64_t account)
{
	conn_join(c, account);
	buf_lit(conn_out(c), "+JOINED\r\n");
}

static void on_plain_command(struct conn *c, struct slice line)
{
	struct buf *out = conn_out(c);

	if (slice_eq(line, slice_lit("PING"))) {
		buf_lit(out, "+PONG\r\n");
	} else if (slice_eq(line, slice_lit("NAME"))) {
		buf_printf(out, "+%s\r\n", conn_is_tls(c) ? conn_tls_version(c) : "clear");
	} else if (slice_eq(line, slice_lit("WHO"))) {
		on_who_command(c);
	} else if (slice_starts(line, slice_lit("SUM "))) {
		buf_printf(out, "+SUM %llx\r\n", (unsigned long long)bytes_hash(line));
	} else if (slice_eq(line, slice_lit("SPIN"))) {
		spin();
		buf_lit(out, "+SPUN\r\n");
	} else if (slice_eq(line, slice_lit("STICK"))) {
		on_stick_command(c);
	} else if (slice_starts(line, slice_lit("JOIN "))) {
		on_join_command(c, (uint64_t)line.ptr[5]);
	} else if (slice_eq(line, slice_lit("TLS"))) {
		if (conn_start_tls(c)) {
			buf_lit(out, "+GO\r\n");
		} else {
			buf_lit(out, "-NO\r\n");
			conn_close(c);
		}
	} else if (slice_eq(line, slice_lit("QUIT"))) {
		buf_lit(out, "+BYE\r\n");
		conn_close(c);
	} else {
		conn_set_busy(c, slice_eq(line, slice_lit("HOLD")));
		buf_lit(out, "+OK\r\n");
	}
}

static void on_execute(struct conn *c, struct slice unit)
{
	const struct slice line = slice_trim(unit);
	char *copy = arena_str(conn_arena(c), line); /* touch the arena as a protocol would */

	assert(copy);
	if (slice_eq(line, slice_lit("PARK")) || slice_eq(line, slice_lit("LATE")) ||
		slice_eq(line, slice_lit("SELF")) || slice_eq(line, slice_lit("TWICE")) ||
		slice_eq(line, slice_lit("EVER")))
		on_park_command(c, line);
	else if (slice_starts(line, slice_lit("BIG ")) || slice_eq(line, slice_lit("WAIT")) ||
		 slice_eq(line, slice_lit("BREAK")))
		on_source_command(c, line);
	else
		on_plain_command(c, line);
}

static void on_notify(struct conn *c)
{
	struct kit *kit = conn_context(c);

	atomic_fetch_add(&kit->notified, 1);
	buf_lit(conn_out(c), "*WAKE\r\n");
}

static void on_goodbye(struct conn *c, enum conn_goodbye why)
{
	struct kit *kit = conn_context(c);

	atomic_fetch_add(&kit->goodbyes, 1);
	buf_printf(conn_out(c), "*GOODBYE %d\r\n", (int)why);
}

static void on_done(struct conn *c)
{
	struct kit *kit = conn_context(c);

	atomic_fetch_add(&kit->done, 1);
}

const struct protocol kit_protocol = {
	.name = "kit",
	.session_size = sizeof(struct session),
	.unit_max = 4096,
	.greet = on_greet,
	.frame = on_frame,
	.execute = on_execute,
	.notify = on_notify,
	.goodbye = on_goodbye,
	.done = on_done,
};

uint16_t kit_listen_with(struct pool *pool, const struct pool_listener *listener)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	struct pool_listener face = *listener;
	struct err err;

	face.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bind(face.fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(face.fd, 1024) < 0 ||
		getsockname(face.fd, (struct sockaddr *)&at, &len) < 0 ||
		pool_listen(pool, &face, &err) < 0)
		abort();
	return ntohs(at.sin_port);
}

uint16_t kit_listen(struct kit *kit, struct tls *tls, bool is_implicit, enum pool_class class,
	size_t connections_max)
{
	const struct pool_listener listener = {.protocol = &kit_protocol,
		.context = kit,
		.tls = tls,
		.is_implicit_tls = is_implicit,
		.class = class,
		.connections_max = connections_max};

	return kit_listen_with(kit->pool, &listener);
}

uint16_t kit_listen_old(struct kit *kit, struct tls *tls)
{
	const struct pool_listener listener = {.protocol = &kit_protocol,
		.context = kit,
		.tls = tls,
		.is_implicit_tls = true,
		.allows_old_tls = true,
		.class = POOL_INTERACTIVE};

	return kit_listen_with(kit->pool, &listener);
}

struct conn_ref kit_last_ref(struct kit *kit)
{
	const uint64_t both = atomic_load(&kit->last_ref);

	return (struct conn_ref){(uint32_t)(both >> 32), (uint32_t)both};
}

void peer_connect(struct peer *p, uint16_t port)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port)};

	*p = (struct peer){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	if (connect(p->fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		abort();
}

bool peer_tls(struct peer *p, SSL_CTX *ctx, const char *server_name)
{
	p->ssl = SSL_new(ctx);
	SSL_set_fd(p->ssl, p->fd);
	if (server_name)
		SSL_set_tlsext_host_name(p->ssl, server_name);
	return SSL_connect(p->ssl) == 1;
}

void peer_send(struct peer *p, const char *text)
{
	const size_t len = strlen(text);

	if (p->ssl)
		SSL_write(p->ssl, text, (int)len);
	else if (send(p->fd, text, len, MSG_NOSIGNAL) < 0)
		return;
}

static bool next_byte(struct peer *p, char *out)
{
	ssize_t n;

	if (p->ssl)
		return SSL_read(p->ssl, out, 1) == 1;
	do
		n = read(p->fd, out, 1);
	while (n < 0 && errno == EINTR);
	return n == 1;
}

const char *peer_line(struct peer *p)
{
	size_t n = 0;

	while (n + 1 < sizeof(p->line) && next_byte(p, &p->line[n])) {
		if (p->line[n] != '\n') {
			n++;
			continue;
		}
		p->line[n > 0 && p->line[n - 1] == '\r' ? n - 1 : n] = '\0';
		return p->line;
	}
	return NULL;
}

bool peer_skip(struct peer *p, size_t n)
{
	char bytes[16384];

	while (n) {
		const size_t want = n < sizeof(bytes) ? n : sizeof(bytes);
		const ssize_t got =
			p->ssl ? SSL_read(p->ssl, bytes, (int)want) : read(p->fd, bytes, want);

		if (got <= 0)
			return false;
		n -= (size_t)got;
	}
	return true;
}

void peer_close(struct peer *p)
{
	SSL_free(p->ssl);
	close(p->fd);
}

void peer_expect(struct peer *p, const char *line)
{
	const char *got = peer_line(p);

	if (!got || strcmp(got, line) != 0) {
		fprintf(stderr, "expected <%s>, got <%s>\n", line, got ? got : "end");
		abort();
	}
}

static char *certificate(EVP_PKEY *key, const char *dns_name, long valid_for_s,
	const char *issuer_name, EVP_PKEY *issuer, const EVP_MD *hash)
{
	X509_NAME *name;
	X509 *cert = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	char alternative[300], *text, *pem;
	X509_EXTENSION *ext;
	long len;

	snprintf(alternative, sizeof(alternative), "DNS:%s", dns_name);
	ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alternative);
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), valid_for_s);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
		(const unsigned char *)dns_name, -1, -1, 0);
	name = X509_NAME_new();
	X509_NAME_add_entry_by_txt(
		name, "CN", MBSTRING_ASC, (const unsigned char *)issuer_name, -1, -1, 0);
	X509_set_issuer_name(cert, name);
	X509_NAME_free(name);
	X509_set_pubkey(cert, key);
	X509_add_ext(cert, ext, -1);
	X509_sign(cert, issuer, hash);
	PEM_write_bio_X509(bio, cert);
	len = BIO_get_mem_data(bio, &text);
	pem = mem_str((struct slice){text, (size_t)len});
	X509_EXTENSION_free(ext);
	X509_free(cert);
	BIO_free(bio);
	return pem;
}

struct kit_key kit_key_ec(const char *curve, const char *dns_name, long valid_for_s)
{
	EVP_PKEY *key = EVP_EC_gen(curve);

	return (struct kit_key){
		key, certificate(key, dns_name, valid_for_s, dns_name, key, EVP_sha256())};
}

struct kit_key kit_key_rsa(int bits, const char *dns_name)
{
	EVP_PKEY *key = EVP_RSA_gen((unsigned)bits);

	return (struct kit_key){key, certificate(key, dns_name, 3600, dns_name, key, EVP_sha256())};
}

void kit_key_sign(
	struct kit_key *key, const char *dns_name, const struct kit_key *issuer, const EVP_MD *hash)
{
	free(key->pem);
	key->pem = certificate(key->key, dns_name, 3600, "issuer", issuer->key, hash);
}

void kit_use(struct tls *tls, const struct kit_key *key, const char *name)
{
	struct tls_use use = {.is_default = true};
	struct err err;

	if (tls_chain_read(tls, slice_str(key->pem), slice_str(name), &use.chain, &err) < 0)
		abort();
	tls_use(tls, &use, 1);
	tls_chain_release(use.chain);
}

void kit_key_done(struct kit_key *key)
{
	EVP_PKEY_free(key->key);
	free(key->pem);
}

static const EVP_MD *hash_of(enum tls_hash hash)
{
	if (hash == TLS_SHA1)
		return EVP_sha1();
	if (hash == TLS_MD5_SHA1)
		return EVP_md5_sha1();
	if (hash == TLS_SHA512)
		return EVP_sha512();
	return hash == TLS_SHA384 ? EVP_sha384() : EVP_sha256();
}

static int set_padding(EVP_PKEY_CTX *ctx, enum tls_algorithm algorithm, enum tls_hash hash)
{
	if (EVP_PKEY_sign_init(ctx) != 1 || EVP_PKEY_CTX_set_signature_md(ctx, hash_of(hash)) != 1)
		return 0;
	if (algorithm == TLS_RSA_PSS)
		return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
	return 1;
}

int kit_sign(void *arg, struct slice key_name, enum tls_algorithm algorithm, enum tls_hash hash,
	struct slice digest, struct buf *out, struct err *err)
{
	struct kit_ring *ring = arg;
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *ctx;
	size_t len = 1024;
	char *p = buf_reserve(out, len);
	int ok;

	atomic_fetch_add(&ring->calls, 1);
	atomic_fetch_add(&ring->waiting, 1);
	while (atomic_load(&ring->is_stuck))
		usleep(200);
	atomic_fetch_sub(&ring->waiting, 1);
	atomic_store(&ring->last_algorithm, (int)algorithm);
	atomic_store(&ring->last_hash, (int)hash);
	for (size_t i = 0; i < 4 && ring->names[i]; i++) {
		if (slice_eq(key_name, slice_str(ring->names[i])))
			key = ring->keys[i].key;
	}
	if (!key || !p)
		return err_set(err, ERR_NOTFOUND, "no such key");
	ctx = EVP_PKEY_CTX_new(key, NULL);
	ok = set_padding(ctx, algorithm, hash) &&
	     EVP_PKEY_sign(ctx, (unsigned char *)p, &len, (const unsigned char *)digest.ptr,
		     digest.len) == 1;
	EVP_PKEY_CTX_free(ctx);
	if (!ok)
		return err_set(err, ERR_IO, "cannot sign");
	out->len += len;
	return 0;
}
