/*
 * cmd_case.c - commands: recovery cases, handled by staff. Each step is signed by an operator
 * (--as), whose code is read like a password; the keeper checks it. Whom a case concerns is told.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "admin/client.h"
#include "admin/instance.h"
#include "admin/table.h"
#include "base/mem.h"
#include "keeper/case.h"
#include "keeper/client.h"
#include "keeper/keeper.h"

static const char *const states[] = {[CASE_OPEN] = "open",
	[CASE_WAITING] = "waiting",
	[CASE_GRANTED] = "granted",
	[CASE_REFUSED] = "refused",
	[CASE_STOPPED] = "stopped"};

static const char *state_name(unsigned state)
{
	return state < sizeof(states) / sizeof(states[0]) ? states[state] : "?";
}

/* ---- who signs ---- */

/* What a step needs: the server for names and notices, the operator and a code. */
struct step {
	struct client client;
	struct buf code;
	struct keeper_staff staff;
	uint64_t id; /* the case, of commands that have one */
};

static void step_done(struct step *step)
{
	client_close(&step->client);
	if (step->code.ptr)
		mem_wipe(step->code.ptr, step->code.cap);
	buf_done(&step->code);
}

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

static int read_id(const struct cli *cli, uint64_t *out, struct err *err)
{
	if (!slice_to_u64(slice_str(cli->args[0]), INT64_MAX, out))
		return err_set(err, ERR_SYNTAX, "%.60s is not a case's number", cli->args[0]);
	return 0;
}

/* Asks for the code last, when everything else is right. */
static int step_begin(const struct cli *cli, bool has_id, struct step *step, struct err *err)
{
	const char *as = cli_option(cli, "--as");
	int rc = has_id ? read_id(cli, &step->id, err) : 0;

	buf_init(&step->code, KEEPER_PASSWORD_MAX);
	if (rc == 0 && !as)
		rc = err_set(err, ERR_SYNTAX, "who are you? Give --as ADDRESS");
	if (rc == 0)
		rc = client_open(cli, &step->client, err);
	if (rc == 0)
		rc = find(&step->client, as, &step->staff.account, err);
	if (rc == 0)
		rc = cli_read_secret("Your code: ", &step->code, err);
	step->staff.code = buf_slice(&step->code);
	return rc;
}

/* ---- who is told ---- */

static void format_time(int64_t s, char out[32])
{
	const time_t at = (time_t)s;
	struct tm tm;

	if (s == 0 || !gmtime_r(&at, &tm))
		snprintf(out, 32, "-");
	else
		strftime(out, 32, "%Y-%m-%d %H:%M UTC", &tm);
}

/* A notice to every address that is known. A case that nobody is told of must not look fine. */
static int tell(
	struct step *step, const struct keeper_case_step *done, const char *what, struct err *err)
{
	char link[128] = "", text[200], until[32];
	json_t *request;

	format_time(done->row.wait_until_s, until);
	if (done->row.state == CASE_WAITING)
		snprintf(text, sizeof(text), "%s The waiting time ends at %s.", what, until);
	else
		snprintf(text, sizeof(text), "%s", what);
	if (done->link[0])
		snprintf(link, sizeof(link), "/recovery/cancel?code=%s", done->link);
	request = json_pack("{s:s, s:I, s:s, s:s, s:[s, s]}", "verb", "case-notice", "id",
		(json_int_t)done->row.account, "text", text, "link", link, "to", done->recovery,
		done->former);
	mem_wipe(link, sizeof(link));
	return client_ask(&step->client, request, NULL, NULL, NULL, err);
}

static int show_step(const struct cli *cli, const struct keeper_case_step *done, const char *link)
{
	const struct keeper_case *row = &done->row;
	char until[32];

	format_time(row->wait_until_s, until);
	if (cli->is_json)
		printf("{\"case\":%llu,\"state\":\"%s\",\"points\":%u,\"wait_until\":%lld%s%s%s}\n",
			(unsigned long long)row->id, state_name(row->state), row->points,
			(long long)row->wait_until_s, *link ? ",\"link\":\"" : "", link,
			*link ? "\"" : "");
	else
		printf("case %llu: %s, %u of %d points%s%s%s%s\n", (unsigned long long)row->id,
			state_name(row->state), row->points, CASE_POINTS,
			row->state == CASE_WAITING ? ", waits until " : "",
			row->state == CASE_WAITING ? until : "", *link ? "\n" : "", link);
	return CLI_OK;
}

static int finish(struct cli *cli, struct step *step, struct keeper_case_step *done, int rc,
	const char *what, struct err *err)
{
	/* Of a case that was granted the link is for the person, not for a notice. */
	char link[80] = "";

	if (rc < 0)
		return cli_fail(cli, err);
	if (done->row.state == CASE_GRANTED) {
		snprintf(link, sizeof(link), "/reset/new?code=%s", done->link);
		done->link[0] = '\0';
	}
	rc = what ? tell(step, done, what, err) : 0;
	show_step(cli, done, link);
	mem_wipe(link, sizeof(link));
	mem_wipe(done, sizeof(*done));
	return rc < 0 ? cli_fail(cli, err) : CLI_OK;
}

/* ---- the commands ---- */

int command_case_open(struct cli *cli)
{
	struct step step AUTO(step_done) = {.client.fd = -1};
	struct keeper_case_step done = {.link = ""};
	uint64_t account = 0;
	struct err err;
	int rc = step_begin(cli, false, &step, &err);

	if (rc == 0)
		rc = find(&step.client, cli->args[0], &account, &err);
	if (rc == 0)
		rc = keeper_case_open(INSTANCE_KEEPER_CLI, &step.staff, account,
			cli_option(cli, "--remove-factors") != NULL, slice_str(cli->args[1]), &done,
			&err);
	return finish(cli, &step, &done, rc, "A case was opened.", &err);
}

int command_case_evidence(struct cli *cli)
{
	struct step step AUTO(step_done) = {.client.fd = -1};
	struct keeper_case_step done = {.link = ""};
	struct err err;
	int rc = step_begin(cli, true, &step, &err);

	if (rc == 0)
		rc = keeper_case_evidence(INSTANCE_KEEPER_CLI, &step.staff, step.id,
			slice_str(cli->args[1]), slice_str(cli->args[2]), &done, &err);
	/* The link is there when the waiting has just begun. */
	return finish(cli, &step, &done, rc, done.link[0] ? "The evidence is enough." : NULL, &err);
}

int command_case_approve(struct cli *cli)
{
	struct step step AUTO(step_done) = {.client.fd = -1};
	struct keeper_case_step done = {.link = ""};
	struct err err;
	int rc = step_begin(cli, true, &step, &err);

	if (rc == 0)
		rc = keeper_case_approve(INSTANCE_KEEPER_CLI, &step.staff, step.id, &done, &err);
	return finish(cli, &step, &done, rc, NULL, &err);
}

int command_case_close(struct cli *cli)
{
	struct step step AUTO(step_done) = {.client.fd = -1};
	struct keeper_case_step done = {.link = ""};
	const bool is_granted = !cli_option(cli, "--refuse");
	struct err err;
	int rc = step_begin(cli, true, &step, &err);

	if (rc == 0)
		rc = keeper_case_close(INSTANCE_KEEPER_CLI, &step.staff, step.id, is_granted,
			slice_str(cli->args[1]), &done, &err);
	return finish(cli, &step, &done, rc,
		is_granted ? "The case was granted: a new password can be set."
			   : "The case was refused: nothing changes.",
		&err);
}

/* ---- looking ---- */

struct listing {
	struct table table;
	struct client *client;
};

/* An account's address, or its number if there is no such account any more. */
static json_t *name_of(struct client *client, uint64_t account)
{
	char number[32];
	json_t *done = NULL, *name;
	struct err err;

	if (account == 0)
		return json_string("-");
	if (client_ask(client,
		    json_pack("{s:s, s:I}", "verb", "account-name", "id", (json_int_t)account),
		    NULL, NULL, &done, &err) == 0 &&
		json_is_string(json_object_get(done, "address"))) {
		name = json_incref(json_object_get(done, "address"));
	} else {
		snprintf(number, sizeof(number), "#%llu", (unsigned long long)account);
		name = json_string(number);
	}
	json_decref(done);
	return name;
}

static void list_case(void *context, const struct keeper_case *row)
{
	struct listing *l = context;
	json_t *json = json_pack("{s:I, s:o, s:s, s:I, s:b, s:I, s:I, s:o, s:o}", "case",
		(json_int_t)row->id, "account", name_of(l->client, row->account), "state",
		state_name(row->state), "points", (json_int_t)row->points, "removes_factors",
		(int)row->removes_factors, "opened", (json_int_t)row->opened_s, "wait_until",
		(json_int_t)row->wait_until_s, "opener", name_of(l->client, row->opener),
		"approver", name_of(l->client, row->approver));

	table_row(&l->table, json);
	json_decref(json);
}

static const struct table_column case_columns[] = {
	{"case", "CASE", TABLE_NUMBER},
	{"account", "ACCOUNT", TABLE_TEXT},
	{"state", "STATE", TABLE_TEXT},
	{"points", "POINTS", TABLE_NUMBER},
	{"removes_factors", "FACTORS GO", TABLE_YES},
	{"wait_until", "WAITS UNTIL", TABLE_TIME},
	{"opener", "OPENED BY", TABLE_TEXT},
	{"approver", "APPROVED BY", TABLE_TEXT},
};

static void begin_listing(struct listing *l, struct client *client, const struct cli *cli)
{
	l->client = client;
	table_init(&l->table, case_columns, sizeof(case_columns) / sizeof(case_columns[0]),
		cli->is_json);
}

int command_case_list(struct cli *cli)
{
	struct client client AUTO(client_close) = {.fd = -1};
	struct listing listing;
	struct err err;
	int rc = cli_connect(cli, &client);

	if (rc != CLI_OK)
		return rc;
	begin_listing(&listing, &client, cli);
	rc = keeper_case_list(
		INSTANCE_KEEPER_CLI, cli_option(cli, "--all") != NULL, list_case, &listing, &err);
	table_end(&listing.table);
	return cli_end(cli, rc, &err);
}

static void list_step(void *context, const struct keeper_case_entry *entry)
{
	struct listing *l = context;
	json_t *json = json_pack("{s:I, s:o, s:s%, s:I, s:s%}", "at", (json_int_t)entry->at_s,
		"staff", name_of(l->client, entry->staff), "kind", entry->kind.ptr, entry->kind.len,
		"points", (json_int_t)entry->points, "note", entry->note.len ? entry->note.ptr : "",
		entry->note.len);

	table_row(&l->table, json);
	json_decref(json);
}

/* The steps are a table of their own; as JSON they alone, the case is in `case list`. */
int command_case_show(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"at", "AT", TABLE_TIME},
		{"staff", "BY", TABLE_TEXT},
		{"kind", "STEP", TABLE_TEXT},
		{"points", "POINTS", TABLE_NUMBER},
		{"note", "NOTE", TABLE_TEXT},
	};
	struct client client AUTO(client_close) = {.fd = -1};
	struct listing listing = {.client = &client};
	struct keeper_case row;
	uint64_t id = 0;
	struct err err;
	int rc = cli_connect(cli, &client);

	if (rc != CLI_OK)
		return rc;
	rc = read_id(cli, &id, &err);
	table_init(&listing.table, columns, sizeof(columns) / sizeof(columns[0]), cli->is_json);
	if (rc == 0)
		rc = keeper_case_show(INSTANCE_KEEPER_CLI, id, &row, list_step, &listing, &err);
	table_end(&listing.table);
	return cli_end(cli, rc, &err);
}

static void list_flag(void *context, const struct keeper_flag *flag)
{
	struct listing *l = context;
	json_t *json = json_pack("{s:I, s:o, s:s%}", "at", (json_int_t)flag->at_s, "account",
		name_of(l->client, flag->account), "peer", flag->peer.len ? flag->peer.ptr : "",
		flag->peer.len);

	table_row(&l->table, json);
	json_decref(json);
}

int command_case_flags(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"at", "AT", TABLE_TIME},
		{"account", "ACCOUNT", TABLE_TEXT},
		{"peer", "FROM", TABLE_TEXT},
	};
	struct client client AUTO(client_close) = {.fd = -1};
	struct listing listing = {.client = &client};
	struct err err;
	int rc = cli_connect(cli, &client);

	if (rc != CLI_OK)
		return rc;
	table_init(&listing.table, columns, sizeof(columns) / sizeof(columns[0]), cli->is_json);
	rc = keeper_case_flags(INSTANCE_KEEPER_CLI, list_flag, &listing, &err);
	table_end(&listing.table);
	return cli_end(cli, rc, &err);
}
