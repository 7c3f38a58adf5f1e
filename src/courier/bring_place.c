/* bring_place.c - see bring_place.h for the contract. */
#include "courier/bring_place.h"

#include "wire/imap/name.h"

enum { USES = ~IMAP_NOSELECT };

static enum smtp_import_role role_of(unsigned attributes, bool has_uses)
{
	static const struct {
		unsigned use;
		enum smtp_import_role role;
	} rows[] = {{IMAP_USE_DRAFTS, SMTP_IMPORT_DRAFTS}, {IMAP_USE_SENT, SMTP_IMPORT_SENT},
		{IMAP_USE_JUNK, SMTP_IMPORT_JUNK}, {IMAP_USE_TRASH, SMTP_IMPORT_TRASH},
		{IMAP_USE_ARCHIVE, SMTP_IMPORT_ARCHIVE}, {IMAP_USE_ALL, SMTP_IMPORT_ARCHIVE}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (attributes & rows[i].use)
			return rows[i].role;
	}
	return has_uses ? SMTP_IMPORT_NONE : SMTP_IMPORT_BY_NAME;
}

/* Servers that never heard of modified UTF-7 send UTF-8, or whatever a program once sent them. */
static void put_level(struct arena *arena, struct slice wire, struct buf *out)
{
	struct slice level = wire;
	struct err ignored;

	if (imap_name_decode(arena, wire, false, &level, &ignored) < 0 &&
		imap_name_decode(arena, wire, true, &level, &ignored) < 0)
		level = wire;
	for (size_t i = 0; i < level.len; i++)
		buf_byte(out, level.ptr[i] == '/' ? '_' : level.ptr[i]);
}

static int put_path(
	struct arena *arena, struct slice name, char separator, struct slice *out, struct err *err)
{
	struct buf path AUTO(buf_done);

	buf_init(&path, SMTP_IMPORT_PATH_MAX);
	do {
		const struct slice level = separator ? slice_cut(name, separator, &name) : name;

		if (level.len && path.len)
			buf_byte(&path, '/');
		put_level(arena, level, &path);
	} while (separator && name.ptr);
	if (buf_check(&path, "the folder's name", err) < 0)
		return -ERR_TOOBIG;
	*out = arena_dup(arena, buf_slice(&path));
	return out->ptr && out->len ? 0 : err_set(err, ERR_TOOBIG, "the folder has no good name");
}

int bring_place(struct arena *arena, const struct imap_listed *folder, struct slice prefix,
	bool has_uses, struct bring_place *out, struct err *err)
{
	const unsigned uses = folder->attributes & USES;
	struct bring_place place = {.is_level = folder->attributes & IMAP_NOSELECT,
		.is_view = uses & (IMAP_USE_ALL | IMAP_USE_FLAGGED | IMAP_USE_IMPORTANT),
		.is_all = uses & IMAP_USE_ALL};
	struct slice name = folder->name;
	int rc;

	if (slice_eq_nocase(name, slice_lit("INBOX"))) {
		place.role = SMTP_IMPORT_INBOX;
		place.path = slice_lit("INBOX");
		*out = place;
		return 0;
	}
	if (prefix.len && name.len > prefix.len && slice_starts_nocase(name, prefix))
		name = slice_from(name, prefix.len);
	place.role = role_of(uses, has_uses);
	rc = put_path(arena, name, folder->separator, &place.path, err);
	if (rc == 0)
		*out = place;
	return rc;
}
