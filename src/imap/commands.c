/*
 * commands.c - the table of commands, and what it decides: what is known, where it is allowed,
 * which capabilities we announce.
 */
#include "imap/session.h"

#include <string.h>

const struct imap_limits imap_limits_used = {
	.string_max = IMAP_LINE_MAX, .depth_max = 32, .items_max = 1000};

static const struct command_row rows[] = {
	{"CAPABILITY", STATE_ANY, cmd_capability, false, false, UID_NO, false,
		"IMAP4rev2 IMAP4rev1"},
	{"NOOP", STATE_ANY, cmd_noop, false, false, UID_NO, false, NULL},
	{"LOGOUT", STATE_ANY, cmd_logout, false, false, UID_NO, false, NULL},
	{"ID", STATE_ANY, cmd_id, true, false, UID_NO, false, "ID"},
	{"STARTTLS", STATE_START, cmd_starttls, false, false, UID_NO, false, NULL},
	{"LOGIN", STATE_START, cmd_login, true, false, UID_NO, false, NULL},
	{"AUTHENTICATE", STATE_START, cmd_authenticate, true, false, UID_NO, false, "SASL-IR"},
	{"ENABLE", STATE_LOGGED_IN, cmd_enable, true, false, UID_NO, false, "ENABLE"},
	{"SELECT", STATE_LOGGED_IN, cmd_select, true, false, UID_NO, false, "OBJECTID"},
	{"EXAMINE", STATE_LOGGED_IN, cmd_examine, true, false, UID_NO, false, NULL},
	{"CREATE", STATE_LOGGED_IN, cmd_create, true, true, UID_NO, false, "CREATE-SPECIAL-USE"},
	{"DELETE", STATE_LOGGED_IN, cmd_delete, true, true, UID_NO, false, NULL},
	{"RENAME", STATE_LOGGED_IN, cmd_rename, true, true, UID_NO, false, NULL},
	{"SUBSCRIBE", STATE_LOGGED_IN, cmd_subscribe, true, true, UID_NO, false, NULL},
	{"UNSUBSCRIBE", STATE_LOGGED_IN, cmd_unsubscribe, true, true, UID_NO, false, NULL},
	{"LIST", STATE_LOGGED_IN, cmd_list, true, false, UID_NO, false,
		"CHILDREN LIST-EXTENDED LIST-STATUS SPECIAL-USE"},
	{"LSUB", STATE_LOGGED_IN, cmd_lsub, true, false, UID_NO, false, NULL},
	{"NAMESPACE", STATE_LOGGED_IN, cmd_namespace, false, false, UID_NO, false, "NAMESPACE"},
	{"STATUS", STATE_LOGGED_IN, cmd_status, true, false, UID_NO, false, "STATUS=SIZE"},
	{"APPEND", STATE_LOGGED_IN, cmd_append, true, true, UID_NO, false, "LITERAL-"},
	{"IDLE", STATE_LOGGED_IN, cmd_idle, false, false, UID_NO, false, "IDLE"},
	{"CHECK", STATE_SELECTED, cmd_check, false, false, UID_NO, false, NULL},
	{"CLOSE", STATE_SELECTED, cmd_close, false, false, UID_NO, false, NULL},
	{"UNSELECT", STATE_SELECTED, cmd_unselect, false, false, UID_NO, false, "UNSELECT"},
	{"EXPUNGE", STATE_SELECTED, cmd_expunge, false, true, UID_NO, false, NULL},
	{"EXPUNGE", STATE_SELECTED, cmd_expunge, true, true, UID_ONLY, false, "UIDPLUS"},
	{"SEARCH", STATE_SELECTED, cmd_search, true, false, UID_ALSO, true,
		"ESEARCH SEARCHRES WITHIN"},
	{"FETCH", STATE_SELECTED, cmd_fetch, true, false, UID_ALSO, true, "BINARY"},
	{"STORE", STATE_SELECTED, cmd_store, true, true, UID_ALSO, true, "CONDSTORE"},
	{"COPY", STATE_SELECTED, cmd_copy, true, true, UID_ALSO, false, NULL},
	{"MOVE", STATE_SELECTED, cmd_move, true, true, UID_ALSO, false, "MOVE"},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

void command_capabilities(struct conn *c, struct buf *out)
{
	const struct session *s = conn_session(c);

	for (size_t i = 0; i < ROWS; i++) {
		if (!rows[i].capability)
			continue;
		if (i)
			buf_byte(out, ' ');
		buf_str(out, rows[i].capability);
	}
	if (s->state == STATE_START)
		auth_capabilities(c, out);
	buf_str(out, " APPENDLIMIT=");
	buf_u64(out, session_service(c)->limits.message_max);
}

static const struct command_row *find_row(struct slice name, bool is_uid)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].uid == (is_uid ? UID_NO : UID_ONLY))
			continue;
		if (slice_eq_nocase(name, slice_str(rows[i].name)))
			return &rows[i];
	}
	return NULL;
}

/* SP name, or SP "UID" SP name. */
static const struct command_row *parse_name(struct command *cmd)
{
	struct slice name;
	struct err err;

	if (!imap_lex_take(&cmd->lex, ' ') ||
		imap_lex_word(&cmd->lex, IMAP_WORD_LABEL, &name, &err) < 0)
		return NULL;
	if (slice_eq_nocase(name, slice_lit("UID"))) {
		cmd->is_uid = true;
		if (!imap_lex_take(&cmd->lex, ' ') ||
			imap_lex_word(&cmd->lex, IMAP_WORD_LABEL, &name, &err) < 0)
			return NULL;
	}
	return find_row(name, cmd->is_uid);
}

static const char *state_text(enum imap_state state, unsigned states)
{
	if (state == STATE_START)
		return "Log in first";
	return states & STATE_START ? "Already logged in" : "Select a mailbox first";
}

void command_run(struct conn *c, struct slice text)
{
	struct command *cmd = arena_alloc(conn_arena(c), sizeof(*cmd));
	struct session *s = conn_session(c);
	struct err err;

	text = arena_dup(conn_arena(c), text);
	if (!cmd || !text.ptr) {
		session_bad(c, "Command is too large");
		return;
	}
	*cmd = (struct command){.c = c, .s = s, .text = text};
	s->command = cmd;
	imap_lex_init(&cmd->lex, text, &imap_limits_used, conn_arena(c));
	if (imap_lex_word(&cmd->lex, IMAP_WORD_TAG, &cmd->tag, &err) < 0) {
		session_bad(c, "A command begins with a tag");
		return;
	}
	cmd->row = parse_name(cmd);
	if (!cmd->row) {
		reply_bad(cmd, cmd->is_uid ? "UID takes FETCH, STORE, SEARCH, COPY, MOVE or EXPUNGE"
					   : "There is no such command");
		return;
	}
	if (!(cmd->row->states & s->state)) {
		reply_bad(cmd, state_text(s->state, cmd->row->states));
		return;
	}
	if (cmd->row->may_change && !session_may_change(s)) {
		reply_no(cmd, "NOPERM", "This login may only read");
		return;
	}
	if (!cmd->row->has_arguments && imap_lex_end(&cmd->lex, &err) < 0) {
		reply_err(cmd, &err);
		return;
	}
	cmd->row->run(cmd);
}

const struct command_row *command_row(size_t i)
{
	return i < ROWS ? &rows[i] : NULL;
}
