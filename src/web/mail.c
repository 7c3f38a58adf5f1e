/* mail.c - see mail.h for the contract. */
#include "web/mail.h"

#include <stdlib.h>
#include <string.h>

#include "wire/mime/text.h"

enum { CHUNK = 64 << 10, ADDRESSES_MAX = 200, ADDRESS_ARENA_MAX = 1 << 20 };

/* ---- folders ---- */

static const char *role_name(enum mailbox_role role)
{
	static const char *const names[] = {[ROLE_INBOX] = "inbox",
		[ROLE_DRAFTS] = "drafts",
		[ROLE_SENT] = "sent",
		[ROLE_JUNK] = "junk",
		[ROLE_TRASH] = "trash",
		[ROLE_ARCHIVE] = "archive"};

	return role < sizeof(names) / sizeof(names[0]) && names[role] ? names[role] : "folder";
}

struct slice mail_folder_name(const struct mailbox_info *m)
{
	return m->role == ROLE_INBOX ? slice_lit("Inbox") : m->name;
}

static json_t *folder_row(const struct mailbox_info *m, uint64_t current)
{
	const struct slice name = mail_folder_name(m);
	const size_t slash = slice_rchr(name, '/');
	json_t *row = json_object();
	unsigned depth = 0;

	for (size_t i = 0; i < name.len; i++)
		depth += name.ptr[i] == '/';
	json_set_id(row, "id", m->id);
	json_set_slice(row, "name", name);
	json_set_slice(row, "leaf", slash == SIZE_MAX ? name : slice_from(name, slash + 1));
	json_set_text(row, "role", role_name(m->role));
	json_object_set_new(row, "depth", json_integer(depth < 4 ? depth : 4));
	json_object_set_new(row, "unseen", json_integer(m->unseen));
	json_object_set_new(row, "messages", json_integer(m->messages));
	json_object_set_new(row, "is_current", json_boolean(m->id == current));
	json_object_set_new(row, "may_hold", json_boolean(!m->is_noselect));
	json_object_set_new(row, "may_change", json_boolean(m->role == ROLE_NONE));
	json_set_size(row, "size", m->bytes);
	return row;
}

/* The usual ones first, in the order people know. */
static int rank(const struct mailbox_info *m)
{
	static const enum mailbox_role order[] = {
		ROLE_INBOX, ROLE_DRAFTS, ROLE_SENT, ROLE_ARCHIVE, ROLE_JUNK, ROLE_TRASH};

	for (int i = 0; i < (int)(sizeof(order) / sizeof(order[0])); i++) {
		if (m->role == order[i])
			return i;
	}
	return 100;
}

static int by_rank(const void *a, const void *b)
{
	const struct mailbox_info *x = a, *y = b;
	const int difference = rank(x) - rank(y);

	return difference ? difference : slice_cmp(x->name, y->name);
}

bool mail_folders(struct http *x, json_t *values, uint64_t current)
{
	json_t *rows = json_array();
	struct mailbox_info *list;
	struct account_usage usage;
	size_t n;

	json_object_set_new(values, "folders", rows);
	if (!visit_mailboxes(x, &list, &n))
		return false;
	qsort(list, n, sizeof(*list), by_rank);
	for (size_t i = 0; i < n; i++) {
		if (list[i].id == 0)
			continue;
		json_array_append_new(rows, folder_row(&list[i], current));
		if (list[i].id != current)
			continue;
		json_set_slice(values, "title", mail_folder_name(&list[i]));
		json_set_text(values, "role", role_name(list[i].role));
		json_set_id(values, "folder", list[i].id);
	}
	account_usage(visit_of(x)->store, &usage);
	json_set_size(values, "used", usage.bytes);
	json_set_size(values, "quota", usage.quota_bytes);
	json_object_set_new(values, "has_quota", json_boolean(usage.quota_bytes != 0));
	json_set_true(values, "is_mail");
	return true;
}

bool mail_folder(struct http *x, struct mailbox_info *out)
{
	struct slice text = http_segment(x, "folder");
	struct account *account = visit_store(x);
	struct err err;
	uint64_t id = 0;
	int rc = -ERR_NOTFOUND;

	if (!account)
		return false;
	if (!text.ptr)
		text = http_form(x, "folder");
	if (!text.ptr)
		text = http_param(x, "folder");
	if (visit_id(text, &id) && id)
		rc = account_mailbox(
			account, (struct slice){0}, id, ROLE_NONE, http_arena(x), out, &err);
	if (rc < 0) {
		visit_fail(x, rc, &err);
		return false;
	}
	return true;
}

/* ---- one message ---- */

bool mail_open(struct http *x, struct mail_message *m)
{
	const struct slice text = http_segment(x, "uid");
	struct err err;
	uint64_t uid;
	int rc;

	buf_init(&m->blob, MIME_PREPARED_MAX);
	buf_init(&m->header, MAIL_HEADER_MAX);
	if (!mail_folder(x, &m->folder))
		return false;
	rc = view_open(
		visit_of(x)->store, m->folder.id, conn_ref(http_conn(x)), true, &m->view, &err);
	if (rc < 0) {
		visit_fail(x, rc, &err);
		return false;
	}
	if (!slice_to_u64(text, UINT32_MAX, &uid) ||
		!view_entry_uid(m->view, (uint32_t)uid, &m->entry)) {
		http_fail(x, 404);
		return false;
	}
	return true;
}

int mail_load(struct mail_message *m, struct account_reader *reader, struct err *err)
{
	uint64_t n;
	int rc = reader_message(reader, m->entry.message, &m->row, err);

	if (rc < 0)
		return rc;
	buf_clear(&m->blob);
	buf_append(&m->blob, m->row.prepared);
	rc = buf_check(&m->blob, "prepared message", err);
	if (rc == 0)
		rc = mime_prepared_open(buf_slice(&m->blob), &m->prepared, err);
	if (rc < 0)
		return rc;
	n = m->prepared.header_size < MAIL_HEADER_MAX ? m->prepared.header_size : MAIL_HEADER_MAX;
	buf_clear(&m->header);
	return reader_body(reader, m->entry.message, 0, (size_t)n, &m->header, err);
}

void mail_message_done(struct mail_message *m)
{
	if (m->view)
		view_free(&m->view);
	buf_done(&m->blob);
	buf_done(&m->header);
}

/* ---- parts ---- */

static void keep_within(struct buf *out, const struct buf *more, bool *is_cut_out)
{
	const size_t room = out->max - out->len;

	*is_cut_out |= more->len > room;
	buf_append(out, slice_head(buf_slice(more), room));
}

int mail_body(struct account_reader *reader, uint64_t message, const struct mime_section *part,
	bool is_text, struct buf *out, bool *is_cut_out, struct err *err)
{
	struct buf chunk AUTO(buf_done), decoded AUTO(buf_done);
	struct mime_text text;
	uint64_t at = part->body.start;
	int rc = 0;

	buf_init(&chunk, CHUNK);
	buf_init(&decoded, 8 * CHUNK);
	mime_text_init(&text, part->encoding, part->charset);
	*is_cut_out = false;
	while (rc == 0 && at < part->body.end && !*is_cut_out) {
		const uint64_t left = part->body.end - at;
		const size_t n = left < CHUNK ? (size_t)left : CHUNK;

		buf_clear(&chunk);
		buf_clear(&decoded);
		rc = reader_body(reader, message, at, n, &chunk, err);
		at += n;
		if (is_text)
			mime_text_feed(&text, buf_slice(&chunk), &decoded);
		else
			mime_decoder_feed(&text.decoder, buf_slice(&chunk), &decoded);
		if (at == part->body.end && is_text)
			mime_text_finish(&text, &decoded);
		else if (at == part->body.end)
			mime_decoder_finish(&text.decoder, &decoded);
		keep_within(out, &decoded, is_cut_out);
	}
	mime_text_done(&text);
	return rc;
}

static struct slice without_brackets(struct slice id)
{
	id = slice_trim(id);
	if (id.len >= 2 && id.ptr[0] == '<' && id.ptr[id.len - 1] == '>')
		return (struct slice){id.ptr + 1, id.len - 2};
	return id;
}

int mail_part_read(struct account_reader *reader, uint64_t message,
	const struct mime_section *section, struct mail_part *out, struct err *err)
{
	const uint64_t size = section->mime.end - section->mime.start;
	struct mime_parser *parser;
	struct buf header AUTO(buf_done);
	struct mime_part *root;
	int rc;

	buf_init(&header, MAIL_HEADER_MAX);
	rc = reader_body(reader, message, section->mime.start,
		size < MAIL_HEADER_MAX ? (size_t)size : MAIL_HEADER_MAX, &header, err);
	if (rc < 0)
		return rc;
	parser = mime_parser_new(&mime_limits_default);
	mime_parser_feed(parser, buf_slice(&header));
	out->message = mime_parser_finish(parser);
	mime_parser_free(&parser);
	root = out->message->root;
	out->type = root->type;
	out->subtype = root->subtype;
	out->id = without_brackets(root->id);
	out->name = mime_param_text(&root->disposition_params, slice_lit("filename"));
	if (!out->name.ptr)
		out->name = mime_param_text(&root->params, slice_lit("name"));
	return 0;
}

int mail_walk_next(struct mail_walk *walk, struct mime_section *out, struct err *err)
{
	for (;;) {
		const int rc = mime_prepared_next(walk->prepared, &walk->at, out, err);

		if (rc <= 0)
			return rc;
		walk->number++;
		/* The whole message comes first, also where it is one leaf. */
		if (out->kind == MIME_MULTIPART || out->body.start < walk->inside_end)
			continue;
		if (out->kind == MIME_MESSAGE)
			walk->inside_end = out->body.end;
		return 1;
	}
}

int mail_find_part(const struct mime_prepared *prepared, unsigned number, struct mime_section *out,
	struct err *err)
{
	struct mail_walk walk = {.prepared = prepared};
	int rc;

	while ((rc = mail_walk_next(&walk, out, err)) > 0) {
		if (walk.number == number)
			return 0;
	}
	return rc < 0 ? rc : err_set(err, ERR_NOTFOUND, "no such part");
}

/* ---- what is shown ---- */

void mail_set_field(json_t *values, const char *key, struct slice header, const char *field)
{
	struct mime_field found;
	struct buf text AUTO(buf_done);

	buf_init(&text, MAIL_HEADER_MAX * 4);
	if (mime_header_find(header, slice_str(field), &found))
		mime_header_decode(found.value, &text);
	json_set_slice(values, key, buf_slice(&text));
}

static void put_address(const struct mime_address *a, bool is_short, struct buf *out)
{
	const size_t before = out->len;
	bool has_name;

	mime_header_decode(a->name, out);
	has_name = out->len > before;
	if (has_name && is_short)
		return;
	if (has_name)
		buf_lit(out, " <");
	buf_append(out, a->mailbox);
	if (a->domain.len) {
		buf_byte(out, '@');
		buf_append(out, a->domain);
	}
	if (has_name)
		buf_byte(out, '>');
}

static void put_addresses(struct slice value, bool is_short, struct buf *out)
{
	struct arena arena AUTO(arena_done);
	const struct mime_address *a;

	arena_init(&arena, ADDRESS_ARENA_MAX);
	for (a = mime_address_parse(value, ADDRESSES_MAX, &arena); a; a = a->next) {
		if (a->kind != MIME_ADDRESS_MAILBOX)
			continue;
		if (out->len)
			buf_lit(out, ", ");
		put_address(a, is_short, out);
	}
}

static void set_addresses(
	json_t *values, const char *key, struct slice header, const char *field, bool is_short)
{
	struct mime_field found;
	struct buf text AUTO(buf_done);

	buf_init(&text, MAIL_HEADER_MAX * 4);
	if (mime_header_find(header, slice_str(field), &found))
		put_addresses(found.value, is_short, &text);
	json_set_slice(values, key, buf_slice(&text));
}

void mail_set_addresses(json_t *values, const char *key, struct slice header, const char *field)
{
	set_addresses(values, key, header, field, false);
}

/* Something that a reader would save rather than read. */
static bool has_files(const struct mime_prepared *prepared)
{
	struct mail_walk walk = {.prepared = prepared};
	struct mime_section part;
	struct err err;

	while (mail_walk_next(&walk, &part, &err) > 0) {
		if (part.is_attachment || part.kind == MIME_MESSAGE)
			return true;
	}
	return false;
}

static void set_flag(json_t *row, const char *key, bool is_true)
{
	if (is_true) /* what is not there is false */
		json_set_true(row, key);
}

void mail_set_line(json_t *row, const struct mime_prepared *prepared,
	const struct view_entry *entry, const char *people)
{
	set_addresses(row, "people", prepared->fields, people, true);
	mail_set_field(row, "subject", prepared->fields, "Subject");
	json_object_set_new(row, "uid", json_integer(entry->uid));
	json_set_when(row, "when", entry->received_s);
	set_flag(row, "is_unread", !(entry->flags & FLAG_SEEN));
	set_flag(row, "is_flagged", entry->flags & FLAG_FLAGGED);
	set_flag(row, "is_answered", entry->flags & FLAG_ANSWERED);
	set_flag(row, "has_files", has_files(prepared));
}

/* ---- forms ---- */

static int by_number(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

uint32_t *mail_uids(struct http *x, size_t *n_out)
{
	uint32_t *uids = arena_array(http_arena(x), uint32_t, MAIL_UIDS_MAX);
	struct slice value;
	size_t at = 0, n = 0, kept = 0;
	uint64_t uid;

	while (uids && n < MAIL_UIDS_MAX && http_form_next(x, "uid", &at, &value)) {
		if (slice_to_u64(value, UINT32_MAX, &uid) && uid)
			uids[n++] = (uint32_t)uid;
	}
	if (!uids || n == 0)
		return NULL;
	qsort(uids, n, sizeof(*uids), by_number);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || uids[i] != uids[i - 1])
			uids[kept++] = uids[i];
	}
	*n_out = kept;
	return uids;
}
