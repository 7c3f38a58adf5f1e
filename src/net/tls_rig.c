/* tls_rig.c - see tls_rig.h. */
#include "net/tls_rig.h"

const unsigned char tls_rig_ticket_keys[2][48] = {"newest", "older"};

void tls_rig_load_as(struct tls_rig *s, size_t key, bool is_default, bool is_old)
{
	struct tls_use *use = &s->uses[s->uses_n++];
	struct err err;

	*use = (struct tls_use){.is_default = is_default, .is_old = is_old};
	if (tls_chain_read(s->tls, slice_str(s->ring.keys[key].pem), slice_str(s->ring.names[key]),
		    &use->chain, &err) < 0)
		fail_msg("%s", err.msg);
	tls_use(s->tls, s->uses, s->uses_n);
}

void tls_rig_load(struct tls_rig *s, size_t key, bool is_default)
{
	tls_rig_load_as(s, key, is_default, false);
}

void tls_rig_unload(struct tls_rig *s)
{
	while (s->uses_n)
		tls_chain_release(s->uses[--s->uses_n].chain);
}

void tls_rig_start(struct tls_rig *s)
{
	struct err err;

	*s = (struct tls_rig){0};
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

void tls_rig_stop(struct tls_rig *s)
{
	pool_stop(&s->kit.pool);
	tls_rig_unload(s);
	tls_free(&s->tls);
	for (size_t i = 0; i < KEYS; i++)
		kit_key_done(&s->ring.keys[i]);
}

SSL_CTX *tls_rig_client(struct tls_rig *s, int version, const char *algorithms)
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

size_t tls_rig_shown(struct tls_rig *s, struct peer *p)
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

void tls_rig_use_and_quit(struct peer *p)
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
