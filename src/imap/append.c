/*
 * append.c - APPEND (RFC 9051 6.3.12): the message goes to a spool while it comes; flags, size and
 * quota are looked at before the client is told to go on.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "imap/mailbox.h"
#include "imap/write.h"
#include "mail/sent.h"

struct append {
	struct write_append *w; /* what is going to be queued */
	int rc;                 /* the message could not be kept: err says why */
	struct err err;
};

struct write_append {
	struct write w;
	struct service *service;
	struct incoming *in;
	uint64_t owner, mailbox, flags;
	struct slice *keywords;
	size_t keywords_n;
	struct message_added added;
};

static int run_append(struct account_write *item, struct account_tx *tx, struct err *err)
{
	struct write_append *w = (struct write_append *)item;
	uint64_t bits = 0;
	uint32_t ours;
	int rc = 0;

	if (w->keywords_n)
		rc = tx_keywords(tx, w->keywords, w->keywords_n, &bits, err);
	if (rc < 0)
		return rc;
	rc = tx_add(tx, w->mailbox, w->in, w->flags | bits, 0, &w->added, err);
	if (rc < 0)
		return rc;
	ours = mail_sent_by_program(w->service, w->owner, w->mailbox, w->in);
	return ours ? tx_expunge(tx, w->mailbox, &ours, 1, err) : 0;
}

static bool note_append(struct write *base, int *rc, struct err *err)
{
	const struct write_append *w = (const struct write_append *)base;

	(void)err;
	if (*rc == 0)
		mail_sent_has_program(w->service, w->owner, w->mailbox, w->in);
	return false;
}

static void free_append(struct write *base)
{
	struct write_append *w = (struct write_append *)base;

	if (w->in)
		incoming_free(&w->in);
}

void append_free(struct append **append)
{
	struct append *a = *append;

	*append = NULL;
	if (!a)
		return;
	if (a->w)
		write_free(a->w);
	free(a);
}

static struct write_append *make_write(
	struct conn *c, const struct imap_append *args, const struct mailbox_info *mailbox)
{
	struct store *store = session_service(c)->store;
	struct write_append *w = write_new(c, sizeof(*w), run_append);

	w->w.free_kind = free_append;
	w->w.before_done = note_append;
	w->service = session_service(c);
	w->w.item.is_adding = true;
	w->in = incoming_new(store_spool_dir(store), store_message_max(store));
	if (args->has_date) {
		w->in->received_s = args->date.seconds;
		w->in->zone_min = args->date.zone_min;
	}
	w->owner = ((struct session *)conn_session(c))->login.account;
	w->mailbox = mailbox->id;
	w->flags = args->flags.system;
	w->keywords = arena_array(&w->w.arena, struct slice, args->flags.keywords_n + 1);
	if (!w->keywords)
		return w;
	for (size_t i = 0; i < args->flags.keywords_n; i++)
		w->keywords[w->keywords_n++] = arena_dup(&w->w.arena, args->flags.keywords[i]);
	return w;
}

/* What can be said of a message of that size before it is sent. */
static const char *refusal(struct conn *c, uint64_t size, const char **text)
{
	struct session *s = conn_session(c);
	struct store *store = session_service(c)->store;
	struct account_usage usage;

	*text = "The message is too large";
	if (size > store_message_max(store))
		return "TOOBIG";
	account_usage(s->account, &usage);
	*text = "There is no room for this message";
	if (usage.quota_bytes && usage.bytes + size > usage.quota_bytes)
		return "OVERQUOTA";
	return store_is_full(store) ? "OVERQUOTA" : NULL;
}

/* Answers without having taken the literal. */
static void refuse(
	struct command *cmd, const struct imap_literal *literal, const char *code, const char *text)
{
	cmd->s->input = INPUT_LINE;
	if (literal->nonsync) {
		cmd->s->input = literal->size ? INPUT_SKIP_LITERAL : INPUT_SKIP_LINE;
		cmd->s->input_left = literal->size;
	}
	reply_no(cmd, code, text);
}

static void go_on(
	struct command *cmd, const struct imap_append *args, const struct mailbox_info *mailbox)
{
	const struct imap_literal *literal = &args->body.literal;
	struct session *s = cmd->s;

	s->append = mem_new(struct append);
	s->append->w = make_write(cmd->c, args, mailbox);
	session_hold_tag(s, cmd->tag);
	s->input = literal->size ? INPUT_APPEND : INPUT_APPEND_END;
	s->input_left = literal->size;
	s->command = NULL;
	if (!literal->nonsync)
		session_continue(cmd->c, slice_lit("Send the message"));
}

static void begin(struct command *cmd, const struct imap_append *args)
{
	const struct imap_literal *literal = &args->body.literal;
	struct mailbox_info mailbox;
	const char *code, *text;
	struct err err;

	if (mailbox_find(cmd, args->mailbox, &mailbox, &err) < 0) {
		refuse(cmd, literal, "TRYCREATE", "There is no such mailbox");
		return;
	}
	code = refusal(cmd->c, literal->size, &text);
	if (code)
		refuse(cmd, literal, code, text);
	else
		go_on(cmd, args, &mailbox);
}

bool append_begin(struct conn *c, struct slice text, const struct imap_literal *literal)
{
	struct session *s = conn_session(c);
	struct command *cmd;
	struct imap_append args;
	struct err err;

	if (!(s->state & STATE_LOGGED_IN) || (literal->nonsync && literal->size > IMAP_NONSYNC_MAX))
		return false;
	cmd = session_held(c, "APPEND"); /* its tag is read below */
	imap_lex_init(&cmd->lex, text, &imap_limits_used, conn_arena(c));
	if (imap_lex_word(&cmd->lex, IMAP_WORD_TAG, &cmd->tag, &err) < 0 ||
		!imap_lex_take(&cmd->lex, ' ') ||
		!imap_lex_take_label(&cmd->lex, slice_lit("APPEND")) ||
		imap_append_parse(&cmd->lex, s->is_rev2, &args, &err) < 0 ||
		!args.body.is_streamed) {
		s->command = NULL;
		return false;
	}
	begin(cmd, &args);
	return true;
}

void append_bytes(struct conn *c, struct slice bytes)
{
	struct append *a = ((struct session *)conn_session(c))->append;

	if (a->rc == 0)
		a->rc = incoming_append(a->w->in, bytes, &a->err);
}

static void reply_appended(struct command *cmd, const struct message_added *added)
{
	struct buf code AUTO(buf_done);

	buf_init(&code, 64);
	buf_lit(&code, "APPENDUID ");
	buf_u64(&code, added->uidvalidity);
	buf_byte(&code, ' ');
	buf_u64(&code, added->uid);
	reply_ok_code(cmd, buf_slice(&code), "Appended");
}

static void appended(struct conn *c, struct answer *answer)
{
	struct command *cmd = ((struct session *)conn_session(c))->command;
	struct write_append *w = answer->data;

	if (answer->rc < 0)
		reply_err_mailbox(cmd, &answer->err);
	else
		reply_appended(cmd, &w->added);
	if (w)
		write_free(w);
}

void append_end(struct conn *c, struct slice line)
{
	struct session *s = conn_session(c);
	struct append *a = s->append;
	struct command *cmd = session_held(c, "APPEND");
	struct write_append *w = a->w;

	if (a->rc == 0 && line.len == 0 && spool_size(w->in->spool) > 0)
		a->rc = incoming_finish(w->in, &a->err);
	if (line.len) {
		reply_bad(cmd, "Nothing may follow the message");
	} else if (a->rc < 0) {
		reply_err(cmd, &a->err);
	} else if (spool_size(w->in->spool) == 0) {
		reply_no(cmd, "CANNOT", "The message is empty");
	} else {
		a->w = NULL;
		write_start(c, &w->w, appended);
	}
	append_free(&s->append);
}

/* Only what could not be begun comes here whole. */
void cmd_append(struct command *cmd)
{
	struct imap_append args;
	struct err err;

	if (imap_append_parse(&cmd->lex, cmd->s->is_rev2, &args, &err) < 0)
		reply_err(cmd, &err);
	else
		reply_bad(cmd, "The message comes last, as a literal");
}
