/* screen.c - the login screens of domains; see group.h for the contract. */
#include "base/encode.h"
#include "base/random.h"
#include "base/utf8.h"
#include "directory/internal.h"

enum { SCREEN_NAME_MAX = 200 };

int text_check(
	struct slice text, const char *what, size_t max, bool may_have_lines, struct err *err)
{
	if (text.len > max)
		return err_set(err, ERR_SYNTAX, "%s has at most %zu bytes", what, max);
	if (!utf8_is_valid(text))
		return err_set(err, ERR_SYNTAX, "%s must be UTF-8", what);
	for (size_t i = 0; i < text.len; i++) {
		const unsigned char c = (unsigned char)text.ptr[i];

		if ((c < 0x20 && !(may_have_lines && c == '\n')) || c == 0x7f)
			return err_set(err, ERR_SYNTAX, "%s has control characters", what);
	}
	return 0;
}

static int read_screen(struct db_stmt *row, struct arena *arena, void *item, struct err *err)
{
	struct directory_screen *screen = item;

	screen->version = (uint64_t)db_int(row, 7);
	screen->logo = arena_dup(arena, db_blob(row, 5));
	if (!screen->logo.ptr)
		return err_set(err, ERR_TOOBIG, "the logo needs too much memory");
	return row_texts(row, arena, err,
		(struct row_text[]){{0, &screen->name}, {1, &screen->text},
			{2, &screen->background}, {3, &screen->foreground}, {4, &screen->accent},
			{6, &screen->logo_type}, {0, NULL}});
}

int directory_screen(struct directory *dir, struct slice domain, struct arena *arena,
	struct directory_screen *out, struct err *err)
{
	struct name name;
	const int parsed = name_parse_domain(domain, &name, err);
	const struct db_arg args[] = {
		db_t(parsed == 0 ? name.domain : (struct slice){0}), {.kind = DB_END}};
	const struct list_query query = {
		"SELECT name, text, background, foreground, accent, logo, logo_type, version"
		" FROM screen WHERE domain = ?",
		args, read_screen, sizeof(*out), 1};
	void *list;
	size_t n;
	int rc = list_rows(dir, &query, arena, &list, &n, err);

	if (rc == 0 && n == 0)
		rc = err_set(err, ERR_NOTFOUND, "the domain has no login screen");
	if (rc == 0)
		*out = *(struct directory_screen *)list;
	return rc;
}

/* ---- changes ---- */

static int check_colour(struct slice text, struct err *err)
{
	unsigned char rgb[3];

	if (text.len == 0 || (text.len == 7 && text.ptr[0] == '#' &&
				     hex_decode(slice_from(text, 1), rgb, sizeof(rgb))))
		return 0;
	return err_set(err, ERR_SYNTAX, "a colour is written #rrggbb");
}

/* Pixels only: an SVG could bring scripts. */
static int logo_type(struct slice logo, struct slice *out, struct err *err)
{
	*out = (struct slice){0};
	if (logo.len > DIRECTORY_LOGO_MAX)
		return err_set(err, ERR_TOOBIG, "a logo has at most %d bytes", DIRECTORY_LOGO_MAX);
	if (slice_starts(logo, slice_lit("\x89PNG\r\n\x1a\n")))
		*out = slice_lit("image/png");
	else if (slice_starts(logo, slice_lit("\xff\xd8\xff")))
		*out = slice_lit("image/jpeg");
	else if (logo.len)
		return err_set(err, ERR_SYNTAX, "a logo is a PNG or a JPEG file");
	return 0;
}

static int check_screen(
	const struct directory_screen *screen, struct slice *type_out, struct err *err)
{
	int rc = text_check(screen->name, "the name", SCREEN_NAME_MAX, false, err);

	if (rc == 0)
		rc = text_check(screen->text, "the text", DIRECTORY_SCREEN_TEXT_MAX, true, err);
	if (rc == 0)
		rc = check_colour(screen->background, err);
	if (rc == 0)
		rc = check_colour(screen->foreground, err);
	if (rc == 0)
		rc = check_colour(screen->accent, err);
	return rc == 0 ? logo_type(screen->logo, type_out, err) : rc;
}

static int set_screen(struct directory *dir, struct slice domain,
	const struct directory_screen *screen, struct slice type, struct err *err)
{
	uint64_t owner;
	const int rc = need_domain(dir, domain, &owner, err);

	if (rc < 0)
		return rc;
	return db_do(dir->writer, err,
		"INSERT OR REPLACE INTO screen (domain, name, text, background, foreground,"
		" accent, logo, logo_type, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		db_t(domain), db_t(screen->name), db_t(screen->text), db_t(screen->background),
		db_t(screen->foreground), db_t(screen->accent), db_b(screen->logo), db_t(type),
		db_i((int64_t)(random_u64() >> 1)));
}

int directory_screen_set(struct directory *dir, struct slice domain,
	const struct directory_screen *screen, struct err *err)
{
	struct slice type = {NULL, 0};
	struct name name;
	int rc = name_parse_domain(domain, &name, err);

	if (rc == 0)
		rc = check_screen(screen, &type, err);
	if (rc == 0)
		rc = change_begin(dir, err);
	return rc < 0 ? rc : change_end(dir, set_screen(dir, name.domain, screen, type, err), err);
}

static int delete_screen(struct directory *dir, struct slice domain, struct err *err)
{
	const int rc = db_do(dir->writer, err, "DELETE FROM screen WHERE domain = ?", db_t(domain));

	if (rc == 0 && db_changes(dir->writer) == 0)
		return err_set(err, ERR_NOTFOUND, "the domain has no login screen");
	return rc;
}

int directory_screen_delete(struct directory *dir, struct slice domain, struct err *err)
{
	struct name name;
	int rc = name_parse_domain(domain, &name, err);

	if (rc == 0)
		rc = change_begin(dir, err);
	return rc < 0 ? rc : change_end(dir, delete_screen(dir, name.domain, err), err);
}
