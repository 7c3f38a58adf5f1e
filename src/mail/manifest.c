/* manifest.c - see manifest.h for the contract. */
#include "mail/manifest.h"

#include "base/clock.h"
#include "directory/personality.h"
#include "transfer/maildir.h"
#include "transfer/manifest.h"

enum { ARENA = 1 << 20 };

static json_t *text(struct slice s)
{
	return json_stringn(s.ptr ? s.ptr : "", s.len);
}

static struct slice text_of(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return (struct slice){json_string_value(value), json_string_length(value)};
}

/* ---- writing ---- */

static json_t *account_json(const struct directory_account *a)
{
	return json_pack("{s:o, s:o, s:o, s:i, s:i, s:b}", "address", text(a->address), "name",
		text(a->name), "language", text(a->language), "undo-web", a->undo_web_s,
		"undo-programs", a->undo_program_s, "keeps-sent", a->keeps_sent);
}

static json_t *personality_json(const struct directory_personality *p)
{
	json_t *json = json_pack("{s:o, s:o, s:o, s:o, s:o}", "name", text(p->name), "address",
		text(p->address), "reply-to", text(p->reply_to), "bcc", text(p->bcc), "signature",
		text(p->signature));

	if (p->host.len)
		json_object_set_new(json, "server",
			json_pack("{s:o, s:i, s:o, s:b}", "host", text(p->host), "port",
				(int)p->port, "login", text(p->login), "starttls", p->is_starttls));
	return json;
}

static json_t *mailbox_json(const struct mailbox_info *box)
{
	struct buf folder AUTO(buf_done);

	buf_init(&folder, 16 * MAILBOX_NAME_MAX);
	maildir_write_folder(box->name, &folder);
	return json_pack("{s:o, s:o, s:s, s:b, s:I}", "name", text(box->name), "folder",
		text(buf_slice(&folder)), "role", mail_role_name(box->role), "subscribed",
		box->is_subscribed, "messages", (json_int_t)box->messages);
}

static int put_keywords(struct account *account, json_t *list, struct err *err)
{
	struct arena arena AUTO(arena_done);
	struct slice *names;
	size_t n;
	int rc;

	arena_init(&arena, ARENA);
	rc = account_keywords(account, &arena, &names, &n, err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		json_array_append_new(list, text(names[i]));
	return rc;
}

int mail_manifest_make(struct service *service, uint64_t id, struct account *account,
	const struct mailbox_info *mailboxes, size_t n, json_t **out, struct err *err)
{
	json_t *personalities = json_array(), *boxes = json_array(), *keywords = json_array(),
	       *made;
	struct directory_account who = {0};
	struct directory_personality *list;
	struct arena arena AUTO(arena_done);
	size_t list_n = 0;
	int rc;

	arena_init(&arena, ARENA);
	rc = directory_account(service->directory, id, &arena, &who, err);
	if (rc == 0)
		rc = directory_personalities(service->directory, id, &arena, &list, &list_n, err);
	for (size_t i = 0; rc == 0 && i < list_n; i++)
		json_array_append_new(personalities, personality_json(&list[i]));
	for (size_t i = 0; i < n; i++) {
		if (mailboxes[i].id && !mailboxes[i].is_noselect)
			json_array_append_new(boxes, mailbox_json(&mailboxes[i]));
	}
	if (rc == 0)
		rc = put_keywords(account, keywords, err);
	made = json_pack("{s:s, s:i, s:I, s:o, s:o, s:o, s:o}", "format", MANIFEST_FORMAT,
		"version", MANIFEST_VERSION, "made", (json_int_t)clock_wall_s(), "account",
		account_json(&who), "personalities", personalities, "keywords", keywords,
		"mailboxes", boxes);
	if (rc < 0)
		json_decref(made);
	else
		*out = made;
	return rc;
}

/* ---- reading ---- */

static bool take_seconds(const json_t *object, const char *name, int *out)
{
	const json_t *value = json_object_get(object, name);
	const json_int_t n = json_integer_value(value);

	*out = (int)n;
	return json_is_integer(value) && n >= -1 && n <= DIRECTORY_UNDO_MAX_S;
}

static int apply_account(struct service *service, uint64_t id, const json_t *json, struct err *err)
{
	const json_t *keeps = json_object_get(json, "keeps-sent");
	const struct slice language = text_of(json, "language"), name = text_of(json, "name");
	const bool keeps_sent = json_is_true(keeps);
	int web, programs;
	const struct directory_change change = {
		.language = json_is_string(json_object_get(json, "language")) ? &language : NULL,
		.name = json_is_string(json_object_get(json, "name")) ? &name : NULL,
		.keeps_sent = json_is_boolean(keeps) ? &keeps_sent : NULL,
		.undo_web_s = take_seconds(json, "undo-web", &web) ? &web : NULL,
		.undo_program_s =
			take_seconds(json, "undo-programs", &programs) ? &programs : NULL};

	return directory_account_set(service->directory, id, &change, err);
}

/* What is refused (not this account's address, one that is there) is counted only. */
static int apply_personality(struct service *service, uint64_t id, const json_t *json,
	struct mail_manifest_result *out, struct err *err)
{
	const json_t *server = json_object_get(json, "server");
	const struct directory_personality p = {.name = text_of(json, "name"),
		.address = text_of(json, "address"),
		.reply_to = text_of(json, "reply-to"),
		.bcc = text_of(json, "bcc"),
		.signature = text_of(json, "signature"),
		.host = text_of(server, "host"),
		.login = text_of(server, "login"),
		.port = (unsigned)json_integer_value(json_object_get(server, "port")),
		.is_starttls = json_is_true(json_object_get(server, "starttls"))};
	uint64_t made;
	const int rc = directory_personality_put(service->directory, id, &p, &made, err);

	if (rc == -ERR_IO || rc == -ERR_BUSY)
		return rc;
	out->personalities += rc == 0;
	out->left_out += rc < 0 && rc != -ERR_EXISTS;
	return 0;
}

int mail_manifest_apply(struct service *service, uint64_t id, const json_t *manifest,
	struct mail_manifest_result *out, struct err *err)
{
	const json_t *list = json_object_get(manifest, "personalities");
	int rc = apply_account(service, id, json_object_get(manifest, "account"), err);

	for (size_t i = 0; rc == 0 && i < json_array_size(list); i++)
		rc = apply_personality(service, id, json_array_get(list, i), out, err);
	return rc;
}
