/* verb_directory.c - verbs of the control socket: domains, accounts, aliases. */
#include <stdlib.h>
#include <string.h>

#include "admin/verb.h"
#include "base/mem.h"
#include "directory/group.h"
#include "mail/external.h"
#include "mail/mta_sts.h"

enum { PAGE = 500, PAGE_BYTES_MAX = 4 << 20 };

void verb_domain_add(struct conn *c, const json_t *args)
{
	struct slice domain;
	struct err err;
	int rc = verb_text(args, "domain", &domain, &err);

	if (rc == 0)
		rc = directory_domain_add(verb_service(c)->directory, domain, &err);
	verb_end(c, rc, &err);
}

/* What the domain says of TLS, and the records that go with it; with "mode" it is set first. */
void verb_domain_mta_sts(struct conn *c, const json_t *args)
{
	struct service *service = verb_service(c);
	const char *wish = json_string_value(json_object_get(args, "mode"));
	struct directory_domain found = {0};
	struct buf policy AUTO(buf_done);
	enum directory_mta_sts mode;
	char id[MTA_STS_ID_MAX];
	struct slice domain;
	struct err err;
	int rc = verb_text(args, "domain", &domain, &err);

	buf_init(&policy, MTA_STS_POLICY_MAX);
	if (rc == 0 && wish && !mta_sts_mode(slice_str(wish), &mode))
		rc = err_set(&err, ERR_SYNTAX, "the mode is off, none, testing or enforce");
	if (rc == 0 && wish)
		rc = directory_domain_mta_sts(service->directory, domain, mode, &err);
	if (rc == 0)
		rc = directory_domain(service->directory, domain, &found, &err);
	if (rc == 0 && !found.is_ours)
		rc = err_set(&err, ERR_NOTFOUND, "the domain is not known here");
	if (rc == 0)
		mta_sts_policy(found.mta_sts, service->mx_hosts, &policy);
	if (rc == 0)
		rc = buf_check(&policy, "the policy", &err);
	if (rc < 0) {
		verb_fail(conn_out(c), &err);
		return;
	}
	mta_sts_id(buf_slice(&policy), id);
	verb_done(conn_out(c),
		json_pack("{s:s, s:o, s:s, s:o}", "mode", mta_sts_name(found.mta_sts), "policy",
			verb_string(buf_slice(&policy)), "id", policy.len ? id : "", "host",
			verb_string(service->host_name)));
}

/* ---- lists: a page at a time, as the socket takes them ---- */

struct list {
	struct source source;
	struct directory *directory;
	/* page - append rows after the cursor and move it; the number of rows in *n_out. */
	int (*page)(struct list *list, struct arena *arena, struct buf *out, size_t *n_out,
		struct err *err);
	struct buf after, after_target; /* the cursor */
	struct buf domain;              /* only of this one; empty: all */
};

static int page_domains(
	struct list *list, struct arena *arena, struct buf *out, size_t *n_out, struct err *err)
{
	struct slice *domains;
	int rc = directory_domains(
		list->directory, buf_slice(&list->after), PAGE, arena, &domains, n_out, err);

	for (size_t i = 0; rc == 0 && i < *n_out; i++)
		verb_row(out, json_pack("{s:o}", "domain", verb_string(domains[i])));
	if (rc == 0 && *n_out)
		verb_keep(&list->after, domains[*n_out - 1]);
	return rc;
}

static bool is_in_domain(const struct list *list, struct slice address)
{
	const size_t at = slice_rchr(address, '@');

	return list->domain.len == 0 ||
	       (at != SIZE_MAX &&
		       slice_eq_nocase(slice_from(address, at + 1), buf_slice(&list->domain)));
}

json_t *verb_account_json(const struct directory_account *account)
{
	return json_pack("{s:o, s:I, s:I, s:I, s:b, s:o, s:o, s:o, s:I, s:b}", "address",
		verb_string(account->address), "id", (json_int_t)account->id, "quota",
		(json_int_t)account->quota_bytes, "created", (json_int_t)account->created_s,
		"disabled", account->is_disabled, "level", verb_string(account->level), "language",
		verb_string(account->language), "name", verb_string(account->name), "group",
		(json_int_t)account->group, "admin", account->is_group_admin);
}

static int page_accounts(
	struct list *list, struct arena *arena, struct buf *out, size_t *n_out, struct err *err)
{
	struct directory_account *accounts;
	int rc = directory_accounts(
		list->directory, buf_slice(&list->after), PAGE, arena, &accounts, n_out, err);

	for (size_t i = 0; rc == 0 && i < *n_out; i++) {
		if (is_in_domain(list, accounts[i].address))
			verb_row(out, verb_account_json(&accounts[i]));
	}
	if (rc == 0 && *n_out)
		verb_keep(&list->after, accounts[*n_out - 1].address);
	return rc;
}

static int page_aliases(
	struct list *list, struct arena *arena, struct buf *out, size_t *n_out, struct err *err)
{
	const struct directory_alias after = {
		buf_slice(&list->after), buf_slice(&list->after_target), 0};
	struct directory_alias *aliases;
	int rc = directory_aliases(list->directory, after, PAGE, arena, &aliases, n_out, err);

	for (size_t i = 0; rc == 0 && i < *n_out; i++) {
		if (is_in_domain(list, aliases[i].address))
			verb_row(out,
				json_pack("{s:o, s:o}", "alias", verb_string(aliases[i].address),
					"target", verb_string(aliases[i].target)));
	}
	if (rc == 0 && *n_out) {
		verb_keep(&list->after, aliases[*n_out - 1].address);
		verb_keep(&list->after_target, aliases[*n_out - 1].target);
	}
	return rc;
}

static int list_pull(struct source *source, struct conn *c, struct buf *out, struct err *err)
{
	struct list *list = (struct list *)(void *)source;
	struct arena arena AUTO(arena_done);
	const size_t before = out->len;
	size_t n;

	(void)c;
	arena_init(&arena, PAGE_BYTES_MAX);
	do { /* a pull must bring something, and a page may hold nothing of our domain */
		arena_reset(&arena);
		n = 0;
		if (list->page(list, &arena, out, &n, err) < 0) {
			verb_fail(out, err);
			return SOURCE_DONE;
		}
	} while (n == PAGE && out->len == before);
	if (n == PAGE)
		return SOURCE_MORE;
	verb_done(out, NULL);
	return SOURCE_DONE;
}

static void list_free(struct source *source)
{
	struct list *list = (struct list *)(void *)source;

	buf_done(&list->after);
	buf_done(&list->after_target);
	buf_done(&list->domain);
	free(list);
}

static void list_start(struct conn *c, const json_t *args,
	int (*page)(struct list *, struct arena *, struct buf *, size_t *, struct err *))
{
	struct list *list = mem_new(struct list);

	list->source.pull = list_pull;
	list->source.free = list_free;
	list->directory = verb_service(c)->directory;
	list->page = page;
	buf_init(&list->after, VERB_KEY_MAX);
	buf_init(&list->after_target, VERB_KEY_MAX);
	buf_init(&list->domain, 2 * DIRECTORY_ADDRESS_MAX);
	buf_append(&list->domain, verb_text_or_empty(args, "domain"));
	conn_source(c, &list->source);
}

void verb_domain_list(struct conn *c, const json_t *args)
{
	list_start(c, args, page_domains);
}

void verb_account_list(struct conn *c, const json_t *args)
{
	list_start(c, args, page_accounts);
}

void verb_alias_list(struct conn *c, const json_t *args)
{
	list_start(c, args, page_aliases);
}

/* ---- accounts ---- */

static int read_new(struct conn *c, const json_t *args, struct directory_new *out, struct err *err)
{
	const struct slice name = verb_text_or_empty(args, "group");
	struct directory_group group;
	int rc = verb_text(args, "address", &out->address, err);

	out->level = verb_text_or_empty(args, "level");
	out->quota_bytes = verb_number(args, "quota");
	if (rc < 0 || !name.len)
		return rc;
	rc = directory_group_find(verb_service(c)->directory, name, conn_arena(c), &group, err);
	if (rc == 0)
		out->group = group.id;
	return rc;
}

/* The answer names the group too: the keeper has to be told of it. */
void verb_account_add(struct conn *c, const json_t *args)
{
	struct directory *dir = verb_service(c)->directory;
	struct directory_new new = {.group = 0};
	struct directory_account account;
	struct err err;
	uint64_t id;
	int rc = read_new(c, args, &new, &err);

	if (rc == 0)
		rc = directory_account_new(dir, &new, &id, &err);
	if (rc == 0)
		rc = directory_account(dir, id, conn_arena(c), &account, &err);
	if (rc < 0)
		verb_fail(conn_out(c), &err);
	else
		verb_done(conn_out(c), json_pack("{s:I, s:I}", "id", (json_int_t)id, "group",
					       (json_int_t)account.group));
}

/* The account of this very address. */
int verb_find_account(struct conn *c, const json_t *args, struct arena *arena,
	struct directory_account *out, struct err *err)
{
	struct directory_entry entry;
	struct slice address;
	int rc = verb_text(args, "address", &address, err);

	if (rc == 0)
		rc = directory_find(verb_service(c)->directory, address, arena, &entry, err);
	if (rc < 0)
		return rc;
	if (entry.kind != DIRECTORY_ACCOUNT)
		return err_set(err, ERR_NOTFOUND, "there is no account %.*s", SLICE_ARG(address));
	*out = entry.account;
	return 0;
}

void verb_account_find(struct conn *c, const json_t *args)
{
	struct directory_account account;
	struct err err;

	if (verb_find_account(c, args, conn_arena(c), &account, &err) < 0)
		verb_fail(conn_out(c), &err);
	else
		verb_done(conn_out(c), verb_account_json(&account));
}

struct delete_task {
	struct verb_task task;
	uint64_t id;
};

/* The name first: afterwards nobody finds the file any more, whatever happens to us, and who
 * is signed in has to go. */
static int delete_work(struct verb_task *task, struct err *err)
{
	const struct delete_task *delete = (const struct delete_task *)(const void *)task;
	int rc = directory_account_delete(task->service->directory, delete->id, err);

	if (rc == 0)
		mail_revoke(task->service, delete->id);
	if (rc == 0)
		rc = store_remove(task->service->store, delete->id, err);
	mail_external_hurry(task->service);
	return rc == -ERR_NOTFOUND ? 0 : rc;
}

static void delete_reply(struct verb_task *task, struct buf *out)
{
	const struct delete_task *delete = (const struct delete_task *)(const void *)task;

	verb_done(out, json_pack("{s:I}", "id", (json_int_t) delete->id));
}

static void delete_free(struct verb_task *task)
{
	free(task);
}

void verb_account_delete(struct conn *c, const json_t *args)
{
	struct directory_account account;
	struct delete_task *task;
	struct err err;

	if (verb_find_account(c, args, conn_arena(c), &account, &err) < 0) {
		verb_fail(conn_out(c), &err);
		return;
	}
	task = mem_new(struct delete_task);
	task->task =
		(struct verb_task){.work = delete_work, .reply = delete_reply, .free = delete_free};
	task->id = account.id;
	verb_task_run(c, &task->task);
}

/* ---- import: one request is one transaction ---- */

struct import_task {
	struct verb_task task;
	struct directory_import items[CONTROL_BATCH_MAX];
	size_t n;
	struct arena arena;
};

static int import_work(struct verb_task *task, struct err *err)
{
	struct import_task *import = (struct import_task *)(void *)task;

	return directory_account_import(task->service->directory, import->items, import->n, err);
}

static void import_reply(struct verb_task *task, struct buf *out)
{
	const struct import_task *import = (const struct import_task *)(const void *)task;
	json_t *results = json_array();

	for (size_t i = 0; i < import->n; i++) {
		const struct directory_import *item = &import->items[i];

		json_array_append_new(results,
			item->rc < 0 ? json_pack("{s:I, s:s, s:o}", "id",
					       (json_int_t)(item->rc == -ERR_EXISTS ? item->id : 0),
					       "code", err_code_name(item->err.code), "message",
					       verb_string(slice_str(item->err.msg)))
				     : json_pack("{s:I, s:I}", "id", (json_int_t)item->id, "group",
					       (json_int_t)item->group));
	}
	verb_done(out, json_pack("{s:o}", "results", results));
}

static void import_free(struct verb_task *task)
{
	struct import_task *import = (struct import_task *)(void *)task;

	arena_done(&import->arena);
	free(import);
}

void verb_account_import(struct conn *c, const json_t *args)
{
	const json_t *accounts = json_object_get(args, "accounts");
	struct import_task *import;
	struct err err;

	if (json_array_size(accounts) == 0 || json_array_size(accounts) > CONTROL_BATCH_MAX) {
		err_set(&err, ERR_SYNTAX, "from 1 to %d accounts at once", CONTROL_BATCH_MAX);
		verb_fail(conn_out(c), &err);
		return;
	}
	import = mem_new(struct import_task);
	import->task =
		(struct verb_task){.work = import_work, .reply = import_reply, .free = import_free};
	arena_init(&import->arena, CONTROL_LINE_MAX);
	import->n = json_array_size(accounts);
	for (size_t i = 0; i < import->n; i++) {
		const json_t *account = json_array_get(accounts, i);

		import->items[i].address =
			arena_dup(&import->arena, verb_text_or_empty(account, "address"));
		import->items[i].quota_bytes = verb_number(account, "quota");
	}
	verb_task_run(c, &import->task);
}

/* ---- aliases ---- */

void verb_alias_add(struct conn *c, const json_t *args)
{
	const json_t *targets = json_object_get(args, "targets");
	const size_t n = json_array_size(targets);
	struct slice address, *list;
	struct err err;
	int rc = verb_text(args, "address", &address, &err);

	if (rc == 0 && (n == 0 || n > DIRECTORY_TARGETS_MAX))
		rc = err_set(&err, ERR_SYNTAX, "from 1 to %d targets", DIRECTORY_TARGETS_MAX);
	list = rc == 0 ? arena_array(conn_arena(c), struct slice, n) : NULL;
	if (rc == 0 && !list)
		rc = err_set(&err, ERR_TOOBIG, "too many targets at once");
	for (size_t i = 0; rc == 0 && i < n; i++) {
		const json_t *target = json_array_get(targets, i);

		list[i] = (struct slice){json_string_value(target), json_string_length(target)};
	}
	if (rc == 0)
		rc = directory_alias_add(verb_service(c)->directory, address, list, n, &err);
	verb_end(c, rc, &err);
}

void verb_alias_delete(struct conn *c, const json_t *args)
{
	struct slice address;
	struct err err;
	int rc = verb_text(args, "address", &address, &err);

	if (rc == 0)
		rc = directory_alias_delete(verb_service(c)->directory, address,
			verb_text_or_empty(args, "target"), &err);
	verb_end(c, rc, &err);
}
