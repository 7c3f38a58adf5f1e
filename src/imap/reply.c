/* reply.c - tagged replies: exactly one for each command. */
#include "imap/session.h"
#include "wire/imap/write.h"

static void write_code(struct buf *out, struct slice code)
{
	if (code.len) {
		buf_byte(out, '[');
		buf_append(out, code);
		buf_lit(out, "] ");
	}
}

/* A server that is told ten wrong things in a row talks to no mail client. */
static void count_bad(struct conn *c)
{
	struct session *s = conn_session(c);

	if (++s->bad_run < IMAP_BAD_MAX)
		return;
	log_info(conn_log(c), "too-many-bad");
	buf_lit(conn_out(c), "* BYE Too many wrong commands in a row\r\n");
	conn_close(c);
}

/* RFC 2180 3.3: clients know what BYE means, but not a mailbox that vanishes below them. */
void session_mailbox_deleted(struct conn *c)
{
	buf_lit(conn_out(c), "* BYE The selected mailbox was deleted\r\n");
	conn_close(c);
}

static void finish(struct command *cmd, const char *status, struct slice code, struct slice text)
{
	struct buf *out;

	const bool is_deleted = cmd->s->view && view_is_deleted(cmd->s->view);

	if (cmd->s->view && !is_deleted)
		session_sync(cmd->c, !cmd->row || !cmd->row->is_by_number || cmd->is_uid);
	out = conn_out(cmd->c);
	buf_append(out, cmd->tag);
	buf_byte(out, ' ');
	buf_str(out, status);
	buf_byte(out, ' ');
	write_code(out, code);
	imap_write_text(out, text);
	buf_lit(out, "\r\n");
	cmd->s->command = NULL;
	if (is_deleted)
		session_mailbox_deleted(cmd->c);
}

void reply_ok_code(struct command *cmd, struct slice code, const char *text)
{
	cmd->s->bad_run = 0;
	finish(cmd, "OK", code, slice_str(text));
}

void reply_ok(struct command *cmd, const char *text)
{
	reply_ok_code(cmd, slice_lit(""), text);
}

void reply_no(struct command *cmd, const char *code, const char *text)
{
	cmd->s->bad_run = 0;
	finish(cmd, "NO", code ? slice_str(code) : slice_lit(""), slice_str(text));
}

void reply_bad(struct command *cmd, const char *text)
{
	finish(cmd, "BAD", slice_lit(""), slice_str(text));
	count_bad(cmd->c);
}

void session_bad(struct conn *c, const char *text)
{
	struct buf *out = conn_out(c);

	buf_lit(out, "* BAD ");
	buf_str(out, text);
	buf_lit(out, "\r\n");
	count_bad(c);
}

static void reply_refusal(struct command *cmd, const struct err *err, const char *code)
{
	const char *text = err->msg;

	if (err->code == ERR_IO || err->code == ERR_CORRUPT) {
		log_error(conn_log(cmd->c), "command-failed",
			log_c("command", cmd->row ? cmd->row->name : "?"),
			log_c("code", err_code_name(err->code)), log_e(err));
		text = "The server cannot do this now";
	}
	reply_no(cmd, code, text);
}

void reply_err(struct command *cmd, const struct err *err)
{
	const struct imap_refusal *refusal = imap_refusal(err->code);

	if (!refusal->code)
		reply_bad(cmd, err->msg);
	else
		reply_refusal(cmd, err, refusal->code);
}

void reply_err_mailbox(struct command *cmd, const struct err *err)
{
	if (err->code == ERR_NOTFOUND)
		reply_refusal(cmd, err, "TRYCREATE");
	else
		reply_err(cmd, err);
}
