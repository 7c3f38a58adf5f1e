/* tls_test.c - real handshakes against the provider, whose keys are in the test alone. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/internal.h"
#include "net/net_kit.h"

enum { KEY_P256, KEY_P384, KEY_RSA, KEYS };

struct setup {
	struct kit kit;
	struct kit_ring ring;
	struct tls *tls;
	uint16_t implicit, clear, old;
	struct tls_use uses[KEYS];
	size_t uses_n;
};

static const unsigned char ticket_keys[2][48] = {"newest", "older"};

static void load_as(struct setup *s, size_t key, bool is_default, bool is_old)
{
	struct tls_use *use = &s->uses[s->uses_n++];
	struct err err;

	*use = (struct tls_use){.is_default = is_default, .is_old = is_old};
	if (tls_chain_read(s->tls, slice_str(s->ring.keys[key].pem), slice_str(s->ring.names[key]),
		    &use->chain, &err) < 0)
		fail_msg("%s", err.msg);
	tls_use(s->tls, s->uses, s->uses_n);
}

static void load(struct setup *s, size_t key, bool is_default)
{
	load_as(s, key, is_default, false);
}

static void unload(struct setup *s)
{
	while (s->uses_n)
		tls_chain_release(s->uses[--s->uses_n].chain);
}

static void start(struct setup *s)
{
	struct err err;

	*s = (struct setup){0};
	s->ring.keys[KEY_P256] = kit_key_ec("P-256", "mail.example", 3600);
	s->ring.keys[KEY_P384] = kit_key_ec("P-384", "*.other.example", 3600);
	s->ring.keys[KEY_RSA] = kit_key_rsa(2048, "Mail.Example");
	s->ring.names[KEY_P256] = "ec256";
	s->ring.names[KEY_P384] = "ec384";
	s->ring.names[KEY_RSA] = "rsa";
	assert_int_equal(tls_new(kit_sign, &s->ring, &s->tls, &err), 0);
	assert_int_equal(pool_new(&(struct pool_config){.threads = 4, .connections_max = 100},
				 &s->kit.pool, &err),
		0);
	s->implicit = kit_listen(&s->kit, s->tls, true, POOL_INTERACTIVE, 0);
	s->clear = kit_listen(&s->kit, s->tls, false, POOL_MX, 0);
	s->old = kit_listen_old(&s->kit, s->tls);
	assert_int_equal(pool_start(s->kit.pool, &err), 0);
}

static void stop(struct setup *s)
{
	pool_stop(&s->kit.pool);
	unload(s);
	tls_free(&s->tls);
	for (size_t i = 0; i < KEYS; i++)
		kit_key_done(&s->ring.keys[i]);
}

/* A client that trusts the test's certificates, of one version and some signature algorithms. */
static SSL_CTX *client(struct setup *s, int version, const char *algorithms)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	SSL_CTX_set_min_proto_version(ctx, version);
	SSL_CTX_set_max_proto_version(ctx, version);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	if (algorithms)
		assert_int_equal(SSL_CTX_set1_sigalgs_list(ctx, algorithms), 1);
	for (size_t i = 0; i < KEYS; i++) {
		BIO *bio = BIO_new_mem_buf(s->ring.keys[i].pem, -1);
		X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

		X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), cert);
		X509_free(cert);
		BIO_free(bio);
	}
	return ctx;
}

/* Which of our keys the peer was shown. */
static size_t shown(struct setup *s, struct peer *p)
{
	X509 *cert = SSL_get1_peer_certificate(p->ssl);
	size_t i;

	assert_non_null(cert);
	for (i = 0; i < KEYS; i++) {
		if (EVP_PKEY_eq(X509_get0_pubkey(cert), s->ring.keys[i].key) == 1)
			break;
	}
	X509_free(cert);
	return i;
}

/* A reply of many records, and an end that TLS itself confirms. */
static void use_and_quit(struct peer *p)
{
	peer_send(p, "BIG 500000\r\n");
	assert_true(peer_skip(p, 500000));
	peer_expect(p, "");
	peer_expect(p, "+DONE");
	peer_send(p, "QUIT\r\n");
	peer_expect(p, "+BYE");
	assert_null(peer_line(p));
	assert_int_equal(SSL_get_shutdown(p->ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
}

static void test_handshakes(void **state)
{
	static const struct {
		int version;
		const char *algorithms, *name;
		size_t key;
		enum tls_algorithm algorithm;
	} cases[] = {
		{TLS1_2_VERSION, "ECDSA+SHA256", "mail.example", KEY_P256, TLS_ECDSA},
		{TLS1_3_VERSION, "ECDSA+SHA256", "mail.example", KEY_P256, TLS_ECDSA},
		{TLS1_2_VERSION, "ECDSA+SHA384", "a.other.example", KEY_P384, TLS_ECDSA},
		{TLS1_3_VERSION, "ECDSA+SHA384", "A.OTHER.example.", KEY_P384, TLS_ECDSA},
		{TLS1_2_VERSION, "RSA+SHA256", "mail.example", KEY_RSA, TLS_RSA_PKCS1},
		{TLS1_2_VERSION, "RSA+SHA512", "mail.example", KEY_RSA, TLS_RSA_PKCS1},
		{TLS1_2_VERSION, "rsa_pss_rsae_sha256", "mail.example", KEY_RSA, TLS_RSA_PSS},
		{TLS1_3_VERSION, "rsa_pss_rsae_sha256", "mail.example", KEY_RSA, TLS_RSA_PSS},
		{TLS1_3_VERSION, "rsa_pss_rsae_sha384", "mail.example", KEY_RSA, TLS_RSA_PSS},
		{TLS1_3_VERSION, "rsa_pss_rsae_sha512", "mail.example", KEY_RSA, TLS_RSA_PSS},
		{TLS1_3_VERSION, NULL, "mail.example", KEY_P256, TLS_ECDSA},
		{TLS1_3_VERSION, NULL, NULL, KEY_P256, TLS_ECDSA},
		{TLS1_3_VERSION, NULL, "unknown.example", KEY_P256, TLS_ECDSA},
		{TLS1_3_VERSION, NULL, "a.b.other.example", KEY_P256, TLS_ECDSA},
		{TLS1_3_VERSION, NULL, "other.example", KEY_P256, TLS_ECDSA},
	};
	struct setup s;

	(void)state;
	start(&s);
	load(&s, KEY_P256, true);
	load(&s, KEY_P384, false);
	load(&s, KEY_RSA, true);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		SSL_CTX *ctx = client(&s, cases[i].version, cases[i].algorithms);
		struct peer p;
		const size_t calls = s.ring.calls;

		peer_connect(&p, s.implicit);
		if (!peer_tls(&p, ctx, cases[i].name)) {
			ERR_print_errors_fp(stderr);
			fail_msg("case %zu: no handshake", i);
		}
		peer_expect(&p, "+HELLO");
		peer_send(&p, "NAME\r\n");
		peer_expect(&p, cases[i].version == TLS1_2_VERSION ? "+TLSv1.2" : "+TLSv1.3");
		if (shown(&s, &p) != cases[i].key ||
			(enum tls_algorithm)s.ring.last_algorithm != cases[i].algorithm ||
			s.ring.calls != calls + 1)
			fail_msg("case %zu: key %zu, algorithm %d", i, shown(&s, &p),
				s.ring.last_algorithm);
		use_and_quit(&p);
		peer_close(&p);
		SSL_CTX_free(ctx);
	}
	stop(&s);
}

/* A chain of today, signed over SHA-256 by an EC issuer, and one for clients of yesterday. */
static void test_old_clients(void **state)
{
	static const struct {
		int version;
		const char *algorithms;
		bool is_allowed, is_old_listener;
		size_t key; /* KEYS: no handshake */
		enum tls_hash hash;
	} cases[] = {
		{TLS1_3_VERSION, NULL, false, false, KEY_P256, TLS_SHA256},
		{TLS1_2_VERSION, NULL, false, false, KEY_P256, TLS_SHA256},
		{TLS1_2_VERSION, "ECDSA+SHA256:RSA+SHA1", true, false, KEY_P256, TLS_SHA256},
		/* cannot verify EC */
		{TLS1_2_VERSION, "RSA+SHA256", true, false, KEY_RSA, TLS_SHA256},
		{TLS1_2_VERSION, "RSA+SHA256:RSA+SHA1", false, false, KEY_RSA, TLS_SHA256},
		{TLS1_3_VERSION, "rsa_pss_rsae_sha256", false, false, KEY_RSA, TLS_SHA256},
		/* the other hash */
		{TLS1_2_VERSION, "ECDSA+SHA384:RSA+SHA384", false, false, KEY_RSA, TLS_SHA384},
		{TLS1_2_VERSION, "RSA+SHA1", true, false, KEY_RSA, TLS_SHA1},
		{TLS1_2_VERSION, "RSA+SHA1", false, false, KEYS, TLS_SHA1},
		{TLS1_1_VERSION, NULL, true, false, KEYS, TLS_SHA1},
		{TLS1_1_VERSION, NULL, true, true, KEY_RSA, TLS_MD5_SHA1},
		{TLS1_VERSION, NULL, true, true, KEY_RSA, TLS_MD5_SHA1},
		{TLS1_3_VERSION, NULL, true, true, KEY_P256, TLS_SHA256},
	};
	struct setup s;
	struct kit_key issuers[2];

	(void)state;
	start(&s);
	issuers[0] = kit_key_ec("P-256", "issuer", 3600);
	issuers[1] = kit_key_rsa(2048, "issuer");
	kit_key_sign(&s.ring.keys[KEY_P256], "mail.example", &issuers[0], EVP_sha256());
	kit_key_sign(&s.ring.keys[KEY_RSA], "mail.example", &issuers[1], EVP_sha1());
	load_as(&s, KEY_P256, true, false);
	load_as(&s, KEY_RSA, true, true);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		SSL_CTX *ctx = client(&s, cases[i].version, cases[i].algorithms);
		struct peer p;
		bool ok;

		SSL_CTX_set_security_level(ctx, 0);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
		tls_allow_old(s.tls, cases[i].is_allowed);
		peer_connect(&p, cases[i].is_old_listener ? s.old : s.implicit);
		ok = peer_tls(&p, ctx, "mail.example");
		if (ok != (cases[i].key != KEYS) ||
			(ok && (shown(&s, &p) != cases[i].key ||
				       s.ring.last_hash != (int)cases[i].hash)))
			fail_msg("case %zu: handshake %d, hash %d", i, ok, s.ring.last_hash);
		peer_close(&p);
		SSL_CTX_free(ctx);
	}
	kit_key_done(&issuers[0]);
	kit_key_done(&issuers[1]);
	stop(&s);
}

static void test_refusals(void **state)
{
	static const struct {
		int version;
		const char *ciphers;
	} cases[] = {
		{TLS1_1_VERSION, NULL}, {TLS1_VERSION, NULL},
		{TLS1_2_VERSION, "AES128-GCM-SHA256"}, /* RSA key exchange */
		{TLS1_2_VERSION, "DHE-RSA-AES128-GCM-SHA256"},
		{TLS1_2_VERSION, "ECDHE-RSA-AES128-SHA"}, /* CBC */
	};
	struct setup s;
	struct pool_stats stats;

	(void)state;
	start(&s);
	load(&s, KEY_P256, true);
	load(&s, KEY_RSA, true);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		SSL_CTX *ctx = client(&s, cases[i].version, NULL);
		struct peer p;

		SSL_CTX_set_security_level(ctx, 0);
		if (cases[i].ciphers)
			assert_int_equal(SSL_CTX_set_cipher_list(ctx, cases[i].ciphers), 1);
		peer_connect(&p, s.implicit);
		if (peer_tls(&p, ctx, NULL))
			fail_msg("case %zu was let in", i);
		peer_close(&p);
		SSL_CTX_free(ctx);
	}
	pool_wait(s.kit.pool, 60000);
	pool_stats(s.kit.pool, &stats);
	assert_int_equal(stats.handshakes_failed, sizeof(cases) / sizeof(cases[0]));
	assert_int_equal(s.kit.opened, 0);
	stop(&s);
}

/* Without a certificate, with a key the signer does not have, with bytes that are no TLS. */
static void test_failing_handshakes(void **state)
{
	struct setup s;
	SSL_CTX *ctx;
	struct peer p;

	(void)state;
	start(&s);
	ctx = client(&s, TLS1_3_VERSION, NULL);
	for (int round = 0; round < 3; round++) {
		peer_connect(&p, s.implicit);
		if (round == 2) {
			peer_send(&p, "EHLO this is not TLS\r\n");
			peer_line(&p);
		} else {
			assert_false(peer_tls(&p, ctx, NULL));
		}
		peer_close(&p);
		s.ring.names[KEY_P256] = "ec256";
		unload(&s);
		load(&s, KEY_P256, true);
		s.ring.names[KEY_P256] = "gone";
	}
	pool_wait(s.kit.pool, 60000);
	assert_int_equal(s.kit.opened, 0);
	assert_int_equal(s.kit.done, 3);
	SSL_CTX_free(ctx);
	stop(&s);
}

static void test_load_errors(void **state)
{
	struct setup s;
	struct err err;
	struct kit_key bad[3];
	struct tls_chain *none = NULL;
	struct buf pem;
	char *two;
	SSL_CTX *ctx;
	struct peer p;
	static const int want[3] = {-ERR_CONFLICT, -ERR_SYNTAX, -ERR_SYNTAX};

	(void)state;
	start(&s);
	bad[0] = kit_key_ec("P-256", "mail.example", -60);
	bad[1] = kit_key_ec("P-521", "mail.example", 3600);
	bad[2] = kit_key_rsa(1024, "mail.example");
	load(&s, KEY_P256, true);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(
			tls_chain_read(s.tls, slice_str(bad[i].pem), slice_lit("x"), &none, &err),
			want[i]);
		kit_key_done(&bad[i]);
	}
	assert_int_equal(tls_chain_read(s.tls, slice_lit("no pem"), slice_lit("x"), &none, &err),
		-ERR_SYNTAX);
	assert_int_equal(
		tls_chain_read(s.tls, slice_lit(""), slice_lit("x"), &none, &err), -ERR_SYNTAX);
	two = mem_str(slice_str(s.ring.keys[KEY_P384].pem));
	buf_init(&pem, 1 << 20);
	buf_str(&pem, s.ring.keys[KEY_P256].pem);
	buf_str(&pem, two);
	assert_int_equal(
		tls_chain_read(s.tls, buf_slice(&pem), slice_lit("x"), &none, &err), -ERR_SYNTAX);
	assert_non_null(strstr(err.msg, "not signed by the one behind it"));
	buf_done(&pem);
	free(two);
	assert_null(none);
	ctx = client(&s, TLS1_3_VERSION, NULL);
	peer_connect(&p, s.implicit);
	assert_true(peer_tls(&p, ctx, NULL)); /* what was there before stays */
	peer_close(&p);
	SSL_CTX_free(ctx);
	stop(&s);
}

/* A new chain serves new handshakes; who is connected keeps what he has. */
static void test_reload(void **state)
{
	struct setup s;
	SSL_CTX *ctx;
	struct peer before, after;
	struct kit_key first;

	(void)state;
	start(&s);
	load(&s, KEY_P256, true);
	ctx = client(&s, TLS1_3_VERSION, NULL);
	peer_connect(&before, s.implicit);
	assert_true(peer_tls(&before, ctx, NULL));
	first = s.ring.keys[KEY_P256];
	s.ring.keys[KEY_P256] = kit_key_ec("P-256", "mail.example", 3600);
	unload(&s);
	load(&s, KEY_P256, true);
	SSL_CTX_free(ctx);
	ctx = client(&s, TLS1_3_VERSION, NULL);
	peer_connect(&after, s.implicit);
	assert_true(peer_tls(&after, ctx, "mail.example"));
	assert_int_equal(shown(&s, &after), KEY_P256);
	peer_send(&before, "PING\r\n");
	peer_expect(&before, "+HELLO");
	peer_expect(&before, "+PONG");
	peer_close(&before);
	peer_close(&after);
	SSL_CTX_free(ctx);
	kit_key_done(&first);
	stop(&s);
}

static SSL_SESSION *kept;

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(kept);
	kept = session;
	return 1;
}

/* A handshake with the kept session; whether it was resumed. */
static bool resumes(struct setup *s, SSL_CTX *ctx)
{
	struct peer p;
	bool is_resumed;

	peer_connect(&p, s->implicit);
	p.ssl = SSL_new(ctx);
	SSL_set_fd(p.ssl, p.fd);
	if (kept)
		SSL_set_session(p.ssl, kept);
	assert_int_equal(SSL_connect(p.ssl), 1);
	is_resumed = SSL_session_reused(p.ssl);
	peer_expect(&p, "+HELLO");                  /* the ticket came before it */
	SSL_set_shutdown(p.ssl, SSL_SENT_SHUTDOWN); /* else OpenSSL forgets the session */
	peer_close(&p);
	return is_resumed;
}

static void test_tickets(void **state)
{
	struct setup s;
	SSL_CTX *ctx;

	(void)state;
	start(&s);
	load(&s, KEY_P256, true);
	ctx = client(&s, TLS1_3_VERSION, NULL);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
	SSL_CTX_sess_set_new_cb(ctx, keep_session);
	assert_false(resumes(&s, ctx));
	assert_null(kept); /* no keys, no tickets */
	tls_set_ticket_keys(s.tls, ticket_keys + 1, 1);
	assert_false(resumes(&s, ctx));
	assert_non_null(kept);
	assert_int_equal(SSL_SESSION_get_max_early_data(kept), 0);
	tls_set_ticket_keys(s.tls, ticket_keys, 2);
	assert_true(resumes(&s, ctx)); /* sealed by the older key, renewed */
	tls_set_ticket_keys(s.tls, ticket_keys, 1);
	assert_true(resumes(&s, ctx));
	tls_set_ticket_keys(s.tls, ticket_keys + 1, 1);
	assert_false(resumes(&s, ctx)); /* its key is gone */
	SSL_SESSION_free(kept);
	kept = NULL;
	SSL_CTX_free(ctx);
	ctx = client(&s, TLS1_2_VERSION, NULL);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
	SSL_CTX_sess_set_new_cb(ctx, keep_session);
	assert_false(resumes(&s, ctx));
	assert_false(resumes(&s, ctx));
	SSL_SESSION_free(kept);
	kept = NULL;
	SSL_CTX_free(ctx);
	stop(&s);
}

/* What comes of a handshake with these names: the one chosen, "" for none, NULL: refused. key:
 * which certificate was shown. */
static void try_alpn(struct setup *s, uint16_t port, const char *names, int version,
	const char *want, size_t key)
{
	SSL_CTX *ctx = client(s, version, NULL);
	struct peer p = {.fd = -1};
	const unsigned char *got = NULL;
	unsigned len = 0;
	bool is_done;

	assert_int_equal(
		SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)names, (unsigned)strlen(names)),
		0);
	peer_connect(&p, port);
	is_done = peer_tls(&p, ctx, "mail.example");
	assert_int_equal(is_done, want != NULL);
	if (is_done) {
		SSL_get0_alpn_selected(p.ssl, &got, &len);
		assert_int_equal(len, strlen(want));
		assert_memory_equal(got, want, len);
		assert_int_equal(shown(s, &p), key);
	}
	peer_close(&p);
	SSL_CTX_free(ctx);
}

/* ALPN (RFC 7301), and the certificate that only `acme-tls/1` is shown (RFC 8737). */
static void test_alpn(void **state)
{
	static const char *const names[] = {"two", "one", NULL};
	struct protocol protocol = kit_protocol;
	struct tls_use challenge = {0};
	struct err err;
	struct setup s;
	uint16_t port;

	(void)state;
	start(&s);
	load(&s, KEY_P256, true);
	protocol.alpn = names;
	port = kit_listen_with(s.kit.pool, &(struct pool_listener){.protocol = &protocol,
						   .context = &s.kit,
						   .tls = s.tls,
						   .is_implicit_tls = true});
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		try_alpn(&s, port, "\3one\3two", version, "two", KEY_P256);
		try_alpn(&s, port, "\5three\3one", version, "one", KEY_P256);
		try_alpn(&s, port, "\5three", version, NULL, 0);
		try_alpn(&s, port, "\12acme-tls/1", version, NULL, 0);
		try_alpn(&s, s.implicit, "\5three", version, "", KEY_P256);
	}
	assert_int_equal(tls_chain_read(s.tls, slice_str(s.ring.keys[KEY_RSA].pem),
				 slice_lit("rsa"), &challenge.chain, &err),
		0);
	tls_use_challenges(s.tls, &challenge, 1);
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		try_alpn(&s, port, "\12acme-tls/1", version, "acme-tls/1", KEY_RSA);
		try_alpn(&s, port, "\3one", version, "one", KEY_P256);
		try_alpn(&s, s.implicit, "\12acme-tls/1", version, "", KEY_P256);
	}
	tls_use_challenges(s.tls, NULL, 0);
	try_alpn(&s, port, "\12acme-tls/1", TLS1_3_VERSION, NULL, 0);
	tls_chain_release(challenge.chain);
	stop(&s);
}

static void test_start_tls(void **state)
{
	struct setup s;
	SSL_CTX *ctx;
	struct peer p;

	(void)state;
	start(&s);
	load(&s, KEY_P256, true);
	ctx = client(&s, TLS1_3_VERSION, NULL);
	peer_connect(&p, s.clear);
	peer_expect(&p, "+HELLO");
	peer_send(&p, "TLS\r\n");
	peer_expect(&p, "+GO");
	assert_true(peer_tls(&p, ctx, NULL));
	peer_send(&p, "NAME\r\n");
	peer_expect(&p, "+TLSv1.3"); /* and no second greeting */
	peer_send(&p, "TLS\r\n");
	peer_expect(&p, "-NO");
	peer_close(&p);
	/* What was sent in clear behind the command is never executed. */
	peer_connect(&p, s.clear);
	peer_expect(&p, "+HELLO");
	peer_send(&p, "TLS\r\nPING\r\n");
	peer_expect(&p, "-NO");
	assert_null(peer_line(&p));
	peer_close(&p);
	SSL_CTX_free(ctx);
	stop(&s);
}

static void test_renegotiation_and_key_updates(void **state)
{
	struct setup s;
	SSL_CTX *ctx;
	struct peer p;

	(void)state;
	start(&s);
	load(&s, KEY_P256, true);
	ctx = client(&s, TLS1_2_VERSION, NULL);
	peer_connect(&p, s.implicit);
	assert_true(peer_tls(&p, ctx, NULL));
	peer_expect(&p, "+HELLO");
	assert_int_equal(SSL_renegotiate(p.ssl), 1);
	assert_int_not_equal(SSL_do_handshake(p.ssl), 1);
	peer_close(&p);
	SSL_CTX_free(ctx);
	ctx = client(&s, TLS1_3_VERSION, NULL);
	peer_connect(&p, s.implicit);
	assert_true(peer_tls(&p, ctx, NULL));
	peer_expect(&p, "+HELLO");
	for (int i = 0; i < 100; i++) {
		assert_int_equal(SSL_key_update(p.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
		peer_send(&p, "PING\r\n");
		peer_expect(&p, "+PONG");
	}
	for (int i = 0; i < 2000; i++) { /* far beyond any use: cut off */
		if (SSL_key_update(p.ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1 ||
			SSL_do_handshake(p.ssl) != 1)
			break;
	}
	assert_null(peer_line(&p));
	peer_close(&p);
	SSL_CTX_free(ctx);
	stop(&s);
}

/* Silence in the middle of a handshake costs no thread and almost no memory. */
static void test_silent_strangers(void **state)
{
	struct setup s;
	struct peer silent[50], p;
	SSL_CTX *ctx;

	(void)state;
	start(&s);
	load(&s, KEY_P256, true);
	ctx = client(&s, TLS1_3_VERSION, NULL);
	for (size_t i = 0; i < 50; i++) {
		peer_connect(&silent[i], s.implicit);
		if (i % 2)
			peer_send(&silent[i], "\x16\x03\x01\x01");
	}
	peer_connect(&p, s.implicit);
	assert_true(peer_tls(&p, ctx, NULL));
	peer_expect(&p, "+HELLO");
	peer_close(&p);
	for (size_t i = 0; i < 50; i++)
		peer_close(&silent[i]);
	pool_wait(s.kit.pool, 60000);
	SSL_CTX_free(ctx);
	stop(&s);
}

struct login {
	struct setup *s;
	SSL_CTX *ctx;
	pthread_t thread;
};

static void *login_main(void *arg)
{
	struct login *l = arg;
	struct peer p;

	peer_connect(&p, l->s->implicit);
	if (!peer_tls(&p, l->ctx, NULL))
		abort();
	peer_expect(&p, "+HELLO");
	peer_close(&p);
	return NULL;
}

/* A signer that does not answer holds half of the threads, and users who are in notice nothing. */
static void test_stuck_signer(void **state)
{
	enum { LOGINS = 12, HALF = 2 };
	struct setup s;
	struct login logins[LOGINS];
	struct peer user;
	SSL_CTX *ctx;

	(void)state;
	start(&s);
	load(&s, KEY_P256, true);
	ctx = client(&s, TLS1_3_VERSION, NULL);
	peer_connect(&user, s.implicit);
	assert_true(peer_tls(&user, ctx, NULL));
	peer_expect(&user, "+HELLO");
	atomic_store(&s.ring.is_stuck, true);
	for (size_t i = 0; i < LOGINS; i++) {
		logins[i] = (struct login){.s = &s, .ctx = ctx};
		pthread_create(&logins[i].thread, NULL, login_main, &logins[i]);
	}
	while (s.ring.waiting < HALF)
		usleep(200);
	for (int i = 0; i < 300; i++) {
		peer_send(&user, "PING\r\n");
		peer_expect(&user, "+PONG");
		assert_int_equal(s.ring.waiting, HALF);
	}
	atomic_store(&s.ring.is_stuck, false);
	for (size_t i = 0; i < LOGINS; i++)
		pthread_join(logins[i].thread, NULL);
	peer_close(&user);
	SSL_CTX_free(ctx);
	stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshakes),
		cmocka_unit_test(test_old_clients),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_failing_handshakes),
		cmocka_unit_test(test_load_errors),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_tickets),
		cmocka_unit_test(test_alpn),
		cmocka_unit_test(test_start_tls),
		cmocka_unit_test(test_renegotiation_and_key_updates),
		cmocka_unit_test(test_silent_strangers),
		cmocka_unit_test(test_stuck_signer),
	};

	signal(SIGPIPE, SIG_IGN); /* a client of OpenSSL may write to a closed socket */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
