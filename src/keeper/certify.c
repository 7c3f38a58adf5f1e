/* certify.c - the operator's and the servers' part of certify.h. */
#include "keeper/certify.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "keeper/certificate.h"
#include "keeper/certify_internal.h"
#include "keeper/shelf.h"

enum { MAC_KEY_MAX = 512 };

void pkey_auto(EVP_PKEY **pkey)
{
	EVP_PKEY_free(*pkey);
}

static int read_certificate(struct task *t, struct frame_certificate *out, struct err *err)
{
	return frame_read_certificate(&t->frame, out)
		       ? 0
		       : err_set(err, ERR_SYNTAX, "not a certificate's name, or not a host's");
}

static enum keys_kind kind_of(unsigned flags)
{
	return flags & FRAME_CERTIFICATE_RSA ? KEYS_RSA : KEYS_EC;
}

void certify_make(struct task *t)
{
	EVP_PKEY *pkey AUTO(pkey_auto) = NULL;
	struct buf pem AUTO(buf_done);
	struct frame_certificate what;
	char key[CHAIN_KEY_NAME_MAX];
	struct err err;
	int rc;

	buf_init(&pem, FRAME_PEM_MAX);
	rc = read_certificate(t, &what, &err);
	if (rc == 0)
		rc = keys_make(t->desk->keys, CHAIN_KEY_TLS, kind_of(what.flags), key, &pkey, &err);
	if (rc == 0)
		rc = certificate_make(pkey, what.names, what.n, what.days, &pem, &err);
	if (rc == 0)
		rc = shelf_put_chain(
			t->desk->tls_fd, t->desk->keys, what.name, buf_slice(&pem), NULL, &err);
	if (rc == 0) {
		log_info(NULL, "certificate_made", log_s("name", what.name), log_c("key", key));
		task_put(t, buf_slice(&pem));
	}
	task_end(t, rc, &err);
}

/* Name, key, chain. */
void certify_import(struct task *t)
{
	const struct slice name = t->f[0].s, key_pem = t->f[1].s, chain_pem = t->f[2].s;
	EVP_PKEY *pkey AUTO(pkey_auto) = NULL;
	struct chain chain AUTO(chain_done) = {0};
	struct err err;
	int rc;

	if (!frame_is_name(name))
		rc = err_set(&err, ERR_SYNTAX, "not a certificate's name");
	else
		rc = keys_parse(key_pem, &pkey, &err);
	if (rc == 0)
		rc = chain_read(NULL, chain_pem, &chain, &err);
	if (rc == 0)
		rc = chain_check(&chain, &err);
	if (rc == 0 && EVP_PKEY_eq(X509_get0_pubkey(chain.leaf), pkey) != 1)
		rc = err_set(&err, ERR_CONFLICT, "the key does not belong to the certificate");
	if (rc == 0)
		rc = keys_add(t->desk->keys, CHAIN_KEY_TLS, pkey, &err);
	if (rc == 0)
		rc = shelf_put_chain(t->desk->tls_fd, t->desk->keys, name, chain_pem, NULL, &err);
	if (rc == 0) {
		log_info(NULL, "certificate_imported", log_s("name", name));
		shelf_prune(t->desk->tls_fd, t->desk->keys);
	}
	task_end(t, rc, &err);
}

static void fill_order(const struct frame_certificate *what, struct order *out)
{
	*out = (struct order){.n = what->n,
		.is_rsa = what->flags & FRAME_CERTIFICATE_RSA,
		.is_unchecked = what->flags & FRAME_CERTIFICATE_UNCHECKED,
		.renew_s = what->flags & FRAME_CERTIFICATE_RENEW ? clock_wall_s() : 0};
	memcpy(out->hosts, what->names, sizeof(out->hosts));
}

static int check_hosts(const struct order *order, struct err *err)
{
	for (size_t i = 0; i < order->n; i++) {
		if (!order_is_host(order->hosts[i]))
			return err_set(err, ERR_SYNTAX, "%.*s is not the name of a host",
				SLICE_ARG(slice_head(order->hosts[i], 80)));
	}
	return 0;
}

void certify_order(struct task *t)
{
	struct frame_certificate what;
	struct order order;
	struct err err;
	int rc = read_certificate(t, &what, &err);

	if (rc == 0) {
		fill_order(&what, &order);
		rc = check_hosts(&order, &err);
	}
	if (rc == 0)
		rc = shelf_put_order(t->desk->tls_fd, what.name, &order, &err);
	if (rc == 0)
		log_info(NULL, "certificate_ordered", log_s("name", what.name),
			log_s("host", what.names[0]));
	task_end(t, rc, &err);
}

/* A server's order stands beside nothing of the operator's: neither an order nor a chain. */
static int may_want(struct task *t, struct slice name, struct err *err)
{
	struct buf text AUTO(buf_done);
	char path[FRAME_KEY_NAME_MAX + 8];
	struct order before;
	int rc;

	buf_init(&text, ORDER_TEXT_MAX);
	rc = shelf_get_order(t->desk->tls_fd, name, &text, &before, err);
	if (rc == 0)
		return before.is_customer
			       ? 0
			       : err_set(err, ERR_CONFLICT, "the operator has ordered that");
	if (rc != -ERR_NOTFOUND)
		return rc;
	snprintf(path, sizeof(path), "%.*s.pem", SLICE_ARG(name));
	if (faccessat(t->desk->tls_fd, path, F_OK, 0) == 0)
		return err_set(err, ERR_CONFLICT, "the operator has a certificate of that name");
	return shelf_count_customers(t->desk->tls_fd) < CERTIFY_CUSTOMERS_MAX
		       ? 0
		       : err_set(err, ERR_QUOTA, "too many certificates for customers");
}

void certify_want(struct task *t)
{
	struct frame_certificate what;
	struct order order;
	struct err err;
	int rc = read_certificate(t, &what, &err);

	if (rc == 0) {
		what.flags = 0;
		fill_order(&what, &order);
		order.is_customer = true;
		rc = check_hosts(&order, &err);
	}
	if (rc == 0)
		rc = may_want(t, what.name, &err);
	if (rc == 0)
		rc = shelf_put_order(t->desk->tls_fd, what.name, &order, &err);
	task_end(t, rc, &err);
}

void certify_unwant(struct task *t)
{
	struct buf text AUTO(buf_done);
	struct order before;
	struct err err;
	int rc;

	buf_init(&text, ORDER_TEXT_MAX);
	if (!frame_is_name(t->f[0].s))
		rc = err_set(&err, ERR_SYNTAX, "not a certificate's name");
	else
		rc = shelf_get_order(t->desk->tls_fd, t->f[0].s, &text, &before, &err);
	if (rc == 0 && !before.is_customer)
		rc = err_set(&err, ERR_CONFLICT, "the operator has ordered that");
	if (rc == 0)
		rc = shelf_drop_order(t->desk->tls_fd, t->f[0].s, &err);
	task_end(t, rc, &err);
}

void certify_drop(struct task *t)
{
	struct err err;
	int rc = frame_is_name(t->f[0].s) ? shelf_drop_order(t->desk->tls_fd, t->f[0].s, &err)
					  : err_set(&err, ERR_SYNTAX, "not a certificate's name");

	task_end(t, rc, &err);
}

/* What the CA gave for its external accounts: a name and a key, in base64url as CAs print it. */
void certify_bind(struct task *t)
{
	const struct slice kid = t->f[0].s, mac = t->f[1].s;
	struct buf key AUTO(buf_done), text AUTO(buf_done);
	struct err err;
	int rc;

	buf_init(&key, MAC_KEY_MAX);
	buf_init(&text, FRAME_TEXT_MAX + 2 * MAC_KEY_MAX);
	rc = base64url_decode(&key, mac, &err);
	if (rc == 0 && (key.len == 0 || kid.len == 0 || slice_chr(kid, '\n') != SIZE_MAX))
		rc = err_set(&err, ERR_SYNTAX, "not the name and key of an external account");
	if (rc == 0) {
		buf_printf(&text, "%.*s\n%.*s", SLICE_ARG(kid), SLICE_ARG(mac));
		rc = io_replace_file(t->desk->dirfd, CERTIFY_BINDING, buf_slice(&text), 0600, &err);
	}
	mem_wipe(key.ptr, key.cap);
	mem_wipe(text.ptr, text.cap);
	task_end(t, rc, &err);
}

void certify_has_key(struct task *t)
{
	EVP_PKEY *pkey AUTO(pkey_auto) = NULL;
	struct err err;
	const int rc = frame_is_name(t->f[0].s)
			       ? keys_get(t->desk->keys, CHAIN_KEY_TLS, t->f[0].s, &pkey, &err)
			       : err_set(&err, ERR_SYNTAX, "not a key's name");

	task_end(t, rc, &err);
}
