/* mailbox.c - SELECT, EXAMINE, CLOSE, UNSELECT, STATUS, and the commands that change the list of
 * mailboxes (RFC 9051 6.3). */
#include "imap/mailbox.h"

#include <string.h>

#include "imap/write.h"
#include "wire/imap/name.h"

void mailbox_id(struct buf *out, char kind, uint64_t id)
{
	static const char digits[] = "0123456789abcdef";
	char text[17] = {kind};

	for (int i = 16; i > 0; i--, id >>= 4)
		text[i] = digits[id & 15];
	buf_append(out, (struct slice){text, sizeof(text)});
}

int mailbox_find(struct command *cmd, struct slice name, struct mailbox_info *out, struct err *err)
{
	int rc = -ERR_NOTFOUND;

	if (name.len)
		rc = account_mailbox(
			cmd->s->account, name, 0, ROLE_NONE, conn_arena(cmd->c), out, err);
	else
		err_set(err, ERR_NOTFOUND, "There is no such mailbox");
	if (rc == 0 && (out->is_noselect || out->id == 0))
		return err_set(err, ERR_NOTFOUND, "There is no such mailbox");
	return rc;
}

static uint32_t first_unseen(struct view *view)
{
	const uint32_t count = view_count(view);
	struct view_entry entry;

	for (uint32_t seq = 1; seq <= count; seq++) {
		if (view_entry(view, seq, &entry) && !(entry.flags & FLAG_SEEN))
			return seq;
	}
	return 0;
}

static void write_code(struct buf *out, const char *name, uint64_t value, const char *text)
{
	buf_lit(out, "* OK [");
	buf_str(out, name);
	buf_byte(out, ' ');
	buf_u64(out, value);
	buf_lit(out, "] ");
	buf_str(out, text);
	buf_lit(out, "\r\n");
}

static void write_counts(struct command *cmd, const struct mailbox_info *info, struct buf *out)
{
	struct session *s = cmd->s;
	uint32_t unseen;

	buf_lit(out, "* ");
	buf_u64(out, view_count(s->view));
	buf_lit(out, " EXISTS\r\n");
	if (s->is_rev2)
		return;
	buf_lit(out, "* ");
	buf_u64(out, view_recent(s->view));
	buf_lit(out, " RECENT\r\n");
	unseen = info->unseen ? first_unseen(s->view) : 0;
	if (unseen)
		write_code(out, "UNSEEN", unseen, "First unseen");
}

/* What SELECT tells (RFC 9051 6.3.2, RFC 7162 3.1.2.1, RFC 8474 4.1). */
static void write_selected(struct command *cmd, const struct mailbox_info *info)
{
	struct buf *out = conn_out(cmd->c);
	struct session *s = cmd->s;

	session_flags_line(s, out);
	write_counts(cmd, info, out);
	buf_lit(out, "* OK [PERMANENTFLAGS (");
	if (!s->is_examine) {
		buf_lit(out, "\\Answered \\Flagged \\Deleted \\Seen \\Draft ");
		for (size_t i = 0; i < s->keywords_n; i++) {
			buf_append(out, s->keywords[i]);
			buf_byte(out, ' ');
		}
		buf_lit(out, "\\*");
	}
	buf_lit(out, ")] Flags that are kept\r\n");
	write_code(out, "UIDVALIDITY", info->uidvalidity, "UIDs are valid");
	write_code(out, "UIDNEXT", view_uidnext(s->view), "Next UID");
	write_code(out, "HIGHESTMODSEQ", info->modseq, "Highest");
	buf_lit(out, "* OK [MAILBOXID (");
	mailbox_id(out, 'F', info->id);
	buf_lit(out, ")] Mailbox id\r\n");
	if (s->is_rev2)
		list_select(cmd, info, out);
}

static void select_mailbox(struct command *cmd, bool is_examine)
{
	is_examine |= !session_may_change(cmd->s);
	struct session *s = cmd->s;
	struct mailbox_info info;
	bool has_condstore;
	struct slice name;
	struct err err;
	int rc = imap_select_parse(&cmd->lex, s->is_rev2, &name, &has_condstore, &err);

	if (rc < 0 && err.code == ERR_SYNTAX) {
		reply_err(cmd, &err);
		return;
	}
	if (s->view) {
		session_unselect(s);
		buf_lit(conn_out(cmd->c), "* OK [CLOSED] The mailbox before is closed\r\n");
	}
	if (rc == 0)
		rc = mailbox_find(cmd, name, &info, &err);
	if (rc == 0)
		rc = view_open(s->account, info.id, conn_ref(cmd->c), is_examine, &s->view, &err);
	if (rc < 0) {
		reply_err(cmd, &err);
		return;
	}
	s->state = STATE_SELECTED;
	s->is_examine = is_examine;
	s->has_condstore |= has_condstore;
	s->keywords_n = 0;
	session_keywords(s, (uint64_t)1 << 63, NULL);
	write_selected(cmd, &info);
	reply_ok_code(
		cmd, is_examine ? slice_lit("READ-ONLY") : slice_lit("READ-WRITE"), "Selected");
}

void cmd_select(struct command *cmd)
{
	select_mailbox(cmd, false);
}

void cmd_examine(struct command *cmd)
{
	select_mailbox(cmd, true);
}

void cmd_unselect(struct command *cmd)
{
	session_unselect(cmd->s);
	reply_ok(cmd, "Unselected");
}

struct status_row {
	unsigned bit;
	const char *name;
};

static uint64_t status_number(struct command *cmd, const struct mailbox_info *info, unsigned bit)
{
	const struct view *view = cmd->s->view;

	switch (bit) {
	case IMAP_STATUS_MESSAGES:
		return info->messages;
	case IMAP_STATUS_RECENT:
		return view && view_mailbox(view) == info->id ? view_recent(view) : 0;
	case IMAP_STATUS_UIDNEXT:
		return info->uidnext;
	case IMAP_STATUS_UIDVALIDITY:
		return info->uidvalidity;
	case IMAP_STATUS_UNSEEN:
		return info->unseen;
	case IMAP_STATUS_DELETED:
		return info->deleted;
	case IMAP_STATUS_SIZE:
		return info->bytes;
	case IMAP_STATUS_HIGHESTMODSEQ:
		return info->modseq;
	default:
		return store_message_max(session_service(cmd->c)->store);
	}
}

void mailbox_status(
	struct command *cmd, const struct mailbox_info *info, unsigned items, struct buf *out)
{
	static const struct status_row rows[] = {
		{IMAP_STATUS_MESSAGES, "MESSAGES"},
		{IMAP_STATUS_RECENT, "RECENT"},
		{IMAP_STATUS_UIDNEXT, "UIDNEXT"},
		{IMAP_STATUS_UIDVALIDITY, "UIDVALIDITY"},
		{IMAP_STATUS_UNSEEN, "UNSEEN"},
		{IMAP_STATUS_DELETED, "DELETED"},
		{IMAP_STATUS_SIZE, "SIZE"},
		{IMAP_STATUS_HIGHESTMODSEQ, "HIGHESTMODSEQ"},
		{IMAP_STATUS_MAILBOXID, "MAILBOXID"},
		{IMAP_STATUS_APPENDLIMIT, "APPENDLIMIT"},
	};
	const char *before = "";

	buf_lit(out, "* STATUS ");
	imap_name_write(out, info->name, cmd->s->is_rev2);
	buf_lit(out, " (");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!(items & rows[i].bit))
			continue;
		buf_str(out, before);
		buf_str(out, rows[i].name);
		before = " ";
		buf_byte(out, ' ');
		if (rows[i].bit != IMAP_STATUS_MAILBOXID) {
			buf_u64(out, status_number(cmd, info, rows[i].bit));
			continue;
		}
		buf_byte(out, '(');
		mailbox_id(out, 'F', info->id);
		buf_byte(out, ')');
	}
	buf_lit(out, ")\r\n");
}

void cmd_status(struct command *cmd)
{
	struct mailbox_info info;
	struct slice name;
	struct err err;
	unsigned items;

	if (imap_status_parse(&cmd->lex, cmd->s->is_rev2, &name, &items, &err) < 0 ||
		mailbox_find(cmd, name, &info, &err) < 0) {
		reply_err(cmd, &err);
		return;
	}
	if (items & IMAP_STATUS_HIGHESTMODSEQ)
		cmd->s->has_condstore = true; /* RFC 7162 3.1: this enables it */
	mailbox_status(cmd, &info, items, conn_out(cmd->c));
	reply_ok(cmd, "Done");
}

/* ---- changes of the list of mailboxes ---- */

enum change_verb { VERB_CREATE, VERB_DELETE, VERB_RENAME, VERB_SUBSCRIBE, VERB_UNSUBSCRIBE };

struct write_mailbox {
	struct write w;
	enum change_verb verb;
	struct slice name, to; /* in w.arena */
	enum mailbox_role role;
	uint64_t id;
};

static int run_change(struct account_write *item, struct account_tx *tx, struct err *err)
{
	struct write_mailbox *w = (struct write_mailbox *)item;

	switch (w->verb) {
	case VERB_CREATE:
		return tx_mailbox_create(tx, w->name, w->role, &w->id, err);
	case VERB_DELETE:
		return tx_mailbox_delete(tx, w->name, err);
	case VERB_RENAME:
		return tx_mailbox_rename(tx, w->name, w->to, err);
	default:
		return tx_mailbox_subscribe(tx, w->name, w->verb == VERB_SUBSCRIBE, err);
	}
}

static void reply_created(struct command *cmd, uint64_t id)
{
	struct buf code AUTO(buf_done);

	buf_init(&code, 64);
	buf_lit(&code, "MAILBOXID (");
	mailbox_id(&code, 'F', id);
	buf_byte(&code, ')');
	reply_ok_code(cmd, buf_slice(&code), "Created");
}

/* Who deletes the mailbox that is selected in the same session goes on without one. */
static bool close_deleted(struct command *cmd, const struct write_mailbox *w)
{
	if (w->verb != VERB_DELETE || !cmd->s->view || !view_is_deleted(cmd->s->view))
		return false;
	session_unselect(cmd->s);
	return true;
}

static void changed(struct conn *c, struct answer *answer)
{
	struct command *cmd = ((struct session *)conn_session(c))->command;
	struct write_mailbox *w = answer->data;

	if (answer->rc == -ERR_SYNTAX) /* a name that may not be: the command was well-formed */
		reply_no(cmd, "CANNOT", answer->err.msg);
	else if (write_end(cmd, answer) && w->verb == VERB_CREATE)
		reply_created(cmd, w->id);
	else if (answer->rc == 0 && close_deleted(cmd, w))
		reply_ok_code(cmd, slice_lit("CLOSED"), "Deleted, and no mailbox is selected");
	else if (answer->rc == 0)
		reply_ok(cmd, "Done");
	if (w)
		write_free(w);
}

static void start_change(struct command *cmd, enum change_verb verb, struct slice name,
	struct slice to, enum mailbox_role role)
{
	struct write_mailbox *w = write_new(cmd->c, sizeof(*w), run_change);

	w->verb = verb;
	w->name = arena_dup(&w->w.arena, name);
	w->to = arena_dup(&w->w.arena, to);
	w->role = role;
	w->w.item.is_adding = verb == VERB_CREATE;
	write_start(cmd->c, &w->w, changed);
}

const char *mailbox_use(enum mailbox_role role)
{
	static const char *const uses[] = {
		[ROLE_NONE] = NULL,
		[ROLE_INBOX] = NULL,
		[ROLE_DRAFTS] = "\\Drafts",
		[ROLE_SENT] = "\\Sent",
		[ROLE_JUNK] = "\\Junk",
		[ROLE_TRASH] = "\\Trash",
		[ROLE_ARCHIVE] = "\\Archive",
		[ROLE_FLAGGED] = "\\Flagged",
		[ROLE_ALL] = "\\All",
		[ROLE_IMPORTANT] = "\\Important",
	};

	return (size_t)role < sizeof(uses) / sizeof(uses[0]) ? uses[role] : NULL;
}

/* The role that CREATE's USE asks for; false if a mailbox of one's own cannot have it, or another
 * one has it. */
static bool find_role(struct command *cmd, struct slice use, enum mailbox_role *out)
{
	static const enum mailbox_role roles[] = {
		ROLE_DRAFTS, ROLE_SENT, ROLE_JUNK, ROLE_TRASH, ROLE_ARCHIVE, ROLE_IMPORTANT};
	struct mailbox_info other;
	struct err err;

	*out = ROLE_NONE;
	if (use.len == 0)
		return true;
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (!slice_eq_nocase(use, slice_str(mailbox_use(roles[i]))))
			continue;
		*out = roles[i];
		return account_mailbox(cmd->s->account, slice_lit(""), 0, roles[i],
			       conn_arena(cmd->c), &other, &err) == -ERR_NOTFOUND;
	}
	return false;
}

void cmd_create(struct command *cmd)
{
	enum mailbox_role role;
	struct slice name, use;
	struct err err;

	if (imap_create_parse(&cmd->lex, cmd->s->is_rev2, &name, &use, &err) < 0)
		reply_err(cmd, &err);
	else if (!find_role(cmd, use, &role))
		reply_no(cmd, "USEATTR", "This special use cannot be given");
	else
		start_change(cmd, VERB_CREATE, name, slice_lit(""), role);
}

static void change_one(struct command *cmd, enum change_verb verb)
{
	struct slice name;
	struct err err;

	if (imap_mailbox_parse(&cmd->lex, cmd->s->is_rev2, &name, &err) < 0)
		reply_err(cmd, &err);
	else
		start_change(cmd, verb, name, slice_lit(""), ROLE_NONE);
}

void cmd_delete(struct command *cmd)
{
	change_one(cmd, VERB_DELETE);
}

void cmd_subscribe(struct command *cmd)
{
	change_one(cmd, VERB_SUBSCRIBE);
}

void cmd_unsubscribe(struct command *cmd)
{
	change_one(cmd, VERB_UNSUBSCRIBE);
}

void cmd_rename(struct command *cmd)
{
	struct slice from, to;
	struct err err;

	if (imap_rename_parse(&cmd->lex, cmd->s->is_rev2, &from, &to, &err) < 0)
		reply_err(cmd, &err);
	else
		start_change(cmd, VERB_RENAME, from, to, ROLE_NONE);
}
