/* transfer.c - see transfer.h for the contract. */
#include "transfer/transfer.h"

#include <stdlib.h>

#include "base/mem.h"
#include "transfer/maildir.h"
#include "transfer/mbox.h"
#include "wire/mime/header.h"

enum { KEYWORDS_FILE_MAX = 64 << 10, WHERE_MAX = FILES_PATH_MAX + 64 };

struct transfer {
	struct files *files;
	bool is_alone, has_mail;
	struct manifest *manifest;
	struct buf root; /* of the mail that the manifest tells of */
	struct mbox mbox;
	bool is_mbox; /* one is being read */
	struct buf file, path, where;
	struct buf keywords_text, keywords_folder; /* dovecot-keywords of one folder */
	struct slice keywords[MAILDIR_LETTERS];
};

struct transfer *transfer_new(struct files *files)
{
	struct transfer *t = mem_new(struct transfer);

	t->files = files;
	buf_init(&t->root, FILES_PATH_MAX + 1);
	buf_init(&t->file, FILES_PATH_MAX);
	buf_init(&t->path, 4 * FILES_PATH_MAX);
	buf_init(&t->where, WHERE_MAX);
	buf_init(&t->keywords_text, KEYWORDS_FILE_MAX);
	buf_init(&t->keywords_folder, FILES_PATH_MAX);
	return t;
}

void transfer_free(struct transfer **transfer)
{
	struct transfer *t = *transfer;

	*transfer = NULL;
	if (!t)
		return;
	files_free(&t->files);
	manifest_free(&t->manifest);
	buf_done(&t->root);
	buf_done(&t->file);
	buf_done(&t->path);
	buf_done(&t->where);
	buf_done(&t->keywords_text);
	buf_done(&t->keywords_folder);
	free(t);
}

/* ---- paths ---- */

/* What is before the last "/", and what is behind it. */
static struct slice split_last(struct slice path, struct slice *last)
{
	const size_t at = slice_rchr(path, '/');

	*last = at == SIZE_MAX ? path : slice_from(path, at + 1);
	return at == SIZE_MAX ? (struct slice){0} : slice_head(path, at);
}

static bool is_maildir_part(struct slice name)
{
	return slice_eq(name, slice_lit("cur")) || slice_eq(name, slice_lit("new")) ||
	       slice_eq(name, slice_lit("tmp"));
}

/* Files that programs keep beside mail. */
static bool is_litter(struct slice path, struct slice name)
{
	static const char *const starts[] = {"dovecot", "maildir", "subscriptions", "courier", "._",
		".DS_Store", "Thumbs.db", "desktop.ini", "table_of_contents", "Info.plist",
		"popstate.dat", "msgFilterRules.dat", "filterlog.html", ".uidvalidity",
		".mh_sequences", ".mbsyncstate"};
	static const char *const ends[] = {".msf", ".lock", ".index", ".cache", ".plist"};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		if (slice_starts(name, slice_str(starts[i])))
			return true;
	}
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (slice_ends(name, slice_str(ends[i])))
			return true;
	}
	return slice_starts(path, slice_lit("__MACOSX/"));
}

static struct slice without(struct slice name, struct slice suffix)
{
	if (name.len > suffix.len &&
		slice_eq_nocase(slice_from(name, name.len - suffix.len), suffix))
		name.len -= suffix.len;
	return name;
}

/* "Inbox.sbd/Work.mbox" is Inbox/Work; in "Work.mbox/mbox" the last level is only a file. */
static void put_folders(struct buf *out, struct slice path)
{
	struct slice last;
	const struct slice before = split_last(path, &last);

	buf_clear(out);
	if (slice_eq(last, slice_lit("mbox")) && slice_ends(before, slice_lit(".mbox")))
		path = before;
	while (path.len) {
		const struct slice level = slice_cut(path, '/', &path);

		if (out->len)
			buf_byte(out, '/');
		buf_append(out, without(without(level, slice_lit(".sbd")), slice_lit(".mbox")));
	}
}

/* What an archive of a Maildir begins with: a name that is usual, and whatever is before ".A.B". */
static struct slice without_root(struct slice folder)
{
	const size_t at = slice_find(folder, slice_lit("/."));
	struct slice rest;
	const struct slice first = slice_cut(folder, '/', &rest);

	if (at != SIZE_MAX)
		return slice_from(folder, at + 1);
	return slice_eq(first, slice_lit("Maildir")) || slice_eq(first, slice_lit(".maildir"))
		       ? rest
		       : folder;
}

static bool below_root(const struct transfer *t, struct slice folder, struct slice *below_out)
{
	const struct slice below = slice_from(folder, t->root.len);

	if (!slice_starts(folder, buf_slice(&t->root)) || (below.len && below.ptr[0] != '/'))
		return false;
	*below_out = slice_from(below, 1);
	return true;
}

/* folder: what holds "cur". */
static void place_maildir(struct transfer *t, struct slice folder, struct transfer_item *out)
{
	struct manifest_mailbox box = {.is_subscribed = true};
	struct slice known;

	buf_clear(&t->path);
	if (t->manifest && below_root(t, folder, &known)) {
		if (manifest_mailbox(t->manifest, known, &box))
			buf_append(&t->path, box.name);
		else
			maildir_read_folder(known, &t->path);
	} else {
		maildir_read_folder(without_root(folder), &t->path);
	}
	out->path = buf_slice(&t->path);
	out->role = box.role;
	out->is_subscribed = box.is_subscribed;
}

static void put_where(struct transfer *t, struct transfer_item *out, size_t at)
{
	buf_clear(&t->where);
	buf_append(&t->where, buf_slice(&t->file));
	if (t->is_mbox)
		buf_printf(&t->where, ", byte %zu", at);
	out->where = buf_slice(&t->where);
}

static int skip(struct transfer_item *out, const char *why)
{
	out->why = why;
	return TRANSFER_SKIPPED;
}

/* ---- messages ---- */

static void take_date_field(struct slice raw, struct transfer_item *out)
{
	struct mime_date date;

	raw = slice_head(raw, FLAGS_HEADER_MAX);
	while (raw.len) {
		const struct slice line = slice_cut(raw, '\n', &raw);
		struct slice value;

		if (slice_trim(line).len == 0)
			return;
		if (!slice_eq_nocase(slice_trim(slice_cut(line, ':', &value)), slice_lit("Date")))
			continue;
		out->has_date = mime_date_parse(slice_trim(value), &date);
		out->date_s = out->has_date ? date.utc : 0;
		out->zone_min = out->has_date ? date.zone_min : 0;
		return;
	}
}

static int next_of_mbox(struct transfer *t, struct transfer_item *out)
{
	struct mbox_message m;

	if (!mbox_next(&t->mbox, &m)) {
		t->is_mbox = false;
		return TRANSFER_AGAIN;
	}
	put_where(t, out, m.at);
	put_folders(&t->path, buf_slice(&t->file));
	out->path = buf_slice(&t->path);
	out->is_subscribed = true;
	out->is_alone = t->is_alone;
	flags_read(m.raw, &out->flags);
	if (out->flags.is_gone)
		return TRANSFER_AGAIN;
	if (m.raw.len == 0)
		return skip(out, "it is empty");
	out->has_date = m.has_date;
	out->date_s = m.date_s;
	out->zone_min = m.zone_min;
	if (!m.has_date)
		take_date_field(m.raw, out);
	text_open(
		&out->text, m.raw, TEXT_CRLF | TEXT_OWN_FIELDS | (m.is_quoted ? TEXT_UNQUOTE : 0));
	return TRANSFER_MESSAGE;
}

static void add_letters(const struct transfer *t, struct slice folder,
	const struct maildir_name *name, struct transfer_flags *flags)
{
	if (!slice_eq(folder, buf_slice(&t->keywords_folder)))
		return;
	for (int i = 0; i < MAILDIR_LETTERS; i++) {
		if (name->letters >> i & 1)
			flags_add(flags, t->keywords[i]);
	}
}

static void take_maildir_flags(const struct transfer *t, struct slice folder,
	const struct maildir_name *name, struct transfer_item *out)
{
	out->flags.system = name->system;
	if (name->is_forwarded)
		flags_add(&out->flags, slice_lit("$Forwarded"));
	if (!t->manifest || !name->has_bits) {
		add_letters(t, folder, name, &out->flags);
		return;
	}
	for (unsigned i = 0; i < FLAGS_KEYWORDS_MAX; i++) {
		if (name->bits >> i & 1)
			flags_add(&out->flags, manifest_keyword(t->manifest, i));
	}
}

static int maildir_message(struct transfer *t, const struct files_item *file, struct slice folder,
	struct slice base, struct transfer_item *out)
{
	struct maildir_name name;

	maildir_read_name(base, &name);
	place_maildir(t, folder, out);
	take_maildir_flags(t, folder, &name, out);
	/* The name says when it came to this folder, the file when it came at all. */
	out->date_s = file->changed_s && !name.has_zone ? file->changed_s : name.date_s;
	out->zone_min = name.has_zone ? name.zone_min : 0;
	out->has_date = file->changed_s != 0 || name.has_date;
	if (file->bytes.len == 0)
		return skip(out, "it is empty");
	text_open(&out->text, file->bytes, t->manifest && name.has_bits ? 0 : TEXT_CRLF);
	return TRANSFER_MESSAGE;
}

static int single_message(struct transfer *t, const struct files_item *file, struct slice folder,
	struct transfer_item *out)
{
	put_folders(&t->path, folder);
	out->path = buf_slice(&t->path);
	out->is_subscribed = true;
	out->is_alone = t->is_alone;
	out->flags.system = IMAP_SEEN;
	take_date_field(file->bytes, out);
	if (!out->has_date && file->changed_s) {
		out->has_date = true;
		out->date_s = file->changed_s;
	}
	text_open(&out->text, file->bytes, TEXT_CRLF);
	return TRANSFER_MESSAGE;
}

/* ---- files ---- */

static int read_manifest(struct transfer *t, const struct files_item *file, struct slice folder,
	struct transfer_item *out)
{
	struct err err;

	if (t->has_mail || t->manifest)
		return skip(out, "it does not come first");
	if (manifest_read(file->bytes, &t->manifest, &err) < 0)
		return skip(out, "it is not the head of an archive that is known here");
	buf_append(&t->root, folder);
	if (folder.len)
		buf_byte(&t->root, '/');
	buf_lit(&t->root, MANIFEST_MAIL);
	out->manifest = t->manifest;
	return TRANSFER_ACCOUNT;
}

static int read_keywords(struct transfer *t, const struct files_item *file, struct slice folder)
{
	buf_clear(&t->keywords_text);
	buf_clear(&t->keywords_folder);
	for (int i = 0; i < MAILDIR_LETTERS; i++)
		t->keywords[i] = (struct slice){0};
	buf_append(&t->keywords_text, file->bytes);
	buf_append(&t->keywords_folder, folder);
	maildir_read_keywords(buf_slice(&t->keywords_text), t->keywords);
	return TRANSFER_AGAIN;
}

static int meet_file(struct transfer *t, const struct files_item *file, struct transfer_item *out)
{
	struct slice base, part;
	const struct slice folder = split_last(buf_slice(&t->file), &base);
	const struct slice parent = split_last(folder, &part);

	put_where(t, out, 0);
	if (slice_eq(base, slice_lit(MANIFEST_FILE)))
		return read_manifest(t, file, folder, out);
	if (is_maildir_part(part)) {
		t->has_mail = true;
		if (slice_eq(part, slice_lit("tmp")) || is_litter(folder, base))
			return TRANSFER_AGAIN;
		return maildir_message(t, file, parent, base, out);
	}
	if (slice_eq(base, slice_lit("dovecot-keywords")))
		return read_keywords(t, file, folder);
	if (is_litter(buf_slice(&t->file), base) || file->bytes.len == 0)
		return TRANSFER_AGAIN;
	t->has_mail = true;
	if (mbox_is(file->bytes)) {
		t->mbox = (struct mbox){.all = file->bytes};
		t->is_mbox = true;
		return TRANSFER_AGAIN;
	}
	if (text_looks_like_mail(file->bytes))
		return single_message(t, file, folder, out);
	return skip(out, "it holds no mail of a kind that is known here");
}

static int meet_folder(struct transfer *t, struct transfer_item *out)
{
	struct slice part;
	const struct slice folder = split_last(buf_slice(&t->file), &part);

	if (!slice_eq(part, slice_lit("cur")))
		return TRANSFER_AGAIN;
	place_maildir(t, folder, out);
	return TRANSFER_MAILBOX;
}

int transfer_next(struct transfer *t, struct transfer_item *out, struct err *err)
{
	struct files_item file;
	int kind;

	*out = (struct transfer_item){0};
	if (t->is_mbox)
		return next_of_mbox(t, out);
	kind = files_next(t->files, &file, err);
	t->is_alone = file.is_alone;
	if (kind < 0 || kind == FILES_END)
		return kind < 0 ? kind : TRANSFER_END;
	buf_clear(&t->file);
	buf_append(&t->file, slice_head(file.path, FILES_PATH_MAX));
	switch (kind) {
	case FILES_FILE:
		return meet_file(t, &file, out);
	case FILES_FOLDER:
		return meet_folder(t, out);
	case FILES_PASSED:
		put_where(t, out, 0);
		return skip(out, file.why);
	default:
		return TRANSFER_AGAIN;
	}
}
