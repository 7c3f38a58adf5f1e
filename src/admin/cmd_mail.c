/* cmd_mail.c - `account import-mail` and `account export`: files are read and written here, where
 * the operator may; mail goes to the server message by message, and comes as one file. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/client.h"
#include "admin/control.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "transfer/transfer.h"

enum { FILES_MAX = 10000000, SHOWN_MAX = 20, PROGRESS_MS = 500, PATH_ROOM = 3 * FILES_PATH_MAX };

struct moving {
	const struct cli *cli;
	struct client client;
	struct transfer *transfer;
	struct buf chunk, place; /* place: the JSON of the last one that was told */
	uint64_t messages, skipped;
	int64_t shown_ms;
	json_t *problems; /* {"where", "why"} */
};

/* ---- what is told ---- */

static void tell_problem(struct moving *m, const char *where, size_t len, const char *why)
{
	if (m->cli->is_json)
		json_array_append_new(
			m->problems, json_pack("{s:o, s:s}", "where",
					     json_stringn_nocheck(where, len), "why", why));
	else if (m->skipped < SHOWN_MAX)
		fprintf(stderr, "posthouse: %.*s: %s\n", (int)len, where, why);
	m->skipped++;
}

static void on_row(void *context, const json_t *row)
{
	const json_t *where = json_object_get(row, "where");
	const char *why = json_string_value(json_object_get(row, "why"));

	if (where && why)
		tell_problem(context, json_string_value(where), json_string_length(where), why);
}

static void show_progress(struct moving *m, bool is_end)
{
	const int64_t now = clock_mono_ms();

	if (m->cli->is_json || !isatty(STDERR_FILENO) ||
		(!is_end && now < m->shown_ms + PROGRESS_MS))
		return;
	m->shown_ms = now;
	fprintf(stderr, is_end ? "\r\033[K" : "\r%llu messages\033[K",
		(unsigned long long)m->messages);
}

/* ---- what is sent ---- */

/* JSON has no other text than UTF-8. */
static json_t *clean(struct slice s)
{
	struct buf out AUTO(buf_done);
	uint32_t c;

	buf_init(&out, PATH_ROOM);
	while (s.len) {
		const struct slice before = s;

		if (utf8_take(&s, &c) && c) {
			buf_append(&out, slice_head(before, before.len - s.len));
			continue;
		}
		s = slice_from(before, 1);
		buf_byte(&out, '_');
	}
	return json_stringn_nocheck(out.ptr ? out.ptr : "", out.len);
}

static int send_json(struct moving *m, char kind, json_t *json, struct err *err)
{
	char *text = json_dumps(json, JSON_COMPACT);

	buf_clear(&m->chunk);
	buf_byte(&m->chunk, kind);
	buf_str(&m->chunk, text ? text : "{}");
	json_decref(json);
	free(text);
	if (m->chunk.failed || m->chunk.len > CONTROL_CHUNK_MAX)
		return err_set(err, ERR_TOOBIG, "a message says too much of itself");
	return client_chunk(&m->client, buf_slice(&m->chunk), err);
}

static int send_place(struct moving *m, const struct transfer_item *item, struct err *err)
{
	json_t *json = json_pack("{s:o, s:o, s:b, s:b}", "path", clean(item->path), "use",
		clean(item->role), "subscribed", item->is_subscribed, "alone", item->is_alone);
	char *text = json_dumps(json, JSON_COMPACT);
	const bool is_same = text && slice_eq(buf_slice(&m->place), slice_str(text));

	buf_clear(&m->place);
	buf_str(&m->place, text ? text : "");
	free(text);
	if (!is_same)
		return send_json(m, CONTROL_IMPORT_PLACE, json, err);
	json_decref(json);
	return 0;
}

static int send_text(struct moving *m, struct text *text, struct err *err)
{
	bool has_more = true;
	int rc = 0;

	while (rc == 0 && has_more) {
		buf_clear(&m->chunk);
		buf_byte(&m->chunk, CONTROL_IMPORT_BYTES);
		has_more = text_pull(text, &m->chunk, CONTROL_CHUNK_MAX / 2);
		if (has_more)
			rc = client_chunk(&m->client, buf_slice(&m->chunk), err);
	}
	return rc;
}

static int send_message(struct moving *m, struct transfer_item *item, struct err *err)
{
	json_t *keywords = json_array(), *json;
	int rc = send_place(m, item, err);

	if (rc == 0)
		rc = send_text(m, &item->text, err);
	for (size_t i = 0; i < item->flags.keywords_n; i++)
		json_array_append_new(keywords, clean(item->flags.keywords[i]));
	json = json_pack("{s:i, s:o, s:o}", "flags", (int)item->flags.system, "keywords", keywords,
		"where", clean(item->where));
	if (item->has_date) {
		json_object_set_new(json, "date", json_integer((json_int_t)item->date_s));
		json_object_set_new(json, "zone", json_integer(item->zone_min));
	}
	if (rc == 0)
		return send_json(m, CONTROL_IMPORT_END, json, err);
	json_decref(json);
	return rc;
}

static int send_settings(struct moving *m, const struct manifest *manifest, struct err *err)
{
	const json_t *all = manifest_json(manifest);

	if (!cli_option(m->cli, "--settings"))
		return 0;
	return send_json(m, CONTROL_IMPORT_SETTINGS,
		json_pack("{s:O*, s:O*}", "account", json_object_get(all, "account"),
			"personalities", json_object_get(all, "personalities")),
		err);
}

static int send_item(
	struct moving *m, enum transfer_kind kind, struct transfer_item *item, struct err *err)
{
	switch (kind) {
	case TRANSFER_MAILBOX:
		return send_place(m, item, err);
	case TRANSFER_MESSAGE:
		m->messages++;
		show_progress(m, false);
		return send_message(m, item, err);
	case TRANSFER_ACCOUNT:
		return send_settings(m, item->manifest, err);
	case TRANSFER_SKIPPED:
		tell_problem(m, item->where.ptr, item->where.len, item->why);
		return 0;
	default:
		return 0;
	}
}

/* What was read before an error is kept: the server stores it, and the command can be repeated. */
static int send_all(struct moving *m, struct err *read_err, struct err *err)
{
	struct transfer_item item;
	int kind = TRANSFER_AGAIN, rc = 0;

	while (rc == 0 && kind > TRANSFER_END) {
		kind = transfer_next(m->transfer, &item, read_err);
		if (kind > TRANSFER_END)
			rc = send_item(m, (enum transfer_kind)kind, &item, err);
	}
	if (rc == 0)
		rc = client_chunk(&m->client, (struct slice){0}, err);
	show_progress(m, true);
	return rc < 0 ? rc : kind;
}

/* ---- the source ---- */

static int open_source(
	const struct cli *cli, int spool_dirfd, struct transfer **out, struct err *err)
{
	const struct files_limits limits = {INT64_MAX, FILES_MAX, spool_dirfd};
	const char *path = cli->args[1];
	const char *name = strrchr(path, '/');
	int fd = cli_open(cli, path, err), rc;
	struct files *files;
	struct stat st = {0};

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		rc = files_open_tree(fd, &limits, &files, err);
	} else {
		rc = files_open_file(fd, slice_str(name ? name + 1 : path), &limits, &files, err);
		io_close(&fd);
	}
	if (rc == 0)
		*out = transfer_new(files);
	return rc;
}

/* For what is packed; the folder is left to the system's cleaning by having no names in it. */
static int open_spool(struct err *err)
{
	const char *path = getenv("TMPDIR");

	return io_open(AT_FDCWD, path && *path ? path : "/var/tmp", O_RDONLY | O_DIRECTORY, 0, err);
}

/* ---- the command ---- */

static json_int_t number(const json_t *done, const char *name)
{
	return json_integer_value(json_object_get(done, name));
}

static void tell_result(struct moving *m, json_t *done)
{
	static const struct {
		const char *key, *text;
	} rest[] = {{"repeated", "there already"}, {"too-large", "too large"},
		{"over-quota", "without room in the account"},
		{"keywords-left-out", "keywords left out"},
		{"personalities", "personalities added"},
		{"personalities-left-out", "personalities left out"}};

	if (m->cli->is_json) {
		json_object_set_new(done, "problems", json_incref(m->problems));
		json_dumpf(done, stdout, JSON_COMPACT);
		putchar('\n');
		return;
	}
	if (m->skipped > SHOWN_MAX)
		fprintf(stderr, "posthouse: and %llu more\n",
			(unsigned long long)(m->skipped - SHOWN_MAX));
	printf("%s %lld", cli_option(m->cli, "--dry-run") ? "would add" : "added",
		(long long)number(done, "added"));
	for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++) {
		if (number(done, rest[i].key))
			printf(", %s %lld", rest[i].text, (long long)number(done, rest[i].key));
	}
	putchar('\n');
}

static int import(struct moving *m, struct err *err)
{
	const char *into = cli_option(m->cli, "--into");
	struct err read_err, send_err;
	json_t *done = NULL;
	int read_rc, rc = client_ask(&m->client,
			     json_pack("{s:s, s:s, s:s, s:b}", "verb", "mail-import", "address",
				     m->cli->args[0], "into", into ? into : "", "trial",
				     cli_option(m->cli, "--dry-run") != NULL),
			     NULL, NULL, NULL, err);

	if (rc < 0)
		return rc;
	read_rc = send_all(m, &read_err, &send_err);
	/* A server that refuses says why, and closes while we still send. */
	rc = client_finish(&m->client, on_row, m, &done, err);
	if (rc == 0) {
		tell_result(m, done);
		if (read_rc < 0)
			rc = err_set(err, read_err.code, "%s", read_err.msg);
		else if (number(done, "too-large") || number(done, "over-quota"))
			rc = err_set(err, ERR_QUOTA, "some messages were left out");
	}
	json_decref(done);
	return rc;
}

int command_account_import_mail(struct cli *cli)
{
	struct moving m = {.cli = cli, .client = {.fd = -1}, .problems = json_array()};
	struct err err;
	int spool AUTO(io_close) = open_spool(&err), code = CLI_FAILED;
	const int rc = spool < 0 ? spool : open_source(cli, spool, &m.transfer, &err);

	buf_init(&m.chunk, CONTROL_LINE_MAX);
	buf_init(&m.place, CONTROL_LINE_MAX);
	if (rc == 0)
		code = cli_connect(cli, &m.client);
	if (rc < 0)
		cli_fail(cli, &err);
	else if (code == CLI_OK)
		code = cli_end(cli, import(&m, &err), &err);
	client_close(&m.client);
	transfer_free(&m.transfer);
	buf_done(&m.chunk);
	buf_done(&m.place);
	json_decref(m.problems);
	return code;
}

/* ---- export ---- */

/* Names like cli_open(); the file is the caller's alone, and was not there. */
static int create_file(const struct cli *cli, struct err *err)
{
	const char *path = cli->args[1];
	int fd;

	if (strcmp(path, "-") == 0)
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	else
		fd = openat(cli->start_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 ? err_errno(err, "cannot make %s", path) : fd;
}

static void show_bytes(const struct cli *cli, uint64_t bytes, int64_t *shown_ms, bool is_end)
{
	const int64_t now = clock_mono_ms();

	if (cli->is_json || !isatty(STDERR_FILENO) || (!is_end && now < *shown_ms + PROGRESS_MS))
		return;
	*shown_ms = now;
	fprintf(stderr, is_end ? "\r\033[K" : "\r%llu KiB\033[K", (unsigned long long)bytes >> 10);
}

static int take_file(const struct cli *cli, struct client *client, int fd, struct err *err)
{
	struct buf piece AUTO(buf_done);
	uint64_t bytes = 0;
	int64_t shown_ms = 0;
	int rc;

	buf_init(&piece, CONTROL_CHUNK_MAX);
	do {
		rc = client_take_chunk(client, &piece, err);
		if (rc == 0 && piece.len)
			rc = io_write_all(fd, buf_slice(&piece), err);
		bytes += piece.len;
		show_bytes(cli, bytes, &shown_ms, false);
	} while (rc == 0 && piece.len);
	show_bytes(cli, bytes, &shown_ms, true);
	return rc;
}

static int export(const struct cli *cli, struct client *client, int fd, struct err *err)
{
	const char *format = cli_option(cli, "--format"), *mailbox = cli_option(cli, "--mailbox");
	const bool is_stdout = strcmp(cli->args[1], "-") == 0;
	json_t *done = NULL;
	int rc = client_ask(client,
		json_pack("{s:s, s:s, s:s, s:s}", "verb", "mail-export", "address", cli->args[0],
			"format", format ? format : "", "mailbox", mailbox ? mailbox : ""),
		NULL, NULL, NULL, err);

	if (rc == 0)
		rc = take_file(cli, client, fd, err);
	if (rc == 0)
		rc = client_finish(client, NULL, NULL, &done, err);
	if (rc == 0 && !is_stdout)
		rc = io_sync(fd, err);
	if (rc == 0 && cli->is_json && !is_stdout) {
		json_dumpf(done, stdout, JSON_COMPACT);
		putchar('\n');
	} else if (rc == 0 && !is_stdout) {
		printf("%lld messages of %lld mailboxes\n", (long long)number(done, "messages"),
			(long long)number(done, "mailboxes"));
	}
	if (rc == 0 && number(done, "gone"))
		fprintf(stderr, "posthouse: %lld were deleted meanwhile\n",
			(long long)number(done, "gone"));
	json_decref(done);
	return rc;
}

int command_account_export(struct cli *cli)
{
	struct client client AUTO(client_close) = {.fd = -1};
	struct err err;
	int fd AUTO(io_close) = -1, code = cli_connect(cli, &client), rc;

	if (code != CLI_OK)
		return code;
	fd = create_file(cli, &err);
	if (fd < 0)
		return cli_fail(cli, &err);
	rc = export(cli, &client, fd, &err);
	if (rc < 0 && strcmp(cli->args[1], "-") != 0) /* half of it is worth nothing */
		unlinkat(cli->start_fd, cli->args[1], 0);
	return cli_end(cli, rc, &err);
}
