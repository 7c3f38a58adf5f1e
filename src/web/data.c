/*
 * data.c - the settings page by which mail comes in files, and leaves in one.
 *
 * A body is taken before anybody knows whose it is; so large ones are taken only by a cookie that
 * was shown the page in the last hours.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/mem.h"
#include "base/spool.h"
#include "mail/export.h"
#include "transfer/transfer.h"
#include "web/mail.h"
#include "web/note.h"
#include "web/pages.h"
#include "web/settings.h"

enum {
	IMPORT_MS = 6 * 3600 * 1000,
	TURN_MS = 10,
	PIECE = 64 << 10,
	PROBLEMS_MAX = 100,
	FILES_MAX = 1000000,
	PATH_ROOM = 8 * MAILBOX_NAME_MAX,
};

/* However little the archive is: what it unpacks to. */
static const uint64_t unpacked_max = 4ull << 30;

/* ---- who may send large files ---- */

static struct slice uploader(struct slice cookie, unsigned char hash[SHA256_LEN])
{
	sha256(cookie, hash);
	return (struct slice){(const char *)hash, TALLY_KEY_MAX};
}

static void admit(const struct visit *v)
{
	unsigned char hash[SHA256_LEN];

	pthread_mutex_lock(&v->web->uploaders_lock);
	tally_add(&v->web->uploaders, uploader(v->cookie, hash), clock_mono_ms());
	pthread_mutex_unlock(&v->web->uploaders_lock);
}

size_t data_body_max(struct http *x)
{
	struct web *web = http_context(x);
	const struct slice cookie = http_cookie(x, "session");
	unsigned char hash[SHA256_LEN];
	bool is_known;

	if (http_row(x)->run != page_data_import)
		return SIZE_MAX;
	pthread_mutex_lock(&web->uploaders_lock);
	is_known = cookie.len &&
		   tally_get(&web->uploaders, uploader(cookie, hash), clock_mono_ms()) > 0;
	pthread_mutex_unlock(&web->uploaders_lock);
	return is_known ? SIZE_MAX : WEB_FORM_MAX;
}

/* ---- the page ---- */

static bool put_folders(struct http *x, json_t *values)
{
	json_t *rows = json_array();
	struct mailbox_info *list;
	size_t n;

	json_object_set_new(values, "into", rows);
	if (!visit_mailboxes(x, &list, &n))
		return false;
	for (size_t i = 0; i < n; i++) {
		json_t *row;

		if (list[i].id == 0 || list[i].is_noselect)
			continue;
		row = json_object();
		json_set_id(row, "id", list[i].id);
		json_set_slice(row, "name", mail_folder_name(&list[i]));
		json_array_append_new(rows, row);
	}
	return true;
}

static void show(struct http *x, unsigned status, json_t *values)
{
	if (!put_folders(x, values)) {
		json_decref(values);
		return;
	}
	json_set_size(values, "upload", WEB_UPLOAD_MAX);
	admit(visit_of(x));
	visit_page(x, status, "data", values);
}

void page_data(struct http *x)
{
	show(x, 200, settings_values("data", "Import and export"));
}

/* ---- export ---- */

struct download {
	struct source source;
	struct mail_export *export;
};

static int download_pull(struct source *source, struct conn *c, struct buf *out, struct err *err)
{
	return mail_export_pull(((struct download *)(void *)source)->export, conn_ref(c), out, err);
}

static void download_free(struct source *source)
{
	struct download *d = (struct download *)(void *)source;

	mail_export_free(&d->export);
	free(d);
}

void page_data_export(struct http *x)
{
	const struct visit *v = visit_of(x);
	enum mail_export_format format;
	struct mail_export *export;
	struct download *d;
	struct err err;
	int rc;

	if (!mail_export_format(http_param(x, "format"), &format)) {
		http_fail(x, 400);
		return;
	}
	rc = mail_export_open(v->service, v->account.id, format, (struct slice){0}, &export, &err);
	if (rc < 0) {
		visit_fail(x, rc, &err);
		return;
	}
	note_event(x, v->account.id, "export", NULL);
	http_set(x, "Cache-Control", slice_lit("no-store"));
	http_set_filename(x, true, mail_export_name(export));
	d = mem_new(struct download);
	d->source = (struct source){.pull = download_pull, .free = download_free};
	d->export = export;
	http_reply_source(x, 200, mail_export_type(export), &d->source, -1);
}

/* ---- import ---- */

/* Read and stored in turns on the pool; goes on when the browser has gone. */
struct upload {
	struct pool_job job;
	struct service *service;
	struct conn_ref who;
	uint64_t ticket;
	struct spool *body; /* holds what files reads */
	struct transfer *transfer;
	struct transfer_item item;
	enum transfer_kind kind; /* of item; TRANSFER_AGAIN: there is none */
	struct mail_import *import;
	struct incoming *in; /* the message that is being read */
	bool is_too_large, is_dirty;
	struct buf into, path, next;
	enum mailbox_role role;
	json_t *problems;
	int rc;
	struct err err, broken;
	bool is_broken;
};

static void upload_free(void *data)
{
	struct upload *u = data;

	if (u->in)
		incoming_free(&u->in);
	transfer_free(&u->transfer);
	mail_import_free(&u->import);
	spool_free(&u->body);
	buf_done(&u->into);
	buf_done(&u->path);
	buf_done(&u->next);
	json_decref(u->problems);
	free(u);
}

static void on_problem(void *context, struct slice where, const char *why)
{
	struct upload *u = context;
	json_t *row;

	if (json_array_size(u->problems) == PROBLEMS_MAX)
		return;
	row = json_object();
	json_set_slice(row, "where", where);
	json_set_text(row, "why", why);
	json_array_append_new(u->problems, row);
}

static void end(struct upload *u, int rc)
{
	struct answer answer = {.rc = rc, .data = u, .free_data = upload_free};

	if (rc < 0)
		answer.err = u->err;
	pool_answer(u->service->pool, u->who, u->ticket, &answer);
}

static void on_flushed(void *context, int rc, const struct err *err)
{
	struct upload *u = context;

	u->is_dirty = false;
	u->rc = rc;
	if (rc < 0)
		u->err = *err;
	pool_run(u->service->pool, POOL_BULK, &u->job);
}

/* Whether what was read before has to be stored first. */
static bool enter_place(struct upload *u, int *rc)
{
	enum mailbox_role role;

	mail_import_place(
		buf_slice(&u->into), u->item.path, u->item.is_alone, u->item.role, &u->next, &role);
	if (u->path.len && role == u->role && slice_eq(buf_slice(&u->next), buf_slice(&u->path)))
		return false;
	if (u->is_dirty)
		return true;
	buf_clear(&u->path);
	buf_append(&u->path, buf_slice(&u->next));
	u->role = role;
	u->is_dirty = true;
	*rc = mail_import_mailbox(
		u->import, buf_slice(&u->path), role, u->item.is_subscribed, &u->err);
	return false;
}

static int add_message(struct upload *u)
{
	const struct mail_import_message m = {.in = u->in,
		.flags = u->item.flags.system,
		.keywords = u->item.flags.keywords,
		.keywords_n = u->item.flags.keywords_n,
		.where = u->item.where};
	int rc = 0;

	if (u->item.has_date) {
		u->in->received_s = u->item.date_s;
		u->in->zone_min = u->item.zone_min;
	}
	if (u->is_too_large)
		mail_import_refuse(u->import, u->item.where);
	else
		rc = incoming_finish(u->in, &u->err);
	if (rc == 0 && !u->is_too_large)
		mail_import_add(u->import, &m);
	incoming_free(&u->in);
	return rc;
}

/* A piece of the message; the last one adds it. */
static int read_message(struct upload *u)
{
	struct store *store = u->service->store;
	struct buf piece AUTO(buf_done);
	struct err err;

	buf_init(&piece, 4 * PIECE);
	if (!u->in) {
		u->in = incoming_new(store_spool_dir(store), store_message_max(store));
		u->is_too_large = false;
	}
	if (!u->is_too_large && text_pull(&u->item.text, &piece, PIECE)) {
		u->is_too_large = incoming_append(u->in, buf_slice(&piece), &err) < 0;
		return 0;
	}
	u->kind = TRANSFER_AGAIN;
	u->is_dirty = true;
	return add_message(u);
}

static int read_item(struct upload *u)
{
	const int kind = transfer_next(u->transfer, &u->item, &u->broken);

	u->is_broken = kind < 0;
	u->kind = kind < 0 ? TRANSFER_END : (enum transfer_kind)kind;
	if (u->kind == TRANSFER_SKIPPED)
		on_problem(u, u->item.where, u->item.why);
	return 0;
}

/* One step; *is_flush_out: what was read has to be stored before the next. */
static int step(struct upload *u, bool *is_flush_out)
{
	int rc = 0;

	if (u->kind != TRANSFER_MESSAGE && u->kind != TRANSFER_MAILBOX)
		return read_item(u);
	if (!u->in)
		*is_flush_out = mail_import_is_full(u->import) || enter_place(u, &rc);
	if (rc < 0 || *is_flush_out)
		return rc;
	if (u->kind == TRANSFER_MESSAGE)
		return read_message(u);
	u->kind = TRANSFER_AGAIN;
	return 0;
}

static void turn(struct pool_job *job)
{
	struct upload *u = (struct upload *)(void *)((char *)job - offsetof(struct upload, job));
	const int64_t until_ms = clock_mono_ms() + TURN_MS;
	bool is_flush = false;

	while (u->rc == 0 && !is_flush && u->kind != TRANSFER_END && clock_mono_ms() < until_ms)
		u->rc = step(u, &is_flush);
	if (u->rc < 0 || (u->kind == TRANSFER_END && !u->is_dirty))
		end(u, u->rc);
	else if (is_flush || u->kind == TRANSFER_END)
		mail_import_flush(u->import, on_flushed, u);
	else
		pool_run(u->service->pool, POOL_BULK, &u->job);
}

static void put_result(json_t *values, struct upload *u)
{
	struct mail_import_counts n;

	mail_import_counts(u->import, &n);
	json_set_true(values, "has_result");
	json_object_set_new(
		values, "is_good", json_boolean(!u->is_broken && !n.too_large && !n.over_quota));
	if (u->is_broken)
		json_set_text(values, "broken", u->broken.msg);
	json_object_set_new(values, "added", json_integer((json_int_t)n.added));
	json_object_set_new(values, "repeated", json_integer((json_int_t)n.repeated));
	json_object_set_new(values, "too_large", json_integer((json_int_t)n.too_large));
	json_object_set_new(values, "over_quota", json_integer((json_int_t)n.over_quota));
	json_object_set_new(values, "keywords", json_integer((json_int_t)n.keywords_left_out));
	json_object_set(values, "problems", u->problems);
	json_object_set_new(values, "has_problems", json_boolean(json_array_size(u->problems) > 0));
}

static void on_imported(struct http *x, struct answer *answer)
{
	json_t *values = settings_values("data", "Import and export");

	if (answer->rc < 0 || !answer->data) {
		form_error(values, "file",
			answer->rc == -ERR_QUOTA || answer->rc == -ERR_TOOBIG
				? answer->err.msg
				: "This cannot be done just now. Please try again.");
	} else {
		put_result(values, answer->data);
		note_event(x, visit_of(x)->account.id, "import", NULL);
	}
	if (answer->data)
		upload_free(answer->data);
	show(x, answer->rc < 0 ? settings_status(answer->rc) : 200, values);
}

/* The folder that was chosen; false: there is none of that number. */
static bool take_folder(struct http *x, struct buf *into)
{
	const struct slice field = http_form(x, "folder");
	struct account *account = visit_store(x);
	struct mailbox_info info;
	struct err err;
	uint64_t id;

	if (field.len == 0)
		return true;
	if (!account || !visit_id(field, &id) || id == 0 ||
		account_mailbox(
			account, (struct slice){0}, id, ROLE_NONE, http_arena(x), &info, &err) < 0)
		return false;
	buf_append(into, info.name);
	return true;
}

static int begin(struct http *x, struct upload *u, const struct http_file *file, struct err *err)
{
	const struct visit *v = visit_of(x);
	const uint64_t quota = v->account.quota_bytes;
	const struct files_limits limits = {quota && quota < unpacked_max ? quota : unpacked_max,
		FILES_MAX, v->web->config.spool_dirfd};
	struct files *files;
	int rc = mail_import_open(v->service, v->account.id, IMPORT_ONCE, &u->import, err);

	if (rc == 0)
		rc = files_open_bytes(file->bytes, file->name, &limits, &files, err);
	if (rc < 0)
		return rc;
	u->transfer = transfer_new(files);
	mail_import_tell(u->import, on_problem, u);
	return 0;
}

static struct upload *upload_new(struct http *x)
{
	struct upload *u = mem_new(struct upload);

	u->job.run = turn;
	u->service = visit_of(x)->service;
	u->body = http_body_hold(x);
	u->kind = TRANSFER_AGAIN;
	u->problems = json_array();
	buf_init(&u->into, PATH_ROOM);
	buf_init(&u->path, PATH_ROOM);
	buf_init(&u->next, PATH_ROOM);
	return u;
}

void page_data_import(struct http *x)
{
	struct upload *u = upload_new(x);
	const char *trouble = NULL;
	struct http_file file;
	struct err err;
	size_t at = 0;
	json_t *values;

	if (!http_file_next(x, "file", &at, &file) || file.bytes.len == 0)
		trouble = "Please choose a file.";
	else if (!take_folder(x, &u->into))
		trouble = "There is no such folder.";
	else if (begin(x, u, &file, &err) < 0)
		trouble = err.msg;
	if (!trouble) {
		u->who = conn_ref(http_conn(x));
		u->ticket = http_park(x, IMPORT_MS, on_imported);
		pool_run(u->service->pool, POOL_BULK, &u->job);
		return;
	}
	values = settings_values("data", "Import and export");
	form_error(values, "file", trouble);
	upload_free(u);
	show(x, 422, values);
}
