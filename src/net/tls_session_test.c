/* tls_session_test.c - TLS connections once they have begun: tickets, ALPN, STARTTLS, and peers
 * that hold something up. */
#include "net/tls_rig.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static SSL_SESSION *kept;

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(kept);
	kept = session;
	return 1;
}

/* A handshake with the kept session; whether it was resumed. */
static bool resumes(struct tls_rig *s, SSL_CTX *ctx)
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
	struct tls_rig s;
	SSL_CTX *ctx;

	(void)state;
	tls_rig_start(&s);
	tls_rig_load(&s, KEY_P256, true);
	ctx = tls_rig_client(&s, TLS1_3_VERSION, NULL);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
	SSL_CTX_sess_set_new_cb(ctx, keep_session);
	assert_false(resumes(&s, ctx));
	assert_null(kept); /* no keys, no tickets */
	tls_set_ticket_keys(s.tls, tls_rig_ticket_keys + 1, 1);
	assert_false(resumes(&s, ctx));
	assert_non_null(kept);
	assert_int_equal(SSL_SESSION_get_max_early_data(kept), 0);
	tls_set_ticket_keys(s.tls, tls_rig_ticket_keys, 2);
	assert_true(resumes(&s, ctx)); /* sealed by the older key, renewed */
	tls_set_ticket_keys(s.tls, tls_rig_ticket_keys, 1);
	assert_true(resumes(&s, ctx));
	tls_set_ticket_keys(s.tls, tls_rig_ticket_keys + 1, 1);
	assert_false(resumes(&s, ctx)); /* its key is gone */
	SSL_SESSION_free(kept);
	kept = NULL;
	SSL_CTX_free(ctx);
	ctx = tls_rig_client(&s, TLS1_2_VERSION, NULL);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
	SSL_CTX_sess_set_new_cb(ctx, keep_session);
	assert_false(resumes(&s, ctx));
	assert_false(resumes(&s, ctx));
	SSL_SESSION_free(kept);
	kept = NULL;
	SSL_CTX_free(ctx);
	tls_rig_stop(&s);
}

/* What comes of a handshake with these names: the one chosen, "" for none, NULL: refused. key:
 * which certificate was shown. */
static void try_alpn(struct tls_rig *s, uint16_t port, const char *names, int version,
	const char *want, size_t key)
{
	SSL_CTX *ctx = tls_rig_client(s, version, NULL);
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
		assert_int_equal(tls_rig_shown(s, &p), key);
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
	struct tls_rig s;
	uint16_t port;

	(void)state;
	tls_rig_start(&s);
	tls_rig_load(&s, KEY_P256, true);
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
	tls_rig_stop(&s);
}

static void test_start_tls(void **state)
{
	struct tls_rig s;
	SSL_CTX *ctx;
	struct peer p;

	(void)state;
	tls_rig_start(&s);
	tls_rig_load(&s, KEY_P256, true);
	ctx = tls_rig_client(&s, TLS1_3_VERSION, NULL);
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
	tls_rig_stop(&s);
}

static void test_renegotiation_and_key_updates(void **state)
{
	struct tls_rig s;
	SSL_CTX *ctx;
	struct peer p;

	(void)state;
	tls_rig_start(&s);
	tls_rig_load(&s, KEY_P256, true);
	ctx = tls_rig_client(&s, TLS1_2_VERSION, NULL);
	peer_connect(&p, s.implicit);
	assert_true(peer_tls(&p, ctx, NULL));
	peer_expect(&p, "+HELLO");
	assert_int_equal(SSL_renegotiate(p.ssl), 1);
	assert_int_not_equal(SSL_do_handshake(p.ssl), 1);
	peer_close(&p);
	SSL_CTX_free(ctx);
	ctx = tls_rig_client(&s, TLS1_3_VERSION, NULL);
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
	tls_rig_stop(&s);
}

/* Silence in the middle of a handshake costs no thread and almost no memory. */
static void test_silent_strangers(void **state)
{
	struct tls_rig s;
	struct peer silent[50], p;
	SSL_CTX *ctx;

	(void)state;
	tls_rig_start(&s);
	tls_rig_load(&s, KEY_P256, true);
	ctx = tls_rig_client(&s, TLS1_3_VERSION, NULL);
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
	tls_rig_stop(&s);
}

struct login {
	struct tls_rig *s;
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
	struct tls_rig s;
	struct login logins[LOGINS];
	struct peer user;
	SSL_CTX *ctx;

	(void)state;
	tls_rig_start(&s);
	tls_rig_load(&s, KEY_P256, true);
	ctx = tls_rig_client(&s, TLS1_3_VERSION, NULL);
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
	tls_rig_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
