/* verb_level.c - verbs of the control socket: service levels, and what an account has of them. */
#include <stdlib.h>
#include <string.h>

#include "admin/verb.h"
#include "base/mem.h"
#include "directory/level.h"

enum { ARENA_BYTES = 4 << 20 };

enum kind { SIZE, COUNT };

static const struct {
	const char *name;
	size_t at;
	enum kind kind;
} numbers[] = {
	{"storage", offsetof(struct directory_level, storage_bytes), SIZE},
	{"message", offsetof(struct directory_level, message_bytes), SIZE},
	{"sends_hour", offsetof(struct directory_level, sends_hour), COUNT},
	{"sends_day", offsetof(struct directory_level, sends_day), COUNT},
	{"aliases", offsetof(struct directory_level, aliases), COUNT},
	{"pop_links", offsetof(struct directory_level, pop_links), COUNT},
	{"stop_points", offsetof(struct directory_level, stop_points), COUNT},
	{"files", offsetof(struct directory_level, file_bytes), SIZE},
};

struct bit {
	const char *name;
	unsigned bit;
};

static const struct bit services[] = {{"imap", DIRECTORY_IMAP}, {"imap-read", DIRECTORY_IMAP_READ},
	{"pop", DIRECTORY_POP}, {"smtp", DIRECTORY_SMTP}, {"dav", DIRECTORY_DAV},
	{"ldap", DIRECTORY_LDAP}, {"xmpp", DIRECTORY_XMPP}, {"web", DIRECTORY_WEB},
	{"jmap", DIRECTORY_JMAP}, {"sieve", DIRECTORY_SIEVE}, {"all", DIRECTORY_SERVICES_ALL},
	{NULL, 0}};
static const struct bit spam[] = {{"off", DIRECTORY_SPAM_OFF}, {"basic", DIRECTORY_SPAM_BASIC},
	{"normal", DIRECTORY_SPAM_NORMAL}, {"aggressive", DIRECTORY_SPAM_AGGRESSIVE},
	{"custom", DIRECTORY_SPAM_CUSTOM}, {"all", DIRECTORY_SPAM_ALL}, {NULL, 0}};

static const struct {
	const char *name;
	uint64_t factor;
} units[] = {
	{"TiB", (uint64_t)1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"", 1}};

/* ---- as text; the same that level-set takes ---- */

static json_t *number_text(uint64_t n, enum kind kind)
{
	size_t unit = sizeof(units) / sizeof(units[0]) - 1;

	if (n >= DIRECTORY_UNLIMITED)
		return json_string("unlimited");
	for (size_t i = 0; kind == SIZE && n && i < unit; i++) {
		if (n % units[i].factor == 0)
			unit = i;
	}
	return json_sprintf(
		"%llu%s", (unsigned long long)(n / units[unit].factor), units[unit].name);
}

static json_t *bits_text(unsigned bits, const struct bit *names)
{
	struct buf text AUTO(buf_done);

	buf_init(&text, 1000);
	for (; names->name; names++) {
		const bool is_all = strcmp(names->name, "all") == 0;

		if (is_all && bits == names->bit)
			buf_clear(&text);
		if (is_all ? bits == names->bit : (bits & names->bit) != 0)
			buf_printf(&text, "%s%s", text.len ? "," : "", names->name);
	}
	return verb_string(buf_slice(&text));
}

static json_t *domains_text(const struct directory_level *level)
{
	struct buf text AUTO(buf_done);

	buf_init(&text, CONTROL_LINE_MAX);
	if (level->has_all_domains)
		buf_lit(&text, "all");
	for (size_t i = 0; i < level->domains_n && !level->has_all_domains; i++)
		buf_printf(&text, "%s%.*s", i ? "," : "", SLICE_ARG(level->domains[i]));
	return verb_string(buf_slice(&text));
}

static json_t *level_json(const struct directory_level *level)
{
	json_t *json =
		json_pack("{s:o, s:o, s:o, s:o, s:b}", "name", verb_string(level->name), "services",
			bits_text(level->services, services), "spam", bits_text(level->spam, spam),
			"domains", domains_text(level), "default", level->is_default);

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		const void *at = (const char *)level + numbers[i].at;

		json_object_set_new(
			json, numbers[i].name, number_text(*(const uint64_t *)at, numbers[i].kind));
	}
	return json;
}

void verb_level_list(struct conn *c, const json_t *args)
{
	struct arena arena AUTO(arena_done);
	struct directory_level *list;
	struct err err;
	size_t n;

	(void)args;
	arena_init(&arena, ARENA_BYTES);
	if (directory_levels(verb_service(c)->directory, &arena, &list, &n, &err) < 0) {
		verb_fail(conn_out(c), &err);
		return;
	}
	for (size_t i = 0; i < n; i++)
		verb_row(conn_out(c), level_json(&list[i]));
	verb_done(conn_out(c), NULL);
}

/* ---- changes ---- */

static int take_number(struct slice text, enum kind kind, uint64_t *out, struct err *err)
{
	size_t digits = 0;
	uint64_t n;

	if (slice_eq(text, slice_lit("unlimited"))) {
		*out = DIRECTORY_UNLIMITED;
		return 0;
	}
	while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
		digits++;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!slice_eq_nocase(slice_from(text, digits), slice_str(units[i].name)) ||
			(kind == COUNT && units[i].factor != 1))
			continue;
		if (slice_to_u64(
			    slice_head(text, digits), INT64_MAX / (int64_t)units[i].factor, &n)) {
			*out = n * units[i].factor;
			return 0;
		}
	}
	return err_set(err, ERR_SYNTAX, "%.*s is no %s", SLICE_ARG(slice_head(text, 40)),
		kind == SIZE ? "size, such as 25GiB or unlimited" : "number, nor unlimited");
}

static int take_bits(struct slice text, const struct bit *names, unsigned *out, struct err *err)
{
	unsigned bits = 0;

	while (text.len) {
		const struct slice word = slice_cut(text, ',', &text);
		const struct bit *b = names;

		while (b->name && !slice_eq(word, slice_str(b->name)))
			b++;
		if (!b->name)
			return err_set(err, ERR_SYNTAX, "%.*s is not known here",
				SLICE_ARG(slice_head(word, 40)));
		bits |= b->bit;
	}
	*out = bits;
	return 0;
}

static int take_domains(
	struct slice text, struct directory_level *level, struct arena *arena, struct err *err)
{
	level->has_all_domains = slice_eq(text, slice_lit("all"));
	level->domains_n = 0;
	if (level->has_all_domains)
		return 0;
	level->domains = arena_array(arena, struct slice, DIRECTORY_LEVEL_DOMAINS_MAX);
	while (level->domains && text.len) {
		if (level->domains_n == DIRECTORY_LEVEL_DOMAINS_MAX)
			return err_set(err, ERR_TOOBIG, "too many domains");
		level->domains[level->domains_n++] = slice_cut(text, ',', &text);
	}
	return level->domains ? 0 : err_set(err, ERR_TOOBIG, "too many domains");
}

static int take_setting(struct directory_level *level, const char *key, struct slice value,
	struct arena *arena, struct err *err)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		void *at = (char *)level + numbers[i].at;

		if (strcmp(key, numbers[i].name) == 0)
			return take_number(value, numbers[i].kind, at, err);
	}
	if (strcmp(key, "services") == 0)
		return take_bits(value, services, &level->services, err);
	if (strcmp(key, "spam") == 0)
		return take_bits(value, spam, &level->spam, err);
	if (strcmp(key, "domains") == 0)
		return take_domains(value, level, arena, err);
	if (strcmp(key, "default") != 0)
		return err_set(err, ERR_SYNTAX, "a level has no %.40s", key);
	level->is_default = slice_eq(value, slice_lit("yes"));
	return level->is_default ? 0 : err_set(err, ERR_SYNTAX, "default can only be yes");
}

/* A new level begins as the default one. */
static int find_level(struct directory *dir, struct slice name, struct arena *arena,
	struct directory_level *out, struct err *err)
{
	struct directory_level *list;
	size_t n;
	int rc = directory_level(dir, name, arena, out, err);

	if (rc != -ERR_NOTFOUND)
		return rc;
	rc = directory_levels(dir, arena, &list, &n, err);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (list[i].is_default)
			*out = list[i];
	}
	out->name = name;
	out->is_default = false;
	return rc;
}

void verb_level_set(struct conn *c, const json_t *args)
{
	json_t *settings = json_object_get(args, "settings"), *value;
	struct directory *dir = verb_service(c)->directory;
	struct arena arena AUTO(arena_done);
	struct directory_level level = {.spam = 0};
	struct slice name;
	const char *key;
	struct err err;
	int rc = verb_text(args, "name", &name, &err);

	arena_init(&arena, ARENA_BYTES);
	if (rc == 0)
		rc = find_level(dir, name, &arena, &level, &err);
	json_object_foreach(settings, key, value)
	{
		if (rc == 0)
			rc = take_setting(&level, key,
				(struct slice){json_string_value(value), json_string_length(value)},
				&arena, &err);
	}
	if (rc == 0)
		rc = directory_level_set(dir, &level, &err);
	verb_end(c, rc, &err);
}

void verb_level_delete(struct conn *c, const json_t *args)
{
	struct slice name;
	struct err err;
	int rc = verb_text(args, "name", &name, &err);

	if (rc == 0)
		rc = directory_level_delete(verb_service(c)->directory, name, &err);
	verb_end(c, rc, &err);
}

/* ---- an account's ---- */

static int take_quota(struct slice text, uint64_t *out, struct err *err)
{
	if (slice_eq(text, slice_lit("level")))
		*out = DIRECTORY_LEVEL_QUOTA;
	else if (take_number(text, SIZE, out, err) < 0)
		return -(int)err->code;
	else if (*out == DIRECTORY_UNLIMITED)
		*out = 0;
	return 0;
}

void verb_account_set(struct conn *c, const json_t *args)
{
	const json_t *disabled = json_object_get(args, "disabled");
	const struct slice level = verb_text_or_empty(args, "level"),
			   language = verb_text_or_empty(args, "language"),
			   name = verb_text_or_empty(args, "name"),
			   quota = verb_text_or_empty(args, "quota");
	const bool is_disabled = json_is_true(disabled);
	uint64_t bytes = 0;
	const struct directory_change change = {.level = level.len ? &level : NULL,
		.language = language.ptr ? &language : NULL,
		.name = name.ptr ? &name : NULL,
		.quota_bytes = quota.len ? &bytes : NULL,
		.is_disabled = disabled ? &is_disabled : NULL};
	struct directory_account account;
	struct err err;
	int rc = verb_find_account(c, args, conn_arena(c), &account, &err);

	if (rc == 0 && quota.len)
		rc = take_quota(quota, &bytes, &err);
	if (rc == 0)
		rc = directory_account_set(verb_service(c)->directory, account.id, &change, &err);
	if (rc == 0 && is_disabled)
		mail_revoke(verb_service(c), account.id);
	verb_end(c, rc, &err);
}
