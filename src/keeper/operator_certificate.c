/* operator_certificate.c - the operator's calls about certificates; see keeper.h for the contract.
 */
#include "base/mem.h"
#include "keeper/operator_internal.h"

static void wipe_buf(struct buf *b)
{
	mem_wipe(b->ptr, b->cap);
	buf_done(b);
}

/* A frame of that form, checked before it is sent: the keeper would only close the connection. */
static int put_certificate(enum frame_verb verb, const struct keeper_certificate *what,
	struct buf *request, struct err *err)
{
	struct frame f;

	if (what->n == 0 || what->n > FRAME_NAMES_MAX)
		return err_set(err, ERR_TOOBIG, "a certificate has 1 to %d names", FRAME_NAMES_MAX);
	frame_begin(request, 1, verb);
	frame_put(request, what->name);
	frame_put_u64(request, what->days);
	frame_put_u64(request, (what->is_rsa ? FRAME_CERTIFICATE_RSA : 0) |
				       (what->is_unchecked ? FRAME_CERTIFICATE_UNCHECKED : 0) |
				       (what->is_renewed ? FRAME_CERTIFICATE_RENEW : 0));
	for (size_t i = 0; i < what->n; i++)
		frame_put(request, what->names[i]);
	frame_open(buf_slice(request), &f);
	return frame_read_certificate(&f, &(struct frame_certificate){0})
		       ? 0
		       : err_set(err, ERR_SYNTAX, "not a certificate's name, or not a host's");
}

int keeper_certificate_make(const char *socket_path, const struct keeper_certificate *what,
	struct buf *out, struct err *err)
{
	struct buf request AUTO(buf_done), reply AUTO(buf_done);
	struct slice certificate;
	struct frame f;
	int rc;

	buf_init(&request, FRAME_CLI_MAX);
	buf_init(&reply, FRAME_CLI_MAX);
	rc = put_certificate(FRAME_CERTIFICATE_MAKE, what, &request, err);
	if (rc == 0)
		rc = operator_ask(socket_path, &request, &reply, &f, err);
	if (rc < 0)
		return rc;
	certificate = frame_bytes(&f);
	if (!frame_end(&f))
		return err_set(err, ERR_IO, "the keeper's answer makes no sense");
	buf_append(out, certificate);
	return buf_check(out, "the certificate", err);
}

int keeper_certificate_order(
	const char *socket_path, const struct keeper_certificate *what, struct err *err)
{
	struct buf request AUTO(buf_done), reply AUTO(buf_done);
	struct frame f;
	int rc;

	buf_init(&request, FRAME_CLI_MAX);
	buf_init(&reply, FRAME_CLI_MAX);
	rc = put_certificate(FRAME_CERTIFICATE_ORDER, what, &request, err);
	return rc < 0 ? rc : operator_ask(socket_path, &request, &reply, &f, err);
}

static int ask_with(const char *socket_path, enum frame_verb verb, const struct slice *fields,
	size_t n, struct err *err)
{
	struct buf request AUTO(wipe_buf), reply AUTO(buf_done);
	struct frame f;

	buf_init(&request, FRAME_CLI_MAX);
	buf_init(&reply, FRAME_CLI_MAX);
	buf_reserve(&request, FRAME_CLI_MAX);
	frame_begin(&request, 1, verb);
	for (size_t i = 0; i < n; i++)
		frame_put(&request, fields[i]);
	return operator_ask(socket_path, &request, &reply, &f, err);
}

int keeper_certificate_import(const char *socket_path, struct slice name, struct slice key_pem,
	struct slice chain_pem, struct err *err)
{
	if (key_pem.len > FRAME_PEM_MAX || chain_pem.len > FRAME_DATA_MAX)
		return err_set(err, ERR_TOOBIG, "a key has at most %d bytes, a chain %d",
			FRAME_PEM_MAX, FRAME_DATA_MAX);
	return ask_with(socket_path, FRAME_CERTIFICATE_IMPORT,
		(const struct slice[]){name, key_pem, chain_pem}, 3, err);
}

int keeper_certificate_drop(const char *socket_path, struct slice name, struct err *err)
{
	return ask_with(socket_path, FRAME_CERTIFICATE_DROP, &name, 1, err);
}

int keeper_certificate_bind(
	const char *socket_path, struct slice kid, struct slice mac_key, struct err *err)
{
	return ask_with(
		socket_path, FRAME_CERTIFICATE_BIND, (const struct slice[]){kid, mac_key}, 2, err);
}
