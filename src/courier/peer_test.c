/* peer_test.c - connections outward: addresses, deadlines, and TLS with servers of all kinds. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "courier/peer.h"

enum {
	PATIENCE_MS = 300,
	HANDSHAKE_MS = 5000,
	DAY = 86400,
	PEM_MAX = 64 << 10,
	BIG = 300000, /* more than fits into what lies between */
};

static int stop_fd;

/* ---- certificates ---- */

enum which { CA, GOOD, EXPIRED, FUTURE, OTHER_NAME, SELF_SIGNED, CERTS };

static struct cert {
	X509 *cert;
	EVP_PKEY *key;
	unsigned char whole[SHA256_LEN], key_hash[SHA256_LEN]; /* selectors 0 and 1, matching 1 */
} certs[CERTS];
static struct buf ca_pem;
static struct peer_tls *tls;

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static void make_hashes(struct cert *c)
{
	unsigned char *der = NULL;
	int n = i2d_X509(c->cert, &der);

	assert_true(n > 0);
	sha256((struct slice){(const char *)der, (size_t)n}, c->whole);
	OPENSSL_free(der);
	der = NULL;
	n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->cert), &der);
	assert_true(n > 0);
	sha256((struct slice){(const char *)der, (size_t)n}, c->key_hash);
	OPENSSL_free(der);
}

static void make_cert(enum which which, const char *name, enum which issuer, long from, long until)
{
	struct cert *c = &certs[which], *by = &certs[issuer];
	X509 *x = X509_new();
	char names[64];

	c->cert = x;
	c->key = EVP_EC_gen("P-256");
	assert_non_null(c->key);
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), (long)which + 1);
	X509_gmtime_adj(X509_getm_notBefore(x), from);
	X509_gmtime_adj(X509_getm_notAfter(x), until);
	X509_set_pubkey(x, c->key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
		(const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(by->cert));
	add_extension(x, by->cert, NID_basic_constraints,
		which == CA ? "critical,CA:TRUE" : "critical,CA:FALSE");
	snprintf(names, sizeof(names), "DNS:%s", name);
	if (which != CA)
		add_extension(x, by->cert, NID_subject_alt_name, names);
	assert_true(X509_sign(x, by->key, EVP_sha256()) > 0);
	make_hashes(c);
}

static void make_certs(void)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem;
	long n;

	make_cert(CA, "Test CA", CA, -DAY, DAY);
	make_cert(GOOD, "mx.example", CA, -DAY, DAY);
	make_cert(EXPIRED, "mx.example", CA, -2 * DAY, -DAY);
	make_cert(FUTURE, "mx.example", CA, DAY, 2 * DAY);
	make_cert(OTHER_NAME, "other.example", CA, -DAY, DAY);
	make_cert(SELF_SIGNED, "mx.example", SELF_SIGNED, -DAY, DAY);
	assert_int_equal(PEM_write_bio_X509(bio, certs[CA].cert), 1);
	n = BIO_get_mem_data(bio, &pem);
	buf_init(&ca_pem, PEM_MAX);
	buf_append(&ca_pem, (struct slice){pem, (size_t)n});
	BIO_free(bio);
}

static int set_up(void **state)
{
	struct err err;

	(void)state;
	stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	make_certs();
	return peer_tls_new(buf_slice(&ca_pem), &tls, &err) < 0 || stop_fd < 0;
}

static int tear_down(void **state)
{
	(void)state;
	peer_tls_free(&tls);
	for (size_t i = 0; i < CERTS; i++) {
		X509_free(certs[i].cert);
		EVP_PKEY_free(certs[i].key);
	}
	buf_done(&ca_pem);
	return close(stop_fd);
}

/* ---- a server ---- */

enum deed { ECHOES, CLOSES, BREAKS_OFF, TALKS_NONSENSE, IS_SILENT, LEAVES };

/* After the handshake it sends back what comes, ends TLS in order, or breaks off; or there is none:
 * it says what is no TLS, says nothing, or goes. */
struct server {
	int fd;
	enum which cert;
	enum deed deed;
	pthread_t thread;
};

static SSL *accept_tls(const struct server *s, SSL_CTX *ctx)
{
	const struct cert *c = &certs[s->cert];
	SSL *ssl;

	SSL_CTX_use_certificate(ctx, c->cert);
	SSL_CTX_use_PrivateKey(ctx, c->key);
	if (s->cert != SELF_SIGNED) /* as RFC 7671 5.2.2 wants it for usage 2 */
		SSL_CTX_add1_chain_cert(ctx, certs[CA].cert);
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, s->fd);
	return ssl;
}

static void serve_tls(const struct server *s)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	SSL *ssl = accept_tls(s, ctx);
	char bytes[4096];
	int n;

	if (SSL_accept(ssl) == 1 && s->deed == ECHOES) {
		while ((n = SSL_read(ssl, bytes, sizeof(bytes))) > 0 &&
			SSL_write(ssl, bytes, n) == n)
			;
	} else if (s->deed == CLOSES) {
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

static void *serve(void *context)
{
	const struct server *s = context;
	char byte;

	if (s->deed <= BREAKS_OFF)
		serve_tls(s);
	else if (s->deed == TALKS_NONSENSE)
		(void)!write(s->fd, "this is no handshake, nor meant to be one\r\n", 43);
	else if (s->deed == IS_SILENT)
		while (read(s->fd, &byte, 1) > 0)
			;
	shutdown(s->fd, SHUT_RDWR);
	return NULL;
}

static struct peer *begin(struct server *s)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	s->fd = fds[1];
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
	return peer_new(fds[0], stop_fd);
}

static void end(struct server *s, struct peer **peer)
{
	peer_close(peer);
	pthread_join(s->thread, NULL);
	close(s->fd);
}

/* ---- whom TLS is with ---- */

static struct dns_tlsa tlsa_of(unsigned usage, unsigned selector, enum which which)
{
	const struct cert *c = &certs[which];

	return (struct dns_tlsa){.usage = usage,
		.selector = selector,
		.matching = 1,
		.data = {(const char *)(selector ? c->key_hash : c->whole), SHA256_LEN}};
}

static const struct row {
	enum which cert;
	unsigned usage, selector; /* of a TLSA record; usage 0: there is none */
	enum which named;         /* by it */
	const char *other;        /* another name that is as good */
	enum peer_trust trust;
	enum tls_result result;
} rows[] = {
	/* by the list of CAs */
	{GOOD, 0, 0, CA, NULL, PEER_VERIFIED, TLS_RESULT_GOOD},
	{EXPIRED, 0, 0, CA, NULL, PEER_UNKNOWN, TLS_RESULT_EXPIRED},
	{FUTURE, 0, 0, CA, NULL, PEER_UNKNOWN, TLS_RESULT_EXPIRED},
	{OTHER_NAME, 0, 0, CA, NULL, PEER_UNKNOWN, TLS_RESULT_HOST_MISMATCH},
	/* the destination's name counts only where TLSA records do */
	{OTHER_NAME, 0, 0, CA, "other.example", PEER_UNKNOWN, TLS_RESULT_HOST_MISMATCH},
	{SELF_SIGNED, 0, 0, CA, NULL, PEER_UNKNOWN, TLS_RESULT_NOT_TRUSTED},
	/* RFC 7672 3.1.1: nothing of the server's certificate but its key matters */
	{SELF_SIGNED, 3, 1, SELF_SIGNED, NULL, PEER_DANE, TLS_RESULT_GOOD},
	{SELF_SIGNED, 3, 0, SELF_SIGNED, NULL, PEER_DANE, TLS_RESULT_GOOD},
	{EXPIRED, 3, 1, EXPIRED, NULL, PEER_DANE, TLS_RESULT_GOOD},
	{OTHER_NAME, 3, 1, OTHER_NAME, NULL, PEER_DANE, TLS_RESULT_GOOD},
	{GOOD, 3, 1, SELF_SIGNED, NULL, PEER_UNKNOWN, TLS_RESULT_TLSA_INVALID},
	/* 3.1.2: who signs is named, and the rest is as ever */
	{GOOD, 2, 0, CA, NULL, PEER_DANE, TLS_RESULT_GOOD},
	{GOOD, 2, 1, CA, NULL, PEER_DANE, TLS_RESULT_GOOD},
	{OTHER_NAME, 2, 0, CA, "other.example", PEER_DANE, TLS_RESULT_GOOD},
	{OTHER_NAME, 2, 0, CA, NULL, PEER_UNKNOWN, TLS_RESULT_HOST_MISMATCH},
	{EXPIRED, 2, 0, CA, NULL, PEER_UNKNOWN, TLS_RESULT_EXPIRED},
	{SELF_SIGNED, 2, 0, CA, NULL, PEER_UNKNOWN, TLS_RESULT_TLSA_INVALID},
};

static void run(size_t i)
{
	const struct row *row = &rows[i];
	const struct dns_tlsa tlsa = tlsa_of(row->usage, row->selector, row->named);
	const struct peer_wish wish = {
		.name = "mx.example", .other = row->other, .tlsa = &tlsa, .tlsa_n = row->usage > 0};
	struct server s = {.cert = row->cert};
	struct peer *peer = begin(&s);
	enum peer_trust trust = PEER_CLEAR;
	const char *reason;
	struct err err;

	if (peer_start_tls(peer, tls, &wish, HANDSHAKE_MS, &trust, &err) < 0)
		fail_msg("row %zu: %s", i, err.msg);
	if (trust != row->trust || peer_tls_result(peer, &reason) != row->result)
		fail_msg("row %zu: trust %d, result %d: %s", i, (int)trust,
			(int)peer_tls_result(peer, &reason), reason);
	end(&s, &peer);
}

static void test_certificates(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		run(i);
}

/* Without a list of CAs nobody is known, and TLS comes about all the same. */
static void test_no_list(void **state)
{
	const struct peer_wish wish = {.name = "mx.example"};
	struct server s = {.cert = GOOD};
	struct peer *peer = begin(&s);
	struct peer_tls *none;
	enum peer_trust trust;
	struct err err;

	(void)state;
	assert_int_equal(peer_tls_new((struct slice){0}, &none, &err), 0);
	assert_int_equal(peer_start_tls(peer, none, &wish, HANDSHAKE_MS, &trust, &err), 0);
	assert_int_equal(trust, PEER_UNKNOWN);
	end(&s, &peer);
	peer_tls_free(&none);
}

/* ---- what goes wrong, and what of that is TLS's fault ---- */

static void test_no_handshake(void **state)
{
	static const struct {
		enum deed deed;
		int rc;
	} cases[] = {{TALKS_NONSENSE, -ERR_DENIED}, {LEAVES, -ERR_DENIED}, {IS_SILENT, -ERR_BUSY}};
	const struct peer_wish wish = {.name = "mx.example"};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct server s = {.deed = cases[i].deed};
		struct peer *peer = begin(&s);
		enum peer_trust trust = PEER_VERIFIED;
		struct err err;

		if (peer_start_tls(peer, tls, &wish, PATIENCE_MS, &trust, &err) != cases[i].rc)
			fail_msg("case %zu: %s", i, err.msg);
		assert_int_equal(trust, PEER_VERIFIED); /* untouched */
		end(&s, &peer);
	}
}

/* What came in clear behind the answer to STARTTLS. */
static void test_said_too_much(void **state)
{
	const struct peer_wish wish = {.name = "mx.example"};
	enum peer_trust trust;
	struct peer *peer;
	struct err err;
	int fds[2];

	(void)state;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
	peer = peer_new(fds[0], stop_fd);
	assert_int_equal(write(fds[1], "250 ok\r\n", 8), 8);
	assert_int_equal(peer_fill(peer, PATIENCE_MS, &err), 0);
	assert_int_equal(peer_start_tls(peer, tls, &wish, PATIENCE_MS, &trust, &err), -ERR_DENIED);
	peer_close(&peer);
	close(fds[1]);
}

/* Once there is TLS, that a connection ends says nothing against it. */
static void test_lost_within(void **state)
{
	static const enum deed deeds[] = {CLOSES, BREAKS_OFF};
	const struct peer_wish wish = {.name = "mx.example"};

	(void)state;
	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
		struct server s = {.cert = GOOD, .deed = deeds[i]};
		struct peer *peer = begin(&s);
		enum peer_trust trust;
		struct err err;
		int rc = 0;

		assert_int_equal(peer_start_tls(peer, tls, &wish, HANDSHAKE_MS, &trust, &err), 0);
		assert_int_equal(trust, PEER_VERIFIED);
		assert_int_equal(peer_fill(peer, HANDSHAKE_MS, &err), -ERR_IO);
		assert_false(peer_is_quiet(peer));
		for (int n = 0; n < 10000 && rc == 0; n++)
			rc = peer_write(peer, buf_slice(&ca_pem), HANDSHAKE_MS, &err);
		assert_int_equal(rc, -ERR_IO);
		end(&s, &peer);
	}
}

static void test_bytes(void **state)
{
	const struct peer_wish wish = {.name = "mx.example"};
	struct server s = {.cert = GOOD};
	struct peer *peer = begin(&s);
	const char *big = memset(malloc(BIG), 'x', BIG);
	enum peer_trust trust;
	size_t got = 0;
	struct err err;

	(void)state;
	assert_int_equal(peer_start_tls(peer, tls, &wish, HANDSHAKE_MS, &trust, &err), 0);
	assert_true(peer_is_quiet(peer));
	assert_int_equal(peer_fill(peer, 50, &err), -ERR_BUSY);
	for (size_t at = 0; at < BIG; at += BIG / 10) {
		assert_int_equal(
			peer_write(peer, (struct slice){big + at, BIG / 10}, HANDSHAKE_MS, &err),
			0);
		while (got < at + BIG / 10) {
			assert_int_equal(peer_fill(peer, HANDSHAKE_MS, &err), 0);
			got += peer_in(peer).len;
			peer_take(peer, peer_in(peer).len);
		}
	}
	assert_int_equal(got, BIG);
	assert_true(peer_is_quiet(peer));
	free((void *)(uintptr_t)big);
	end(&s, &peer);
}

/* ---- addresses ---- */

static int listener(const char *address, unsigned short *port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(*port)};
	socklen_t len = sizeof(in);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(inet_pton(AF_INET, address, &in.sin_addr), 1);
	assert_int_equal(bind(fd, (const struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	*port = ntohs(in.sin_port);
	return fd;
}

static void test_addresses(void **state)
{
	struct ip addresses[2];
	unsigned short port = 0;
	const int fd = listener("127.0.0.2", &port);
	char ours[IP_TEXT_MAX];
	struct peer *peer;
	struct err err;
	size_t at = 7;

	(void)state;
	assert_true(ip_parse(slice_lit("127.0.0.3"), &addresses[0]));
	assert_true(ip_parse(slice_lit("127.0.0.2"), &addresses[1]));
	assert_int_equal(peer_connect(addresses, 1, port, PATIENCE_MS, stop_fd, &peer, &at, &err),
		-ERR_BUSY);
	assert_int_equal(at, 7);
	assert_int_equal(
		peer_connect(addresses, 2, port, PATIENCE_MS, stop_fd, &peer, &at, &err), 0);
	assert_int_equal(at, 1);
	peer_our_address(peer, ours);
	assert_int_equal(strncmp(ours, "127.0.0.", 8), 0);
	assert_true(peer_is_quiet(peer));
	peer_close(&peer);
	close(fd);
}

static void test_stopping(void **state)
{
	struct slice big = {calloc(1, 4 << 20), 4 << 20};
	const uint64_t one = 1;
	struct peer *peer;
	struct err err;
	int fds[2];

	(void)state;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
	peer = peer_new(fds[0], stop_fd);
	assert_int_equal(peer_fill(peer, 50, &err), -ERR_BUSY);
	assert_int_equal(peer_write(peer, big, 50, &err), -ERR_BUSY);
	assert_int_equal(write(fds[1], "ab", 2), 2);
	assert_false(peer_is_quiet(peer));
	assert_int_equal(peer_fill(peer, 50, &err), 0);
	assert_true(slice_eq(peer_in(peer), slice_lit("ab")));
	peer_take(peer, 1);
	assert_true(slice_eq(peer_in(peer), slice_lit("b")));
	assert_int_equal(write(stop_fd, &one, sizeof(one)), sizeof(one));
	assert_int_equal(peer_fill(peer, 60000, &err), -ERR_BUSY);
	assert_non_null(strstr(err.msg, "stopped"));
	peer_close(&peer);
	close(fds[1]);
	free((void *)(uintptr_t)big.ptr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_certificates), cmocka_unit_test(test_no_list),
		cmocka_unit_test(test_no_handshake), cmocka_unit_test(test_said_too_much),
		cmocka_unit_test(test_lost_within), cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_stopping), /* the last: everything is stopped */
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
