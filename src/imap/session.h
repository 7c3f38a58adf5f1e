/*
 * session.h - what the files of this room share: a session, a command on its way, how to answer.
 *
 * A session is between commands or in one. A command's struct and all it parsed live in
 * conn_arena() until it is answered; what has to outlive the connection (a write that is queued at
 * the account) is an object of its own, see write.h. Handlers end in exactly one of: a reply,
 * a park whose resume goes on, or a source that replies when it is drained.
 */
#ifndef IMAP_SESSION_H
#define IMAP_SESSION_H

#include "login/login.h"
#include "mail/mail.h"
#include "store/view.h"
#include "wire/imap/args.h"

enum imap_state {
	STATE_START = 1,  /* not authenticated */
	STATE_INSIDE = 2, /* authenticated, no mailbox */
	STATE_SELECTED = 4,
	STATE_ANY = 7,
	STATE_LOGGED_IN = STATE_INSIDE | STATE_SELECTED,
};

enum imap_input {
	INPUT_LINE,
	INPUT_LITERAL,      /* input_left bytes belong to the command that is gathered */
	INPUT_SKIP_LITERAL, /* input_left bytes of a refused literal */
	INPUT_SKIP_LINE,    /* up to the end of a refused line */
	INPUT_APPEND,       /* input_left bytes of a message */
	INPUT_APPEND_END,   /* the end of the line behind it */
	INPUT_IDLE,         /* DONE */
	INPUT_SASL,         /* a response in base64 */
};

enum {
	IMAP_LINE_MAX = 64 * 1024,         /* of one line */
	IMAP_COMMAND_MAX = 128 * 1024,     /* a command with its literals, the message apart */
	IMAP_START_COMMAND_MAX = 8 * 1024, /* the same before login */
	IMAP_NONSYNC_MAX = 4096,           /* LITERAL- (RFC 7888 5) */
	IMAP_BAD_MAX = 10,                 /* wrong commands in a row */
	IMAP_FLAGS_MAX = 4096,             /* bytes of one message's flags as text */
};

struct append;
struct command;

struct session {
	struct login login; /* must be first */
	enum imap_state state;
	enum imap_input input;
	uint64_t input_left;
	struct buf gathered;     /* a command whose literals are still coming */
	char *held_tag;          /* of IDLE, AUTHENTICATE, APPEND: they go on over several units */
	struct command *command; /* the one in progress */
	struct account *account;
	unsigned bad_run, login_failures;
	bool is_rev2;       /* ENABLE IMAP4rev2: UTF-8 names, ESEARCH, no RECENT */
	bool has_condstore; /* untagged FETCH with flags has MODSEQ too */
	struct append *append;
	/* the selected mailbox */
	struct view *view;
	bool is_examine;
	struct arena keywords_arena;
	struct slice *keywords;
	size_t keywords_n;
	struct imap_range *saved; /* UIDs that "$" stands for (RFC 9051 6.4.4.1) */
	size_t saved_n;
};

struct command_row;

struct command {
	struct conn *c;
	struct session *s;
	const struct command_row *row;
	struct slice tag;
	struct slice text; /* the whole of it, in the arena */
	bool is_uid;
	struct imap_lex lex;
	void *kept; /* what the handler parsed and needs after a park; in the arena */
	/* What was missing of the messages asked for: told in the reply. */
	bool has_gone, has_unknown_cte;
};

typedef void command_fn(struct command *cmd);

struct command_row {
	const char *name;
	unsigned states;
	command_fn *run;
	bool has_arguments;
	bool may_change;                         /* not with a login that only reads */
	enum { UID_NO, UID_ALSO, UID_ONLY } uid; /* may stand behind UID */
	bool is_by_number;      /* without UID: no EXPUNGE before its reply (RFC 9051 7.5.1) */
	const char *capability; /* what its being there lets us announce, or NULL */
};

extern const struct imap_limits imap_limits_used;

/* ---- commands.c ---- */
const struct command_row *command_row(size_t i); /* NULL behind the last */
/* command_run - find the row, check state and arguments, run. */
void command_run(struct conn *c, struct slice text);
/* command_capabilities - "IMAP4rev2 IMAP4rev1 ..." of this state. */
void command_capabilities(struct conn *c, struct buf *out);

/* ---- reply.c: each ends the command; changes of the mailbox are told before it ---- */
void reply_ok(struct command *cmd, const char *text);
void reply_ok_code(struct command *cmd, struct slice code, const char *text);
void reply_no(struct command *cmd, const char *code, const char *text); /* code may be NULL */
void reply_bad(struct command *cmd, const char *text);
/* reply_err - by the code's row in wire/imap/write.c; what is not the client's business is logged.
 */
void reply_err(struct command *cmd, const struct err *err);
/* reply_err_mailbox - the same, but -ERR_NOTFOUND is TRYCREATE (APPEND, COPY, MOVE). */
void reply_err_mailbox(struct command *cmd, const struct err *err);
/* session_mailbox_deleted - somebody else deleted the selected mailbox: BYE. */
void session_mailbox_deleted(struct conn *c);
/* session_bad - "* BAD" for what has no tag; counts. */
void session_bad(struct conn *c, const char *text);

/* ---- sync.c: what others did ---- */
/* session_sync - append what changed since the last time. */
void session_sync(struct conn *c, bool may_expunge);
/* session_flags - append the names of the flags, without parentheses. */
void session_flags(const struct session *s, uint64_t flags, bool is_recent, struct buf *out);
/* session_keywords - make sure that all keywords in flags have a name; appends "* FLAGS" when there
 * are new ones. */
void session_keywords(struct session *s, uint64_t flags, struct buf *out);
/* session_flags_line - "* FLAGS (...)" */
void session_flags_line(const struct session *s, struct buf *out);
/* session_unselect - forget the selected mailbox. */
void session_unselect(struct session *s);

/* ---- session.c ---- */
/* session_continue - "+ text" */
void session_continue(struct conn *c, struct slice text);
/* session_hold_tag - keep the tag beyond this unit. */
void session_hold_tag(struct session *s, struct slice tag);
void session_drop_tag(struct session *s);
/* session_held - a command for the tag held, to be answered now. */
struct command *session_held(struct conn *c, const char *name);

/* ---- append.c ---- */
/* append_begin - the text ends by announcing APPEND's message: true if it was dealt with. */
bool append_begin(struct conn *c, struct slice text, const struct imap_literal *literal);
void append_bytes(struct conn *c, struct slice bytes);
void append_end(struct conn *c, struct slice line);
void append_free(struct append **append);

/* ---- auth.c ---- */
void auth_response(struct conn *c, struct slice line);
/* auth_capabilities - how one can log in on this connection. */
void auth_capabilities(struct conn *c, struct buf *out);
/* session_may_change - the login is one that may do more than read. */
static inline bool session_may_change(const struct session *s)
{
	return (s->login.scopes & SCOPE_IMAP) != 0;
}
/* ---- idle.c ---- */
void idle_line(struct conn *c, struct slice line);
/* ---- mailbox.c ---- */
void mailbox_status(
	struct command *cmd, const struct mailbox_info *info, unsigned items, struct buf *out);
/* ---- list.c ---- */
/* list_select - the LIST line that SELECT sends (RFC 9051 6.3.2). */
void list_select(struct command *cmd, const struct mailbox_info *info, struct buf *out);

command_fn cmd_append, cmd_authenticate, cmd_capability, cmd_check, cmd_close, cmd_copy, cmd_create,
	cmd_delete, cmd_enable, cmd_examine, cmd_expunge, cmd_fetch, cmd_id, cmd_idle, cmd_list,
	cmd_login, cmd_logout, cmd_lsub, cmd_move, cmd_namespace, cmd_noop, cmd_rename, cmd_search,
	cmd_select, cmd_starttls, cmd_status, cmd_store, cmd_subscribe, cmd_unselect,
	cmd_unsubscribe;

static inline struct service *session_service(struct conn *c)
{
	return conn_context(c);
}

#endif
