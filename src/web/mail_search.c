/*
 * mail_search.c - the search box: messages whose sender, recipients, subject or text hold all the
 * words, newest first, folder by folder.
 *
 * A turn looks at TURN_BYTES and lets others go before the next one. What was found by the end of
 * SEARCH_MS is shown, with a link that goes on from there.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "mail/scan.h"
#include "web/mail.h"
#include "web/pages.h"
#include "web/text.h"
#include "wire/mime/text.h"

enum {
	WORDS_MAX = 10,
	WORD_MAX = 100,
	TURN_BYTES = 512 << 10,
	TURN_MESSAGES = 2000,
	SEARCH_MS = 8000,
	BODY_MAX = 1 << 20, /* of one part that is looked into */
};

struct search {
	json_t *values, *rows;
	struct slice words[WORDS_MAX];
	struct scan scans[WORDS_MAX];
	size_t words_n;
	struct mailbox_info *folders;
	size_t folders_n, folder;
	struct view *view; /* of the folder being looked at */
	uint32_t seq;      /* the next to look at; 0: the folder is done */
	uint64_t read;
	int64_t until_ms;
	uint32_t from_uid; /* where a former page ended; 0: at the newest */
};

static void free_search(void *more)
{
	struct search *s = more;

	if (s->view)
		view_free(&s->view);
	for (size_t i = 0; i < s->words_n; i++)
		scan_done(&s->scans[i]);
	json_decref(s->values);
}

/* ---- one message ---- */

/* found: a bit for each word. */
static void look_in(struct search *s, struct slice text, unsigned *found)
{
	for (size_t i = 0; i < s->words_n; i++) {
		scan_restart(&s->scans[i]);
		scan_feed(&s->scans[i], text);
		if (s->scans[i].is_found)
			*found |= 1U << i;
	}
	s->read += text.len;
}

static void look_in_header(struct search *s, struct slice fields, unsigned *found)
{
	static const char *const names[] = {"From", "To", "Cc", "Bcc", "Subject"};
	struct buf text AUTO(buf_done);
	struct mime_field field;

	buf_init(&text, MAIL_HEADER_MAX * 4);
	while (mime_header_next(&fields, &field)) {
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			if (!slice_eq_nocase(field.name, slice_str(names[i])))
				continue;
			mime_header_decode(field.value, &text);
			buf_byte(&text, '\n');
		}
	}
	look_in(s, buf_slice(&text), found);
}

static int look_in_body(struct search *s, struct account_reader *reader, uint64_t message,
	const struct mime_prepared *prepared, unsigned *found, struct err *err)
{
	const unsigned all = (1U << s->words_n) - 1;
	struct mail_walk walk = {.prepared = prepared};
	struct mime_section part;
	int rc;

	while (*found != all && (rc = mail_walk_next(&walk, &part, err)) > 0) {
		struct buf text AUTO(buf_done);
		bool is_cut;

		buf_init(&text, BODY_MAX);
		if (!part.is_text || part.kind != MIME_LEAF)
			continue;
		rc = mail_body(reader, message, &part, true, &text, &is_cut, err);
		if (rc < 0)
			return rc;
		look_in(s, buf_slice(&text), found);
	}
	return 0;
}

static void keep_hit(
	struct search *s, const struct mime_prepared *prepared, const struct view_entry *entry)
{
	const struct mailbox_info *folder = &s->folders[s->folder];
	json_t *row = json_object();

	mail_set_line(row, prepared, entry, "From");
	json_set_id(row, "folder", folder->id);
	json_set_slice(
		row, "folder_name", folder->role == ROLE_INBOX ? slice_lit("Inbox") : folder->name);
	json_array_append_new(s->rows, row);
}

static int look_at(struct search *s, struct account_reader *reader, const struct view_entry *entry,
	struct err *err)
{
	const unsigned all = (1U << s->words_n) - 1;
	struct mime_prepared prepared;
	struct message_row row;
	struct buf blob AUTO(buf_done);
	unsigned found = 0;
	int rc = reader_message(reader, entry->message, &row, err);

	buf_init(&blob, MIME_PREPARED_MAX);
	if (rc == -ERR_NOTFOUND)
		return 0;
	if (rc < 0)
		return rc;
	buf_append(&blob, row.prepared); /* the row's own is gone with the next read */
	rc = mime_prepared_open(buf_slice(&blob), &prepared, err);
	if (rc < 0)
		return rc;
	look_in_header(s, prepared.fields, &found);
	if (found != all)
		rc = look_in_body(s, reader, entry->message, &prepared, &found, err);
	if (rc == 0 && found == all)
		keep_hit(s, &prepared, entry);
	return rc;
}

/* ---- all of them ---- */

static int open_folder(struct http *x, struct search *s, struct err *err)
{
	int rc = view_open(visit_of(x)->store, s->folders[s->folder].id, conn_ref(http_conn(x)),
		true, &s->view, err);

	if (rc < 0)
		return rc;
	s->seq = s->from_uid ? view_floor(s->view, s->from_uid) : view_count(s->view) + 1;
	s->seq--;
	s->from_uid = 0;
	return 0;
}

/* 1: the page is full, or all is done. */
static int look_at_some(
	struct http *x, struct search *s, struct account_reader *reader, struct err *err)
{
	struct view_entry entry;
	int rc = 0;

	s->read = 0;
	for (int i = 0; rc == 0 && i < TURN_MESSAGES && s->read < TURN_BYTES; i++) {
		if (s->view && s->seq == 0) {
			view_free(&s->view);
			s->folder++;
		}
		if (s->folder == s->folders_n || json_array_size(s->rows) == WEB_LIST_PAGE)
			return 1;
		if (!s->view)
			rc = open_folder(x, s, err);
		else if (view_entry(s->view, s->seq--, &entry))
			rc = look_at(s, reader, &entry, err);
	}
	return rc;
}

static void show_found(struct http *x, struct search *s)
{
	struct view_entry entry;

	json_object_set_new(s->values, "count", json_integer((json_int_t)json_array_size(s->rows)));
	if (s->folder < s->folders_n) {
		json_set_true(s->values, "has_more");
		json_set_id(s->values, "at_folder", s->folders[s->folder].id);
		if (s->view && s->seq + 1 <= view_count(s->view) &&
			view_entry(s->view, s->seq + 1, &entry))
			json_object_set_new(s->values, "at_uid", json_integer(entry.uid));
	}
	visit_page(x, 200, "search", json_incref(s->values));
}

static void go_on(struct http *x, struct account_reader *reader);

static void on_turn(struct http *x, struct answer *answer)
{
	visit_answer_done(answer);
	visit_read(x, go_on);
}

static void go_on(struct http *x, struct account_reader *reader)
{
	struct search *s = visit_of(x)->more;
	struct err err;
	const int rc = look_at_some(x, s, reader, &err);

	if (rc < 0)
		visit_fail(x, rc, &err);
	else if (rc > 0 || clock_mono_ms() > s->until_ms)
		show_found(x, s);
	else
		http_park(x, 1, on_turn); /* others' turn */
}

/* ---- the form ---- */

static void take_words(struct search *s, struct slice text)
{
	while (text.len && s->words_n < WORDS_MAX) {
		const struct slice word = slice_cut(text, ' ', &text);

		if (word.len == 0 || word.len > WORD_MAX)
			continue;
		s->words[s->words_n] = word;
		scan_init(&s->scans[s->words_n++], word);
	}
}

/* All folders, or the one that the box was in; where a former page ended, from there on. */
static bool take_folders(struct http *x, struct search *s, bool is_all, uint64_t current)
{
	struct mailbox_info *list;
	uint64_t from = 0;
	size_t n;

	if (!visit_mailboxes(x, &list, &n))
		return false;
	visit_id(http_param(x, "at_folder"), &from);
	s->folders = list;
	for (size_t i = 0; i < n; i++) {
		if (list[i].id == 0 || list[i].is_noselect || (!is_all && list[i].id != current))
			continue;
		if (list[i].id == from)
			s->folders_n = 0;
		s->folders[s->folders_n++] = list[i];
	}
	return true;
}

void page_search(struct http *x)
{
	const struct slice text = slice_trim(http_param(x, "q"));
	const bool is_all = http_param(x, "all").ptr != NULL;
	struct search *s = visit_keep(x, sizeof(*s), free_search);
	uint64_t current = 0, uid = 0;

	if (!s) {
		http_fail(x, 413);
		return;
	}
	s->values = json_object();
	s->rows = json_array();
	json_object_set_new(s->values, "rows", s->rows);
	visit_id(http_param(x, "folder"), &current);
	if (!mail_folders(x, s->values, current) ||
		!take_folders(x, s, is_all || !current, current))
		return;
	json_set_slice(s->values, "q", text);
	json_object_set_new(s->values, "is_all", json_boolean(is_all));
	json_set_text(s->values, "title", "Search");
	if (slice_to_u64(http_param(x, "at_uid"), UINT32_MAX, &uid))
		s->from_uid = (uint32_t)uid;
	take_words(s, text);
	s->until_ms = clock_mono_ms() + SEARCH_MS;
	if (s->words_n == 0) {
		form_error(s->values, "q", "Please type one or more words to look for.");
		visit_page(x, 422, "search", json_incref(s->values));
		return;
	}
	visit_read(x, go_on);
}
