/* tls.c - the one context of all handshakes: policy, certificates by name, ticket keys. */
#include "net/tls.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "net/internal.h"
#include "net/tls_chain.h"
#include "net/tls_provider.h"

enum { TICKET_KEYS_MAX = 4, TICKET_NAME_LEN = 16, TICKET_SECRET_LEN = 32 };
enum { CLIENT_CHAIN_MAX = 32 << 10 }; /* bytes of what a client shows */

struct ticket_key {
	unsigned char name[TICKET_NAME_LEN];
	unsigned char cipher[TICKET_SECRET_LEN], mac[TICKET_SECRET_LEN];
};

struct tls {
	OSSL_LIB_CTX *libctx;
	OSSL_PROVIDER *usual, *ours;
	SSL_CTX *ctx, *old_ctx; /* the other one is for TLS 1.0 and 1.1, too */
	BIO_METHOD *bio;
	struct tls_signer signer;
	atomic_bool allows_old; /* signatures */
	pthread_mutex_t lock;   /* of what follows */
	struct tls_names names;
	struct tls_names challenges; /* for `acme-tls/1` */
	struct ticket_key tickets[TICKET_KEYS_MAX];
	size_t ticket_count;
};

static int use_some(struct tls_chain *const *chains, bool only_fitting, SSL *ssl, int *ok)
{
	int found = 0;

	for (size_t i = 0; i < TLS_CHAIN_KINDS; i++) {
		if (!chains[i] || (only_fitting && !tls_chain_fits(chains[i], ssl)))
			continue;
		found++;
		*ok &= tls_chain_use(chains[i], ssl);
	}
	return found;
}

/* What the client can verify; else what is there for old clients; else whatever there is. */
static int use_chains(struct tls_chain *const chains[TLS_CHAIN_PLACES], SSL *ssl)
{
	struct tls_chain *const *old = chains + TLS_CHAIN_KINDS;
	int ok = 1;

	if (use_some(chains, true, ssl, &ok))
		return ok;
	if (old[TLS_CHAIN_EC] || old[TLS_CHAIN_RSA]) {
		SSL_set_security_level(ssl, 0); /* it may be signed with SHA-1 */
		use_some(old, false, ssl, &ok);
		return ok;
	}
	return use_some(chains, false, ssl, &ok) && ok;
}

/* Called for a full handshake, when the version is known and a certificate is needed. */
static int choose_chain(SSL *ssl, void *arg)
{
	struct tls *tls = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	struct tls_chain *chains[TLS_CHAIN_PLACES];
	int ok;

	/* Tickets of TLS 1.2 would outlive forward secrecy. */
	if (SSL_version(ssl) < TLS1_3_VERSION)
		SSL_set_options(ssl, SSL_OP_NO_TICKET);
	pthread_mutex_lock(&tls->lock);
	tls_names_find(tls_is_acme(ssl) ? &tls->challenges : &tls->names,
		name ? slice_str(name) : (struct slice){NULL, 0}, chains);
	pthread_mutex_unlock(&tls->lock);
	ok = use_chains(chains, ssl);
	for (size_t i = 0; i < TLS_CHAIN_PLACES; i++)
		tls_chain_release(chains[i]);
	return ok;
}

/* Does the client offer a signature scheme with a hash that is good today (RFC 8446 4.2.3)? What
 * cannot be read is for OpenSSL to refuse. */
static bool offers_new_schemes(SSL *ssl)
{
	const unsigned char *p;
	size_t n;

	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_signature_algorithms, &p, &n) != 1)
		return false;
	for (size_t i = 2; i + 1 < n; i += 2) {
		if (p[i] >= TLSEXT_hash_sha256)
			return true;
	}
	return false;
}

/* Called first of all. */
static int on_hello(SSL *ssl, int *alert, void *arg)
{
	struct tls *tls = arg;

	(void)alert;
	tls_note_acme(ssl);
	if (atomic_load(&tls->allows_old) && !offers_new_schemes(ssl))
		SSL_set_security_level(ssl, 0);
	return SSL_CLIENT_HELLO_SUCCESS;
}

static bool find_ticket_key(
	struct tls *tls, const unsigned char *name, struct ticket_key *out, bool *is_newest_out)
{
	bool is_found = false;

	pthread_mutex_lock(&tls->lock);
	for (size_t i = 0; i < tls->ticket_count && !is_found; i++) {
		is_found = !name || memcmp(tls->tickets[i].name, name, TICKET_NAME_LEN) == 0;
		*is_newest_out = i == 0;
		*out = tls->tickets[i];
	}
	pthread_mutex_unlock(&tls->lock);
	return is_found;
}

static int start_ticket(struct tls *tls, const struct ticket_key *key, unsigned char *iv,
	EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int is_sealing)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(
			OSSL_MAC_PARAM_KEY, (void *)key->mac, sizeof(key->mac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_CIPHER *aes = EVP_CIPHER_fetch(tls->libctx, "AES-256-CBC", NULL);
	const int ok = aes && (!is_sealing || RAND_bytes_ex(tls->libctx, iv, 16, 0) == 1) &&
		       EVP_CipherInit_ex2(cipher, aes, key->cipher, iv, is_sealing, NULL) == 1 &&
		       EVP_MAC_CTX_set_params(mac, params) == 1;

	EVP_CIPHER_free(aes);
	return ok;
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb(3): 1 go on, 2 go on and renew, 0 no such ticket. */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
	EVP_MAC_CTX *mac, int is_sealing)
{
	struct tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	struct ticket_key key;
	bool is_newest = false;
	int ok;

	if (SSL_version(ssl) < TLS1_3_VERSION ||
		!find_ticket_key(tls, is_sealing ? NULL : name, &key, &is_newest))
		return 0;
	if (is_sealing)
		memcpy(name, key.name, TICKET_NAME_LEN);
	ok = start_ticket(tls, &key, iv, cipher, mac, is_sealing);
	mem_wipe(&key, sizeof(key));
	if (!ok)
		return -1;
	return is_sealing || is_newest ? 1 : 2;
}

/* A client's certificate says nothing but its key, which the handshake proves. */
static int take_certificate(X509_STORE_CTX *store, void *context)
{
	(void)context;
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

static bool set_policy(struct tls *tls, SSL_CTX *ctx)
{
	static const unsigned char session_context[] = "posthouse";

	SSL_CTX_set_app_data(ctx, tls);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_CLEANSE_PLAINTEXT |
					 SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_client_hello_cb(ctx, on_hello, tls);
	SSL_CTX_set_alpn_select_cb(ctx, tls_choose_alpn, NULL);
	SSL_CTX_set_cert_cb(ctx, choose_chain, tls);
	SSL_CTX_set_msg_callback(ctx, conn_msg_seen);
	SSL_CTX_set_max_early_data(ctx, 0);
	SSL_CTX_set_cert_verify_callback(ctx, take_certificate, NULL);
	SSL_CTX_set_max_cert_list(ctx, CLIENT_CHAIN_MAX);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
	       SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") == 1 &&
	       SSL_CTX_set_session_id_context(ctx, session_context, sizeof(session_context) - 1) ==
		       1 &&
	       SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket) == 1;
}

/* For programs of another time, on listeners that say so in their name. */
static bool set_old_policy(SSL_CTX *ctx)
{
	SSL_CTX_set_security_level(ctx, 0);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES@SECLEVEL=0") ==
		       1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *make_bio_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "connection");

	if (m) {
		BIO_meth_set_read(m, conn_bio_read);
		BIO_meth_set_write(m, conn_bio_write);
		BIO_meth_set_ctrl(m, bio_ctrl);
	}
	return m;
}

/* A library context of our own: no configuration file is read, and the preference for OpenSSL's
 * own algorithms concerns nobody else in the process. */
static bool open_openssl(struct tls *tls)
{
	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		return false;
	tls->libctx = OSSL_LIB_CTX_new();
	if (!tls->libctx)
		return false;
	tls->usual = OSSL_PROVIDER_load(tls->libctx, "default");
	tls->ours = tls_provider_load(tls->libctx);
	if (!tls->usual || !tls->ours ||
		EVP_set_default_properties(tls->libctx, "?provider=default") != 1)
		return false;
	tls->ctx = SSL_CTX_new_ex(tls->libctx, NULL, TLS_server_method());
	tls->old_ctx = SSL_CTX_new_ex(tls->libctx, NULL, TLS_server_method());
	tls->bio = make_bio_method();
	return tls->ctx && tls->old_ctx && tls->bio && set_policy(tls, tls->ctx) &&
	       set_policy(tls, tls->old_ctx) && set_old_policy(tls->old_ctx);
}

int tls_new(tls_sign_fn *sign, void *signer, struct tls **tls_out, struct err *err)
{
	struct tls *tls = mem_new(struct tls);

	tls->signer = (struct tls_signer){sign, signer};
	pthread_mutex_init(&tls->lock, NULL);
	if (!open_openssl(tls)) {
		const char *reason = ERR_reason_error_string(ERR_peek_last_error());

		tls_free(&tls);
		return err_set(err, ERR_IO, "OpenSSL: %s", reason ? reason : "cannot start");
	}
	*tls_out = tls;
	return 0;
}

void tls_free(struct tls **tls_at)
{
	struct tls *tls = *tls_at;

	if (!tls)
		return;
	tls_names_done(&tls->names);
	tls_names_done(&tls->challenges);
	SSL_CTX_free(tls->ctx);
	SSL_CTX_free(tls->old_ctx);
	BIO_meth_free(tls->bio);
	OSSL_PROVIDER_unload(tls->ours);
	OSSL_PROVIDER_unload(tls->usual);
	OSSL_LIB_CTX_free(tls->libctx);
	pthread_mutex_destroy(&tls->lock);
	mem_wipe(tls->tickets, sizeof(tls->tickets));
	free(tls);
	*tls_at = NULL;
}

int tls_chain_read(struct tls *tls, struct slice chain_pem, struct slice key_name,
	struct tls_chain **chain_out, struct err *err)
{
	return tls_chain_new(tls->libctx, chain_pem, key_name, &tls->signer, chain_out, err);
}

static void replace(struct tls *tls, struct tls_names *at, const struct tls_use *list, size_t n)
{
	struct tls_names names = {0}, before;

	for (size_t i = 0; i < n; i++)
		tls_names_put(&names, &list[i]);
	pthread_mutex_lock(&tls->lock);
	before = *at;
	*at = names;
	pthread_mutex_unlock(&tls->lock);
	tls_names_done(&before);
}

void tls_use(struct tls *tls, const struct tls_use *list, size_t n)
{
	replace(tls, &tls->names, list, n);
}

void tls_use_challenges(struct tls *tls, const struct tls_use *list, size_t n)
{
	replace(tls, &tls->challenges, list, n);
}

int tls_sign_cms(
	struct tls *tls, struct slice host, struct slice text, struct buf *out, struct err *err)
{
	struct tls_chain *chains[TLS_CHAIN_PLACES], *chain;
	int rc = -ERR_NOTFOUND;

	pthread_mutex_lock(&tls->lock);
	tls_names_find(&tls->names, host, chains);
	pthread_mutex_unlock(&tls->lock);
	chain = chains[TLS_CHAIN_RSA] ? chains[TLS_CHAIN_RSA] : chains[TLS_CHAIN_EC];
	if (chain)
		rc = tls_chain_cms(tls->libctx, chain, text, out, err);
	else
		err_set(err, ERR_NOTFOUND, "there is no certificate for %.*s", SLICE_ARG(host));
	for (size_t i = 0; i < TLS_CHAIN_PLACES; i++)
		tls_chain_release(chains[i]);
	return rc;
}

void tls_allow_old(struct tls *tls, bool is_allowed)
{
	atomic_store(&tls->allows_old, is_allowed);
}

/* Two keys from one seed: HMAC-SHA256 of what each is for. */
static void derive(const unsigned char *seed, const char *what, unsigned char *out)
{
	unsigned n = 0;

	HMAC(EVP_sha256(), seed, TICKET_SECRET_LEN, (const unsigned char *)what, strlen(what), out,
		&n);
}

void tls_set_ticket_keys(struct tls *tls, const unsigned char (*keys)[48], size_t n)
{
	struct ticket_key made[TICKET_KEYS_MAX];

	assert(n <= TICKET_KEYS_MAX);
	for (size_t i = 0; i < n; i++) {
		memcpy(made[i].name, keys[i], TICKET_NAME_LEN);
		derive(keys[i] + TICKET_NAME_LEN, "ticket cipher", made[i].cipher);
		derive(keys[i] + TICKET_NAME_LEN, "ticket mac", made[i].mac);
	}
	pthread_mutex_lock(&tls->lock);
	memcpy(tls->tickets, made, n * sizeof(made[0]));
	tls->ticket_count = n;
	pthread_mutex_unlock(&tls->lock);
	mem_wipe(made, sizeof(made));
}

static bool has_ticket_keys(struct tls *tls)
{
	size_t n;

	pthread_mutex_lock(&tls->lock);
	n = tls->ticket_count;
	pthread_mutex_unlock(&tls->lock);
	return n > 0;
}

/* Sessions with and without the question are not the same: a ticket that was given where nobody
 * asked would hide the certificate. */
void tls_ask_certificate(SSL *ssl)
{
	static const unsigned char session_context[] = "posthouse certificate";

	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	SSL_set_session_id_context(ssl, session_context, sizeof(session_context) - 1);
}

SSL *tls_session_new(struct tls *tls, bool allows_old, void *bio_data)
{
	SSL *ssl = SSL_new(allows_old ? tls->old_ctx : tls->ctx);
	BIO *bio = ssl ? BIO_new(tls->bio) : NULL;

	if (!bio) {
		SSL_free(ssl);
		return NULL;
	}
	BIO_set_data(bio, bio_data);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_accept_state(ssl);
	if (!has_ticket_keys(tls))
		SSL_set_num_tickets(ssl, 0);
	return ssl;
}
