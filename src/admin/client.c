/* client.c - see client.h for the contract. */
#include "admin/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin/control.h"
#include "admin/instance.h"
#include "admin/table.h"
#include "base/encode.h"
#include "base/io.h"

enum { REPLY_LINE_MAX = 16 << 20, READ_SIZE = 64 << 10 };

int client_open(const struct cli *cli, struct client *out, struct err *err)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = INSTANCE_CONTROL};
	int fd AUTO(io_close) = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_errno(err, "cannot make a socket");
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			return err_set(err, ERR_NOTFOUND, "nothing is running in %.100s", cli->dir);
		if (errno == EACCES)
			return err_set(err, ERR_DENIED,
				"only root and the owner of %.60s may command it", cli->dir);
		return err_errno(err, "cannot reach the server");
	}
	*out = (struct client){.fd = fd};
	buf_init(&out->in, REPLY_LINE_MAX);
	fd = -1;
	return 0;
}

void client_close(struct client *client)
{
	io_close(&client->fd);
	buf_done(&client->in);
}

static int read_more(struct client *client, struct err *err)
{
	char *room = buf_reserve(&client->in, READ_SIZE);
	const ssize_t n = room ? read(client->fd, room, READ_SIZE) : -1;

	if (n < 0 && errno == EINTR)
		return 0;
	if (n <= 0)
		return err_set(err, ERR_BUSY, "the server ended before it answered");
	client->in.len += (size_t)n;
	return 0;
}

/* One line of the reply, parsed. */
static int read_reply(struct client *client, json_t **out, struct err *err)
{
	size_t end;

	while ((end = slice_chr(buf_slice(&client->in), '\n')) == SIZE_MAX) {
		const int rc = read_more(client, err);

		if (rc < 0)
			return rc;
	}
	*out = json_loadb(client->in.ptr, end, 0, NULL);
	buf_consume(&client->in, end + 1);
	return *out ? 0 : err_set(err, ERR_SYNTAX, "the server's answer cannot be read");
}

static int remote_error(const json_t *error, struct err *err)
{
	const char *code = json_string_value(json_object_get(error, "code"));
	const char *message = json_string_value(json_object_get(error, "message"));

	for (int i = ERR_SYNTAX; i <= ERR_CORRUPT && code; i++) {
		if (strcmp(code, err_code_name((enum err_code)i)) == 0)
			return err_set(err, (enum err_code)i, "%s", message ? message : code);
	}
	return err_set(err, ERR_IO, "%s", message ? message : "unknown error");
}

static int read_all(struct client *client, client_row_fn *on_row, void *context, json_t **done_out,
	struct err *err)
{
	for (;;) {
		json_t *line, *row, *done, *error;
		int rc = read_reply(client, &line, err);

		if (rc < 0)
			return rc;
		row = json_object_get(line, "row");
		done = json_object_get(line, "done");
		done = done ? done : json_object_get(line, "send");
		error = json_object_get(line, "error");
		if (row && on_row)
			on_row(context, row);
		if (done && done_out)
			*done_out = json_incref(done);
		if (error)
			rc = remote_error(error, err);
		json_decref(line);
		if (done || error)
			return rc;
	}
}

int client_ask(struct client *client, json_t *request, client_row_fn *on_row, void *context,
	json_t **done_out, struct err *err)
{
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	struct buf line AUTO(buf_done);
	int rc;

	buf_init(&line, CONTROL_LINE_MAX);
	json_decref(request);
	if (!text) /* only text that is not UTF-8 cannot be said in JSON */
		return err_set(err, ERR_SYNTAX, "an argument is not UTF-8");
	buf_str(&line, text);
	buf_byte(&line, '\n');
	free(text);
	rc = buf_check(&line, "the request", err);
	if (rc == 0)
		rc = io_write_all(client->fd, buf_slice(&line), err);
	return rc < 0 ? rc : read_all(client, on_row, context, done_out, err);
}

int client_finish(struct client *client, client_row_fn *on_row, void *context, json_t **done_out,
	struct err *err)
{
	return read_all(client, on_row, context, done_out, err);
}

/* ---- chunks ---- */

int client_take_chunk(struct client *client, struct buf *out, struct err *err)
{
	enum { HEAD = 4 };
	size_t len = 0;
	int rc = 0;

	buf_clear(out);
	while (rc == 0 && client->in.len < HEAD)
		rc = read_more(client, err);
	if (rc == 0)
		len = be32_get((const unsigned char *)client->in.ptr);
	while (rc == 0 && len <= CONTROL_CHUNK_MAX && client->in.len < HEAD + len)
		rc = read_more(client, err);
	if (rc == 0 && len > CONTROL_CHUNK_MAX)
		rc = err_set(err, ERR_SYNTAX, "the server's answer cannot be read");
	if (rc < 0)
		return rc;
	buf_append(out, slice_head(slice_from(buf_slice(&client->in), HEAD), len));
	buf_consume(&client->in, HEAD + len);
	return 0;
}

int client_chunk(struct client *client, struct slice bytes, struct err *err)
{
	unsigned char head[4];
	int rc;

	be32_put(head, (uint32_t)bytes.len);
	rc = io_write_all(client->fd, (struct slice){(const char *)head, sizeof(head)}, err);
	return rc < 0 ? rc : io_write_all(client->fd, bytes, err);
}

int client_send(struct client *client, int fd, struct err *err)
{
	char raw[CONTROL_CHUNK_MAX / 2];
	struct buf out AUTO(buf_done);
	char before = '\0';
	ssize_t n;
	int rc = 0;

	buf_init(&out, CONTROL_CHUNK_MAX);
	while (rc == 0 && (n = read(fd, raw, sizeof(raw))) != 0) {
		if (n < 0)
			return err_errno(err, "cannot read the message");
		for (ssize_t i = 0; i < n; i++) {
			if (raw[i] == '\n' && before != '\r')
				buf_byte(&out, '\r');
			buf_byte(&out, raw[i]);
			before = raw[i];
		}
		rc = client_chunk(client, buf_slice(&out), err);
		buf_clear(&out);
	}
	return rc < 0 ? rc : client_chunk(client, slice_lit(""), err);
}

/* ---- for commands of one question ---- */

int cli_end(const struct cli *cli, int rc, const struct err *err)
{
	return rc < 0 ? cli_fail(cli, err) : CLI_OK;
}

int cli_connect(const struct cli *cli, struct client *out)
{
	struct err err;
	const int rc = client_open(cli, out, &err);

	if (rc == 0)
		return CLI_OK;
	cli_fail(cli, &err);
	return rc == -ERR_NOTFOUND ? CLI_NOT_RUNNING : CLI_FAILED;
}

int cli_ask(const struct cli *cli, json_t *request, json_t **done_out)
{
	struct client client AUTO(client_close) = {.fd = -1};
	const int code = cli_connect(cli, &client);
	struct err err;

	if (code != CLI_OK) {
		json_decref(request);
		return code;
	}
	return cli_end(cli, client_ask(&client, request, NULL, NULL, done_out, &err), &err);
}

int cli_list(const struct cli *cli, json_t *request, const struct table_column *columns, size_t n)
{
	struct client client AUTO(client_close) = {.fd = -1};
	struct table table;
	struct err err;
	int rc = cli_connect(cli, &client);

	if (rc != CLI_OK) {
		json_decref(request);
		return rc;
	}
	table_init(&table, columns, n, cli->is_json);
	rc = client_ask(&client, request, table_row, &table, NULL, &err);
	table_end(&table);
	return cli_end(cli, rc, &err);
}
