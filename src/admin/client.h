/*
 * client.h - the CLI's end of the control socket (control.h). Blocking; one thread.
 */
#ifndef ADMIN_CLIENT_H
#define ADMIN_CLIENT_H

#include "admin/cli.h"

struct client {
	int fd;
	struct buf in;
};

/* client_open - -ERR_NOTFOUND: nothing is running; -ERR_DENIED. */
MUST_CHECK int client_open(const struct cli *cli, struct client *out, struct err *err);
void client_close(struct client *client);

typedef void client_row_fn(void *context, const json_t *row);

/*
 * client_ask - send a request (given away) and read its reply: each row to on_row (may be NULL),
 * the final object to *done_out (may be NULL; the caller's). The error of the other side becomes
 * ours, code and message.
 */
MUST_CHECK int client_ask(struct client *client, json_t *request, client_row_fn *on_row,
	void *context, json_t **done_out, struct err *err);
/* client_chunk - one chunk, of whatever the verb wants. */
MUST_CHECK int client_chunk(struct client *client, struct slice bytes, struct err *err);
/* client_send - the chunks of a message: everything fd gives, its line ends made CRLF. */
MUST_CHECK int client_send(struct client *client, int fd, struct err *err);
/* client_take_chunk - the next one that the verb sends, at the end of out, which is cleared; an
 * empty one ends them. */
MUST_CHECK int client_take_chunk(struct client *client, struct buf *out, struct err *err);
/* client_finish - read the reply to what was sent; as client_ask(). */
MUST_CHECK int client_finish(struct client *client, client_row_fn *on_row, void *context,
	json_t **done_out, struct err *err);

/* cli_connect - client_open() that tells its error; an enum cli_exit. */
MUST_CHECK int cli_connect(const struct cli *cli, struct client *out);
/* cli_ask - open, ask, close; tells errors. An enum cli_exit. */
int cli_ask(const struct cli *cli, json_t *request, json_t **done_out);
/* cli_end - the exit code for what a client call returned; tells the error. */
int cli_end(const struct cli *cli, int rc, const struct err *err);

#endif
