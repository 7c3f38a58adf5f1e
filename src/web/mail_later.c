/*
 * mail_later.c - mail that waits to be sent: the list, taking it back, sending it now.
 *
 * Who takes a letter back gets it into Drafts: the courier stops it for good, its text is read from
 * there piece by piece and kept as a draft, the copy in Sent goes in the same transaction, and only
 * then the courier forgets it. Broken off anywhere, it stands in the list and can be done again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask/ask.h"
#include "ask/verbs.h"
#include "base/encode.h"
#include "base/mem.h"
#include "mail/submit.h"
#include "web/pages.h"
#include "web/send.h"
#include "wire/mime/header.h"
#include "wire/smtp/addr.h"

enum {
	ASK_MS = 20000,
	ID_MAX = 1000,            /* of a Message-ID that is looked for */
	COPY_NEAR_S = 15 * 60,    /* mail programs keep their copy right after sending */
	BCC_LINE_MAX = 256 << 10, /* of addresses that the header does not name */
	ADDRESSES_BYTES = 8 << 20,
};

struct later {
	uint64_t delivery;
	json_t *recipients;
	int64_t accepted_s;
	uint64_t at;     /* of the text */
	struct buf head; /* until its end is there */
	bool is_head_over;
	char id[ID_MAX + 1]; /* Message-ID, without brackets; empty: it has none */
	struct incoming *in;
	uint64_t folder; /* the draft */
	uint32_t uid;
};

static void free_later(void *more)
{
	struct later *l = more;

	json_decref(l->recipients);
	buf_done(&l->head);
	if (l->in)
		incoming_free(&l->in);
}

/* ---- asking the courier ---- */

/* The wish is given away. */
static void ask(struct http *x, json_t *wish, http_resume_fn *then)
{
	struct visit *v = visit_of(x);
	char *text;
	uint64_t ticket;

	json_object_set_new(wish, "submitter", json_integer((json_int_t)v->account.id));
	text = json_dumps(wish, JSON_COMPACT);
	ticket = http_park(x, VISIT_PARK_MS, then);
	ask_queue_for(v->service->ask, conn_ref(http_conn(x)), ticket, slice_str(text ? text : ""),
		ASK_MS);
	free(text);
	json_decref(wish);
}

static json_t *wish(const char *what, uint64_t delivery)
{
	return json_pack("{s:s, s:I}", "do", what, "delivery", (json_int_t)delivery);
}

/* The answer as JSON, or NULL and the answer given. */
static json_t *take_answer(struct http *x, struct answer *answer)
{
	struct slice text;
	json_t *reply = NULL;
	struct err err;

	if (answer->rc == 0 && ask_queue_take(answer, &text))
		reply = json_loadb(text.ptr, text.len, 0, NULL);
	if (answer->rc == 0 && !reply) {
		err_set(&err, ERR_IO, "the courier's answer makes no sense");
		visit_fail(x, -ERR_IO, &err);
	} else if (answer->rc == -ERR_NOTFOUND || answer->rc == -ERR_CONFLICT) {
		visit_say(x, answer->rc == -ERR_CONFLICT ? "undo_late" : "undo_gone");
		visit_go(x, "/mail");
	} else if (answer->rc < 0) {
		visit_fail(x, answer->rc, &answer->err);
	}
	free(answer->data);
	answer->data = NULL;
	return reply;
}

/* ---- the list ---- */

static void put_row(json_t *list, const json_t *from)
{
	const json_int_t at = json_integer_value(json_object_get(from, "at"));
	const json_int_t n = json_integer_value(json_object_get(from, "recipients"));
	const char *subject = json_string_value(json_object_get(from, "subject"));
	struct buf header AUTO(buf_done);
	json_t *row = json_object();
	char number[17];

	buf_init(&header, 64 << 10);
	buf_printf(&header, "Subject:%s\r\n", subject ? subject : "");
	json_set_id(row, "id", (uint64_t)json_integer_value(json_object_get(from, "delivery")));
	mail_set_field(row, "subject", buf_slice(&header), "Subject");
	snprintf(number, sizeof(number), "%016llx",
		(unsigned long long)json_integer_value(json_object_get(from, "number")));
	json_set_text(row, "number", number);
	json_object_set(row, "to", json_object_get(from, "to"));
	json_object_set_new(row, "recipients", json_integer(n));
	json_object_set_new(row, "has_many", json_boolean(n > 1));
	json_object_set(row, "is_taken", json_object_get(from, "taken"));
	json_set_when(row, "at", at);
	json_array_append_new(list, row);
}

static void on_list(struct http *x, struct answer *answer)
{
	json_t *reply = take_answer(x, answer), *values, *list, *row;
	size_t i;

	if (!reply)
		return;
	values = json_object();
	list = json_array();
	json_array_foreach(json_object_get(reply, "rows"), i, row) put_row(list, row);
	json_object_set_new(values, "letters", list);
	json_object_set_new(values, "has_letters", json_boolean(json_array_size(list) > 0));
	json_decref(reply);
	if (!mail_folders(x, values, 0)) {
		json_decref(values);
		return;
	}
	json_set_text(values, "title", "Scheduled mail");
	visit_page(x, 200, "later", values);
}

void page_later(struct http *x)
{
	if (visit_store(x))
		ask(x, wish("own", 0), on_list);
}

/* ---- taking one back ---- */

/* What the way here put on top is no part of what was written. */
static bool is_of_the_way(struct slice name)
{
	static const char *const names[] = {"Received", "Return-Path", "DKIM-Signature", "Bcc"};
	bool is = false;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !is; i++)
		is = slice_eq_nocase(name, slice_str(names[i]));
	return is;
}

static bool names_address(
	const struct mime_address *list, struct slice address, struct arena *arena)
{
	struct smtp_addr addr;
	struct err err;
	bool names = false;

	for (; list && !names; list = list->next)
		names = list->kind == MIME_ADDRESS_MAILBOX &&
			smtp_addr_make(list->mailbox, list->domain, arena, &addr, &err) == 0 &&
			slice_eq(addr.text, address);
	return names;
}

/* Recipients whom no field names were blind copies. */
static void put_bcc(const struct later *l, struct slice named, struct buf *out)
{
	struct arena arena AUTO(arena_done);
	const char *before = "Bcc: ";
	struct mime_address *list;
	json_t *value;
	size_t i;

	arena_init(&arena, ADDRESSES_BYTES);
	list = mime_address_parse(named, WRITE_ADDRESSES_MAX, &arena);
	json_array_foreach(l->recipients, i, value)
	{
		const struct slice address = {json_string_value(value), json_string_length(value)};

		if (!address.len || names_address(list, address, &arena))
			continue;
		buf_str(out, before);
		buf_append(out, address);
		before = ",\r\n ";
	}
	if (*before == ',')
		buf_lit(out, "\r\n");
}

static void take_id(struct later *l, struct slice value)
{
	struct buf id AUTO(buf_done);

	buf_init(&id, ID_MAX);
	if (mime_msgid_next(&value, &id) && id.len <= ID_MAX)
		memcpy(l->id, id.ptr, id.len);
}

static void put_named(struct buf *named, struct slice value)
{
	buf_str(named, named->len ? ", " : "");
	buf_append(named, value);
}

static int put_head(struct later *l, struct slice head, struct err *err)
{
	struct buf named AUTO(buf_done), bcc AUTO(buf_done);
	struct mime_field field;
	int rc = 0;

	buf_init(&named, SUBMIT_HEADER_MAX);
	buf_init(&bcc, BCC_LINE_MAX);
	while (rc == 0 && mime_header_next(&head, &field)) {
		if (slice_eq_nocase(field.name, slice_lit("To")) ||
			slice_eq_nocase(field.name, slice_lit("Cc")))
			put_named(&named, field.value);
		if (slice_eq_nocase(field.name, slice_lit("Message-ID")))
			take_id(l, field.value);
		if (!is_of_the_way(field.name))
			rc = incoming_append(l->in, field.raw, err);
	}
	put_bcc(l, buf_slice(&named), &bcc);
	if (rc == 0)
		rc = buf_check(&bcc, "list of recipients", err);
	return rc < 0 ? rc : incoming_append(l->in, buf_slice(&bcc), err);
}

/* A piece of the text, and none at its end. */
static int take_piece(struct later *l, struct slice piece, struct err *err)
{
	struct slice text;
	size_t end;
	int rc;

	l->at += ASK_TEXT_PIECE;
	if (l->is_head_over)
		return incoming_append(l->in, piece, err);
	buf_append(&l->head, piece);
	rc = buf_check(&l->head, "message header", err);
	text = buf_slice(&l->head);
	end = slice_find(text, slice_lit("\r\n\r\n"));
	if (rc < 0 || (end == SIZE_MAX && piece.len))
		return rc;
	l->is_head_over = true;
	end = end == SIZE_MAX ? text.len : end + 2;
	rc = put_head(l, slice_head(text, end), err);
	return rc < 0 ? rc : incoming_append(l->in, slice_from(text, end), err);
}

/* ---- keeping it ---- */

struct back {
	struct visit_write w;
	struct incoming *in;
	uint64_t drafts, sent;
	uint32_t copy;           /* in Sent; 0: there is none */
	uint64_t draft_id, kept; /* delivery ids: of this draft, and of the copy in Sent */
	struct message_added added;
};

static int run_back(struct account_write *item, struct account_tx *tx, struct err *err)
{
	struct back *b = (struct back *)item;
	int rc = tx_add(tx, b->drafts, b->in, FLAG_SEEN | FLAG_DRAFT, b->draft_id, &b->added, err);

	if (rc == 0 && b->copy)
		rc = tx_expunge(tx, b->sent, &b->copy, 1, err);
	return rc < 0 ? rc : tx_forget(tx, b->kept, err);
}

static void free_back(struct visit_write *w)
{
	incoming_free(&((struct back *)w)->in);
}

/* The same letter may be sent and taken back again; that is another draft. */
static uint64_t draft_id(const struct later *l)
{
	unsigned char digest[SHA256_LEN];
	uint64_t of[2] = {l->delivery, (uint64_t)l->accepted_s};

	sha256((struct slice){(const char *)of, sizeof(of)}, digest);
	return be64_get(digest) & INT64_MAX;
}

static void on_forgotten(struct http *x, struct answer *answer)
{
	const struct later *l = visit_of(x)->more;

	/* It stands in the list until it is done again. */
	if (answer->rc < 0)
		log_warn(http_log(x), "forget", log_e(&answer->err));
	free(answer->data);
	answer->data = NULL;
	visit_say(x, "undone");
	visit_go(x, "/mail/write?draft=%llx-%u", (unsigned long long)l->folder, l->uid);
}

static void on_back(struct http *x, struct answer *answer)
{
	struct later *l = visit_of(x)->more;
	const struct back *b = answer->data;

	if (answer->rc < 0) {
		visit_fail(x, answer->rc, &answer->err);
	} else {
		l->folder = b->drafts;
		l->uid = b->added.uid;
		ask(x, wish("own-forget", l->delivery), on_forgotten);
	}
	visit_answer_done(answer);
}

static bool has_id(struct account_reader *reader, uint64_t message, const char *id)
{
	struct buf found AUTO(buf_done);
	struct mime_prepared prepared;
	struct message_row row;
	struct mime_field field;
	struct err err;

	buf_init(&found, ID_MAX);
	return reader_message(reader, message, &row, &err) == 0 &&
	       mime_prepared_open(row.prepared, &prepared, &err) == 0 &&
	       mime_header_find(prepared.fields, slice_lit("Message-ID"), &field) &&
	       mime_msgid_next(&field.value, &found) && slice_eq(buf_slice(&found), slice_str(id));
}

/* The copy in Sent, by its Message-ID, among what was saved when this was sent. */
static uint32_t find_copy(
	struct http *x, const struct later *l, struct account_reader *reader, uint64_t sent)
{
	struct view_entry entry;
	struct view *view;
	struct err err;
	uint32_t uid = 0;

	if (!sent || !l->id[0] ||
		view_open(visit_of(x)->store, sent, conn_ref(http_conn(x)), true, &view, &err) < 0)
		return 0;
	for (uint32_t seq = view_count(view); seq > 0 && !uid; seq--) {
		if (!view_entry(view, seq, &entry) || entry.saved_s > l->accepted_s + COPY_NEAR_S)
			continue;
		if (entry.saved_s < l->accepted_s - COPY_NEAR_S)
			break;
		if (has_id(reader, entry.message, l->id))
			uid = entry.uid;
	}
	view_free(&view);
	return uid;
}

static void keep_back(struct http *x, struct account_reader *reader)
{
	struct later *l = visit_of(x)->more;
	struct back *b;
	uint64_t drafts, sent;
	struct err err;

	if (!send_find_role(x, ROLE_DRAFTS, &drafts) || !send_find_role(x, ROLE_SENT, &sent))
		return;
	if (!drafts) {
		err_set(&err, ERR_NOTFOUND, "there is no folder for drafts");
		visit_fail(x, -ERR_NOTFOUND, &err);
		return;
	}
	b = visit_write_new(x, sizeof(*b), run_back);
	b->w.free_kind = free_back;
	b->in = incoming_ref(l->in);
	b->drafts = drafts;
	b->sent = sent;
	b->copy = find_copy(x, l, reader, sent);
	b->draft_id = draft_id(l);
	b->kept = send_kept_id(l->delivery);
	visit_write(x, &b->w, on_back);
}

/* ---- its text, piece by piece ---- */

static void next_piece(struct http *x);

static void on_piece(struct http *x, struct answer *answer)
{
	struct later *l = visit_of(x)->more;
	struct slice piece = {0};
	struct err err = answer->err;
	int rc = answer->rc;

	if (rc == 0 && !ask_queue_take(answer, &piece))
		rc = err_set(&err, ERR_IO, "the courier's answer makes no sense");
	if (rc == 0)
		rc = take_piece(l, piece, &err);
	if (rc == 0 && !piece.len)
		rc = incoming_finish(l->in, &err);
	if (rc < 0)
		visit_fail(x, rc, &err);
	else if (piece.len)
		next_piece(x);
	else
		visit_read(x, keep_back);
	free(answer->data);
	answer->data = NULL;
}

static void next_piece(struct http *x)
{
	struct visit *v = visit_of(x);
	const struct later *l = v->more;
	const uint64_t ticket = http_park(x, VISIT_PARK_MS, on_piece);

	ask_taken_text(v->service->ask, conn_ref(http_conn(x)), ticket, v->account.id, l->delivery,
		l->at, ASK_MS);
}

static void on_taken(struct http *x, struct answer *answer)
{
	struct service *service = visit_of(x)->service;
	struct later *l = visit_of(x)->more;
	json_t *reply = take_answer(x, answer);

	if (!reply)
		return;
	log_info(http_log(x), "taken-back");
	l->recipients = json_incref(json_object_get(reply, "recipients"));
	l->accepted_s = json_integer_value(json_object_get(reply, "accepted"));
	json_decref(reply);
	buf_init(&l->head, SUBMIT_HEADER_MAX + ASK_TEXT_PIECE);
	l->in = incoming_new(store_spool_dir(service->store),
		service->limits.message_max + SUBMIT_HEADER_MAX + BCC_LINE_MAX);
	next_piece(x);
}

/* ---- the buttons ---- */

static void on_sent_now(struct http *x, struct answer *answer)
{
	json_t *reply = take_answer(x, answer);

	if (!reply)
		return;
	json_decref(reply);
	visit_say(x, "sent");
	visit_go(x, "/mail/later");
}

void page_later_change(struct http *x)
{
	const struct slice what = http_form(x, "do");
	struct later *l;
	uint64_t id;

	if (!visit_store(x))
		return;
	l = visit_keep(x, sizeof(*l), free_later);
	if (!l || !visit_id(http_form(x, "id"), &id) || id > INT64_MAX) {
		http_fail(x, l ? 400 : 413);
		return;
	}
	l->delivery = id;
	if (slice_eq(what, slice_lit("now")))
		ask(x, wish("own-send", id), on_sent_now);
	else if (slice_eq(what, slice_lit("undo")))
		ask(x, wish("own-take", id), on_taken);
	else
		http_fail(x, 400);
}
