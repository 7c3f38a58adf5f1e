/* cmd_account.c - commands: who may administer, who is logged out, whose password is to be changed,
 * alternative logins, services. The keeper does it; the server knows who an address is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin/client.h"
#include "admin/instance.h"
#include "admin/table.h"
#include "base/map.h"
#include "base/mem.h"
#include "chain/chain.h"
#include "keeper/credentials.h"
#include "keeper/keeper.h"

static const struct {
	const char *name;
	unsigned scope;
} services[] = {{"imap", SCOPE_IMAP}, {"imap-read", SCOPE_IMAP_READ}, {"pop3", SCOPE_POP},
	{"smtp", SCOPE_SMTP}, {"dav", SCOPE_DAV}, {"ldap", SCOPE_LDAP}, {"xmpp", SCOPE_XMPP},
	{"web", SCOPE_WEB}, {"jmap", SCOPE_JMAP}, {"sieve", SCOPE_SIEVE}};

enum { SERVICES = sizeof(services) / sizeof(services[0]), CERTIFICATE_FILE_MAX = 1 << 20 };

static int find(struct client *client, const char *address, uint64_t *id_out, struct err *err)
{
	json_t *done = NULL;
	int rc = client_ask(client,
		json_pack("{s:s, s:s}", "verb", "account-find", "address", address), NULL, NULL,
		&done, err);

	if (rc == 0)
		*id_out = (uint64_t)json_integer_value(json_object_get(done, "id"));
	json_decref(done);
	return rc;
}

static int find_one(const struct cli *cli, uint64_t *id_out)
{
	struct client client AUTO(client_close) = {.fd = -1};
	struct err err;
	const int rc = cli_connect(cli, &client);

	return rc != CLI_OK ? rc : cli_end(cli, find(&client, cli->args[0], id_out, &err), &err);
}

/* Whose group and rights in it the directory knows: a role of the operator's changes neither. */
struct member {
	uint64_t id, group;
	bool is_admin;
};

static int find_member(const struct cli *cli, struct member *out)
{
	json_t *done = NULL;
	const int rc = cli_ask(cli,
		json_pack("{s:s, s:s}", "verb", "account-find", "address", cli->args[0]), &done);

	*out = (struct member){.id = (uint64_t)json_integer_value(json_object_get(done, "id")),
		.group = (uint64_t)json_integer_value(json_object_get(done, "group")),
		.is_admin = json_is_true(json_object_get(done, "admin"))};
	json_decref(done);
	return rc;
}

static int tell(const struct cli *cli, int rc, const struct err *err)
{
	return rc < 0 ? cli_fail(cli, err) : CLI_OK;
}

/* What the command line says wrongly. */
static int misuse(const struct cli *cli, const char *text)
{
	struct err err;

	err_set(&err, ERR_SYNTAX, "%s", text);
	cli_fail(cli, &err);
	return CLI_USAGE;
}

int command_account_role(struct cli *cli)
{
	const bool is_operator = strcmp(cli->args[1], "operator") == 0;
	struct member member;
	struct err err;
	int code;

	if (!is_operator && strcmp(cli->args[1], "user") != 0)
		return misuse(cli, "a role is user or operator");
	code = find_member(cli, &member);
	if (code != CLI_OK)
		return code;
	return tell(cli,
		keeper_set_role(INSTANCE_KEEPER_CLI, member.id,
			is_operator       ? ROLE_OPERATOR
			: member.is_admin ? ROLE_GROUP_ADMIN
					  : ROLE_USER,
			member.group, &err),
		&err);
}

/* ---- many accounts ---- */

struct chosen {
	uint64_t *ids; /* a single 0 for all */
	size_t n;
};

static void chosen_done(struct chosen *chosen)
{
	free(chosen->ids);
}

/* All that are named, or all there are; an address that is none stops everything. */
static int choose(const struct cli *cli, struct chosen *out)
{
	struct client client AUTO(client_close) = {.fd = -1};
	const bool is_all = cli_option(cli, "--all") != NULL;
	struct err err;
	int rc;

	if (is_all == (cli->args_n > 0))
		return misuse(cli, "name addresses, or say --all");
	out->ids = mem_zalloc_array(cli->args_n + 1, sizeof(*out->ids));
	out->n = is_all ? 1 : cli->args_n;
	rc = cli_connect(cli, &client);
	if (rc != CLI_OK || is_all)
		return rc;
	for (size_t i = 0; rc == 0 && i < cli->args_n; i++)
		rc = find(&client, cli->args[i], &out->ids[i], &err);
	return cli_end(cli, rc, &err);
}

int command_account_logout(struct cli *cli)
{
	struct chosen chosen AUTO(chosen_done) = {0};
	struct err err;
	const int code = choose(cli, &chosen);

	if (code != CLI_OK)
		return code;
	return tell(cli, keeper_log_out(INSTANCE_KEEPER_CLI, chosen.ids, chosen.n, &err), &err);
}

/* The first moment of that day, by the machine's time zone. */
static bool read_date(const char *text, int64_t *out)
{
	struct tm tm = {.tm_isdst = -1};
	const char *end = strptime(text, "%Y-%m-%d", &tm);

	if (!end || *end)
		return false;
	*out = mktime(&tm);
	return *out > 0;
}

/* ---- who has not changed it yet ---- */

struct name {
	uint64_t id;
	int64_t by_s;
};

struct waiting {
	struct map names; /* by id */
	struct table table;
};

static void waiting_done(struct waiting *w)
{
	struct name *name;

	for (size_t at = 0; (name = map_next(&w->names, &at));)
		free(name);
	map_done(&w->names);
}

static int read_waiting(struct waiting *w, struct err *err)
{
	struct keeper_pending *some = mem_zalloc_array(KEEPER_ACCOUNTS_MAX, sizeof(*some));
	size_t n = KEEPER_ACCOUNTS_MAX;
	uint64_t after = 0;
	int rc = 0;

	while (rc == 0 && n == KEEPER_ACCOUNTS_MAX) {
		rc = keeper_list_pending(
			INSTANCE_KEEPER_CLI, after, some, KEEPER_ACCOUNTS_MAX, &n, err);
		for (size_t i = 0; rc == 0 && i < n; i++) {
			struct name *name = mem_new(struct name);

			*name = (struct name){some[i].account, some[i].by_s};
			map_put(&w->names, map_key_u64(&name->id), name);
			after = some[i].account;
		}
	}
	free(some);
	return rc;
}

static void show_waiting(void *context, const json_t *row)
{
	struct waiting *w = context;
	const uint64_t id = (uint64_t)json_integer_value(json_object_get(row, "id"));
	const struct name *name = map_get(&w->names, map_key_u64(&id));
	json_t *shown;

	if (!name)
		return;
	shown = json_pack("{s:O}", "address", json_object_get(row, "address"));
	if (name->by_s)
		json_object_set_new(shown, "by", json_integer(name->by_s));
	table_row(&w->table, shown);
	json_decref(shown);
}

static int list_waiting(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"address", "ADDRESS", TABLE_TEXT}, {"by", "BY", TABLE_TIME}};
	struct client client AUTO(client_close) = {.fd = -1};
	struct waiting w AUTO(waiting_done) = {0};
	struct err err;
	int rc = cli_connect(cli, &client);

	if (rc != CLI_OK)
		return rc;
	rc = read_waiting(&w, &err);
	table_init(&w.table, columns, 2, cli->is_json);
	if (rc == 0)
		rc = client_ask(&client, json_pack("{s:s}", "verb", "account-list"), show_waiting,
			&w, NULL, &err);
	table_end(&w.table);
	return cli_end(cli, rc, &err);
}

/* [tls.7]: a mail now, and before the date. */
static int tell_users(const struct cli *cli, const struct chosen *chosen, int64_t by_s)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < chosen->n; i++)
		json_array_append_new(ids, json_integer((json_int_t)chosen->ids[i]));
	return cli_ask(cli,
		json_pack("{s:s, s:I, s:o}", "verb", "ask-password", "by", (json_int_t)by_s, "ids",
			ids),
		NULL);
}

int command_account_ask_password(struct cli *cli)
{
	const char *by = cli_option(cli, "--by");
	struct chosen chosen AUTO(chosen_done) = {0};
	int64_t by_s = 0;
	struct err err;
	int code;

	if (cli_option(cli, "--pending"))
		return cli->args_n || by || cli_option(cli, "--all")
			       ? misuse(cli, "--pending stands alone")
			       : list_waiting(cli);
	if (by && !read_date(by, &by_s))
		return misuse(cli, "--by wants a date: YYYY-MM-DD");
	code = choose(cli, &chosen);
	if (code != CLI_OK)
		return code;
	code = tell(cli, keeper_ask_password(INSTANCE_KEEPER_CLI, by_s, chosen.ids, chosen.n, &err),
		&err);
	return code == CLI_OK ? tell_users(cli, &chosen, by_s) : code;
}

/* ---- alternative logins and services ---- */

static void add_app(void *context, const struct keeper_app *app)
{
	struct buf scopes AUTO(buf_done);
	json_t *row;

	buf_init(&scopes, 1024);
	for (size_t i = 0; i < SERVICES; i++) {
		if (app->scopes & services[i].scope)
			buf_printf(&scopes, "%s%s", scopes.len ? "," : "", services[i].name);
	}
	row = json_pack("{s:I, s:s%, s:s%, s:I, s:b, s:b}", "id", (json_int_t)app->id, "name",
		app->name.ptr, app->name.len, "services", scopes.ptr ? scopes.ptr : "", scopes.len,
		"created", (json_int_t)app->made_s, "before-change", app->is_before_change,
		"certificate", app->is_certificate);
	if (app->seen_s)
		json_object_set_new(row, "used", json_integer(app->seen_s));
	table_row(context, row);
	json_decref(row);
}

int command_app_list(struct cli *cli)
{
	static const struct table_column columns[] = {{"id", "ID", TABLE_NUMBER},
		{"name", "NAME", TABLE_TEXT}, {"services", "SERVICES", TABLE_TEXT},
		{"created", "CREATED", TABLE_TIME}, {"used", "USED", TABLE_TIME},
		{"before-change", "OLD", TABLE_YES}, {"certificate", "CERTIFICATE", TABLE_YES}};
	struct table table;
	uint64_t id;
	struct err err;
	int rc = find_one(cli, &id);

	if (rc != CLI_OK)
		return rc;
	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]), cli->is_json);
	rc = keeper_list_apps_of(INSTANCE_KEEPER_CLI, id, add_app, &table, &err);
	table_end(&table);
	return tell(cli, rc, &err);
}

/* The services that are named from that argument on. */
static int take_services(struct cli *cli, size_t from, unsigned *scopes_out)
{
	*scopes_out = 0;
	for (size_t i = from; i < cli->args_n; i++) {
		unsigned found = 0;

		for (size_t k = 0; k < SERVICES; k++) {
			if (strcmp(cli->args[i], services[k].name) == 0)
				found = services[k].scope;
		}
		if (!found)
			return misuse(cli, "a service is imap, pop3, smtp, dav, ldap, xmpp, web, "
					   "jmap or sieve");
		*scopes_out |= found;
	}
	return CLI_OK;
}

/* The hash of the key in a certificate. */
static int read_certificate(
	struct cli *cli, const char *path, unsigned char hash[CHAIN_KEY_HASH_LEN], struct err *err)
{
	struct buf pem AUTO(buf_done);
	struct chain chain;
	int rc;

	buf_init(&pem, CERTIFICATE_FILE_MAX);
	rc = cli_read_file(cli, path, &pem, err);
	if (rc == 0)
		rc = chain_read(NULL, buf_slice(&pem), &chain, err);
	if (rc < 0)
		return rc;
	rc = chain_key_hash(X509_get0_pubkey(chain.leaf), hash, err);
	chain_done(&chain);
	return rc;
}

int command_app_certificate(struct cli *cli)
{
	unsigned char hash[CHAIN_KEY_HASH_LEN];
	unsigned scopes = SCOPE_IMAP | SCOPE_SMTP;
	uint64_t account;
	struct err err;
	int code = CLI_OK, rc;

	if (cli->args_n > 3)
		code = take_services(cli, 3, &scopes);
	if (code == CLI_OK)
		code = find_one(cli, &account);
	if (code != CLI_OK)
		return code;
	rc = read_certificate(cli, cli->args[2], hash, &err);
	if (rc == 0)
		rc = keeper_add_certificate(INSTANCE_KEEPER_CLI, account, slice_str(cli->args[1]),
			scopes, (struct slice){(const char *)hash, sizeof(hash)}, &err);
	return tell(cli, rc, &err);
}

int command_app_revoke(struct cli *cli)
{
	uint64_t account, id;
	struct err err;
	int code;

	if (!slice_to_u64(slice_str(cli->args[1]), INT64_MAX, &id) || id == 0)
		return misuse(cli, "ID is a number of app list");
	code = find_one(cli, &account);
	if (code != CLI_OK)
		return code;
	return tell(cli, keeper_revoke_app(INSTANCE_KEEPER_CLI, account, id, &err), &err);
}

static int switch_services(struct cli *cli, bool is_on)
{
	unsigned scopes;
	uint64_t account;
	struct err err;
	int code;

	code = take_services(cli, 1, &scopes);
	if (code == CLI_OK)
		code = find_one(cli, &account);
	if (code != CLI_OK)
		return code;
	return tell(cli, keeper_switch_services(INSTANCE_KEEPER_CLI, account, scopes, is_on, &err),
		&err);
}

int command_service_on(struct cli *cli)
{
	return switch_services(cli, true);
}

int command_service_off(struct cli *cli)
{
	return switch_services(cli, false);
}
