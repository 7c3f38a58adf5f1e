/* acme_talk.c - requests and replies of RFC 8555: nonces, signatures, errors (6.2 to 6.7). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "courier/acme_internal.h"

enum {
	REQUEST_MS = 30000,
	TRIES = 10,
	BAD_REQUEST = 400,
	TOO_MANY = 429,
	SERVER_ERROR = 500,
	JOSE_MAX = 256 << 10
};

void acme_json_auto(json_t **json)
{
	json_decref(*json);
}

int acme_senseless(struct err *err)
{
	return err_set(err, ERR_IO, "the CA's answer makes no sense");
}

int acme_text(const json_t *json, const char *name, char *out, size_t size, struct err *err)
{
	const char *text = json_string_value(json_object_get(json, name));

	if (!text || strlen(text) >= size)
		return acme_senseless(err);
	snprintf(out, size, "%s", text);
	return 0;
}

void acme_note_reply(struct acme *acme)
{
	const struct slice nonce = fetch_header(&acme->reply, "Replay-Nonce");

	acme->nonce[0] = '\0';
	if (nonce.len && nonce.len < sizeof(acme->nonce))
		snprintf(acme->nonce, sizeof(acme->nonce), "%.*s", SLICE_ARG(nonce));
	*acme->config.retry_after_s = acme->reply.retry_after_s < ACME_RETRY_AFTER_MAX_S
					      ? acme->reply.retry_after_s
					      : ACME_RETRY_AFTER_MAX_S;
}

static int get_nonce(struct acme *acme, struct err *err)
{
	const struct fetch_request request = {.method = "HEAD",
		.url = slice_str(acme->directory.nonce),
		.body_max = ACME_BODY_MAX,
		.timeout_ms = REQUEST_MS};
	int rc = 0;

	if (!acme->nonce[0]) {
		rc = fetch_do(acme->config.fetch, &request, &acme->reply, err);
		if (rc == 0)
			acme_note_reply(acme);
	}
	if (rc == 0 && !acme->nonce[0])
		rc = err_set(err, ERR_BUSY, "the CA gives no nonce");
	return rc;
}

static int sign(struct acme *acme, const struct acme_post *post, struct buf *out, struct err *err)
{
	const struct keeper_acme_header header = {.key = slice_str(acme->account->key),
		.url = slice_str(post->url),
		.nonce = slice_str(acme->nonce),
		.kid = slice_str(post->is_by_key ? "" : acme->account->url)};

	if (post->roll_to)
		return keeper_acme_roll(
			acme->config.keeper, &header, slice_str(post->roll_to), out, err);
	return keeper_acme_sign(acme->config.keeper, &header, post->payload, out, err);
}

static bool is_type(const char *type, const char *name)
{
	static const char prefix[] = "urn:ietf:params:acme:error:";

	return strncmp(type, prefix, sizeof(prefix) - 1) == 0 &&
	       strcmp(type + sizeof(prefix) - 1, name) == 0;
}

/* A problem document (RFC 7807) as an error; true if the nonce was the problem (6.5). */
static bool read_problem(const struct acme *acme, int *rc_out, struct err *err)
{
	json_t *json AUTO(acme_json_auto) = json_loadb(
		acme->reply.body.ptr ? acme->reply.body.ptr : "", acme->reply.body.len, 0, NULL);
	const char *type = json_string_value(json_object_get(json, "type"));
	const char *detail = json_string_value(json_object_get(json, "detail"));
	enum err_code code = ERR_DENIED;

	type = type ? type : "";
	if (is_type(type, "rateLimited") || acme->reply.status == TOO_MANY)
		code = ERR_QUOTA;
	else if (acme->reply.status >= SERVER_ERROR || is_type(type, "serverInternal"))
		code = ERR_BUSY;
	else if (is_type(type, "accountDoesNotExist"))
		code = ERR_NOTFOUND;
	*rc_out = err_set(
		err, code, "the CA says: %.120s", detail ? detail : "an error without a word");
	return is_type(type, "badNonce");
}

/* One try. *again_out: only the nonce was bad. */
static int try_post(
	struct acme *acme, const struct acme_post *post, bool *again_out, struct err *err)
{
	static const char *const fields[] = {"Content-Type: application/jose+json", NULL};
	struct buf body AUTO(buf_done);
	struct fetch_request request = {.method = "POST",
		.url = slice_str(post->url),
		.fields = fields,
		.body_max = ACME_BODY_MAX,
		.timeout_ms = REQUEST_MS};
	int rc;

	*again_out = false;
	buf_init(&body, JOSE_MAX);
	rc = get_nonce(acme, err);
	if (rc == 0)
		rc = sign(acme, post, &body, err);
	if (rc < 0)
		return rc;
	request.body = buf_slice(&body);
	rc = fetch_do(acme->config.fetch, &request, &acme->reply, err);
	if (rc < 0) {
		acme->nonce[0] = '\0'; /* it may have been used */
		return rc;
	}
	acme_note_reply(acme);
	if (acme->reply.status >= BAD_REQUEST)
		*again_out = read_problem(acme, &rc, err);
	return rc;
}

int acme_do(struct acme *acme, const struct acme_post *post, json_t **json_out, struct err *err)
{
	bool again = true;
	int rc = 0;

	for (int i = 0; again && i < TRIES; i++)
		rc = try_post(acme, post, &again, err);
	if (rc < 0 || !json_out)
		return rc;
	*json_out = json_loadb(
		acme->reply.body.ptr ? acme->reply.body.ptr : "", acme->reply.body.len, 0, NULL);
	return *json_out ? 0 : acme_senseless(err);
}

int acme_do_json(
	struct acme *acme, const char *url, json_t *payload, json_t **json_out, struct err *err)
{
	char *text = json_dumps(payload, JSON_COMPACT);
	const struct acme_post post = {.url = url, .payload = slice_str(text ? text : "{}")};
	const int rc = acme_do(acme, &post, json_out, err);

	free(text);
	json_decref(payload);
	return rc;
}
