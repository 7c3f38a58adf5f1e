/* acme_issue.c - one order, from the request to the chain (RFC 8555 7.4 and 7.5). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "courier/acme_internal.h"

enum { POLL_FIRST_MS = 500, POLL_MAX_MS = 10000, TOKEN_MAX = 200, REQUEST_MAX = 32 << 10 };

struct issue {
	struct acme *acme;
	struct slice name; /* of the order, with the keeper */
	const char *key;
	char url[ACME_URL_MAX + 1]; /* of the order, with the CA */
	int64_t deadline_ms;
};

/* Waits as long as the CA asks for, or a little longer each time. */
static int wait_a_little(struct issue *is, int64_t *wait_ms, struct err *err)
{
	const int64_t asked = *is->acme->config.retry_after_s * 1000;
	const int64_t ms = asked > *wait_ms ? asked : *wait_ms;

	*wait_ms = *wait_ms * 2 < POLL_MAX_MS ? *wait_ms * 2 : POLL_MAX_MS;
	if (clock_mono_ms() + ms > is->deadline_ms)
		return err_set(err, ERR_BUSY, "the CA takes too long");
	return is->acme->config.pause(is->acme->config.context, ms)
		       ? 0
		       : err_set(err, ERR_BUSY, "the courier is ending");
}

static bool is_status(const json_t *json, const char *status)
{
	const char *is = json_string_value(json_object_get(json, "status"));

	return is && strcmp(is, status) == 0;
}

/* ---- one host ---- */

static const char *const kind_names[] = {
	[ACME_HTTP_01] = "http-01", [ACME_TLS_ALPN_01] = "tls-alpn-01"};

/* The challenge of the kind that is wanted, else of the other. */
static const json_t *pick(
	const struct acme *acme, const json_t *authorization, enum acme_challenge *kind_out)
{
	const json_t *list = json_object_get(authorization, "challenges");

	for (int round = 0; round < 2; round++) {
		const enum acme_challenge kind =
			round == 0 ? acme->config.challenge
				   : (enum acme_challenge) !acme->config.challenge;

		for (size_t i = 0; i < json_array_size(list); i++) {
			const json_t *one = json_array_get(list, i);
			const char *type = json_string_value(json_object_get(one, "type"));

			if (type && strcmp(type, kind_names[kind]) == 0) {
				*kind_out = kind;
				return one;
			}
		}
	}
	return NULL;
}

/* What the CA says about a challenge that failed. */
static int say_why(const json_t *authorization, const char *host, struct err *err)
{
	const json_t *list = json_object_get(authorization, "challenges");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *error = json_object_get(json_array_get(list, i), "error");
		const char *detail = json_string_value(json_object_get(error, "detail"));

		if (detail)
			return err_set(err, ERR_DENIED, "%.60s: %.90s", host, detail);
	}
	return err_set(err, ERR_DENIED, "the CA does not believe that %.60s is ours", host);
}

static int wait_for_authorization(
	struct issue *is, const char *url, const char *host, struct err *err)
{
	const struct acme_post post = {.url = url};
	int64_t wait_ms = POLL_FIRST_MS;

	for (;;) {
		json_t *json AUTO(acme_json_auto) = NULL;
		int rc = acme_do(is->acme, &post, &json, err);

		if (rc < 0 || is_status(json, "valid"))
			return rc;
		if (!is_status(json, "pending") && !is_status(json, "processing"))
			return say_why(json, host, err);
		rc = wait_a_little(is, &wait_ms, err);
		if (rc < 0)
			return rc;
	}
}

/* Publish the answer, tell the CA to look, wait for what it says. */
static int answer_challenge(struct issue *is, const char *url, const json_t *challenge,
	enum acme_challenge kind, const char *host, struct err *err)
{
	const struct acme_config *config = &is->acme->config;
	char token[TOKEN_MAX], look[ACME_URL_MAX + 1];
	char text[TOKEN_MAX + KEEPER_THUMBPRINT_MAX + 2];
	struct acme_answer answer = {.kind = kind,
		.order = is->name,
		.key = slice_str(is->key),
		.host = slice_str(host)};
	int rc = acme_text(challenge, "token", token, sizeof(token), err);

	if (rc == 0)
		rc = acme_text(challenge, "url", look, sizeof(look), err);
	if (rc < 0)
		return rc;
	/* It becomes part of a path and of a line of ours: RFC 8555 8.1 says base64url. */
	if (token[strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				"0123456789-_")])
		return acme_senseless(err);
	snprintf(text, sizeof(text), "%s.%s", token, is->acme->thumbprint);
	answer.token = slice_str(token);
	answer.text = slice_str(text);
	rc = config->publish(config->context, &answer, err);
	if (rc == 0)
		rc = acme_do_json(is->acme, look, json_object(), NULL, err);
	if (rc == 0)
		rc = wait_for_authorization(is, url, host, err);
	config->withdraw(config->context, answer.host);
	return rc;
}

static int authorize(struct issue *is, const char *url, struct err *err)
{
	const struct acme_post post = {.url = url};
	json_t *json AUTO(acme_json_auto) = NULL;
	enum acme_challenge kind = ACME_HTTP_01;
	const json_t *challenge;
	char host[256];
	int rc = acme_do(is->acme, &post, &json, err);

	if (rc == 0)
		rc = acme_text(
			json_object_get(json, "identifier"), "value", host, sizeof(host), err);
	if (rc < 0 || is_status(json, "valid"))
		return rc;
	challenge = pick(is->acme, json, &kind);
	if (!challenge)
		return err_set(
			err, ERR_DENIED, "the CA offers no way to show that %.60s is ours", host);
	return answer_challenge(is, url, challenge, kind, host, err);
}

/* ---- the order ---- */

static int place_order(
	struct issue *is, const struct slice *hosts, size_t n, json_t **out, struct err *err)
{
	json_t *list = json_array();
	struct slice location;
	int rc;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s, s:s%}", "type", "dns", "value",
						    hosts[i].ptr, hosts[i].len));
	rc = acme_do_json(is->acme, is->acme->directory.order,
		json_pack("{s:o}", "identifiers", list), out, err);
	if (rc < 0)
		return rc;
	location = fetch_header(&is->acme->reply, "Location");
	if (!location.len || location.len >= sizeof(is->url))
		return acme_senseless(err);
	snprintf(is->url, sizeof(is->url), "%.*s", SLICE_ARG(location));
	return 0;
}

/* Until the order is what we wait for; what else it can become is the end of it. */
static int wait_for_order(struct issue *is, const char *status, json_t **order, struct err *err)
{
	const struct acme_post post = {.url = is->url};
	int64_t wait_ms = POLL_FIRST_MS;

	for (;;) {
		const char *detail = json_string_value(
			json_object_get(json_object_get(*order, "error"), "detail"));
		int rc = 0;

		if (is_status(*order, status))
			return 0;
		if (is_status(*order, "invalid"))
			return err_set(err, ERR_DENIED, "the CA says: %.120s",
				detail ? detail : "the order is no good");
		rc = wait_a_little(is, &wait_ms, err);
		if (rc < 0)
			return rc;
		json_decref(*order);
		*order = NULL;
		rc = acme_do(is->acme, &post, order, err);
		if (rc < 0)
			return rc;
	}
}

static int finalize(struct issue *is, struct slice request, json_t **order, struct err *err)
{
	struct buf text AUTO(buf_done);
	char url[ACME_URL_MAX + 1];
	int rc = acme_text(*order, "finalize", url, sizeof(url), err);

	buf_init(&text, REQUEST_MAX);
	base64url_encode(&text, request);
	if (rc < 0)
		return rc;
	json_decref(*order);
	*order = NULL;
	rc = acme_do_json(is->acme, url,
		json_pack("{s:s%}", "csr", text.ptr ? text.ptr : "", text.len), order, err);
	return rc < 0 ? rc : wait_for_order(is, "valid", order, err);
}

static int download(struct issue *is, const json_t *order, struct buf *out, struct err *err)
{
	char url[ACME_URL_MAX + 1];
	struct acme_post post = {.url = url};
	int rc = acme_text(order, "certificate", url, sizeof(url), err);

	if (rc == 0)
		rc = acme_do(is->acme, &post, NULL, err);
	if (rc < 0)
		return rc;
	buf_append(out, buf_slice(&is->acme->reply.body));
	return buf_check(out, "the chain", err);
}

static int run(struct issue *is, const struct slice *hosts, size_t n, struct slice request,
	struct buf *chain_out, struct err *err)
{
	json_t *order AUTO(acme_json_auto) = NULL;
	json_t *urls AUTO(acme_json_auto) = NULL;
	int rc = place_order(is, hosts, n, &order, err);

	if (rc < 0)
		return rc;
	urls = json_incref(json_object_get(order, "authorizations"));
	for (size_t i = 0; i < json_array_size(urls) && rc == 0; i++) {
		const char *url = json_string_value(json_array_get(urls, i));

		rc = url ? authorize(is, url, err) : acme_senseless(err);
	}
	if (rc == 0)
		rc = wait_for_order(is, "ready", &order, err);
	if (rc == 0)
		rc = finalize(is, request, &order, err);
	return rc < 0 ? rc : download(is, order, chain_out, err);
}

int acme_issue(struct acme *acme, struct slice order, const struct slice *hosts, size_t n,
	char key[KEEPER_NAME_MAX + 1], struct buf *chain_out, struct err *err)
{
	struct issue is = {.acme = acme,
		.name = order,
		.key = key,
		.deadline_ms = clock_mono_ms() + ACME_WAIT_MS};
	struct buf request AUTO(buf_done);
	char used[KEEPER_NAME_MAX + 1];
	int rc;

	buf_init(&request, REQUEST_MAX);
	rc = keeper_acme_request(acme->config.keeper, order, slice_str(key), used, &request, err);
	if (rc < 0)
		return rc;
	snprintf(key, KEEPER_NAME_MAX + 1, "%s", used);
	return run(&is, hosts, n, buf_slice(&request), chain_out, err);
}
