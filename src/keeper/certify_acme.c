/* certify_acme.c - the courier's part of certify.h: RFC 8555 and RFC 8737, as far as keys go. */
#include <string.h>

#include "base/encode.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "keeper/certificate.h"
#include "keeper/certify.h"
#include "keeper/certify_internal.h"
#include "keeper/jws.h"
#include "keeper/shelf.h"

enum { ANSWER_PEM_MAX = 8192, BINDING_MAX = 2048 };

static int get_account(struct task *t, struct slice name, EVP_PKEY **out, struct err *err)
{
	if (!frame_is_name(name))
		return err_set(err, ERR_SYNTAX, "not a key's name");
	return keys_get(t->desk->keys, CHAIN_KEY_ACME, name, out, err);
}

/* Name of a key ("": a new one). Answer: its name, its thumbprint. */
void certify_acme_key(struct task *t)
{
	EVP_PKEY *pkey AUTO(pkey_auto) = NULL;
	char name[CHAIN_KEY_NAME_MAX], print[JWS_THUMBPRINT_MAX];
	struct err err;
	int rc;

	if (t->f[0].s.len == 0)
		rc = keys_make(t->desk->keys, CHAIN_KEY_ACME, KEYS_EC, name, &pkey, &err);
	else
		rc = get_account(t, t->f[0].s, &pkey, &err);
	if (rc == 0)
		rc = jws_thumbprint(pkey, print, &err);
	if (rc == 0) {
		task_put(t, t->f[0].s.len ? t->f[0].s : slice_str(name));
		task_put(t, slice_str(print));
	}
	task_end(t, rc, &err);
}

static void end_with(struct task *t, int rc, const struct buf *out, const struct err *err)
{
	if (rc == 0)
		task_put(t, buf_slice(out));
	task_end(t, rc, err);
}

/* Key, URL, nonce, account's URL, payload. */
void certify_acme_sign(struct task *t)
{
	const struct jws_header header = {.url = t->f[1].s, .nonce = t->f[2].s, .kid = t->f[3].s};
	EVP_PKEY *pkey AUTO(pkey_auto) = NULL;
	struct buf out AUTO(buf_done);
	struct err err;
	int rc = get_account(t, t->f[0].s, &pkey, &err);

	buf_init(&out, FRAME_ANSWER_MAX);
	if (rc == 0)
		rc = jws_sign(pkey, &header, t->f[4].s, &out, &err);
	end_with(t, rc, &out, &err);
}

/* Key, URL. -ERR_NOTFOUND: the operator gave no external account. */
void certify_acme_bind(struct task *t)
{
	struct buf text AUTO(buf_done), key AUTO(buf_done), out AUTO(buf_done);
	EVP_PKEY *pkey AUTO(pkey_auto) = NULL;
	struct slice kid, mac;
	struct err err;
	int rc;

	buf_init(&text, BINDING_MAX);
	buf_init(&key, BINDING_MAX);
	buf_init(&out, FRAME_ANSWER_MAX);
	rc = io_read_file(t->desk->dirfd, CERTIFY_BINDING, &text, &err);
	if (rc == 0)
		rc = get_account(t, t->f[0].s, &pkey, &err);
	kid = slice_cut(buf_slice(&text), '\n', &mac);
	if (rc == 0)
		rc = base64url_decode(&key, mac, &err);
	if (rc == 0)
		rc = jws_bind(pkey, t->f[1].s, kid, buf_slice(&key), &out, &err);
	mem_wipe(text.ptr, text.cap);
	mem_wipe(key.ptr, key.cap);
	end_with(t, rc, &out, &err);
}

/* Key, the next key, URL, nonce, account's URL. */
void certify_acme_roll(struct task *t)
{
	const struct jws_header header = {.url = t->f[2].s, .nonce = t->f[3].s, .kid = t->f[4].s};
	EVP_PKEY *pkey AUTO(pkey_auto) = NULL, *next AUTO(pkey_auto) = NULL;
	struct buf out AUTO(buf_done);
	struct err err;
	int rc = get_account(t, t->f[0].s, &pkey, &err);

	buf_init(&out, FRAME_ANSWER_MAX);
	if (rc == 0)
		rc = get_account(t, t->f[1].s, &next, &err);
	if (rc == 0)
		rc = jws_roll(pkey, next, &header, &out, &err);
	end_with(t, rc, &out, &err);
}

/* Order, name of a key ("": a new one). Answer: the key's name, the request. */
void certify_request(struct task *t)
{
	struct buf text AUTO(buf_done), out AUTO(buf_done);
	EVP_PKEY *pkey AUTO(pkey_auto) = NULL;
	struct slice key = t->f[1].s;
	char name[CHAIN_KEY_NAME_MAX];
	struct order order;
	struct err err;
	int rc;

	buf_init(&text, ORDER_TEXT_MAX);
	buf_init(&out, FRAME_ANSWER_MAX);
	if (!frame_is_name(t->f[0].s) || (key.len && !frame_is_name(key)))
		rc = err_set(&err, ERR_SYNTAX, "not a name");
	else
		rc = shelf_get_order(t->desk->tls_fd, t->f[0].s, &text, &order, &err);
	if (rc == 0 && key.len)
		rc = keys_get(t->desk->keys, CHAIN_KEY_TLS, key, &pkey, &err);
	else if (rc == 0)
		rc = keys_make(t->desk->keys, CHAIN_KEY_TLS, order.is_rsa ? KEYS_RSA : KEYS_EC,
			name, &pkey, &err);
	if (rc == 0)
		rc = certificate_request(pkey, order.hosts, order.n, &out, &err);
	if (rc == 0)
		task_put(t, key.len ? key : slice_str(name));
	end_with(t, rc, &out, &err);
}

static bool is_in_order(const struct order *order, struct slice host)
{
	for (size_t i = 0; i < order->n; i++) {
		if (slice_eq(order->hosts[i], host))
			return true;
	}
	return false;
}

/* Order, key, host, digest. Answer: the certificate that RFC 8737 wants to see. */
void certify_answer(struct task *t)
{
	const struct slice host = t->f[2].s, digest = t->f[3].s;
	struct buf text AUTO(buf_done), out AUTO(buf_done);
	EVP_PKEY *pkey AUTO(pkey_auto) = NULL;
	struct order order;
	struct err err;
	int rc;

	buf_init(&text, ORDER_TEXT_MAX);
	buf_init(&out, ANSWER_PEM_MAX);
	if (!frame_is_name(t->f[0].s) || !frame_is_name(t->f[1].s) ||
		digest.len != CERTIFICATE_DIGEST_LEN)
		rc = err_set(&err, ERR_SYNTAX, "not a name, or not a digest");
	else
		rc = shelf_get_order(t->desk->tls_fd, t->f[0].s, &text, &order, &err);
	if (rc == 0 && !is_in_order(&order, host))
		rc = err_set(&err, ERR_DENIED, "nobody ordered for that host");
	if (rc == 0)
		rc = keys_get(t->desk->keys, CHAIN_KEY_TLS, t->f[1].s, &pkey, &err);
	if (rc == 0)
		rc = certificate_answer(pkey, host, (const unsigned char *)digest.ptr, &out, &err);
	end_with(t, rc, &out, &err);
}

/* Order, chain. */
void certify_store(struct task *t)
{
	const struct slice name = t->f[0].s;
	struct buf text AUTO(buf_done);
	struct order order;
	struct err err;
	int rc;

	buf_init(&text, ORDER_TEXT_MAX);
	if (!frame_is_name(name))
		rc = err_set(&err, ERR_SYNTAX, "not a certificate's name");
	else
		rc = shelf_get_order(t->desk->tls_fd, name, &text, &order, &err);
	if (rc == 0)
		rc = shelf_put_chain(t->desk->tls_fd, t->desk->keys, name, t->f[1].s, &order, &err);
	if (rc == 0) {
		log_info(NULL, "certificate_stored", log_s("name", name));
		shelf_prune(t->desk->tls_fd, t->desk->keys);
	}
	task_end(t, rc, &err);
}
