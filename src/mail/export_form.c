/* export_form.c - how each format has mailboxes and messages. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "mail/export_internal.h"
#include "mail/manifest.h"
#include "transfer/maildir.h"
#include "transfer/manifest.h"

enum { SMALL_MAX = 64 << 10 };

static void start_path(struct mail_export *e)
{
	buf_clear(&e->path);
	buf_append(&e->path, buf_slice(&e->root));
}

/* ---- Maildir, and the archive, which has one ---- */

static void put_maildir(struct mail_export *e, const struct mailbox_info *box)
{
	start_path(e);
	buf_str(&e->path, e->format == EXPORT_ARCHIVE ? MANIFEST_MAIL : "Maildir");
	if (!slice_eq(box->name, slice_lit("INBOX")))
		buf_byte(&e->path, '/');
	maildir_write_folder(box->name, &e->path);
}

static int whole_file(struct mail_export *e, struct slice bytes, struct err *err)
{
	int rc = buf_check(&e->path, "a path", err);

	if (rc == 0)
		rc = pack_file(
			e->pack, buf_slice(&e->path), (int64_t)bytes.len, clock_wall_s(), err);
	return rc < 0 ? rc : pack_bytes(e->pack, bytes, err);
}

static int begin_archive(struct mail_export *e, struct err *err)
{
	struct buf text AUTO(buf_done);
	json_t *json = NULL;
	char *dump;
	int rc =
		mail_manifest_make(e->service, e->id, e->account, e->boxes, e->boxes_n, &json, err);

	buf_init(&text, MANIFEST_MAX);
	if (rc < 0)
		return rc;
	dump = json_dumps(json, JSON_INDENT(2));
	json_decref(json);
	buf_str(&text, dump ? dump : "");
	buf_byte(&text, '\n');
	free(dump);
	rc = buf_check(&text, "the list of mailboxes", err);
	start_path(e);
	buf_lit(&e->path, MANIFEST_FILE);
	return rc < 0 ? rc : whole_file(e, buf_slice(&text), err);
}

static int maildir_mailbox(struct mail_export *e, const struct mailbox_info *box, struct err *err)
{
	static const char *const folders[] = {"", "/cur", "/new", "/tmp"};
	struct buf keywords AUTO(buf_done);
	size_t len;
	int rc = 0;

	put_maildir(e, box);
	len = e->path.len;
	for (size_t i = 0; rc == 0 && i < sizeof(folders) / sizeof(folders[0]); i++) {
		e->path.len = len;
		buf_str(&e->path, folders[i]);
		rc = pack_folder(e->pack, buf_slice(&e->path), clock_wall_s(), err);
	}
	buf_init(&keywords, SMALL_MAX);
	for (size_t i = 0; i < e->keywords_n && i < MAILDIR_LETTERS; i++) {
		buf_printf(&keywords, "%zu ", i);
		buf_append(&keywords, e->keywords[i]);
		buf_byte(&keywords, '\n');
	}
	if (rc < 0 || keywords.len == 0)
		return rc;
	e->path.len = len;
	buf_lit(&e->path, "/dovecot-keywords");
	return whole_file(e, buf_slice(&keywords), err);
}

static int maildir_message(struct mail_export *e, const struct mailbox_info *box, struct err *err)
{
	const struct maildir_name name = {.system = (unsigned)e->entry.flags & FLAG_SYSTEM,
		.bits = e->entry.flags >> KEYWORD_BIT,
		.date_s = e->entry.received_s,
		.zone_min = e->entry.zone_min};

	put_maildir(e, box);
	buf_lit(&e->path, "/cur/");
	maildir_write_name(&e->path, &name, e->entry.uid, e->entry.size);
	return pack_file(
		e->pack, buf_slice(&e->path), (int64_t)e->entry.size, e->entry.received_s, err);
}

/* ---- zip: names that every system can have ---- */

/* Names that differ only in what may not stand in one are told apart by the mailbox's number. */
static void put_folder(struct mail_export *e, const struct mailbox_info *box)
{
	bool is_changed = false;
	struct slice name = box->name;

	start_path(e);
	while (name.len) {
		const struct slice level = slice_cut(name, '/', &name);
		bool is_dots = true;

		for (size_t i = 0; i < level.len; i++) {
			const bool is_bad = strchr("\\:*?\"<>|", level.ptr[i]) != NULL;

			buf_byte(&e->path, is_bad ? '_' : level.ptr[i]);
			is_changed |= is_bad;
			is_dots &= level.ptr[i] == '.';
		}
		if (is_dots)
			buf_byte(&e->path, '_');
		is_changed |= is_dots;
		if (name.len)
			buf_byte(&e->path, '/');
	}
	if (is_changed)
		buf_printf(&e->path, " %llu", (unsigned long long)box->id);
}

static int eml_mailbox(struct mail_export *e, const struct mailbox_info *box, struct err *err)
{
	put_folder(e, box);
	return pack_folder(e->pack, buf_slice(&e->path), clock_wall_s(), err);
}

static int eml_message(struct mail_export *e, const struct mailbox_info *box, struct err *err)
{
	put_folder(e, box);
	buf_printf(&e->path, "/%06u.eml", e->entry.uid);
	return pack_file(
		e->pack, buf_slice(&e->path), (int64_t)e->entry.size, e->entry.received_s, err);
}

static int put_bytes(struct mail_export *e, struct slice bytes, struct err *err)
{
	if (!e->is_plain)
		return pack_bytes(e->pack, bytes, err);
	buf_append(&e->plain, bytes);
	return buf_check(&e->plain, "the file", err);
}

static int mbox_mailbox(struct mail_export *e, const struct mailbox_info *box, struct err *err)
{
	if (e->is_plain)
		return 0;
	put_folder(e, box);
	buf_lit(&e->path, ".mbox");
	return pack_file(e->pack, buf_slice(&e->path), -1, clock_wall_s(), err);
}

static int mbox_message(struct mail_export *e, const struct mailbox_info *box, struct err *err)
{
	struct transfer_flags flags = {.system = (unsigned)e->entry.flags & FLAG_SYSTEM};
	struct buf head AUTO(buf_done);

	(void)box;
	for (size_t i = 0; i < e->keywords_n; i++) {
		if (e->entry.flags >> (KEYWORD_BIT + i) & 1)
			flags_add(&flags, e->keywords[i]);
	}
	buf_init(&head, SMALL_MAX);
	mbox_write_begin(&head, e->entry.received_s, &flags);
	return put_bytes(e, buf_slice(&head), err);
}

static int mbox_bytes(struct mail_export *e, struct slice bytes, struct err *err)
{
	struct buf lines AUTO(buf_done);

	buf_init(&lines, 4 * bytes.len + SMALL_MAX);
	mbox_write(&lines, &e->quote, bytes);
	return put_bytes(e, buf_slice(&lines), err);
}

static int mbox_message_end(struct mail_export *e, struct err *err)
{
	struct buf lines AUTO(buf_done);

	buf_init(&lines, SMALL_MAX);
	mbox_write_end(&lines, &e->quote);
	return put_bytes(e, buf_slice(&lines), err);
}

const struct export_form export_forms[] = {
	[EXPORT_ARCHIVE] = {PACK_TAR_GZ, ".tar.gz", "application/gzip", begin_archive,
		maildir_mailbox, maildir_message, NULL, NULL},
	[EXPORT_MAILDIR] = {PACK_TAR_GZ, ".tar.gz", "application/gzip", NULL, maildir_mailbox,
		maildir_message, NULL, NULL},
	[EXPORT_MBOX] = {PACK_ZIP, ".zip", "application/zip", NULL, mbox_mailbox, mbox_message,
		mbox_bytes, mbox_message_end},
	[EXPORT_EML] = {PACK_ZIP, ".zip", "application/zip", NULL, eml_mailbox, eml_message, NULL,
		NULL},
};
