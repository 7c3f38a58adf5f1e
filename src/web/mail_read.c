/* mail_read.c - one message: its page, its HTML in a frame, its parts to save, its source. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "web/html.h"
#include "web/mail.h"
#include "web/pages.h"
#include "web/templates.h"
#include "web/text.h"
#include "wire/mime/text.h"

/* HTML mail in its frame: nothing runs, nothing is loaded, nothing leads out but links that open a
 * window of their own. */
static const char frame_policy[] =
	"default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; "
	"base-uri 'none'; frame-ancestors 'self'; sandbox allow-popups "
	"allow-popups-to-escape-sandbox";
static const char file_policy[] = "default-src 'none'; frame-ancestors 'none'; sandbox";

enum { CHUNK = 64 << 10 };

struct reading_page {
	struct mail_message m;
	json_t *values;
};

static void free_page(void *more)
{
	struct reading_page *p = more;

	mail_message_done(&p->m);
	json_decref(p->values);
}

static struct reading_page *open_page(struct http *x)
{
	struct reading_page *p = visit_keep(x, sizeof(*p), free_page);

	if (!p) {
		http_fail(x, 413);
		return NULL;
	}
	p->values = json_object();
	return mail_open(x, &p->m) ? p : NULL;
}

/* ---- the page ---- */

/* The first text and the first HTML are what is read; the rest can be saved. */
struct chosen {
	struct mime_section text, html;
	bool has_text, has_html;
};

static bool is_body(struct chosen *c, const struct mime_section *part)
{
	if (part->kind != MIME_LEAF || !part->is_text || part->is_attachment)
		return false;
	if (part->is_html && !c->has_html) {
		c->html = *part;
		return c->has_html = true;
	}
	if (!part->is_html && !c->has_text) {
		c->text = *part;
		return c->has_text = true;
	}
	return false;
}

static int put_file(struct http *x, struct reading_page *p, struct account_reader *reader,
	const struct mime_section *part, unsigned number, json_t *files, struct err *err)
{
	struct mail_part info = {0};
	json_t *row = json_object();
	char type[128], fallback[32];
	int rc = mail_part_read(reader, p->m.entry.message, part, &info, err);

	(void)x;
	if (rc < 0) {
		json_decref(row);
		return rc;
	}
	snprintf(type, sizeof(type), "%.*s/%.*s", SLICE_ARG(info.type), SLICE_ARG(info.subtype));
	snprintf(fallback, sizeof(fallback),
		part->kind == MIME_MESSAGE ? "message-%u.eml" : "part-%u", number);
	json_object_set_new(row, "number", json_integer(number));
	json_set_slice(row, "name", info.name.len ? info.name : slice_str(fallback));
	json_set_slice(row, "type", slice_str(type));
	json_set_size(row, "size",
		(part->body.end - part->body.start) / (part->encoding == MIME_BASE64 ? 4 : 3) * 3);
	json_array_append_new(files, row);
	mime_message_free(&info.message);
	return 0;
}

static int put_files(struct http *x, struct reading_page *p, struct account_reader *reader,
	struct chosen *chosen, struct err *err)
{
	struct mail_walk walk = {.prepared = &p->m.prepared};
	json_t *files = json_array();
	struct mime_section part;
	int rc;

	json_object_set_new(p->values, "files", files);
	while ((rc = mail_walk_next(&walk, &part, err)) > 0) {
		if (is_body(chosen, &part))
			continue;
		rc = put_file(x, p, reader, &part, walk.number, files, err);
		if (rc < 0)
			return rc;
	}
	json_object_set_new(p->values, "has_files", json_boolean(json_array_size(files) > 0));
	return rc;
}

static int put_text(struct reading_page *p, struct account_reader *reader,
	const struct mime_section *part, struct err *err)
{
	struct buf text AUTO(buf_done), plain AUTO(buf_done), shown AUTO(buf_done);
	bool is_cut = false;
	int rc;

	buf_init(&text, WEB_BODY_TEXT_MAX);
	buf_init(&plain, WEB_BODY_TEXT_MAX);
	buf_init(&shown, WEB_PAGE_MAX - (64 << 10));
	rc = mail_body(reader, p->m.entry.message, part, true, &text, &is_cut, err);
	if (rc < 0)
		return rc;
	if (part->is_html)
		html_to_text(buf_slice(&text), &plain);
	text_to_html(part->is_html ? buf_slice(&plain) : buf_slice(&text), &shown);
	json_set_slice(p->values, "body", buf_slice(&shown));
	json_object_set_new(p->values, "is_cut", json_boolean(is_cut || shown.failed));
	return 0;
}

/* Browsers that draw no frames are given the text at once. */
static bool is_text_browser(struct http *x)
{
	static const char *const names[] = {"w3m", "Lynx", "Links", "ELinks"};
	const struct slice agent = http_header(x, "user-agent");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slice_starts_nocase(agent, slice_str(names[i])))
			return true;
	}
	return false;
}

static int put_body(
	struct http *x, struct reading_page *p, struct account_reader *reader, struct err *err)
{
	const struct slice wish = http_param(x, "view");
	struct chosen c = {0};
	int rc = put_files(x, p, reader, &c, err);
	bool is_html = c.has_html;

	if (rc < 0)
		return rc;
	if (slice_eq(wish, slice_lit("text")) || (!wish.ptr && is_text_browser(x)))
		is_html = false;
	json_object_set_new(p->values, "is_html", json_boolean(is_html));
	json_object_set_new(p->values, "has_html", json_boolean(c.has_html));
	if (is_html)
		return 0;
	if (!c.has_text && !c.has_html) {
		json_set_true(p->values, "is_empty");
		return 0;
	}
	return put_text(p, reader, c.has_text ? &c.text : &c.html, err);
}

static void put_neighbours(struct reading_page *p)
{
	struct view_entry entry;

	if (view_entry(p->m.view, p->m.entry.seq + 1, &entry))
		json_object_set_new(p->values, "newer", json_integer(entry.uid));
	if (p->m.entry.seq > 1 && view_entry(p->m.view, p->m.entry.seq - 1, &entry))
		json_object_set_new(p->values, "older", json_integer(entry.uid));
}

static void put_header(struct http *x, struct reading_page *p)
{
	static const struct {
		const char *key, *field;
	} rows[] = {{"from_full", "From"}, {"to_full", "To"}, {"cc_full", "Cc"},
		{"bcc_full", "Bcc"}, {"reply_to", "Reply-To"}};
	const struct slice header = buf_slice(&p->m.header);

	mail_set_line(p->values, &p->m.prepared, &p->m.entry, "From");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		mail_set_addresses(p->values, rows[i].key, header, rows[i].field);
	if (p->m.prepared.has_date)
		json_set_when(p->values, "sent", p->m.prepared.date.utc);
	mail_set_field(p->values, "list", header, "List-Id");
	unsubscribe_put(x, p->values, header);
	json_object_set_new(p->values, "is_trash", json_boolean(p->m.folder.role == ROLE_TRASH));
	json_object_set_new(p->values, "is_junk", json_boolean(p->m.folder.role == ROLE_JUNK));
}

/* ---- read is seen ---- */

struct seen {
	struct visit_write w;
	uint64_t mailbox;
	uint32_t uid;
};

static int run_seen(struct account_write *item, struct account_tx *tx, struct err *err)
{
	struct seen *s = (struct seen *)item;

	return tx_flags(tx, s->mailbox, &s->uid, 1, FLAGS_ADD, FLAG_SEEN, UINT64_MAX, NULL, err);
}

static void finish_page(struct http *x)
{
	struct reading_page *p = visit_of(x)->more;

	if (!mail_folders(x, p->values, p->m.folder.id))
		return;
	json_object_set(p->values, "folder_title", json_object_get(p->values, "title"));
	json_object_set(p->values, "title", json_object_get(p->values, "subject"));
	visit_page(x, 200, "read", json_incref(p->values));
}

/* The page is shown whatever came of it: a full disk shall not keep anybody from reading. */
static void on_seen(struct http *x, struct answer *answer)
{
	visit_answer_done(answer);
	finish_page(x);
}

static void mark_seen(struct http *x, const struct reading_page *p)
{
	struct seen *s = visit_write_new(x, sizeof(*s), run_seen);

	s->mailbox = p->m.folder.id;
	s->uid = p->m.entry.uid;
	visit_write(x, &s->w, on_seen);
}

static void show_message(struct http *x, struct account_reader *reader)
{
	struct reading_page *p = visit_of(x)->more;
	struct err err;
	int rc = mail_load(&p->m, reader, &err);

	if (rc == 0) {
		put_header(x, p);
		put_neighbours(p);
		rc = put_body(x, p, reader, &err);
	}
	if (rc < 0)
		visit_fail(x, rc, &err);
	else if (p->m.entry.flags & FLAG_SEEN)
		finish_page(x);
	else
		mark_seen(x, p);
}

void page_read(struct http *x)
{
	if (open_page(x))
		visit_read(x, show_message);
}

/* ---- HTML in its frame ---- */

struct pictures {
	struct reading_page *page;
	struct account_reader *reader;
	uint64_t left; /* bytes that all of them may still take */
};

static int put_picture(struct pictures *p, const struct mime_section *part,
	const struct mail_part *info, struct buf *out, struct err *err)
{
	char type[64];
	bool may_show = false, is_cut;
	const char *safe;
	struct buf bytes AUTO(buf_done);
	int rc;

	buf_init(&bytes, MAIL_PICTURE_MAX);
	snprintf(type, sizeof(type), "%.*s/%.*s", SLICE_ARG(info->type), SLICE_ARG(info->subtype));
	safe = text_safe_type(slice_str(type), &may_show);
	if (!may_show || !slice_starts(slice_str(safe), slice_lit("image/")))
		return 0;
	rc = mail_body(p->reader, p->page->m.entry.message, part, false, &bytes, &is_cut, err);
	if (rc < 0 || is_cut || bytes.len > p->left)
		return rc;
	p->left -= bytes.len;
	buf_printf(out, "data:%s;base64,", safe);
	base64_encode(out, buf_slice(&bytes));
	return 1;
}

/* html_options.picture: "cid:" names a part of the same message (RFC 2392). */
static bool find_picture(void *context, struct slice id, struct buf *out)
{
	struct pictures *p = context;
	struct mail_walk walk = {.prepared = &p->page->m.prepared};
	struct mime_section part;
	struct err err;
	int found = 0;

	while (!found && mail_walk_next(&walk, &part, &err) > 0) {
		struct mail_part info = {0};

		if (part.is_text || part.kind != MIME_LEAF)
			continue;
		if (mail_part_read(p->reader, p->page->m.entry.message, &part, &info, &err) < 0)
			return false;
		if (slice_eq(info.id, id))
			found = put_picture(p, &part, &info, out, &err);
		mime_message_free(&info.message);
	}
	return found > 0;
}

static int find_html(struct reading_page *p, struct mime_section *out, struct err *err)
{
	struct mail_walk walk = {.prepared = &p->m.prepared};
	struct chosen c = {0};
	int rc;

	while ((rc = mail_walk_next(&walk, out, err)) > 0) {
		if (is_body(&c, out) && c.has_html) {
			*out = c.html;
			return 0;
		}
	}
	return rc < 0 ? rc : err_set(err, ERR_NOTFOUND, "no HTML");
}

static void show_html(struct http *x, struct account_reader *reader)
{
	struct reading_page *p = visit_of(x)->more;
	struct pictures pictures = {.page = p, .reader = reader, .left = 2 * MAIL_PICTURE_MAX};
	const struct html_options options = {.picture = find_picture, .context = &pictures};
	struct buf html AUTO(buf_done), clean AUTO(buf_done);
	struct html_result result = {0};
	struct mime_section part;
	struct err err;
	bool is_cut = false;
	int rc = mail_load(&p->m, reader, &err);

	buf_init(&html, HTML_INPUT_MAX);
	buf_init(&clean, WEB_PAGE_MAX - (64 << 10));
	if (rc == 0)
		rc = find_html(p, &part, &err);
	if (rc == 0)
		rc = mail_body(reader, p->m.entry.message, &part, true, &html, &is_cut, &err);
	if (rc < 0) {
		visit_fail(x, rc, &err);
		return;
	}
	html_clean(buf_slice(&html), &options, &clean, &result);
	json_set_slice(p->values, "html", buf_slice(&clean));
	json_object_set_new(p->values, "outside", json_integer((json_int_t)result.outside));
	json_object_set_new(
		p->values, "is_cut", json_boolean(is_cut || result.is_cut || clean.failed));
	http_set(x, "Content-Security-Policy", slice_str(frame_policy));
	visit_page(x, 200, "frame", json_incref(p->values));
}

void page_read_html(struct http *x)
{
	if (open_page(x))
		visit_read(x, show_html);
}

/* ---- parts and the source, as the socket takes them ---- */

struct part_source {
	struct source source;
	struct account *account;
	uint64_t message, at, end;
	bool is_decoded;
	struct mime_decoder decoder;
};

static void free_part_source(struct source *source)
{
	struct part_source *s = (struct part_source *)source;

	account_free(&s->account);
	free(s);
}

static int pull_part(struct source *source, struct conn *c, struct buf *out, struct err *err)
{
	struct part_source *s = (struct part_source *)source;
	const uint64_t left = s->end - s->at;
	const size_t n = left < CHUNK ? (size_t)left : CHUNK;
	struct account_reader *reader;
	struct buf chunk AUTO(buf_done);
	int rc;

	buf_init(&chunk, CHUNK);
	rc = account_reader(s->account, conn_ref(c), &reader, err);
	if (rc == -ERR_BUSY)
		return SOURCE_WAIT;
	if (rc < 0)
		return rc;
	rc = reader_body(reader, s->message, s->at, n, s->is_decoded ? &chunk : out, err);
	account_reader_free(&reader);
	if (rc < 0)
		return rc;
	s->at += n;
	if (s->is_decoded)
		mime_decoder_feed(&s->decoder, buf_slice(&chunk), out);
	if (s->at < s->end)
		return SOURCE_MORE;
	if (s->is_decoded)
		mime_decoder_finish(&s->decoder, out);
	return SOURCE_DONE;
}

static struct part_source *source_new(struct http *x, uint64_t message, struct mime_range range)
{
	struct part_source *s = mem_new(struct part_source);

	s->source = (struct source){.pull = pull_part, .free = free_part_source};
	s->account = account_ref(visit_of(x)->store);
	s->message = message;
	s->at = range.start;
	s->end = range.end;
	return s;
}

static int send_part(struct http *x, struct reading_page *p, struct account_reader *reader,
	uint64_t number, struct err *err)
{
	struct mail_part info = {0};
	struct mime_section part;
	struct part_source *s;
	char type[128];
	const char *safe;
	bool may_show;
	int rc = mail_find_part(&p->m.prepared, (unsigned)number, &part, err);

	if (rc == 0)
		rc = mail_part_read(reader, p->m.entry.message, &part, &info, err);
	if (rc < 0)
		return rc;
	snprintf(type, sizeof(type), "%.*s/%.*s", SLICE_ARG(info.type), SLICE_ARG(info.subtype));
	safe = text_safe_type(slice_str(type), &may_show);
	http_set(x, "Content-Security-Policy", slice_str(file_policy));
	http_set(x, "Cache-Control", slice_lit("private, no-store"));
	http_set_filename(x, !may_show || !http_param(x, "show").ptr,
		info.name.len ? info.name
			      : slice_str(part.kind == MIME_MESSAGE ? "message.eml" : "file"));
	mime_message_free(&info.message);
	s = source_new(x, p->m.entry.message, part.body);
	s->is_decoded = true;
	mime_decoder_init(&s->decoder, part.encoding, false);
	http_reply_source(x, 200, safe, &s->source, -1);
	return 0;
}

static void show_part(struct http *x, struct account_reader *reader)
{
	struct reading_page *p = visit_of(x)->more;
	struct err err;
	uint64_t number = 0;
	int rc = mail_load(&p->m, reader, &err);

	slice_to_u64(http_segment(x, "part"), UINT16_MAX, &number);
	if (rc == 0)
		rc = send_part(x, p, reader, number, &err);
	if (rc < 0)
		visit_fail(x, rc, &err);
}

void page_read_part(struct http *x)
{
	if (open_page(x))
		visit_read(x, show_part);
}

/* The message as it was received; to look at, or to save. */
void page_read_source(struct http *x)
{
	struct reading_page *p = open_page(x);
	const bool is_saved = http_param(x, "save").ptr != NULL;
	char name[32];

	if (!p)
		return;
	snprintf(name, sizeof(name), "message-%u.eml", p->m.entry.uid);
	http_set(x, "Content-Security-Policy", slice_str(file_policy));
	http_set(x, "Cache-Control", slice_lit("private, no-store"));
	http_set_filename(x, is_saved, slice_str(name));
	http_reply_source(x, 200, is_saved ? "message/rfc822" : "text/plain; charset=utf-8",
		&source_new(x, p->m.entry.message, (struct mime_range){0, p->m.entry.size})->source,
		(int64_t)p->m.entry.size);
}
