/* tls_test.c - real handshakes against the provider, whose keys are in the test alone. */
#include "net/tls_rig.h"

#include <openssl/err.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

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
	struct tls_rig s;

	(void)state;
	tls_rig_start(&s);
	tls_rig_load(&s, KEY_P256, true);
	tls_rig_load(&s, KEY_P384, false);
	tls_rig_load(&s, KEY_RSA, true);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		SSL_CTX *ctx = tls_rig_client(&s, cases[i].version, cases[i].algorithms);
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
		if (tls_rig_shown(&s, &p) != cases[i].key ||
			(enum tls_algorithm)s.ring.last_algorithm != cases[i].algorithm ||
			s.ring.calls != calls + 1)
			fail_msg("case %zu: key %zu, algorithm %d", i, tls_rig_shown(&s, &p),
				s.ring.last_algorithm);
		tls_rig_use_and_quit(&p);
		peer_close(&p);
		SSL_CTX_free(ctx);
	}
	tls_rig_stop(&s);
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
	struct tls_rig s;
	struct kit_key issuers[2];

	(void)state;
	tls_rig_start(&s);
	issuers[0] = kit_key_ec("P-256", "issuer", 3600);
	issuers[1] = kit_key_rsa(2048, "issuer");
	kit_key_sign(&s.ring.keys[KEY_P256], "mail.example", &issuers[0], EVP_sha256());
	kit_key_sign(&s.ring.keys[KEY_RSA], "mail.example", &issuers[1], EVP_sha1());
	tls_rig_load_as(&s, KEY_P256, true, false);
	tls_rig_load_as(&s, KEY_RSA, true, true);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		SSL_CTX *ctx = tls_rig_client(&s, cases[i].version, cases[i].algorithms);
		struct peer p;
		bool ok;

		SSL_CTX_set_security_level(ctx, 0);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
		tls_allow_old(s.tls, cases[i].is_allowed);
		peer_connect(&p, cases[i].is_old_listener ? s.old : s.implicit);
		ok = peer_tls(&p, ctx, "mail.example");
		if (ok != (cases[i].key != KEYS) ||
			(ok && (tls_rig_shown(&s, &p) != cases[i].key ||
				       s.ring.last_hash != (int)cases[i].hash)))
			fail_msg("case %zu: handshake %d, hash %d", i, ok, s.ring.last_hash);
		peer_close(&p);
		SSL_CTX_free(ctx);
	}
	kit_key_done(&issuers[0]);
	kit_key_done(&issuers[1]);
	tls_rig_stop(&s);
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
	struct tls_rig s;
	struct pool_stats stats;

	(void)state;
	tls_rig_start(&s);
	tls_rig_load(&s, KEY_P256, true);
	tls_rig_load(&s, KEY_RSA, true);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		SSL_CTX *ctx = tls_rig_client(&s, cases[i].version, NULL);
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
	tls_rig_stop(&s);
}

/* Without a certificate, with a key the signer does not have, with bytes that are no TLS. */
static void test_failing_handshakes(void **state)
{
	struct tls_rig s;
	SSL_CTX *ctx;
	struct peer p;

	(void)state;
	tls_rig_start(&s);
	ctx = tls_rig_client(&s, TLS1_3_VERSION, NULL);
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
		tls_rig_unload(&s);
		tls_rig_load(&s, KEY_P256, true);
		s.ring.names[KEY_P256] = "gone";
	}
	pool_wait(s.kit.pool, 60000);
	assert_int_equal(s.kit.opened, 0);
	assert_int_equal(s.kit.done, 3);
	SSL_CTX_free(ctx);
	tls_rig_stop(&s);
}

static void test_load_errors(void **state)
{
	struct tls_rig s;
	struct err err;
	struct kit_key bad[3];
	struct tls_chain *none = NULL;
	struct buf pem;
	char *two;
	SSL_CTX *ctx;
	struct peer p;
	static const int want[3] = {-ERR_CONFLICT, -ERR_SYNTAX, -ERR_SYNTAX};

	(void)state;
	tls_rig_start(&s);
	bad[0] = kit_key_ec("P-256", "mail.example", -60);
	bad[1] = kit_key_ec("P-521", "mail.example", 3600);
	bad[2] = kit_key_rsa(1024, "mail.example");
	tls_rig_load(&s, KEY_P256, true);
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
	ctx = tls_rig_client(&s, TLS1_3_VERSION, NULL);
	peer_connect(&p, s.implicit);
	assert_true(peer_tls(&p, ctx, NULL)); /* what was there before stays */
	peer_close(&p);
	SSL_CTX_free(ctx);
	tls_rig_stop(&s);
}

/* A new chain serves new handshakes; who is connected keeps what he has. */
static void test_reload(void **state)
{
	struct tls_rig s;
	SSL_CTX *ctx;
	struct peer before, after;
	struct kit_key first;

	(void)state;
	tls_rig_start(&s);
	tls_rig_load(&s, KEY_P256, true);
	ctx = tls_rig_client(&s, TLS1_3_VERSION, NULL);
	peer_connect(&before, s.implicit);
	assert_true(peer_tls(&before, ctx, NULL));
	first = s.ring.keys[KEY_P256];
	s.ring.keys[KEY_P256] = kit_key_ec("P-256", "mail.example", 3600);
	tls_rig_unload(&s);
	tls_rig_load(&s, KEY_P256, true);
	SSL_CTX_free(ctx);
	ctx = tls_rig_client(&s, TLS1_3_VERSION, NULL);
	peer_connect(&after, s.implicit);
	assert_true(peer_tls(&after, ctx, "mail.example"));
	assert_int_equal(tls_rig_shown(&s, &after), KEY_P256);
	peer_send(&before, "PING\r\n");
	peer_expect(&before, "+HELLO");
	peer_expect(&before, "+PONG");
	peer_close(&before);
	peer_close(&after);
	SSL_CTX_free(ctx);
	kit_key_done(&first);
	tls_rig_stop(&s);
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
	};

	signal(SIGPIPE, SIG_IGN); /* a client of OpenSSL may write to a closed socket */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
