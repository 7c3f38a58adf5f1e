/* import_name.c - names of mailboxes as other programs and providers have them. */
#include <string.h>

#include "base/utf8.h"
#include "mail/import_internal.h"

/* By custom, in the languages of the programs that made them; compared without ASCII case. */
static const struct {
	const char *name;
	enum mailbox_role role;
} customs[] = {
	{"Sent", ROLE_SENT},
	{"Sent Items", ROLE_SENT},
	{"Sent Mail", ROLE_SENT},
	{"Sent Messages", ROLE_SENT},
	{"Sent-mail", ROLE_SENT},
	{"Gesendet", ROLE_SENT},
	{"Gesendete Elemente", ROLE_SENT},
	{"Gesendete Objekte", ROLE_SENT},
	{"Envoyés", ROLE_SENT},
	{"Messages envoyés", ROLE_SENT},
	{"Éléments envoyés", ROLE_SENT},
	{"Enviados", ROLE_SENT},
	{"Elementos enviados", ROLE_SENT},
	{"Posta inviata", ROLE_SENT},
	{"Inviata", ROLE_SENT},
	{"Drafts", ROLE_DRAFTS},
	{"Draft", ROLE_DRAFTS},
	{"Entwürfe", ROLE_DRAFTS},
	{"Brouillons", ROLE_DRAFTS},
	{"Borradores", ROLE_DRAFTS},
	{"Bozze", ROLE_DRAFTS},
	{"Trash", ROLE_TRASH},
	{"Bin", ROLE_TRASH},
	{"Deleted", ROLE_TRASH},
	{"Deleted Items", ROLE_TRASH},
	{"Deleted Messages", ROLE_TRASH},
	{"Papierkorb", ROLE_TRASH},
	{"Gelöscht", ROLE_TRASH},
	{"Gelöschte Elemente", ROLE_TRASH},
	{"Gelöschte Objekte", ROLE_TRASH},
	{"Corbeille", ROLE_TRASH},
	{"Éléments supprimés", ROLE_TRASH},
	{"Papelera", ROLE_TRASH},
	{"Cestino", ROLE_TRASH},
	{"Junk", ROLE_JUNK},
	{"Junk E-mail", ROLE_JUNK},
	{"Junk Email", ROLE_JUNK},
	{"Spam", ROLE_JUNK},
	{"Bulk Mail", ROLE_JUNK},
	{"Spamverdacht", ROLE_JUNK},
	{"Unerwünscht", ROLE_JUNK},
	{"Courrier indésirable", ROLE_JUNK},
	{"Correo no deseado", ROLE_JUNK},
	{"Posta indesiderata", ROLE_JUNK},
	{"Archive", ROLE_ARCHIVE},
	{"Archives", ROLE_ARCHIVE},
	{"Archiv", ROLE_ARCHIVE},
	{"All Mail", ROLE_ARCHIVE},
	{"Alle Nachrichten", ROLE_ARCHIVE},
	{"Archivo", ROLE_ARCHIVE},
	{"Archivio", ROLE_ARCHIVE},
};

/* Below these a provider keeps its own. */
static const char *const levels[] = {"[Gmail]/", "[Google Mail]/", "INBOX/"};

enum mailbox_role mail_import_role(struct slice path)
{
	if (slice_eq_nocase(path, slice_lit("INBOX")))
		return ROLE_INBOX;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (slice_starts_nocase(path, slice_str(levels[i]))) {
			path = slice_from(path, strlen(levels[i]));
			break;
		}
	}
	for (size_t i = 0; i < sizeof(customs) / sizeof(customs[0]); i++) {
		if (slice_eq_nocase(path, slice_str(customs[i].name)))
			return customs[i].role;
	}
	return ROLE_NONE;
}

/* Control characters, also of C1, and what LIST takes for a pattern, may not stand in names. */
static bool may_stand(uint32_t c)
{
	return c >= 0x20 && (c < 0x7f || c >= 0xa0) && c != '*' && c != '%' && c != 0x2028 &&
	       c != 0x2029;
}

static void put_level(struct buf *out, struct slice level)
{
	if (out->len)
		buf_byte(out, '/');
	while (level.len) {
		const struct slice before = level;
		uint32_t c = 0;

		if (!utf8_take(&level, &c)) {
			level = slice_from(level, 1);
			c = 0;
		}
		if (may_stand(c))
			buf_append(out, slice_head(before, before.len - level.len));
		else
			buf_byte(out, '_');
	}
}

int import_path(struct slice path, struct buf *out, struct err *err)
{
	unsigned depth = 0;

	while (path.len) {
		const struct slice level = slice_cut(path, '/', &path);

		if (level.len) {
			put_level(out, level);
			depth++;
		}
	}
	if (out->failed || out->len > MAILBOX_NAME_MAX)
		return err_set(err, ERR_TOOBIG, "a folder's name is longer than %d bytes",
			MAILBOX_NAME_MAX);
	if (depth > MAILBOX_DEPTH_MAX)
		return err_set(
			err, ERR_TOOBIG, "a folder is deeper than %d levels", MAILBOX_DEPTH_MAX);
	return depth ? 0 : err_set(err, ERR_SYNTAX, "a folder has no name");
}

static const char *const uses[] = {[ROLE_NONE] = "",
	[ROLE_INBOX] = "inbox",
	[ROLE_DRAFTS] = "drafts",
	[ROLE_SENT] = "sent",
	[ROLE_JUNK] = "junk",
	[ROLE_TRASH] = "trash",
	[ROLE_ARCHIVE] = "archive",
	[ROLE_FLAGGED] = "flagged",
	[ROLE_ALL] = "all",
	[ROLE_IMPORTANT] = "important"};

const char *mail_role_name(enum mailbox_role role)
{
	return uses[role];
}

static enum mailbox_role role_of_use(struct slice use)
{
	for (size_t i = ROLE_INBOX; i < sizeof(uses) / sizeof(uses[0]); i++) {
		if (slice_eq(use, slice_str(uses[i])))
			return (enum mailbox_role)i;
	}
	return ROLE_NONE;
}

void mail_import_place(struct slice into, struct slice path, bool is_alone, struct slice use,
	struct buf *path_out, enum mailbox_role *role_out)
{
	static const struct slice inbox = slice_lit("INBOX");
	const bool is_root = path.len == 0 || slice_eq_nocase(path, inbox);

	buf_clear(path_out);
	buf_append(path_out, into.len ? into : is_root ? inbox : path);
	if (into.len && !is_alone && !is_root) {
		buf_byte(path_out, '/');
		buf_append(path_out, path);
	}
	*role_out = into.len  ? ROLE_NONE
		    : use.len ? role_of_use(use)
			      : mail_import_role(buf_slice(path_out));
}
