/*
 * certificate.h - the certificates of DIR/tls as a server uses them.
 *
 * tls/NAME.pem is a chain, the leaf first; it is used for the DNS names in the leaf, with the key
 * that belongs to it (chain/chain.h). A NAME that ends in "-old" is for old clients
 * only (net/tls.h). Files are looked at every CERTIFICATE_LOOK_MS; what is new or changed is used
 * for the next handshake, and only if chain and key are there, belong together and are in date:
 * else what was used before stays, and the log and certificates_describe() say why.
 *
 * Bounds: CERTIFICATE_FILE_MAX bytes a file, CERTIFICATE_FILES_MAX files. Any thread.
 */
#ifndef CERTIFICATE_CERTIFICATE_H
#define CERTIFICATE_CERTIFICATE_H

#include <jansson.h>

#include "net/pool.h"
#include "net/tls.h"

enum {
	CERTIFICATE_FILE_MAX = 256 << 10,
	CERTIFICATE_FILES_MAX = 4096,
	CERTIFICATE_LOOK_MS = 2000,
};

struct certificates;

/* Something that the operator should know. It may be told again after a restart, by each server. */
struct certificate_news {
	struct slice name;
	unsigned days;     /* it expires in so many: 30, 14, 7, 3, 1; 0: it has expired */
	int64_t until_s;   /* wall clock */
	const char *error; /* the file cannot be used: why; else NULL */
};
typedef void certificate_news_fn(void *context, const struct certificate_news *news);

struct certificates_config {
	const char *folder;      /* "../tls" */
	struct tls *tls;         /* where they are used */
	struct pool *pool;       /* whose threads look */
	struct slice is_default; /* which one is for clients that name nothing we know */
	/* has_key - 0, -ERR_NOTFOUND, or -ERR_BUSY: cannot be told now. */
	int (*has_key)(void *context, struct slice key_name, struct err *err);
	certificate_news_fn *news; /* on a thread of the pool; may be NULL */
	void *context;
};

/* certificates_open - look for the first time. -ERR_NOTFOUND: none can be used. */
MUST_CHECK int certificates_open(
	const struct certificates_config *config, struct certificates **out, struct err *err);
/* certificates_start - look again and again, once the pool runs. */
void certificates_start(struct certificates *certificates);
/* certificates_sign - tls_sign_cms() with one for that host; one at a time, as it blocks:
 * -ERR_BUSY. */
MUST_CHECK int certificates_sign(struct certificates *certificates, struct slice host,
	struct slice text, struct buf *out, struct err *err);
/* certificates_set_default - another one is the default; and look now. */
void certificates_set_default(struct certificates *certificates, struct slice name);
/* certificates_close - after the pool has stopped. */
void certificates_close(struct certificates **certificates);

/*
 * certificates_describe - an array of objects, by name: name, hosts (array), key ("EC 256", "RSA
 * 2048"), issuer, from, until (seconds), sha256 (of the leaf), is_used, is_default, is_old, error
 * (why the file is not used, or "") and parts: what the chain is made of, each with kind ("leaf",
 * "intermediate", "root"), subject, until, sha256, pem. The root is taken from the system's list
 * where the chain does not have it. The caller's.
 */
json_t *certificates_describe(struct certificates *certificates);

/* ---- the courier's orders, see courier/courier.h ---- */

/* certificates_set_order - how an order stands: an object, given away, that certificates_describe()
 * shows as "order", also where there is no chain yet; NULL: there is no such order any more. */
void certificates_set_order(struct certificates *certificates, struct slice name, json_t *order);

/* certificates_add_answer - RFC 8555 8.3: what the CA shall find below /.well-known/ on port 80 of
 * that host. Forgotten after an hour, or with certificates_drop_answers(). */
void certificates_add_answer(struct certificates *certificates, struct slice host,
	struct slice token, struct slice text);
/* certificates_add_tls_answer - RFC 8737 3: the certificate (PEM) that it shall be shown on port
 * 443.
 */
MUST_CHECK int certificates_add_tls_answer(
	struct certificates *certificates, struct slice host, struct slice pem, struct err *err);
void certificates_drop_answers(struct certificates *certificates, struct slice host);
/* certificates_answer - to be asked for each request on port 80, before any redirect. host: in
 * lower case, without port. False: it is not such a question. The answer's type is
 * application/octet-stream. */
bool certificates_answer(
	struct certificates *certificates, struct slice host, struct slice path, struct buf *out);

#endif
