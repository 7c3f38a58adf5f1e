/* plain.c - the commands that are a few lines: CAPABILITY, NOOP, CHECK, ID, ENABLE, NAMESPACE,
 * IDLE, LOGOUT. */
#include "imap/session.h"
#include "wire/imap/write.h"

enum { CLIENT_WORD_MAX = 64 };

void cmd_capability(struct command *cmd)
{
	struct buf *out = conn_out(cmd->c);

	buf_lit(out, "* CAPABILITY ");
	command_capabilities(cmd->c, out);
	buf_lit(out, "\r\n");
	reply_ok(cmd, "These are they");
}

void cmd_noop(struct command *cmd)
{
	reply_ok(cmd, "Done");
}

void cmd_check(struct command *cmd)
{
	reply_ok(cmd, "All is on disk already");
}

void cmd_logout(struct command *cmd)
{
	buf_lit(conn_out(cmd->c), "* BYE Until next time\r\n");
	session_unselect(cmd->s);
	reply_ok(cmd, "Logged out");
	conn_close(cmd->c);
}

/* What a client calls itself helps who runs the service to help its user, and the user to know the
 * sessions apart. */
static void note_client(struct command *cmd, const struct imap_words *fields)
{
	struct buf program AUTO(buf_done);
	struct slice name = {NULL, 0}, version = {NULL, 0};

	buf_init(&program, 2 * CLIENT_WORD_MAX + 1);
	for (size_t i = 0; i + 1 < fields->n; i += 2) {
		if (slice_eq_nocase(fields->words[i], slice_lit("name")))
			name = slice_head(fields->words[i + 1], CLIENT_WORD_MAX);
		if (slice_eq_nocase(fields->words[i], slice_lit("version")))
			version = slice_head(fields->words[i + 1], CLIENT_WORD_MAX);
	}
	if (name.len == 0)
		return;
	log_info(conn_log(cmd->c), "client", log_s("name", name), log_s("version", version));
	buf_append(&program, name);
	if (version.len)
		buf_byte(&program, ' ');
	buf_append(&program, version);
	login_program(cmd->c, buf_slice(&program));
}

void cmd_id(struct command *cmd)
{
	struct imap_words fields;
	struct err err;

	if (imap_id_parse(&cmd->lex, &fields, &err) < 0) {
		reply_err(cmd, &err);
		return;
	}
	note_client(cmd, &fields);
	buf_lit(conn_out(cmd->c), "* ID (\"name\" \"Posthouse\")\r\n");
	reply_ok(cmd, "Pleased to meet you");
}

void cmd_enable(struct command *cmd)
{
	struct buf *out = conn_out(cmd->c);
	struct imap_words names;
	struct err err;

	if (imap_enable_parse(&cmd->lex, &names, &err) < 0) {
		reply_err(cmd, &err);
		return;
	}
	buf_lit(out, "* ENABLED");
	for (size_t i = 0; i < names.n; i++) {
		if (slice_eq_nocase(names.words[i], slice_lit("IMAP4rev2")) && !cmd->s->is_rev2) {
			cmd->s->is_rev2 = true;
			buf_lit(out, " IMAP4rev2");
		}
		if (slice_eq_nocase(names.words[i], slice_lit("CONDSTORE")) &&
			!cmd->s->has_condstore) {
			cmd->s->has_condstore = true;
			buf_lit(out, " CONDSTORE");
		}
	}
	buf_lit(out, "\r\n");
	reply_ok(cmd, "Enabled");
}

void cmd_namespace(struct command *cmd)
{
	buf_lit(conn_out(cmd->c), "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
	reply_ok(cmd, "Done");
}

void cmd_idle(struct command *cmd)
{
	struct conn *c = cmd->c;

	session_hold_tag(cmd->s, cmd->tag);
	cmd->s->input = INPUT_IDLE;
	cmd->s->command = NULL;
	session_continue(c, slice_lit("Waiting for news"));
	if (cmd->s->view)
		session_sync(c, true);
}

void idle_line(struct conn *c, struct slice line)
{
	struct command *cmd = session_held(c, "IDLE");

	if (slice_eq_nocase(line, slice_lit("DONE")))
		reply_ok(cmd, "Done");
	else
		reply_bad(cmd, "DONE ends IDLE");
}
