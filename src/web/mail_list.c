/* mail_list.c - a folder's messages, newest first, a page at a time. */
#include <stdlib.h>

#include "base/mem.h"
#include "web/mail.h"
#include "web/pages.h"

/* An entry's place in time. */
struct dated {
	int64_t received_s;
	uint32_t seq;
};

struct listing {
	struct view *view;
	struct mailbox_info folder;
	json_t *values;
	uint32_t page, pages; /* from 1 */
	uint32_t seqs[WEB_LIST_PAGE];
	size_t n;
};

static void free_listing(void *more)
{
	struct listing *l = more;

	if (l->view)
		view_free(&l->view);
	json_decref(l->values);
}

static int newest_first(const void *a, const void *b)
{
	const struct dated *x = a, *y = b;

	if (x->received_s != y->received_s)
		return x->received_s < y->received_s ? 1 : -1;
	return (x->seq < y->seq) - (x->seq > y->seq);
}

/* Messages mostly arrive in the order of their dates; then nothing needs to be sorted. */
static bool is_in_order(struct view *view, uint32_t count)
{
	int64_t last = INT64_MIN;
	struct view_entry entry;

	for (uint32_t seq = 1; seq <= count; seq++) {
		if (!view_entry(view, seq, &entry))
			continue;
		if (entry.received_s < last)
			return false;
		last = entry.received_s;
	}
	return true;
}

static void pick_sorted(struct listing *l, uint32_t count, uint32_t first)
{
	struct dated *all = mem_zalloc_array(count, sizeof(*all));
	struct view_entry entry;

	for (uint32_t i = 0; i < count; i++) {
		all[i].seq = i + 1;
		if (view_entry(l->view, i + 1, &entry))
			all[i].received_s = entry.received_s;
	}
	qsort(all, count, sizeof(*all), newest_first);
	for (; l->n < WEB_LIST_PAGE && first + l->n < count; l->n++)
		l->seqs[l->n] = all[first + l->n].seq;
	free(all);
}

static void pick(struct listing *l)
{
	const uint32_t count = view_count(l->view);
	uint32_t first;

	l->pages = count ? (count + WEB_LIST_PAGE - 1) / WEB_LIST_PAGE : 1;
	if (l->page > l->pages)
		l->page = l->pages;
	first = (l->page - 1) * WEB_LIST_PAGE;
	if (!is_in_order(l->view, count)) {
		pick_sorted(l, count, first);
		return;
	}
	for (; l->n < WEB_LIST_PAGE && first + l->n < count; l->n++)
		l->seqs[l->n] = count - first - (uint32_t)l->n;
}

/* Read from the last one on, because the oldest lies first in the file. */
static int put_rows(struct listing *l, struct account_reader *reader, struct err *err)
{
	const enum mailbox_role role = l->folder.role;
	const char *people = role == ROLE_SENT || role == ROLE_DRAFTS ? "To" : "From";
	json_t *rows = json_array();

	json_object_set_new(l->values, "rows", rows);
	for (size_t i = l->n; i-- > 0;) {
		struct mime_prepared prepared;
		struct message_row row;
		struct view_entry entry;
		json_t *line;
		int rc;

		if (!view_entry(l->view, l->seqs[i], &entry))
			continue;
		rc = reader_scan(reader, entry.message, &row, err);
		if (rc == -ERR_NOTFOUND)
			continue; /* deleted meanwhile */
		if (rc == 0)
			rc = mime_prepared_open(row.prepared, &prepared, err);
		if (rc < 0)
			return rc;
		line = json_object();
		mail_set_line(line, &prepared, &entry, people);
		json_array_insert_new(rows, 0, line);
	}
	return 0;
}

static void set_paging(struct listing *l)
{
	const enum mailbox_role role = l->folder.role;

	json_object_set_new(l->values, "count", json_integer(view_count(l->view)));
	json_object_set_new(l->values, "page", json_integer(l->page));
	json_object_set_new(l->values, "pages", json_integer(l->pages));
	json_object_set_new(l->values, "has_pages", json_boolean(l->pages > 1));
	if (l->page > 1)
		json_object_set_new(l->values, "newer", json_integer(l->page - 1));
	if (l->page < l->pages)
		json_object_set_new(l->values, "older", json_integer(l->page + 1));
	json_object_set_new(l->values, "is_trash", json_boolean(role == ROLE_TRASH));
	json_object_set_new(l->values, "is_drafts", json_boolean(role == ROLE_DRAFTS));
	json_object_set_new(l->values, "is_junk", json_boolean(role == ROLE_JUNK));
}

static void show_list(struct http *x, struct account_reader *reader)
{
	struct listing *l = visit_of(x)->more;
	struct err err;
	const int rc = put_rows(l, reader, &err);

	if (rc < 0) {
		visit_fail(x, rc, &err);
		return;
	}
	set_paging(l);
	visit_page(x, 200, "list", json_incref(l->values));
}

static void list_folder(struct http *x, const struct mailbox_info *folder)
{
	struct listing *l = visit_keep(x, sizeof(*l), free_listing);
	uint64_t page = 1;
	struct err err;
	int rc;

	if (!l) {
		http_fail(x, 413);
		return;
	}
	l->values = json_object();
	l->folder = *folder;
	slice_to_u64(http_param(x, "page"), UINT32_MAX, &page);
	l->page = page ? (uint32_t)page : 1;
	if (!mail_folders(x, l->values, folder->id))
		return;
	rc = view_open(
		visit_of(x)->store, folder->id, conn_ref(http_conn(x)), true, &l->view, &err);
	if (rc < 0) {
		visit_fail(x, rc, &err);
		return;
	}
	pick(l);
	visit_read(x, show_list);
}

void page_list(struct http *x)
{
	struct mailbox_info folder;

	if (mail_folder(x, &folder))
		list_folder(x, &folder);
}

/* /mail - the inbox. */
void page_mail(struct http *x)
{
	struct account *account = visit_store(x);
	struct mailbox_info inbox;
	struct err err;
	int rc;

	if (!account)
		return;
	rc = account_mailbox(
		account, (struct slice){0}, 0, ROLE_INBOX, http_arena(x), &inbox, &err);
	if (rc < 0)
		visit_fail(x, rc, &err);
	else
		list_folder(x, &inbox);
}
