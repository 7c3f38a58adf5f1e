/* acme.c - see acme.h for the contract: the conversation's beginning, its account, its end. */
#include "courier/acme.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "courier/acme_internal.h"

enum { DIRECTORY_MS = 30000, STATUS_OK = 200, REASON_KEY_COMPROMISE = 1 };

static int read_directory(struct acme *acme, struct err *err)
{
	const struct fetch_request request = {.method = "GET",
		.url = acme->config.directory,
		.body_max = ACME_BODY_MAX,
		.timeout_ms = DIRECTORY_MS};
	json_t *json AUTO(acme_json_auto) = NULL;
	int rc = fetch_do(acme->config.fetch, &request, &acme->reply, err);

	if (rc < 0)
		return rc;
	acme_note_reply(acme);
	if (acme->reply.status != STATUS_OK)
		return err_set(err, ERR_BUSY, "the CA's directory: status %u", acme->reply.status);
	json = json_loadb(
		acme->reply.body.ptr ? acme->reply.body.ptr : "", acme->reply.body.len, 0, NULL);
	rc = acme_text(json, "newNonce", acme->directory.nonce, sizeof(acme->directory.nonce), err);
	if (rc == 0)
		rc = acme_text(json, "newAccount", acme->directory.account,
			sizeof(acme->directory.account), err);
	if (rc == 0)
		rc = acme_text(json, "newOrder", acme->directory.order,
			sizeof(acme->directory.order), err);
	if (rc == 0)
		rc = acme_text(json, "revokeCert", acme->directory.revoke,
			sizeof(acme->directory.revoke), err);
	if (rc == 0)
		rc = acme_text(
			json, "keyChange", acme->directory.roll, sizeof(acme->directory.roll), err);
	acme->directory.wants_binding = json_is_true(
		json_object_get(json_object_get(json, "meta"), "externalAccountRequired"));
	return rc;
}

/* RFC 8555 7.3.4, where the CA asks for it. */
static int add_binding(struct acme *acme, json_t *payload, struct err *err)
{
	struct buf text AUTO(buf_done);
	json_t *binding;
	int rc;

	buf_init(&text, ACME_BODY_MAX);
	rc = keeper_acme_bind(acme->config.keeper, slice_str(acme->account->key),
		slice_str(acme->directory.account), &text, err);
	if (rc == -ERR_NOTFOUND)
		return err_set(err, ERR_DENIED,
			"the CA wants an account with it: posthouse certificate account");
	if (rc < 0)
		return rc;
	binding = json_loadb(text.ptr, text.len, 0, NULL);
	if (!binding)
		return err_set(err, ERR_IO, "the keeper's answer makes no sense");
	json_object_set_new(payload, "externalAccountBinding", binding);
	return 0;
}

static int get_key(struct acme *acme, struct err *err)
{
	struct keeper_acme_key key;
	int rc = keeper_acme_key(acme->config.keeper, slice_str(acme->account->key), &key, err);

	if (rc < 0)
		return rc;
	snprintf(acme->account->key, sizeof(acme->account->key), "%s", key.name);
	snprintf(acme->thumbprint, sizeof(acme->thumbprint), "%s", key.thumbprint);
	return 0;
}

static int keep_location(const struct acme *acme, char *out, size_t size, struct err *err)
{
	const struct slice url = fetch_header(&acme->reply, "Location");

	if (!url.len || url.len >= size)
		return acme_senseless(err);
	snprintf(out, size, "%.*s", SLICE_ARG(url));
	return 0;
}

/* RFC 8555 7.3. A key that the CA knows already gets its old account again. */
static int register_account(struct acme *acme, struct err *err)
{
	json_t *payload AUTO(acme_json_auto) = json_pack("{s:b}", "termsOfServiceAgreed", 1);
	const struct slice contact = acme->config.contact;
	struct acme_post post = {.url = acme->directory.account, .is_by_key = true};
	char *text;
	int rc = 0;

	if (contact.len)
		json_object_set_new(payload, "contact",
			json_pack("[o]", json_sprintf("mailto:%.*s", SLICE_ARG(contact))));
	if (acme->directory.wants_binding)
		rc = add_binding(acme, payload, err);
	if (rc < 0)
		return rc;
	text = json_dumps(payload, JSON_COMPACT);
	post.payload = slice_str(text ? text : "{}");
	rc = acme_do(acme, &post, NULL, err);
	free(text);
	return rc < 0 ? rc
		      : keep_location(acme, acme->account->url, sizeof(acme->account->url), err);
}

int acme_open(const struct acme_config *config, struct acme_account *account, struct acme **out,
	struct err *err)
{
	struct acme *acme AUTO(acme_close) = mem_new(struct acme);
	int rc;

	acme->config = *config;
	acme->account = account;
	fetch_reply_init(&acme->reply);
	rc = read_directory(acme, err);
	if (rc == 0)
		rc = get_key(acme, err);
	if (rc == 0 && !account->url[0])
		rc = register_account(acme, err);
	if (rc < 0)
		return rc;
	*out = acme;
	acme = NULL;
	return 0;
}

void acme_close(struct acme **acme)
{
	if (*acme)
		fetch_reply_done(&(*acme)->reply);
	free(*acme);
	*acme = NULL;
}

/* When the CA has said yes but we did not hear it, the next conversation fails with an unknown key,
 * and the account is registered anew. */
int acme_roll(struct acme *acme, struct err *err)
{
	struct keeper_acme_key next;
	struct acme_post post = {.url = acme->directory.roll, .roll_to = next.name};
	int rc = keeper_acme_key(acme->config.keeper, (struct slice){0}, &next, err);

	if (rc == 0)
		rc = acme_do(acme, &post, NULL, err);
	if (rc < 0)
		return rc;
	snprintf(acme->account->key, sizeof(acme->account->key), "%s", next.name);
	snprintf(acme->thumbprint, sizeof(acme->thumbprint), "%s", next.thumbprint);
	return 0;
}

int acme_revoke(struct acme *acme, struct slice certificate, struct err *err)
{
	struct buf text AUTO(buf_done);

	buf_init(&text, ACME_BODY_MAX);
	base64url_encode(&text, certificate);
	return acme_do_json(acme, acme->directory.revoke,
		json_pack("{s:s%, s:i}", "certificate", text.ptr ? text.ptr : "", text.len,
			"reason", REASON_KEY_COMPROMISE),
		NULL, err);
}
