/* imap_mail.c - see imap_client.h for the contract: mailboxes, and the messages in them. */
#include <stdlib.h>
#include <string.h>

#include "courier/imap_internal.h"

enum { COMMAND_MAX = 16 << 10 };

static bool is_named(const struct imap_response *r, const char *name)
{
	return r->condition == IMAP_DATA && slice_eq_nocase(r->name, slice_str(name));
}

/* ---- mailboxes ---- */

struct listing {
	struct arena *arena;
	struct imap_folders *folders;
	size_t cap;
};

static int add_folder(struct listing *l, const struct imap_listed *listed, struct err *err)
{
	struct imap_folders *f = l->folders;
	struct imap_listed *grown;

	if (f->n == IMAP_FOLDERS_MAX)
		return err_set(err, ERR_TOOBIG, "more than %d folders", IMAP_FOLDERS_MAX);
	if (f->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 64;
		grown = arena_array(l->arena, struct imap_listed, l->cap);
		if (!grown)
			return err_set(err, ERR_TOOBIG, "too many folders");
		if (f->n)
			memcpy(grown, f->list, f->n * sizeof(*grown));
		f->list = grown;
	}
	f->list[f->n] = *listed;
	f->list[f->n].name = arena_dup(l->arena, listed->name);
	if (!f->list[f->n++].name.ptr)
		return err_set(err, ERR_TOOBIG, "too many folders");
	return 0;
}

static int on_list(struct imap_client *c, void *context, struct imap_response *r, struct err *err)
{
	struct listing *l = context;
	struct imap_listed listed;
	struct slice prefix;
	int rc = 0;

	(void)c;
	if (is_named(r, "NAMESPACE")) {
		rc = imap_namespace_parse(&r->rest, &prefix, err);
		if (rc == 0)
			l->folders->prefix = arena_dup(l->arena, prefix);
	} else if (is_named(r, "LIST")) {
		if (imap_listed_parse(&r->rest, &listed, err) == 0 && listed.name.len)
			rc = add_folder(l, &listed, err);
		else
			l->folders->unreadable++;
	}
	return rc;
}

int imap_client_folders(
	struct imap_client *c, struct arena *arena, struct imap_folders *out, struct err *err)
{
	struct imap_folders folders = {.n = 0};
	struct listing l = {.arena = arena, .folders = &folders};
	int rc = 0;

	if (c->can & IMAP_CAN_NAMESPACE)
		rc = imap_command(c, slice_lit("NAMESPACE\r\n"), on_list, &l, err);
	if (rc == -ERR_CONFLICT)
		rc = 0; /* then without */
	if (rc == 0 && c->can & IMAP_CAN_SPECIAL_USE) {
		rc = imap_command(
			c, slice_lit("LIST \"\" \"*\" RETURN (SPECIAL-USE)\r\n"), on_list, &l, err);
		if (rc == 0)
			*out = folders;
		/* RFC 6154 2: who lists uses by themselves need not know RETURN. */
		if (rc != -ERR_CONFLICT)
			return rc;
		folders.n = folders.unreadable = 0;
		rc = 0;
	}
	if (rc == 0)
		rc = imap_command(c, slice_lit("LIST \"\" \"*\"\r\n"), on_list, &l, err);
	if (rc == 0)
		*out = folders;
	return rc;
}

/* Of a command with one mailbox. */
static int ask_about(struct imap_client *c, const char *before, struct slice folder,
	const char *behind, imap_heard_fn *heard, void *context, struct err *err)
{
	struct buf line AUTO(buf_done);
	int rc;

	buf_init(&line, COMMAND_MAX);
	buf_str(&line, before);
	rc = imap_put_name(&line, folder, err);
	buf_str(&line, behind);
	if (rc == 0)
		rc = buf_check(&line, "name", err);
	return rc < 0 ? rc : imap_command(c, buf_slice(&line), heard, context, err);
}

static int on_status(struct imap_client *c, void *context, struct imap_response *r, struct err *err)
{
	(void)c;
	return is_named(r, "STATUS") ? imap_messages_parse(&r->rest, context, err) : 0;
}

int imap_client_count(struct imap_client *c, struct slice folder, uint64_t *out, struct err *err)
{
	uint64_t n = 0;
	const int rc = ask_about(c, "STATUS ", folder, " (MESSAGES)\r\n", on_status, &n, err);

	if (rc == 0)
		*out = n;
	return rc;
}

static int on_examine(
	struct imap_client *c, void *context, struct imap_response *r, struct err *err)
{
	struct imap_folder *f = context;
	uint64_t n = 0;

	(void)c;
	(void)err;
	if (is_named(r, "EXISTS"))
		f->messages = r->number;
	if (slice_eq_nocase(r->code, slice_lit("UIDVALIDITY")) &&
		slice_to_u64(r->code_args, UINT32_MAX, &n))
		f->uidvalidity = (uint32_t)n;
	if (slice_eq_nocase(r->code, slice_lit("UIDNEXT")) &&
		slice_to_u64(r->code_args, UINT32_MAX, &n))
		f->uidnext = (uint32_t)n;
	return 0;
}

int imap_client_examine(
	struct imap_client *c, struct slice folder, struct imap_folder *out, struct err *err)
{
	struct imap_folder f = {.messages = 0};
	const int rc = ask_about(c, "EXAMINE ", folder, "\r\n", on_examine, &f, err);

	if (rc == 0)
		*out = f;
	return rc;
}

/* ---- what there is ---- */

struct look {
	struct arena *arena;
	struct imap_message *list; /* by UID, IMAP_BATCH and one more */
	size_t n;
	uint32_t first, last;
	bool is_cut; /* there are more */
};

static int copy_message(
	struct look *l, const struct imap_fetched *f, struct imap_message *m, struct err *err)
{
	*m = (struct imap_message){.uid = f->uid,
		.flags = f->flags.system,
		.size = f->size,
		.has_date = f->has_date,
		.date = f->date,
		.object = arena_dup(l->arena, f->object),
		.keywords_n = f->flags.keywords_n};
	m->keywords = arena_array(l->arena, struct slice, f->flags.keywords_n + 1);
	if (!m->keywords || (f->object.len && !m->object.ptr))
		return err_set(err, ERR_TOOBIG, "the server says too much of its messages");
	for (size_t i = 0; i < m->keywords_n; i++) {
		m->keywords[i] = arena_dup(l->arena, f->flags.keywords[i]);
		if (!m->keywords[i].ptr)
			return err_set(err, ERR_TOOBIG, "the server says too much of its messages");
	}
	return 0;
}

/* In its place by UID; the highest goes when there are too many. */
static int insert(struct look *l, const struct imap_fetched *f, struct err *err)
{
	size_t at = l->n;

	while (at && l->list[at - 1].uid > f->uid)
		at--;
	if (at && l->list[at - 1].uid == f->uid)
		return 0; /* told again, say because its flags changed */
	if (at == IMAP_BATCH) {
		l->is_cut = true;
		return 0;
	}
	memmove(&l->list[at + 1], &l->list[at], (l->n - at) * sizeof(*l->list));
	if (l->n == IMAP_BATCH)
		l->is_cut = true;
	else
		l->n++;
	return copy_message(l, f, &l->list[at], err);
}

static int on_look(struct imap_client *c, void *context, struct imap_response *r, struct err *err)
{
	struct look *l = context;
	struct imap_fetched f;
	int rc;

	(void)c;
	if (!is_named(r, "FETCH"))
		return 0;
	rc = imap_fetched_parse(&r->rest, &f, err);
	if (rc < 0)
		return rc;
	/* Another program may have changed a flag: that is no answer to what we asked. */
	if (!f.has_flags || !f.has_size || f.uid < l->first || f.uid > l->last)
		return 0;
	return insert(l, &f, err);
}

int imap_client_look(struct imap_client *c, uint32_t first, uint32_t last, struct arena *arena,
	struct imap_message **list_out, size_t *n_out, uint32_t *next_out, struct err *err)
{
	struct look l = {.arena = arena, .first = first, .last = last};
	struct buf line AUTO(buf_done);
	int rc;

	buf_init(&line, COMMAND_MAX);
	l.list = arena_array(arena, struct imap_message, IMAP_BATCH + 1);
	if (!l.list)
		return err_set(err, ERR_TOOBIG, "no memory for messages");
	buf_printf(&line, "UID FETCH %u:%u (UID FLAGS INTERNALDATE RFC822.SIZE%s)\r\n", first, last,
		c->can & IMAP_CAN_GMAIL      ? " X-GM-MSGID"
		: c->can & IMAP_CAN_OBJECTID ? " EMAILID"
					     : "");
	rc = imap_command(c, buf_slice(&line), on_look, &l, err);
	if (rc < 0)
		return rc;
	*list_out = l.list;
	*n_out = l.n;
	*next_out = l.is_cut ? l.list[l.n - 1].uid + 1 : last == UINT32_MAX ? 0 : last + 1;
	return 0;
}

bool imap_client_knows_objects(const struct imap_client *c)
{
	return c->can & (IMAP_CAN_GMAIL | IMAP_CAN_OBJECTID);
}

/* ---- texts ---- */

struct fetching {
	int spool_dir;
	uint64_t max;
	imap_take_fn *take;
	void *context;
};

/* So many bytes of the connection into the spool; what is too long is read and thrown away. */
static int take_text(struct imap_client *c, uint64_t size, struct spool *spool, struct err *err)
{
	int rc = 0;

	while (rc == 0 && size) {
		struct slice bytes = slice_head(peer_in(c->peer), size);

		if (bytes.len == 0) {
			rc = peer_fill(c->peer, c->config->patience_ms, err);
			continue;
		}
		if (spool)
			rc = spool_append(spool, bytes, err);
		size -= bytes.len;
		peer_take(c->peer, bytes.len);
	}
	return imap_broken(c, rc);
}

/* The pieces of the response behind its text; nothing more may be streamed. */
static int take_rest(struct imap_client *c, struct imap_fetched *f, struct err *err)
{
	static const struct imap_limits limits = {
		.string_max = 8192, .depth_max = 16, .items_max = IMAP_KEYWORDS_MAX};
	struct imap_frame frame;
	struct imap_lex lx;
	int rc = imap_hear(c, true, &frame, err);

	if (rc < 0)
		return rc;
	imap_lex_init(&lx, frame.text, &limits, &c->arena);
	rc = frame.piece == IMAP_PIECE_LINE ? imap_fetched_go_on(&lx, f, err)
					    : err_set(err, ERR_SYNTAX, "a message has two texts");
	imap_heard(c, &frame);
	return imap_broken(c, rc);
}

/* Of a text that stood within the response. */
static int keep_short(const struct fetching *t, const struct imap_fetched *f,
	struct spool **spool_out, struct err *err)
{
	struct spool *spool AUTO(spool_free) = spool_new(t->spool_dir, t->max);
	const int rc = spool_append(spool, f->body, err);

	if (rc < 0)
		return rc;
	*spool_out = spool;
	spool = NULL;
	return 0;
}

static int on_text(struct imap_client *c, const struct fetching *t, const struct imap_frame *frame,
	struct imap_response *r, struct err *err)
{
	struct spool *spool AUTO(spool_free) = NULL;
	struct imap_fetched f;
	int rc = imap_fetched_parse(&r->rest, &f, err);

	if (rc == 0 && !f.is_streamed && f.has_body && f.body.ptr)
		rc = keep_short(t, &f, &spool, err);
	imap_heard(c, frame);
	if (rc == 0 && f.is_streamed) {
		if (frame->body <= t->max)
			spool = spool_new(t->spool_dir, t->max);
		rc = take_text(c, frame->body, spool, err);
		if (rc == 0)
			rc = take_rest(c, &f, err);
	}
	if (rc == 0 && spool && f.uid) {
		struct spool *text = spool;

		spool = NULL;
		rc = t->take(t->context, f.uid, text, err);
	}
	return imap_broken(c, rc);
}

/* Until the command is answered. */
static int await_texts(struct imap_client *c, const struct fetching *t, struct err *err)
{
	struct imap_response r;
	struct imap_frame frame;
	int answered = 0;

	for (;;) {
		int rc = imap_hear(c, false, &frame, err);

		if (rc == 0)
			rc = imap_read(c, &frame, &r, &answered, err);
		if (rc < 0)
			return rc;
		if (rc == 0 && is_named(&r, "FETCH")) {
			rc = on_text(c, t, &frame, &r, err);
			if (rc < 0)
				return rc;
			continue;
		}
		if (frame.piece == IMAP_PIECE_BODY)
			return imap_broken(c, err_set(err, ERR_SYNTAX, "an unwanted text comes"));
		imap_heard(c, &frame);
		if (rc == 1)
			return answered;
	}
}

int imap_client_fetch(struct imap_client *c, const uint32_t *uids, size_t n, int spool_dir,
	uint64_t max, imap_take_fn *take, void *context, struct err *err)
{
	const struct fetching t = {
		.spool_dir = spool_dir, .max = max, .take = take, .context = context};
	struct buf line AUTO(buf_done);
	int rc;

	buf_init(&line, COMMAND_MAX);
	imap_tag(c, &line);
	buf_lit(&line, "UID FETCH ");
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_byte(&line, ',');
		buf_u64(&line, uids[i]);
	}
	buf_lit(&line, " (UID BODY.PEEK[])\r\n");
	rc = buf_check(&line, "command", err);
	if (rc == 0)
		rc = imap_say(c, buf_slice(&line), err);
	return rc < 0 ? rc : await_texts(c, &t, err);
}
