/* mail_act.c - what is done to messages and folders: move, mark, delete, make, rename. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "web/mail.h"
#include "web/pages.h"

enum { SLICE = 5000 };

enum deed { DO_MARK, DO_MOVE, DO_EXPUNGE };

/* One button of the list and the message page. */
static const struct button {
	const char *name;
	enum deed deed;
	enum mailbox_role role; /* DO_MOVE: where to; ROLE_NONE: the field `to` */
	enum flag_change change;
	uint64_t flags;
	const char *said;
} buttons[] = {
	{"delete", DO_MOVE, ROLE_TRASH, 0, 0, "deleted"},
	{"purge", DO_EXPUNGE, ROLE_NONE, 0, 0, "purged"},
	{"archive", DO_MOVE, ROLE_ARCHIVE, 0, 0, "archived"},
	{"junk", DO_MOVE, ROLE_JUNK, 0, 0, "junked"},
	{"inbox", DO_MOVE, ROLE_INBOX, 0, 0, "moved"},
	{"move", DO_MOVE, ROLE_NONE, 0, 0, "moved"},
	{"read", DO_MARK, ROLE_NONE, FLAGS_ADD, FLAG_SEEN, "marked"},
	{"unread", DO_MARK, ROLE_NONE, FLAGS_REMOVE, FLAG_SEEN, "marked"},
	{"flag", DO_MARK, ROLE_NONE, FLAGS_ADD, FLAG_FLAGGED, "marked"},
	{"unflag", DO_MARK, ROLE_NONE, FLAGS_REMOVE, FLAG_FLAGGED, "marked"},
};

struct act {
	struct visit_write w;
	const struct button *button;
	uint64_t mailbox, to;
	uint32_t *uids, *new_uids;
	size_t n, at;
};

static const struct button *find_button(struct slice name)
{
	for (size_t i = 0; i < sizeof(buttons) / sizeof(buttons[0]); i++) {
		if (slice_eq(name, slice_str(buttons[i].name)))
			return &buttons[i];
	}
	return NULL;
}

static int run_act(struct account_write *item, struct account_tx *tx, struct err *err)
{
	struct act *a = (struct act *)item;
	const uint32_t *uids = a->uids + a->at;
	const size_t left = a->n - a->at, n = left < SLICE ? left : SLICE;
	int rc;

	switch (a->button->deed) {
	case DO_MARK:
		rc = tx_flags(tx, a->mailbox, uids, n, a->button->change, a->button->flags,
			UINT64_MAX, NULL, err);
		break;
	case DO_MOVE:
		rc = tx_copy(tx, a->mailbox, uids, n, a->to, true, a->new_uids, err);
		break;
	default:
		rc = tx_expunge(tx, a->mailbox, uids, n, err);
		break;
	}
	a->at += n;
	return rc < 0 ? rc : a->at < a->n ? ACCOUNT_AGAIN : 0;
}

static void free_act(struct visit_write *w)
{
	struct act *a = (struct act *)w;

	free(a->uids);
	free(a->new_uids);
}

static void on_acted(struct http *x, struct answer *answer)
{
	const struct act *a = answer->data;
	char otherwise[48];

	if (answer->rc < 0) {
		visit_fail(x, answer->rc, &answer->err);
		visit_answer_done(answer);
		return;
	}
	snprintf(otherwise, sizeof(otherwise), "/mail/f/%llx", (unsigned long long)a->mailbox);
	visit_say(x, a->button->said);
	visit_go(x, "%.*s", SLICE_ARG(visit_next(x, otherwise)));
	visit_answer_done(answer);
}

/* Where to: a role's folder, or the one that was chosen. False: it has answered. */
static bool find_target(struct http *x, const struct button *button, uint64_t *id_out)
{
	struct mailbox_info to;
	struct err err;
	uint64_t id = 0;
	int rc = -ERR_NOTFOUND;

	*id_out = 0;
	if (button->deed != DO_MOVE)
		return true;
	if (button->role != ROLE_NONE || visit_id(http_form(x, "to"), &id))
		rc = account_mailbox(visit_of(x)->store, (struct slice){0}, id, button->role,
			http_arena(x), &to, &err);
	if (rc == 0)
		*id_out = to.id;
	else if (rc == -ERR_NOTFOUND)
		http_fail(x, 400);
	else
		visit_fail(x, rc, &err);
	return rc == 0;
}

/* "Empty": all of the folder. */
static uint32_t *all_uids(struct http *x, uint64_t mailbox, size_t *n_out)
{
	struct view *view;
	struct view_entry entry;
	struct err err;
	uint32_t *uids;
	int rc = view_open(visit_of(x)->store, mailbox, conn_ref(http_conn(x)), true, &view, &err);

	if (rc < 0) {
		visit_fail(x, rc, &err);
		return NULL;
	}
	uids = mem_zalloc_array((size_t)view_count(view) + 1, sizeof(*uids));
	*n_out = 0;
	for (uint32_t seq = 1; seq <= view_count(view); seq++) {
		if (view_entry(view, seq, &entry))
			uids[(*n_out)++] = entry.uid;
	}
	view_free(&view);
	return uids;
}

static void start_act(struct http *x, const struct button *button, uint64_t mailbox, uint64_t to,
	uint32_t *uids, size_t n)
{
	struct act *a = visit_write_new(x, sizeof(*a), run_act);

	a->w.free_kind = free_act;
	a->button = button;
	a->mailbox = mailbox;
	a->to = to;
	a->uids = uids;
	a->n = n;
	a->new_uids = mem_zalloc_array(n < SLICE ? n : SLICE, sizeof(uint32_t));
	visit_write(x, &a->w, on_acted);
}

/* Everything at once, which only the trash and junk folders have a button for. */
static void empty_folder(struct http *x, const struct mailbox_info *folder)
{
	uint32_t *uids;
	size_t n = 0;

	if (folder->role != ROLE_TRASH && folder->role != ROLE_JUNK) {
		http_fail(x, 400);
		return;
	}
	uids = all_uids(x, folder->id, &n);
	if (uids)
		start_act(x, find_button(slice_lit("purge")), folder->id, 0, uids, n);
}

void page_act(struct http *x)
{
	const struct slice wish = http_form(x, "do");
	const struct button *button = find_button(wish);
	struct mailbox_info folder;
	uint32_t *uids, *copy;
	uint64_t to;
	size_t n;

	if (!mail_folder(x, &folder))
		return;
	if (slice_eq(wish, slice_lit("empty"))) {
		empty_folder(x, &folder);
		return;
	}
	/* What is in the trash is deleted for good by the same button. */
	if (slice_eq(wish, slice_lit("delete")) && folder.role == ROLE_TRASH)
		button = find_button(slice_lit("purge"));
	uids = mail_uids(x, &n);
	if (!button) {
		http_fail(x, 400);
	} else if (!uids) {
		visit_say(x, "none_chosen");
		visit_go(x, "/mail/f/%llx", (unsigned long long)folder.id);
	} else if (find_target(x, button, &to)) {
		copy = mem_alloc(n * sizeof(*uids));
		memcpy(copy, uids, n * sizeof(*uids));
		start_act(x, button, folder.id, to, copy, n);
	}
}

/* ---- folders ---- */

struct folder_change {
	struct visit_write w;
	struct slice wish, name, to;
};

static int run_folder(struct account_write *item, struct account_tx *tx, struct err *err)
{
	const struct folder_change *f = (struct folder_change *)item;
	uint64_t id;
	int rc;

	if (slice_eq(f->wish, slice_lit("rename")))
		return tx_mailbox_rename(tx, f->name, f->to, err);
	if (slice_eq(f->wish, slice_lit("remove")))
		return tx_mailbox_delete(tx, f->name, err);
	rc = tx_mailbox_create(tx, f->name, ROLE_NONE, &id, err);
	return rc < 0 ? rc : tx_mailbox_subscribe(tx, f->name, true, err);
}

static void show_folders(struct http *x, json_t *values)
{
	if (!mail_folders(x, values, 0)) {
		json_decref(values);
		return;
	}
	json_set_text(values, "title", "Folders");
	visit_page(x, form_has_errors(values) ? 422 : 200, "folders", values);
}

void page_folders(struct http *x)
{
	show_folders(x, json_object());
}

static void on_folder(struct http *x, struct answer *answer)
{
	const int rc = answer->rc;
	json_t *values;

	visit_answer_done(answer);
	if (rc == 0) {
		visit_say(x, "folders");
		visit_go(x, "/mail/folders");
		return;
	}
	if (rc != -ERR_SYNTAX && rc != -ERR_EXISTS && rc != -ERR_TOOBIG && rc != -ERR_DENIED) {
		visit_fail(x, rc, &answer->err);
		return;
	}
	values = json_object();
	form_keep(x, values, "name");
	form_error(values, "name",
		rc == -ERR_EXISTS ? "There is a folder of this name already."
				  : "A folder cannot have this name.");
	show_folders(x, values);
}

/* Folders are named by their ids; only a new name is text. False: it has answered. */
static bool fill_change(struct http *x, struct folder_change *f)
{
	const struct slice name = slice_trim(http_form(x, "name"));
	struct mailbox_info folder;

	f->wish = arena_dup(&f->w.arena, http_form(x, "do"));
	if (slice_eq(f->wish, slice_lit("create"))) {
		f->name = arena_dup(&f->w.arena, name);
		return true;
	}
	if (!mail_folder(x, &folder))
		return false;
	if (folder.role != ROLE_NONE || (!slice_eq(f->wish, slice_lit("rename")) &&
						!slice_eq(f->wish, slice_lit("remove")))) {
		http_fail(x, 400);
		return false;
	}
	f->name = arena_dup(&f->w.arena, folder.name);
	f->to = arena_dup(&f->w.arena, name);
	return true;
}

void page_folders_change(struct http *x)
{
	struct folder_change *f;

	if (!visit_store(x))
		return;
	f = visit_write_new(x, sizeof(*f), run_folder);
	if (fill_change(x, f))
		visit_write(x, &f->w, on_folder);
	else
		visit_write_drop(&f->w);
}
