/*
 * tls_alpn.c - which protocol a client wants behind its handshake (RFC 7301).
 *
 * A client that offers names and none of the listener's is refused: whoever led it to the wrong
 * door gains nothing. `acme-tls/1` (RFC 8737) is looked for before a certificate is chosen, because
 * it asks for another one.
 */
#include <string.h>

#include "net/internal.h"

#define ACME "acme-tls/1"

/* list: each name with its length in front. */
static bool has_name(struct slice list, struct slice name)
{
	while (list.len) {
		const size_t n = (unsigned char)list.ptr[0];

		if (slice_eq(slice_head(slice_from(list, 1), n), name))
			return true;
		list = slice_from(list, 1 + n);
	}
	return false;
}

void tls_note_acme(SSL *ssl)
{
	struct conn *c = BIO_get_data(SSL_get_rbio(ssl));
	const unsigned char *text;
	size_t len;

	if (c->protocol->alpn &&
		SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation,
			&text, &len) == 1 &&
		len > 2)
		c->is_acme =
			has_name((struct slice){(const char *)text + 2, len - 2}, slice_lit(ACME));
}

bool tls_is_acme(SSL *ssl)
{
	const struct conn *c = BIO_get_data(SSL_get_rbio(ssl));

	return c->is_acme;
}

int tls_choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
	const unsigned char *in, unsigned in_len, void *arg)
{
	static const char *const acme[] = {ACME, NULL};
	const struct conn *c = BIO_get_data(SSL_get_rbio(ssl));
	const struct slice offered = {(const char *)in, in_len};

	(void)arg;
	if (!c->protocol->alpn)
		return SSL_TLSEXT_ERR_NOACK;
	for (const char *const *at = c->is_acme ? acme : c->protocol->alpn; *at; at++) {
		if (has_name(offered, slice_str(*at))) {
			*out = (const unsigned char *)*at;
			*out_len = (unsigned char)strlen(*at);
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

struct slice conn_alpn(const struct conn *c)
{
	const unsigned char *name = NULL;
	unsigned len = 0;

	if (c->ssl)
		SSL_get0_alpn_selected(c->ssl, &name, &len);
	return (struct slice){(const char *)name, len};
}
