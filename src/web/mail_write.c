/* mail_write.c - the form in which mail is written: new, as an answer, forwarded, or a draft. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "web/html.h"
#include "web/pages.h"
#include "web/text.h"
#include "web/write.h"
#include "wire/http/url.h"
#include "wire/mime/write.h"
#include "wire/smtp/addr.h"

enum { KEPT_REF_MAX = 48 };

bool write_ref_parse(struct slice text, bool has_part, struct write_ref *ref_out)
{
	struct slice rest, part, folder = slice_cut(text, '-', &rest);
	const struct slice uid = slice_cut(rest, '-', &part);
	uint64_t n, number = 0, id;

	*ref_out = (struct write_ref){0};
	if (!visit_id(folder, &id) || !slice_to_u64(uid, UINT32_MAX, &n) || n == 0)
		return false;
	if (has_part ? !slice_to_u64(part, UINT16_MAX, &number) : part.ptr != NULL)
		return false;
	*ref_out = (struct write_ref){id, (uint32_t)n, (unsigned)number};
	return true;
}

/* ---- reading the form ---- */

void write_addresses(struct http *x, json_t *values, const char *field, struct slice text,
	struct mime_address **list_out)
{
	struct arena *arena = http_arena(x);
	struct smtp_addr addr;
	struct err err;
	char why[300];

	*list_out = mime_address_parse(text, WRITE_ADDRESSES_MAX, arena);
	if (!*list_out && slice_trim(text).len)
		form_error(values, field, "There is no address in this.");
	for (struct mime_address *a = *list_out; a; a = a->next) {
		if (a->kind != MIME_ADDRESS_MAILBOX ||
			smtp_addr_make(a->mailbox, a->domain, arena, &addr, &err) == 0)
			continue;
		snprintf(why, sizeof(why), "\"%.*s%s%.*s\" is not a complete address.",
			(int)(a->mailbox.len < 100 ? a->mailbox.len : 100), a->mailbox.ptr,
			a->domain.len ? "@" : "", (int)(a->domain.len < 100 ? a->domain.len : 100),
			a->domain.len ? a->domain.ptr : "");
		form_error(values, field, why);
		return;
	}
}

static void take_kept(struct http *x, struct write *w)
{
	struct slice value;
	size_t at = 0;

	while (w->kept_n < WEB_ATTACHMENTS_MAX && http_form_next(x, "keep", &at, &value)) {
		if (write_ref_parse(value, true, &w->kept[w->kept_n].ref))
			w->kept_n++;
	}
}

static void set_identity(struct http *x, struct write *w)
{
	struct buf id AUTO(buf_done);

	buf_init(&id, WRITE_FIELD_MAX);
	mime_write_id(&id, visit_of(x)->service->host_name);
	w->id = arena_dup(http_arena(x), buf_slice(&id));
	w->date_s = clock_wall_s();
}

void write_take(struct http *x, struct write *w, bool is_sent)
{
	set_identity(x, w);
	w->values = json_object();
	w->to = http_form(x, "to");
	w->cc = http_form(x, "cc");
	w->bcc = http_form(x, "bcc");
	w->subject = http_form(x, "subject");
	w->body = http_form(x, "body");
	write_take_from(x, w);
	take_kept(x, w);
	write_ref_parse(http_form(x, "draft"), false, &w->draft);
	write_ref_parse(http_form(x, "source"), false, &w->source);
	w->is_forward = slice_eq(http_form(x, "kind"), slice_lit("forward"));
	write_addresses(x, w->values, "to", w->to, &w->to_list);
	write_addresses(x, w->values, "cc", w->cc, &w->cc_list);
	write_addresses(x, w->values, "bcc", w->bcc, &w->bcc_list);
	if (w->to.len > WRITE_FIELD_MAX || w->cc.len > WRITE_FIELD_MAX ||
		w->bcc.len > WRITE_FIELD_MAX)
		form_error(w->values, "to", "These are too many addresses.");
	if (w->subject.len > WRITE_FIELD_MAX)
		form_error(w->values, "subject", "This subject is too long.");
	if (w->body.len > WEB_BODY_TEXT_MAX)
		form_error(w->values, "body", "This text is too long: send it as a file.");
	if (is_sent && !w->to_list && !w->cc_list && !w->bcc_list && !form_has_errors(w->values))
		form_error(w->values, "to", "Please say who shall get this message.");
}

/* ---- what it names ---- */

/* The message's id in the store; 0 if it is no longer there. */
static uint64_t message_of(struct http *x, const struct write_ref *ref)
{
	struct view_entry entry = {0};
	struct view *view;
	struct err err;

	if (view_open(visit_of(x)->store, ref->folder, conn_ref(http_conn(x)), true, &view, &err) <
		0)
		return 0;
	if (!view_entry_uid(view, ref->uid, &entry))
		entry.message = 0;
	view_free(&view);
	return entry.message;
}

static int find_kept(
	struct http *x, struct write_kept *kept, struct account_reader *reader, struct err *err)
{
	struct mime_prepared prepared;
	struct message_row row;
	int rc;

	kept->message = message_of(x, &kept->ref);
	if (!kept->message)
		return err_set(err, ERR_NOTFOUND, "a file that was attached is no longer there");
	rc = reader_message(reader, kept->message, &row, err);
	if (rc == 0)
		rc = mime_prepared_open(row.prepared, &prepared, err);
	return rc < 0 ? rc : mail_find_part(&prepared, kept->ref.part, &kept->section, err);
}

static struct slice ids_of(struct http *x, struct slice fields, const char *name)
{
	struct mime_field field;
	struct buf line AUTO(buf_done);

	buf_init(&line, WRITE_FIELD_MAX);
	if (!mime_header_find(fields, slice_str(name), &field))
		return (struct slice){0};
	mime_header_unfold(field.value, &line);
	return arena_dup(http_arena(x), buf_slice(&line));
}

/* What a reply refers to: from the message it answers, or as its draft has it already. */
static int find_source(
	struct http *x, struct write *w, struct account_reader *reader, struct err *err)
{
	const uint64_t message = message_of(x, w->source.uid ? &w->source : &w->draft);
	struct mime_prepared prepared;
	struct message_row row;
	int rc;

	if (!message)
		return 0; /* deleted meanwhile: it is sent without the reference */
	rc = reader_message(reader, message, &row, err);
	if (rc == 0)
		rc = mime_prepared_open(row.prepared, &prepared, err);
	if (rc < 0)
		return rc;
	w->in_reply_to = ids_of(x, prepared.fields, w->source.uid ? "Message-ID" : "In-Reply-To");
	w->references = ids_of(x, prepared.fields, "References");
	return 0;
}

int write_find(struct http *x, struct write *w, struct account_reader *reader, struct err *err)
{
	int rc = 0;

	if (w->draft.uid || (w->source.uid && !w->is_forward))
		rc = find_source(x, w, reader, err);

	for (size_t i = 0; rc == 0 && i < w->kept_n; i++)
		rc = find_kept(x, &w->kept[i], reader, err);
	return rc;
}

/* ---- showing the form ---- */

static void put_ref(json_t *values, const char *key, const struct write_ref *ref)
{
	char text[KEPT_REF_MAX];

	if (!ref->uid)
		return;
	snprintf(text, sizeof(text), "%llx-%u", (unsigned long long)ref->folder, ref->uid);
	json_set_text(values, key, text);
}

static void put_kept(json_t *list, const struct write_ref *ref, struct slice name, uint64_t size)
{
	json_t *row = json_object();
	char text[KEPT_REF_MAX];

	snprintf(text, sizeof(text), "%llx-%u-%u", (unsigned long long)ref->folder, ref->uid,
		ref->part);
	json_set_text(row, "ref", text);
	json_set_slice(row, "name", name);
	json_set_size(row, "size", size);
	json_array_append_new(list, row);
}

/* Files of a message, which are named and may be kept. */
static int put_files(
	struct account_reader *reader, const struct mail_message *m, json_t *list, struct err *err)
{
	struct mail_walk walk = {.prepared = &m->prepared};
	struct mime_section part;
	int rc;

	while ((rc = mail_walk_next(&walk, &part, err)) > 0) {
		struct write_ref ref = {m->folder.id, m->entry.uid, walk.number};
		struct mail_part info = {0};

		if (part.is_text && !part.is_attachment)
			continue;
		rc = mail_part_read(reader, m->entry.message, &part, &info, err);
		if (rc < 0)
			return rc;
		put_kept(list, &ref, info.name.len ? info.name : slice_lit("file"),
			(part.body.end - part.body.start) / 4 * 3);
		mime_message_free(&info.message);
	}
	return rc;
}

static void show_form(struct http *x, json_t *values, const struct write *w, unsigned status)
{
	struct visit *v = visit_of(x);
	char zone[16];

	write_put_from(x, values, w->from);
	put_ref(values, "draft", &w->draft);
	put_ref(values, "source", &w->source);
	json_set_text(values, "kind", w->is_forward ? "forward" : "reply");
	json_object_set_new(values, "has_more", json_boolean(w->cc.len > 0 || w->bcc.len > 0));
	text_put_zone(zone, sizeof(zone));
	json_set_text(values, "zone", zone);
	json_set_size(values, "message_max", v->service->limits.message_max / 4 * 3);
	if (!mail_folders(x, values, 0)) {
		json_decref(values);
		return;
	}
	json_set_text(values, "title", "Write a message");
	visit_page(x, status, "write", values);
}

void write_show(struct http *x, struct write *w)
{
	static const char *const fields[] = {"to", "cc", "bcc", "subject", "body", "later"};
	json_t *files = json_array();

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		form_keep(x, w->values, fields[i]);
	for (size_t i = 0; i < w->kept_n; i++) {
		char name[64];

		snprintf(name, sizeof(name), "name-%llx-%u-%u",
			(unsigned long long)w->kept[i].ref.folder, w->kept[i].ref.uid,
			w->kept[i].ref.part);
		put_kept(files, &w->kept[i].ref, http_form(x, name), 0);
	}
	json_object_set_new(w->values, "files", files);
	show_form(x, json_incref(w->values), w, 422);
}

/* ---- a new form: from a query, or from a message ---- */

struct start {
	struct mail_message m;
	struct write w;
	json_t *values;
	bool is_reply, is_all, is_draft;
};

static void free_start(void *more)
{
	struct start *s = more;

	mail_message_done(&s->m);
	json_decref(s->values);
}

static bool is_subject_prefixed(struct slice subject, bool is_forward)
{
	return slice_starts_nocase(subject, slice_lit("re:")) ||
	       (is_forward && slice_starts_nocase(subject, slice_lit("fwd:")));
}

static void put_subject(struct start *s)
{
	struct buf text AUTO(buf_done);
	struct slice old;

	buf_init(&text, WRITE_FIELD_MAX);
	mail_set_field(s->values, "subject", buf_slice(&s->m.header), "Subject");
	if (s->is_draft)
		return;
	old = slice_str(json_string_value(json_object_get(s->values, "subject")));
	if (s->w.is_forward && !slice_starts_nocase(old, slice_lit("fwd:")))
		buf_lit(&text, "Fwd: ");
	else if (!s->w.is_forward && !is_subject_prefixed(old, false))
		buf_lit(&text, "Re: ");
	buf_append(&text, old);
	json_set_slice(s->values, "subject", buf_slice(&text));
}

static const char *text_value(const json_t *values, const char *key)
{
	const char *text = json_string_value(json_object_get(values, key));

	return text ? text : "";
}

/* To all: those it went to as well, but not oneself. */
static void put_others(struct http *x, struct start *s)
{
	static const char *const fields[] = {"To", "Cc"};
	const struct visit *v = visit_of(x);
	struct buf all AUTO(buf_done);

	buf_init(&all, WRITE_FIELD_MAX);
	for (size_t i = 0; i < 2; i++) {
		struct mime_field field;
		const struct mime_address *a = NULL;

		if (mime_header_find(buf_slice(&s->m.header), slice_str(fields[i]), &field))
			a = mime_address_parse(field.value, WRITE_ADDRESSES_MAX, http_arena(x));
		for (; a; a = a->next) {
			struct smtp_addr addr;
			struct err err;
			bool is_mine = false;

			if (a->kind != MIME_ADDRESS_MAILBOX ||
				smtp_addr_make(a->mailbox, a->domain, http_arena(x), &addr, &err) <
					0 ||
				directory_may_send_as(v->service->directory, v->account.id,
					addr.text, &is_mine, &err) < 0 ||
				is_mine)
				continue;
			if (all.len)
				buf_lit(&all, ", ");
			buf_append(&all, addr.text);
		}
	}
	json_set_slice(s->values, "cc", buf_slice(&all));
	s->w.cc = arena_dup(http_arena(x), buf_slice(&all));
}

static void put_recipients(struct http *x, struct start *s)
{
	const struct slice header = buf_slice(&s->m.header);

	if (s->is_draft) {
		mail_set_addresses(s->values, "to", header, "To");
		mail_set_addresses(s->values, "cc", header, "Cc");
		mail_set_addresses(s->values, "bcc", header, "Bcc");
		s->w.cc = slice_str(text_value(s->values, "cc"));
		s->w.bcc = slice_str(text_value(s->values, "bcc"));
		return;
	}
	if (!s->is_reply)
		return;
	mail_set_addresses(s->values, "to", header, "Reply-To");
	if (*text_value(s->values, "to") == '\0')
		mail_set_addresses(s->values, "to", header, "From");
	if (s->is_all)
		put_others(x, s);
}

static int find_text(
	struct start *s, struct account_reader *reader, struct buf *out, struct err *err)
{
	struct mail_walk walk = {.prepared = &s->m.prepared};
	struct mime_section part, html;
	struct buf source AUTO(buf_done);
	bool is_cut, has_html = false;
	int rc;

	buf_init(&source, WEB_BODY_TEXT_MAX);
	while ((rc = mail_walk_next(&walk, &part, err)) > 0) {
		if (part.kind != MIME_LEAF || !part.is_text || part.is_attachment)
			continue;
		if (!part.is_html)
			return mail_body(
				reader, s->m.entry.message, &part, true, out, &is_cut, err);
		html = part;
		has_html = true;
	}
	if (rc < 0 || !has_html)
		return rc;
	rc = mail_body(reader, s->m.entry.message, &html, true, &source, &is_cut, err);
	if (rc == 0)
		html_to_text(buf_slice(&source), out);
	return rc;
}

static void put_quoted(struct start *s, struct slice text, struct buf *out)
{
	const char *when = text_value(s->values, "when_full");

	if (s->w.is_forward) {
		buf_printf(out,
			"\n\n----- Forwarded message -----\nFrom: %s\nDate: %s\n"
			"Subject: %s\nTo: %s\n\n",
			text_value(s->values, "from_full"), when,
			text_value(s->values, "old_subject"), text_value(s->values, "to_full"));
		buf_append(out, text);
		return;
	}
	buf_printf(out, "\n\nOn %s, %s wrote:\n", when, text_value(s->values, "from_full"));
	text_quote(text, out);
}

static int put_body(struct start *s, struct account_reader *reader, struct err *err)
{
	const struct slice header = buf_slice(&s->m.header);
	struct buf text AUTO(buf_done), all AUTO(buf_done);
	int rc;

	buf_init(&text, WEB_BODY_TEXT_MAX);
	buf_init(&all, 3 * WEB_BODY_TEXT_MAX);
	rc = find_text(s, reader, &text, err);
	if (rc < 0)
		return rc;
	mail_set_addresses(s->values, "from_full", header, "From");
	mail_set_addresses(s->values, "to_full", header, "To");
	mail_set_field(s->values, "old_subject", header, "Subject");
	json_set_when(s->values, "when",
		s->m.prepared.has_date ? s->m.prepared.date.utc : s->m.entry.received_s);
	if (s->is_draft)
		buf_append(&all, buf_slice(&text));
	else
		put_quoted(s, buf_slice(&text), &all);
	if (!s->is_draft && s->w.signature.len)
		write_put_signed(s->values, &s->w, buf_slice(&all));
	else
		json_set_slice(s->values, "body", buf_slice(&all));
	return 0;
}

static void show_start(struct http *x, struct account_reader *reader)
{
	struct start *s = visit_of(x)->more;
	json_t *files = json_array();
	struct err err;
	int rc = mail_load(&s->m, reader, &err);

	json_object_set_new(s->values, "files", files);
	if (rc == 0) {
		if (s->is_draft)
			write_draft_from(x, &s->w, buf_slice(&s->m.header));
		put_subject(s);
		put_recipients(x, s);
		rc = put_body(s, reader, &err);
	}
	if (rc == 0 && !s->is_reply)
		rc = put_files(reader, &s->m, files, &err);
	if (rc < 0)
		visit_fail(x, rc, &err);
	else
		show_form(x, json_incref(s->values), &s->w, 200);
}

/* "mailto:" of a link (RFC 6068) is a query but for its front, and "+" is itself there. */
static void put_as_query(struct slice mailto, struct buf *out)
{
	bool has_query = false;

	buf_lit(out, "to=");
	for (size_t i = 0; i < mailto.len; i++) {
		if (mailto.ptr[i] == '+') {
			buf_lit(out, "%2B");
		} else if (mailto.ptr[i] == '?' && !has_query) {
			buf_byte(out, '&');
			has_query = true;
		} else {
			buf_byte(out, mailto.ptr[i]);
		}
	}
}

/* Only the address, the subject and the text are taken. True: it brought a text. */
static bool put_mailto(struct http *x, json_t *values, struct slice mailto)
{
	static const char *const names[] = {"to", "subject", "body"};
	struct buf query AUTO(buf_done);
	struct http_pair *pairs;
	struct err err;
	size_t n = 0;

	buf_init(&query, WRITE_FIELD_MAX);
	put_as_query(mailto, &query);
	if (query.failed ||
		http_params_parse(buf_slice(&query), http_arena(x), &pairs, &n, &err) < 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
			if (slice_eq_nocase(pairs[i].name, slice_str(names[k])) &&
				!json_object_get(values, names[k]))
				json_set_slice(values, names[k], pairs[i].value);
		}
	}
	return json_object_get(values, "body") != NULL;
}

static void show_empty(struct http *x)
{
	json_t *values = json_object();
	struct write w = {0};
	bool has_text = false;

	write_begin_from(x, &w);
	if (http_param(x, "mailto").ptr) {
		has_text = put_mailto(x, values, http_param(x, "mailto"));
	} else {
		json_set_slice(values, "to", http_param(x, "to"));
		json_set_slice(values, "subject", http_param(x, "subject"));
	}
	if (w.signature.len && !has_text) /* a program may read the text */
		write_put_signed(values, &w, (struct slice){0});
	show_form(x, values, &w, 200);
}

static bool open_start(struct http *x, struct start *s)
{
	static const char *const kinds[] = {"reply", "all", "forward", "draft"};
	struct mail_message *m = &s->m;
	struct write_ref ref = {0};
	struct err err;
	int rc;

	for (size_t i = 0; i < 4 && !ref.uid; i++) {
		if (!write_ref_parse(http_param(x, kinds[i]), false, &ref))
			continue;
		s->is_reply = i < 2;
		s->is_all = i == 1;
		s->w.is_forward = i == 2;
		s->is_draft = i == 3;
	}
	buf_init(&m->blob, MIME_PREPARED_MAX);
	buf_init(&m->header, MAIL_HEADER_MAX);
	m->folder.id = ref.folder;
	if (s->is_draft) {
		s->w.draft = ref;
		write_ref_parse(http_param(x, "source"), false, &s->w.source);
		s->w.is_forward = slice_eq(http_param(x, "kind"), slice_lit("forward"));
	} else {
		s->w.source = ref;
	}
	rc = view_open(
		visit_of(x)->store, ref.folder, conn_ref(http_conn(x)), true, &m->view, &err);
	if (rc < 0)
		visit_fail(x, rc, &err);
	else if (!view_entry_uid(m->view, ref.uid, &m->entry))
		http_fail(x, 404);
	else
		return true;
	return false;
}

void page_write(struct http *x)
{
	static const char *const kinds[] = {"reply", "all", "forward", "draft"};
	struct start *s;
	bool has_source = false;

	if (!visit_store(x))
		return;
	for (size_t i = 0; i < 4; i++)
		has_source |= http_param(x, kinds[i]).ptr != NULL;
	if (!has_source) {
		show_empty(x);
		return;
	}
	s = visit_keep(x, sizeof(*s), free_start);
	if (!s) {
		http_fail(x, 413);
		return;
	}
	s->values = json_object();
	write_begin_from(x, &s->w);
	if (open_start(x, s))
		visit_read(x, show_start);
}
