/* conn_tls.c - OpenSSL between a connection's buffers and its socket. */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>

#include "chain/chain.h"
#include "net/internal.h"
#include "net/tls_provider.h"

enum { READS_A_CALL = 32 };

/*
 * The socket as OpenSSL sees it. A call of SSL_read() goes on for as long as records without data
 * arrive, so the number of reads behind one call is bounded, and a peer that floods us with
 * KeyUpdates is cut off.
 */
int conn_bio_read(BIO *bio, char *p, int n)
{
	struct conn *c = BIO_get_data(bio);
	ssize_t got;

	BIO_clear_retry_flags(bio);
	if (c->key_updates > KEY_UPDATES_MAX)
		return -1;
	if (c->worker->bio_budget == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	c->worker->bio_budget--;
	do
		got = recv(c->fd, p, (size_t)n, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		BIO_set_retry_read(bio);
	return (int)got;
}

int conn_bio_write(BIO *bio, const char *p, int n)
{
	struct conn *c = BIO_get_data(bio);
	ssize_t put;

	BIO_clear_retry_flags(bio);
	do
		put = send(c->fd, p, (size_t)n, MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	if (put < 0 && errno == EAGAIN)
		BIO_set_retry_write(bio);
	return (int)put;
}

void conn_msg_seen(
	int is_write, int version, int content_type, const void *p, size_t len, SSL *ssl, void *arg)
{
	struct conn *c = arg;

	(void)version;
	(void)ssl;
	if (c && !is_write && content_type == SSL3_RT_HANDSHAKE && len > 0 &&
		*(const unsigned char *)p == SSL3_MT_KEY_UPDATE &&
		c->key_updates <= KEY_UPDATES_MAX)
		c->key_updates++;
}

bool conn_tls_begin(struct conn *c)
{
	const struct pool_listener *face = c->listener ? &c->listener->face : NULL;

	c->ssl = tls_session_new(c->tls, face && face->allows_old_tls, c);
	if (c->ssl && face && face->asks_certificate)
		tls_ask_certificate(c->ssl);
	if (c->ssl)
		SSL_set_msg_callback_arg(c->ssl, c);
	return c->ssl != NULL;
}

/* Which event the failed call waits for; false if it waits for none. */
static bool note_wish(struct conn *c, int rc, bool *wants_read, bool *wants_write)
{
	const int why = SSL_get_error(c->ssl, rc);

	*wants_read = why == SSL_ERROR_WANT_READ;
	*wants_write = why == SSL_ERROR_WANT_WRITE;
	return *wants_read || *wants_write;
}

/* What strangers do wrong is of no interest; that we cannot sign is, to the administrator. */
static void log_failure(struct conn *c, const char *event)
{
	const unsigned long code = ERR_peek_last_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL, *data = NULL;
	int flags = 0;

	if (ERR_GET_LIB(ERR_peek_error_data(&data, &flags)) == ERR_LIB_PROV &&
		(flags & ERR_TXT_STRING) &&
		strncmp(data, TLS_SIGNER_FAILED, sizeof(TLS_SIGNER_FAILED) - 1) == 0)
		log_error(&c->log, "signature-failed", log_c("error", data));
	log_debug(&c->log, event, log_c("error", reason ? reason : "connection lost"));
	ERR_clear_error();
}

static void before_call(struct conn *c)
{
	ERR_clear_error();
	c->worker->bio_budget = READS_A_CALL;
}

int conn_tls_handshake(struct conn *c)
{
	bool wants_read = false, wants_write = false;
	int rc;

	before_call(c);
	rc = SSL_accept(c->ssl);
	if (rc == 1)
		return 1;
	if (note_wish(c, rc, &wants_read, &wants_write)) {
		c->can_read = !wants_read;
		c->can_write = !wants_write;
		return 0;
	}
	log_failure(c, "handshake-failed");
	return -1;
}

ssize_t conn_tls_read(struct conn *c, char *p, size_t n)
{
	bool wants_read = false;
	size_t got = 0;
	int rc;

	before_call(c);
	rc = SSL_read_ex(c->ssl, p, n, &got);
	c->read_wants_write = false;
	if (rc == 1)
		return (ssize_t)got;
	if (note_wish(c, rc, &wants_read, &(bool){false})) {
		c->read_wants_write = !wants_read;
		c->can_read = false;
		return -1;
	}
	if (SSL_get_error(c->ssl, rc) == SSL_ERROR_ZERO_RETURN)
		return 0;
	log_failure(c, "tls-failed");
	c->is_dead = true;
	return -1;
}

/* One record. After a wish the same bytes come again: output only grows at its end. */
ssize_t conn_tls_write(struct conn *c, const char *p, size_t n)
{
	bool wants_read = false;
	size_t put = 0;
	int rc;

	before_call(c);
	rc = SSL_write_ex(c->ssl, p, n < RECORD_BYTES ? n : RECORD_BYTES, &put);
	c->write_wants_read = false;
	if (rc == 1)
		return (ssize_t)put;
	if (note_wish(c, rc, &wants_read, &(bool){false})) {
		c->write_wants_read = wants_read;
		c->can_write = false;
		return -1;
	}
	log_failure(c, "tls-failed");
	c->is_dead = true;
	return -1;
}

void conn_tls_end(struct conn *c, bool is_clean)
{
	if (!c->ssl)
		return;
	ERR_clear_error();
	if (is_clean)
		SSL_shutdown(c->ssl);
	SSL_free(c->ssl);
	c->ssl = NULL;
	ERR_clear_error();
}

_Static_assert((int)CONN_KEY_HASH_LEN == (int)CHAIN_KEY_HASH_LEN, "one hash");

bool conn_peer_key(const struct conn *c, unsigned char hash_out[CONN_KEY_HASH_LEN])
{
	X509 *certificate = c->ssl ? SSL_get0_peer_certificate(c->ssl) : NULL;
	EVP_PKEY *key = certificate ? X509_get0_pubkey(certificate) : NULL;
	struct err err;

	return key && chain_key_hash(key, hash_out, &err) == 0;
}

/* RFC 9266 4: 32 bytes, no context; before TLS 1.3 only with the extended master secret. */
static int bind_exporter(SSL *ssl, struct buf *out)
{
	static const char label[] = "EXPORTER-Channel-Binding";
	unsigned char bytes[32];

	if (SSL_version(ssl) < TLS1_3_VERSION && SSL_get_extms_support(ssl) != 1)
		return 0;
	if (SSL_export_keying_material(
		    ssl, bytes, sizeof(bytes), label, sizeof(label) - 1, NULL, 0, 0) != 1)
		return 0;
	buf_append(out, (struct slice){(const char *)bytes, sizeof(bytes)});
	return 1;
}

/* RFC 5929 4.1: the certificate under the hash of its signature, SHA-256 where that is weaker. */
static int bind_end_point(SSL *ssl, struct buf *out)
{
	X509 *certificate = SSL_get_certificate(ssl);
	unsigned char bytes[EVP_MAX_MD_SIZE];
	int hash = NID_sha256;
	unsigned n;

	if (!certificate)
		return 0;
	if (X509_get_signature_info(certificate, &hash, NULL, NULL, NULL) != 1 || hash == NID_md5 ||
		hash == NID_sha1 || hash == NID_undef)
		hash = NID_sha256;
	if (X509_digest(certificate, EVP_get_digestbynid(hash), bytes, &n) != 1)
		return 0;
	buf_append(out, (struct slice){(const char *)bytes, n});
	return 1;
}

int conn_channel_binding(struct conn *c, struct slice name, struct buf *out, struct err *err)
{
	int ok = 0;

	if (c->ssl && slice_eq(name, slice_lit("tls-exporter")))
		ok = bind_exporter(c->ssl, out);
	else if (c->ssl && slice_eq(name, slice_lit("tls-server-end-point")))
		ok = bind_end_point(c->ssl, out);
	ERR_clear_error();
	return ok ? buf_check(out, "the channel binding", err)
		  : err_set(err, ERR_NOTFOUND, "there is no such channel binding here");
}
