/* fetch.c - FETCH (RFC 9051 6.4.5, 7.5.2): \Seen first, then message after message. */
#include "imap/fetch.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "imap/mailbox.h"
#include "wire/imap/write.h"

enum { SIMPLE_BYTES = 512 }; /* all items of a message that are numbers, dates and ids */

static const unsigned row_items =
	IMAP_ITEM_ENVELOPE | IMAP_ITEM_BODY | IMAP_ITEM_BODYSTRUCTURE | IMAP_ITEM_THREADID;

static char *put_text(char *p, const char *text, size_t n)
{
	memcpy(p, text, n);
	return p + n;
}

#define PUT(p, literal) put_text((p), (literal), sizeof(literal) - 1)

static char *put_number(char *p, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	return put_text(p, digits + at, sizeof(digits) - at);
}

/* Was \Seen set on it just now, then FLAGS are told though nobody asked. */
static unsigned newly_seen_items(struct fetch *f)
{
	const struct write_uids *many = f->seen ? &f->seen->many : NULL;

	while (many && f->seen_at < many->n && many->uids[f->seen_at] < f->entry.uid)
		f->seen_at++;
	if (!many || f->seen_at == many->n || many->uids[f->seen_at] != f->entry.uid)
		return 0;
	return IMAP_ITEM_FLAGS | (f->s->has_condstore ? IMAP_ITEM_MODSEQ : 0);
}

static void write_flags(struct fetch *f, struct buf *out)
{
	const uint64_t flags = f->entry.flags;

	if (!f->has_flags_text || f->flags_of != flags || f->flags_recent != f->entry.is_recent) {
		buf_clear(&f->flags_text);
		buf_lit(&f->flags_text, "FLAGS (");
		session_flags(f->s, flags, f->entry.is_recent, &f->flags_text);
		buf_lit(&f->flags_text, ") ");
		f->flags_of = flags;
		f->flags_recent = f->entry.is_recent;
		f->has_flags_text = true;
	}
	buf_append(out, buf_slice(&f->flags_text));
}

static void write_date(const struct view_entry *entry, struct buf *out)
{
	const struct imap_date_time t = {entry->received_s, entry->zone_min};

	buf_lit(out, "INTERNALDATE ");
	imap_date_time_write(out, &t);
	buf_byte(out, ' ');
}

static void write_id(struct buf *out, const char *name, char kind, uint64_t id)
{
	buf_str(out, name);
	mailbox_id(out, kind, id);
	buf_lit(out, ") ");
}

static void write_prepared(struct buf *out, const char *name, struct slice text)
{
	buf_str(out, name);
	buf_append(out, text);
	buf_byte(out, ' ');
}

static int write_row_items(struct fetch *f, struct buf *out, struct err *err)
{
	struct mime_prepared prepared;
	int rc = fetch_row(f, err);

	if (rc == 0)
		rc = mime_prepared_open(f->row.prepared, &prepared, err);
	if (rc < 0)
		return rc;
	if (f->items & IMAP_ITEM_THREADID)
		write_id(out, "THREADID (", 'T', f->row.thread);
	if (f->items & IMAP_ITEM_ENVELOPE)
		write_prepared(out, "ENVELOPE ", prepared.envelope);
	if (f->items & IMAP_ITEM_BODY)
		write_prepared(out, "BODY ", prepared.body);
	if (f->items & IMAP_ITEM_BODYSTRUCTURE)
		write_prepared(out, "BODYSTRUCTURE ", prepared.bodystructure);
	return 0;
}

/* Everything but sections; each item ends in a space, that of the last one becomes ")". */
static int write_items(struct fetch *f, struct buf *out, struct err *err)
{
	const struct view_entry *entry = &f->entry;
	const unsigned items = f->items | newly_seen_items(f);
	char *p = buf_reserve(out, SIMPLE_BYTES), *start = p;

	if (!p)
		return err_set(err, ERR_TOOBIG, "reply is too large");
	p = put_number(PUT(p, "* "), entry->seq);
	p = PUT(p, " FETCH (");
	if (items & IMAP_ITEM_UID)
		p = PUT(put_number(PUT(p, "UID "), entry->uid), " ");
	if (items & IMAP_ITEM_SIZE)
		p = PUT(put_number(PUT(p, "RFC822.SIZE "), entry->size), " ");
	if (items & IMAP_ITEM_MODSEQ)
		p = PUT(put_number(PUT(p, "MODSEQ ("), entry->modseq), ") ");
	out->len += (size_t)(p - start);
	if (items & IMAP_ITEM_FLAGS)
		write_flags(f, out);
	if (items & IMAP_ITEM_INTERNALDATE)
		write_date(entry, out);
	if (items & IMAP_ITEM_EMAILID)
		write_id(out, "EMAILID (", 'M', entry->message);
	return items & row_items ? write_row_items(f, out, err) : 0;
}

/* Begins the next message: 1, or 0 at the end of the selection. */
static int begin_message(struct fetch *f, struct buf *out, struct err *err)
{
	const uint32_t seq = selection_next(&f->walk);
	const size_t start = out->len;
	int rc;

	if (!seq)
		return 0;
	f->has_row = false;
	f->section_i = 0;
	f->stage = STAGE_NONE;
	if (!snap_entry(f->snap, seq, &f->entry) ||
		(f->args->has_changed_since && f->entry.modseq <= f->args->changed_since))
		return 1;
	if (f->entry.is_gone && f->needs_row) {
		f->cmd->has_gone = true;
		return 1;
	}
	session_keywords(f->s, f->entry.flags, out);
	rc = f->needs_row ? fetch_row(f, err) : 0;
	if (rc == 0)
		rc = write_items(f, out, err);
	if (rc == -ERR_NOTFOUND) { /* purged since: as if it had been expunged in time */
		out->len = start;
		f->cmd->has_gone = true;
		return 1;
	}
	f->in_message = rc == 0;
	return rc < 0 ? rc : 1;
}

/* Goes on with the sections: 1 when the message is complete, 0 for the next pull. */
static int go_on(struct fetch *f, struct buf *out, struct err *err)
{
	while (f->section_i < f->args->sections_n) {
		const int rc = fetch_section(f, out, err);

		if (rc <= 0)
			return rc;
		f->section_i++;
		buf_byte(out, ' ');
	}
	if (out->failed)
		return err_set(err, ERR_TOOBIG, "reply is too large");
	if (out->ptr[out->len - 1] == ' ')
		out->len--;
	buf_lit(out, ")\r\n");
	f->in_message = false;
	return 1;
}

static void end_fetch(struct fetch *f)
{
	struct command *cmd = f->cmd;

	if (f->seen)
		write_flags_seen(f->s, f->seen);
	if (cmd->has_unknown_cte)
		reply_no(cmd, "UNKNOWN-CTE", "A part is in an encoding that is not known");
	else if (cmd->has_gone)
		reply_no(cmd, "EXPUNGEISSUED", "Some of the messages are gone");
	else
		reply_ok(cmd, "Fetched");
}

/* Writes until enough is there: 1 at the end of it all, 0 for more. */
static int fill(struct fetch *f, struct buf *out, struct err *err)
{
	const size_t start = out->len;

	f->read = 0;
	while (out->len - start < FETCH_PULL_BYTES && f->read < FETCH_READ_BYTES) {
		int rc = f->in_message ? 1 : begin_message(f, out, err);

		if (rc == 0)
			return 1;
		if (rc > 0 && f->in_message)
			rc = go_on(f, out, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int pull(struct source *source, struct conn *c, struct buf *out, struct err *err)
{
	struct fetch *f = (struct fetch *)source;
	int rc = 0;

	if (f->needs_row)
		rc = account_reader(f->s->account, conn_ref(c), &f->reader, err);
	if (rc == -ERR_BUSY)
		return SOURCE_WAIT;
	if (rc == 0)
		rc = fill(f, out, err);
	if (f->reader)
		account_reader_free(&f->reader);
	f->has_row = false;
	if (rc <= 0)
		return rc < 0 ? rc : SOURCE_MORE;
	end_fetch(f);
	return SOURCE_DONE;
}

static void free_fetch(struct source *source)
{
	struct fetch *f = (struct fetch *)source;

	view_snap_free(&f->snap);
	if (f->seen)
		write_free(f->seen);
	buf_done(&f->flags_text);
	buf_done(&f->scratch);
	buf_done(&f->header);
	free(f);
}

/* What was asked for; kept while a FETCH that first sets \Seen is parked. */
struct wanted {
	struct imap_fetch args;
	struct selection sel;
};

static void start_fetch(struct command *cmd, const struct wanted *wanted, struct write_flags *seen)
{
	struct fetch *f = mem_new(struct fetch);

	f->source = (struct source){.pull = pull, .free = free_fetch};
	f->cmd = cmd;
	f->s = cmd->s;
	f->args = &wanted->args;
	f->items = wanted->args.items | (cmd->is_uid ? IMAP_ITEM_UID : 0);
	f->walk = (struct selection_walk){.sel = &wanted->sel};
	f->kept_sections = fetch_kept_sections(f->args);
	f->needs_row = wanted->args.sections_n || (f->items & row_items);
	f->snap = view_snap(cmd->s->view);
	f->seen = seen;
	buf_init(&f->flags_text, IMAP_FLAGS_MAX * 2);
	buf_init(&f->scratch, FETCH_HEADER_MAX);
	buf_init(&f->header, FETCH_HEADER_MAX);
	conn_source(cmd->c, &f->source);
}

static void seen_set(struct conn *c, struct answer *answer)
{
	struct command *cmd = ((struct session *)conn_session(c))->command;
	struct wanted *wanted = cmd->kept;
	struct write_flags *w = answer->data;

	if (answer->rc < 0) { /* a full disk does not keep anybody from reading */
		log_warn(conn_log(c), "seen-not-set", log_e(&answer->err));
		if (w)
			write_free(w);
		w = NULL;
	}
	start_fetch(cmd, wanted, w);
}

static bool sets_seen(const struct imap_fetch *args)
{
	for (size_t i = 0; i < args->sections_n; i++) {
		if (!args->sections[i].is_peek)
			return true;
	}
	return false;
}

/* Sets \Seen where it is missing and parks; false if there is nothing to set. */
static bool start_seen(struct command *cmd, const struct wanted *wanted)
{
	struct write_flags *w;
	uint32_t *uids;
	size_t n;

	if (cmd->s->is_examine || !sets_seen(&wanted->args))
		return false;
	uids = selection_uids(cmd, &wanted->sel, FLAG_SEEN, 0, &n);
	if (n == 0) {
		free(uids);
		return false;
	}
	w = write_flags_new(cmd->c, uids, n);
	w->change = FLAGS_ADD;
	w->flags = FLAG_SEEN;
	write_start(cmd->c, &w->many.w, seen_set);
	return true;
}

void cmd_fetch(struct command *cmd)
{
	struct wanted *wanted = arena_alloc(conn_arena(cmd->c), sizeof(*wanted));
	struct err err;
	int rc;

	if (!wanted) {
		reply_no(cmd, "LIMIT", "Command is too large");
		return;
	}
	rc = imap_fetch_parse(&cmd->lex, &wanted->args, &err);
	if (rc == 0)
		rc = selection_make(cmd, &wanted->args.set, cmd->is_uid, &wanted->sel, &err);
	if (rc < 0) {
		reply_err(cmd, &err);
		return;
	}
	if (wanted->args.items & IMAP_ITEM_MODSEQ)
		cmd->s->has_condstore = true; /* RFC 7162 3.1 */
	cmd->kept = wanted;
	if (!start_seen(cmd, wanted))
		start_fetch(cmd, wanted, NULL);
}
