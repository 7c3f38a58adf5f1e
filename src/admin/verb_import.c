/*
 * verb_import.c - `mail-import`: mail that the command line read from files comes as chunks, whose
 * first byte says what they are (control.h), and is stored while more comes.
 */
#include <stdlib.h>

#include "admin/verb.h"
#include "base/mem.h"
#include "mail/manifest.h"

enum { FLUSH_MS = 600000, PLACE_MAX = 8 * MAILBOX_NAME_MAX, ROWS_MAX = 100, KEYWORDS_MAX = 64 };

/* What remains when the connection goes while a batch is being stored: two may hold it. */
struct control_import {
	_Atomic unsigned refs;
	struct mail_import *import;
	struct conn *c; /* of the call at hand */
	struct pool *pool;
	struct conn_ref who;
	uint64_t ticket;
	uint64_t account;
	struct incoming *in; /* the message that comes */
	bool is_too_large, is_over, has_place;
	bool is_trial;
	unsigned rows;
	struct buf into, path; /* path: of the mailbox that comes next */
	enum mailbox_role role;
	bool is_subscribed;
	struct mail_manifest_result settings;
};

static void release(struct control_import *i)
{
	if (--i->refs)
		return;
	if (i->in)
		incoming_free(&i->in);
	mail_import_free(&i->import);
	buf_done(&i->into);
	buf_done(&i->path);
	free(i);
}

void verb_import_done(struct control_session *session)
{
	if (session->import)
		release(session->import);
	session->import = NULL;
	session->is_body = false;
}

static void on_left_out(void *context, struct slice where, const char *why)
{
	struct control_import *i = context;

	if (i->rows++ < ROWS_MAX)
		verb_row(conn_out(i->c),
			json_pack("{s:o, s:s}", "where", verb_string(where), "why", why));
}

void verb_mail_import(struct conn *c, const json_t *args)
{
	struct control_session *session = conn_session(c);
	const bool is_trial = json_is_true(json_object_get(args, "trial"));
	struct directory_account account;
	struct mail_import *import;
	struct control_import *i;
	struct err err;
	int rc = verb_find_account(c, args, conn_arena(c), &account, &err);

	if (rc == 0)
		rc = mail_import_open(verb_service(c), account.id,
			IMPORT_ONCE | (is_trial ? IMPORT_TRIAL : 0), &import, &err);
	if (rc < 0) {
		verb_fail(conn_out(c), &err);
		return;
	}
	i = session->import = mem_new(struct control_import);
	i->refs = 1;
	i->import = import;
	i->pool = conn_pool(c);
	i->account = account.id;
	i->is_trial = is_trial;
	buf_init(&i->into, PLACE_MAX);
	buf_init(&i->path, PLACE_MAX);
	buf_append(&i->into, verb_text_or_empty(args, "into"));
	mail_import_tell(import, on_left_out, i);
	session->is_body = true;
	conn_set_busy(c, true);
	buf_lit(conn_out(c), "{\"send\":{}}\n");
}

/* ---- the end ---- */

static void fail(struct conn *c, const struct err *err)
{
	verb_fail(conn_out(c), err);
	verb_import_done(conn_session(c));
	conn_close(c);
}

static void finish(struct conn *c, struct control_import *i)
{
	struct mail_import_counts n;

	mail_import_counts(i->import, &n);
	verb_done(
		conn_out(c), json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "added",
				     (json_int_t)n.added, "bytes", (json_int_t)n.bytes, "repeated",
				     (json_int_t)n.repeated, "too-large", (json_int_t)n.too_large,
				     "over-quota", (json_int_t)n.over_quota, "keywords-left-out",
				     (json_int_t)n.keywords_left_out, "personalities",
				     (json_int_t)i->settings.personalities,
				     "personalities-left-out", (json_int_t)i->settings.left_out));
	verb_import_done(conn_session(c));
	conn_set_busy(c, false);
}

/* ---- storing ---- */

static int enter_place(struct control_import *i, struct err *err)
{
	if (!i->has_place)
		return 0;
	i->has_place = false;
	return mail_import_mailbox(i->import, buf_slice(&i->path), i->role, i->is_subscribed, err);
}

static void on_stored(struct conn *c, struct answer *answer)
{
	struct control_session *session = conn_session(c);
	struct control_import *i = session->import;

	if (answer->rc == 0)
		answer->rc = enter_place(i, &answer->err);
	if (answer->rc < 0)
		fail(c, &answer->err);
	else if (i->is_over)
		finish(c, i);
}

static void on_flushed(void *context, int rc, const struct err *err)
{
	struct control_import *i = context;
	struct answer answer = {.rc = rc};

	if (rc < 0)
		answer.err = *err;
	pool_answer(i->pool, i->who, i->ticket, &answer);
	release(i);
}

static void store(struct conn *c, struct control_import *i)
{
	i->refs++;
	i->who = conn_ref(c);
	i->ticket = conn_park(c, FLUSH_MS, on_stored);
	mail_import_flush(i->import, on_flushed, i);
}

/* ---- what comes ---- */

static int take_place(struct control_import *i, const json_t *json, struct err *err)
{
	const struct slice path = verb_text_or_empty(json, "path");

	if (i->has_place)
		return err_set(err, ERR_SYNTAX, "a mailbox comes in the middle");
	mail_import_place(buf_slice(&i->into), path, json_is_true(json_object_get(json, "alone")),
		verb_text_or_empty(json, "use"), &i->path, &i->role);
	i->is_subscribed = json_is_true(json_object_get(json, "subscribed"));
	i->has_place = true;
	return 0;
}

static void take_bytes(struct conn *c, struct control_import *i, struct slice bytes)
{
	struct store *store = verb_service(c)->store;
	struct err err;

	if (!i->in)
		i->in = incoming_new(store_spool_dir(store), store_message_max(store));
	if (!i->is_too_large && incoming_append(i->in, bytes, &err) < 0)
		i->is_too_large = true;
}

static int add(struct control_import *i, const json_t *json, struct err *err)
{
	const json_t *words = json_object_get(json, "keywords"),
		     *date = json_object_get(json, "date");
	struct slice keywords[KEYWORDS_MAX];
	struct mail_import_message m = {.keywords = keywords,
		.flags = verb_number(json, "flags"),
		.where = verb_text_or_empty(json, "where")};
	int rc;

	m.in = i->in;
	for (; m.keywords_n < json_array_size(words) && m.keywords_n < KEYWORDS_MAX;
		m.keywords_n++) {
		const json_t *word = json_array_get(words, m.keywords_n);

		keywords[m.keywords_n] =
			(struct slice){json_string_value(word), json_string_length(word)};
	}
	if (json_is_integer(date)) {
		i->in->received_s = json_integer_value(date);
		i->in->zone_min = (int32_t)json_integer_value(json_object_get(json, "zone"));
	}
	rc = incoming_finish(i->in, err);
	if (rc == 0)
		mail_import_add(i->import, &m);
	return rc;
}

static int take_message(struct control_import *i, const json_t *json, struct err *err)
{
	int rc = 0;

	if (!i->in)
		return err_set(err, ERR_SYNTAX, "a message is empty");
	if (i->is_too_large)
		mail_import_refuse(i->import, verb_text_or_empty(json, "where"));
	else
		rc = add(i, json, err);
	incoming_free(&i->in);
	i->is_too_large = false;
	return rc;
}

static int take_json(
	struct conn *c, struct control_import *i, char kind, struct slice text, struct err *err)
{
	json_t *json = json_loadb(text.len ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, NULL);
	int rc = 0;

	if (!json_is_object(json))
		rc = err_set(err, ERR_SYNTAX, "not a JSON object");
	else if (kind == CONTROL_IMPORT_PLACE)
		rc = take_place(i, json, err);
	else if (kind == CONTROL_IMPORT_END)
		rc = take_message(i, json, err);
	else if (kind == CONTROL_IMPORT_SETTINGS && !i->is_trial)
		rc = mail_manifest_apply(verb_service(c), i->account, json, &i->settings, err);
	else if (kind != CONTROL_IMPORT_SETTINGS)
		rc = err_set(err, ERR_SYNTAX, "a chunk of an unknown kind");
	json_decref(json);
	return rc;
}

void verb_import_chunk(struct conn *c, struct slice chunk)
{
	struct control_import *i = ((struct control_session *)conn_session(c))->import;
	const char kind = chunk.len ? chunk.ptr[0] : '\0';
	struct err err;

	i->c = c;
	i->is_over = chunk.len == 0;
	if (kind == CONTROL_IMPORT_BYTES)
		take_bytes(c, i, slice_from(chunk, 1));
	else if (!i->is_over && take_json(c, i, kind, slice_from(chunk, 1), &err) < 0)
		fail(c, &err);
	else if (i->is_over || i->has_place || mail_import_is_full(i->import))
		store(c, i);
}
