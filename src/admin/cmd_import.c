/*
 * cmd_import.c - `account import`: tens of thousands of accounts. Batches go to the server (one
 * transaction each), and their passwords from here to the keeper.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/client.h"
#include "admin/control.h"
#include "admin/instance.h"
#include "base/mem.h"
#include "keeper/keeper.h"

enum { FILE_MAX = 256 << 20, FAILURES_SHOWN = 20 };

struct line {
	struct slice address, secret;
	bool is_hash, is_new;
	uint64_t quota, number; /* number: of the line in the file */
	uint64_t group;         /* of a new account; 0: none */
};

struct import {
	struct cli *cli;
	struct client client;
	struct line lines[CONTROL_BATCH_MAX];
	size_t n;
	uint64_t added, updated, existing, failed;
	json_t *failures; /* of --json */
};

static void fail_line(struct import *import, const struct line *line, const char *why)
{
	import->failed++;
	if (import->cli->is_json)
		json_array_append_new(import->failures,
			json_pack("{s:I, s:o, s:s}", "line", (json_int_t)line->number, "address",
				json_stringn_nocheck(line->address.len ? line->address.ptr : "",
					line->address.len),
				"message", why));
	else if (import->failed <= FAILURES_SHOWN)
		fprintf(stderr, "posthouse: line %llu: %.*s: %s\n",
			(unsigned long long)line->number, SLICE_ARG(line->address), why);
}

/* ADDRESS<TAB>PASSWORD or ADDRESS<TAB>{SCHEME}HASH, then perhaps <TAB>QUOTA. The scheme's name is
 * for people: what the hash is shows in itself. {PLAIN} is a password that begins with "{". */
static const char *parse_line(struct slice text, struct line *out)
{
	struct slice rest, quota, scheme;

	out->address = slice_cut(text, '\t', &rest);
	out->secret = slice_cut(rest, '\t', &quota);
	if (out->address.len == 0 || out->secret.len == 0)
		return "want ADDRESS<TAB>PASSWORD";
	if (quota.ptr && !slice_to_u64(quota, INT64_MAX, &out->quota))
		return "the quota is not a number of bytes";
	if (!slice_starts(out->secret, slice_lit("{")))
		return NULL;
	scheme = slice_cut(slice_from(out->secret, 1), '}', &rest);
	if (!rest.ptr || rest.len == 0)
		return "a hash is written {SCHEME}HASH";
	out->secret = rest;
	out->is_hash = !slice_eq_nocase(scheme, slice_lit("PLAIN")) &&
		       !slice_eq_nocase(scheme, slice_lit("CLEARTEXT"));
	return NULL;
}

static int ask_accounts(struct import *import, json_t **results_out, struct err *err)
{
	json_t *accounts = json_array(), *done = NULL;
	int rc;

	for (size_t i = 0; i < import->n; i++) {
		const struct line *line = &import->lines[i];
		json_t *address = json_stringn(line->address.ptr, line->address.len);

		json_array_append_new(accounts,
			json_pack("{s:o, s:I}", "address", address ? address : json_string(""),
				"quota", (json_int_t)line->quota));
	}
	rc = client_ask(&import->client,
		json_pack("{s:s, s:o}", "verb", "account-import", "accounts", accounts), NULL, NULL,
		&done, err);
	if (rc < 0)
		return rc;
	*results_out = json_incref(json_object_get(done, "results"));
	json_decref(done);
	return json_array_size(*results_out) == import->n
		       ? 0
		       : err_set(err, ERR_CORRUPT, "the server's answer cannot be read");
}

/* Take the server's word for each line, and gather whose password is to be set. */
static size_t take_results(struct import *import, const json_t *results,
	struct keeper_secret *secrets, size_t *of_line)
{
	const bool is_update = cli_option(import->cli, "--update") != NULL;
	size_t n = 0;

	for (size_t i = 0; i < import->n; i++) {
		const json_t *result = json_array_get(results, i);
		const char *code = json_string_value(json_object_get(result, "code"));
		const char *message = json_string_value(json_object_get(result, "message"));
		const json_int_t id = json_integer_value(json_object_get(result, "id"));

		if (code && id && !is_update) {
			import->existing++;
			continue;
		}
		if (code && !id) {
			fail_line(import, &import->lines[i], message ? message : code);
			continue;
		}
		import->lines[i].is_new = code == NULL;
		import->lines[i].group =
			(uint64_t)json_integer_value(json_object_get(result, "group"));
		secrets[n] = (struct keeper_secret){.account = (uint64_t)id,
			.password = import->lines[i].secret,
			.is_hash = import->lines[i].is_hash};
		of_line[n++] = i;
	}
	return n;
}

/* What the keeper said of one password; it is told the account's group too. A new account without
 * a password goes away again. */
static void take_secret(
	struct import *import, const struct line *line, struct keeper_secret *secret)
{
	struct err err;

	if (secret->rc == 0 && line->is_new && line->group)
		secret->rc = keeper_set_role(
			INSTANCE_KEEPER_CLI, secret->account, ROLE_USER, line->group, &secret->err);
	if (secret->rc == 0) {
		import->added += line->is_new;
		import->updated += !line->is_new;
		return;
	}
	fail_line(import, line, secret->err.msg);
	if (line->is_new && client_ask(&import->client,
				    json_pack("{s:s, s:o}", "verb", "account-delete", "address",
					    json_stringn(line->address.ptr, line->address.len)),
				    NULL, NULL, NULL, &err) < 0)
		fprintf(stderr, "posthouse: %.*s stays without a password: %s\n",
			SLICE_ARG(line->address), err.msg);
}

static int send_batch(struct import *import, struct err *err)
{
	struct keeper_secret *secrets;
	size_t of_line[CONTROL_BATCH_MAX], n;
	json_t *results = NULL;
	int rc;

	if (import->n == 0)
		return 0;
	rc = ask_accounts(import, &results, err);
	secrets = mem_zalloc_array(CONTROL_BATCH_MAX, sizeof(*secrets));
	n = rc == 0 ? take_results(import, results, secrets, of_line) : 0;
	if (n)
		rc = keeper_set_passwords(INSTANCE_KEEPER_CLI, secrets, n,
			cli_option(import->cli, "--fast") != NULL, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		take_secret(import, &import->lines[of_line[i]], &secrets[i]);
	json_decref(results);
	free(secrets);
	import->n = 0;
	return rc;
}

static int import_text(struct import *import, struct slice text, struct err *err)
{
	int rc = 0;

	for (uint64_t number = 1; text.len && rc == 0; number++) {
		struct line *line = &import->lines[import->n];
		struct slice row = slice_cut(text, '\n', &text);
		const char *why;

		if (slice_ends(row, slice_lit("\r")))
			row.len--;
		if (slice_trim(row).len == 0 || row.ptr[0] == '#')
			continue;
		*line = (struct line){.number = number};
		why = parse_line(row, line);
		if (why)
			fail_line(import, line, why);
		else if (++import->n == CONTROL_BATCH_MAX)
			rc = send_batch(import, err);
	}
	return rc < 0 ? rc : send_batch(import, err);
}

static void tell_import(const struct import *import)
{
	if (import->cli->is_json) {
		json_t *json = json_pack("{s:I, s:I, s:I, s:I, s:O}", "added",
			(json_int_t)import->added, "updated", (json_int_t)import->updated,
			"existing", (json_int_t)import->existing, "failed",
			(json_int_t)import->failed, "failures", import->failures);

		json_dumpf(json, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(json);
		return;
	}
	if (import->failed > FAILURES_SHOWN)
		fprintf(stderr, "posthouse: and %llu more\n",
			(unsigned long long)(import->failed - FAILURES_SHOWN));
	printf("added %llu, updated %llu, left as they were %llu, failed %llu\n",
		(unsigned long long)import->added, (unsigned long long)import->updated,
		(unsigned long long)import->existing, (unsigned long long)import->failed);
}

static int import_file(struct import *import)
{
	struct buf text AUTO(buf_done);
	struct err err;
	int rc;

	buf_init(&text, FILE_MAX);
	rc = cli_read_file(import->cli, import->cli->args[0], &text, &err);
	if (rc == 0)
		rc = import_text(import, buf_slice(&text), &err);
	if (text.ptr)
		mem_wipe(text.ptr, text.cap);
	if (rc < 0)
		return cli_fail(import->cli, &err);
	tell_import(import);
	return import->failed ? CLI_FAILED : CLI_OK;
}

int command_account_import(struct cli *cli)
{
	struct import *import = mem_new(struct import);
	int code;

	import->cli = cli;
	import->failures = json_array();
	code = cli_connect(cli, &import->client);
	if (code == CLI_OK) {
		code = import_file(import);
		client_close(&import->client);
	}
	json_decref(import->failures);
	free(import);
	return code;
}
