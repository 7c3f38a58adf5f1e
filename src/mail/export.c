/* export.c - see export.h for the contract. */
#include "mail/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "mail/export_internal.h"

enum { ARENA = 64 << 20, PIECE = 64 << 10, PLAIN_MAX = 1 << 20, TURN = 1 << 20 };

bool mail_export_format(struct slice name, enum mail_export_format *out)
{
	static const char *const names[] = {[EXPORT_ARCHIVE] = "archive",
		[EXPORT_MAILDIR] = "maildir",
		[EXPORT_MBOX] = "mbox",
		[EXPORT_EML] = "eml"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slice_eq(name, slice_str(names[i]))) {
			*out = (enum mail_export_format)i;
			return true;
		}
	}
	return false;
}

/* ---- opening ---- */

static void put_names(struct mail_export *e, struct slice address)
{
	const time_t now = (time_t)clock_wall_s();
	char day[16] = "";
	struct tm tm = {0};

	gmtime_r(&now, &tm);
	strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	for (size_t i = 0; i < address.len; i++)
		buf_byte(&e->root, address.ptr[i] == '/' ? '_' : address.ptr[i]);
	buf_append(&e->name, buf_slice(&e->root));
	buf_printf(&e->name, "-%s%s", day, e->is_plain ? ".mbox" : export_forms[e->format].suffix);
	buf_byte(&e->root, '/');
}

static int list_mailboxes(struct mail_export *e, struct slice mailbox, struct err *err)
{
	e->boxes = arena_array(&e->arena, struct mailbox_info, 1);
	e->boxes_n = 1;
	if (mailbox.len == 0)
		return account_mailboxes(e->account, &e->arena, &e->boxes, &e->boxes_n, err);
	return account_mailbox(e->account, mailbox, 0, ROLE_NONE, &e->arena, e->boxes, err);
}

static int open_account(struct mail_export *e, struct slice mailbox, struct err *err)
{
	struct directory_account owner;
	int rc = directory_account(e->service->directory, e->id, &e->arena, &owner, err);

	if (rc == 0)
		rc = store_account(e->service->store, e->id, owner.quota_bytes, &e->account, err);
	if (rc == 0)
		rc = list_mailboxes(e, mailbox, err);
	if (rc == 0)
		rc = account_keywords(e->account, &e->arena, &e->keywords, &e->keywords_n, err);
	if (rc == 0 && !e->is_plain)
		rc = pack_new(export_forms[e->format].kind, &e->pack, err);
	if (rc == 0)
		put_names(e, owner.address);
	return rc;
}

int mail_export_open(struct service *service, uint64_t account, enum mail_export_format format,
	struct slice mailbox, struct mail_export **out, struct err *err)
{
	struct mail_export *e = mem_new(struct mail_export);
	int rc;

	e->service = service;
	e->id = account;
	e->format = format;
	e->is_plain = format == EXPORT_MBOX && mailbox.len;
	arena_init(&e->arena, ARENA);
	buf_init(&e->plain, PLAIN_MAX);
	buf_init(&e->name, 2 * DIRECTORY_ADDRESS_MAX);
	buf_init(&e->root, 2 * DIRECTORY_ADDRESS_MAX);
	buf_init(&e->path, EXPORT_PATH_MAX);
	buf_init(&e->piece, PIECE);
	rc = open_account(e, mailbox, err);
	if (rc < 0)
		mail_export_free(&e);
	else
		*out = e;
	return rc;
}

void mail_export_free(struct mail_export **export)
{
	struct mail_export *e = *export;

	*export = NULL;
	if (!e)
		return;
	view_snap_free(&e->snap);
	pack_free(&e->pack);
	if (e->account)
		account_free(&e->account);
	arena_done(&e->arena);
	buf_done(&e->plain);
	buf_done(&e->name);
	buf_done(&e->root);
	buf_done(&e->path);
	buf_done(&e->piece);
	free(e);
}

struct slice mail_export_name(const struct mail_export *e)
{
	return buf_slice(&e->name);
}

const char *mail_export_type(const struct mail_export *e)
{
	return e->is_plain ? "application/mbox" : export_forms[e->format].type;
}

void mail_export_counts(const struct mail_export *e, struct mail_export_counts *out)
{
	*out = e->counts;
}

/* ---- mailbox by mailbox ---- */

static int begin(struct mail_export *e, struct err *err)
{
	const struct export_form *form = &export_forms[e->format];

	e->has_begun = true;
	return form->begin ? form->begin(e, err) : 0;
}

static int end(struct mail_export *e, struct err *err)
{
	e->is_over = true;
	return e->pack ? pack_end(e->pack, err) : 0;
}

/* One that was deleted since the list was made is passed over. */
static int open_mailbox(struct mail_export *e, struct err *err)
{
	const struct mailbox_info *box = &e->boxes[e->at];
	struct view *view AUTO(view_free) = NULL;
	int rc;

	if (box->id == 0 || box->is_noselect) {
		e->at++;
		return 0;
	}
	rc = view_open(e->account, box->id, (struct conn_ref){0}, true, &view, err);
	if (rc == -ERR_NOTFOUND) {
		e->at++;
		return 0;
	}
	if (rc < 0)
		return rc;
	e->snap = view_snap(view);
	e->seq = 1;
	e->counts.mailboxes++;
	return export_forms[e->format].mailbox(e, box, err);
}

static int close_mailbox(struct mail_export *e)
{
	view_snap_free(&e->snap);
	e->at++;
	return 0;
}

/* ---- message by message ---- */

static int begin_message(struct mail_export *e, struct account_reader *reader, struct err *err)
{
	struct message_row row;
	int rc;

	snap_entry(e->snap, e->seq, &e->entry);
	rc = reader_message(reader, e->entry.message, &row, err);
	if (rc == -ERR_NOTFOUND) {
		e->counts.gone++;
		e->seq++;
		return 0;
	}
	if (rc < 0)
		return rc;
	e->is_inside = true;
	e->offset = 0;
	e->counts.messages++;
	return export_forms[e->format].message(e, &e->boxes[e->at], err);
}

static int go_on(struct mail_export *e, struct account_reader *reader, struct err *err)
{
	const struct export_form *form = &export_forms[e->format];
	int rc;

	buf_clear(&e->piece);
	rc = reader_body(reader, e->entry.message, e->offset, PIECE, &e->piece, err);
	if (rc < 0)
		return rc;
	e->offset += e->piece.len;
	rc = form->bytes ? form->bytes(e, buf_slice(&e->piece), err)
			 : pack_bytes(e->pack, buf_slice(&e->piece), err);
	if (rc < 0 || e->offset < e->entry.size)
		return rc;
	e->is_inside = false;
	e->seq++;
	return form->message_end ? form->message_end(e, err) : 0;
}

static int step(struct mail_export *e, struct account_reader *reader, struct err *err)
{
	if (!e->has_begun)
		return begin(e, err);
	if (e->at == e->boxes_n)
		return end(e, err);
	if (!e->snap)
		return open_mailbox(e, err);
	if (e->is_inside)
		return go_on(e, reader, err);
	return e->seq > snap_count(e->snap) ? close_mailbox(e) : begin_message(e, reader, err);
}

static struct buf *made(struct mail_export *e)
{
	return e->pack ? pack_out(e->pack) : &e->plain;
}

/* Until there is a piece, or this turn has read enough; what packs well brings little out. */
static int fill(struct mail_export *e, struct conn_ref waiter, struct err *err)
{
	struct account_reader *reader AUTO(account_reader_free) = NULL;
	int rc = 0;

	for (int n = 0; rc == 0 && !e->is_over && made(e)->len < PIECE && n < TURN / PIECE; n++) {
		/* A view may want a reader itself. */
		if (e->snap && !reader)
			rc = account_reader(e->account, waiter, &reader, err);
		else if (!e->snap)
			account_reader_free(&reader);
		if (rc == 0)
			rc = step(e, reader, err);
	}
	return rc;
}

int mail_export_pull(
	struct mail_export *e, struct conn_ref waiter, struct buf *out, struct err *err)
{
	struct buf *from = made(e);
	struct slice piece;
	int rc = 0;

	while (rc == 0 && from->len == 0 && !e->is_over)
		rc = fill(e, waiter, err);
	if (rc == -ERR_BUSY)
		return SOURCE_WAIT;
	if (rc < 0)
		return rc;
	piece = slice_head(buf_slice(from), PIECE);
	buf_append(out, piece);
	buf_consume(from, piece.len);
	return e->is_over && from->len == 0 ? SOURCE_DONE : SOURCE_MORE;
}
