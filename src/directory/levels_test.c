/* levels_test.c - service levels, own aliases, groups and their domains, login screens. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/temp.h"
#include "db/db.h"
#include "directory/group.h"

#define GIB ((uint64_t)1 << 30)

static struct directory *open_dir(void)
{
	struct directory *dir;
	struct err err;

	assert_int_equal(directory_open("directory.db", &dir, &err), 0);
	return dir;
}

static uint64_t add(struct directory *dir, const char *address, const char *level)
{
	const struct directory_new new = {.address = slice_str(address), .level = slice_str(level)};
	struct err err;
	uint64_t id = 0;

	if (directory_account_new(dir, &new, &id, &err) < 0)
		fail_msg("%s: %s", address, err.msg);
	return id;
}

static struct directory_account get(struct directory *dir, uint64_t id, struct arena *arena)
{
	struct directory_account account = {0};
	struct err err;

	assert_int_equal(directory_account(dir, id, arena, &account, &err), 0);
	return account;
}

static void assert_text(struct slice got, const char *want)
{
	if (!slice_eq(got, slice_str(want)))
		fail_msg("got <%.*s>, want <%s>", SLICE_ARG(got), want);
}

static int own(struct directory *dir, uint64_t account, const char *address)
{
	struct err err;

	return directory_own_alias_add(dir, account, slice_str(address), NULL, 0, &err);
}

/* "a,b,c" */
static void join(char *out, size_t cap, const struct slice *list, size_t n)
{
	size_t at = 0;

	out[0] = 0;
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(
			out + at, cap - at, "%s%.*s", i ? "," : "", SLICE_ARG(list[i]));
}

static void assert_open(struct directory *dir, uint64_t account, const char *want)
{
	struct arena arena AUTO(arena_done);
	struct slice *list;
	struct err err;
	char got[200];
	size_t n;

	arena_init(&arena, 1 << 16);
	assert_int_equal(directory_open_domains(dir, account, &arena, &list, &n, &err), 0);
	join(got, sizeof(got), list, n);
	assert_string_equal(got, want);
}

static void add_domain(struct directory *dir, const char *name)
{
	struct err err;

	assert_int_equal(directory_domain_add(dir, slice_str(name), &err), 0);
}

static int set_level(struct directory *dir, struct directory_level *level)
{
	struct err err;

	return directory_level_set(dir, level, &err);
}

static struct directory_level get_level(
	struct directory *dir, const char *name, struct arena *arena)
{
	struct directory_level level = {0};
	struct err err;

	assert_int_equal(directory_level(dir, slice_str(name), arena, &level, &err), 0);
	return level;
}

static void test_starting_set(void **state)
{
	static const char *const want[] = {
		"ad-free", "business", "enhanced", "family", "full", "guest", "member"};
	struct arena arena AUTO(arena_done);
	struct directory_level *list;
	struct err err;
	size_t n, defaults = 0;
	struct directory *dir = open_dir();

	(void)state;
	arena_init(&arena, 1 << 20);
	assert_int_equal(directory_levels(dir, &arena, &list, &n, &err), 0);
	assert_int_equal(n, sizeof(want) / sizeof(want[0]));
	for (size_t i = 0; i < n; i++) {
		const bool is_basic =
			strcmp(want[i], "guest") == 0 || strcmp(want[i], "member") == 0;

		assert_text(list[i].name, want[i]);
		assert_int_equal(list[i].spam == DIRECTORY_SPAM_BASIC, is_basic);
		assert_true(list[i].has_all_domains);
		defaults += list[i].is_default;
	}
	assert_int_equal(defaults, 1);
	directory_close(&dir);
	dir = open_dir(); /* a second start makes nothing anew */
	assert_int_equal(directory_levels(dir, &arena, &list, &n, &err), 0);
	assert_int_equal(n, sizeof(want) / sizeof(want[0]));
	directory_close(&dir);
}

static void test_account_level(void **state)
{
	const struct slice member = slice_lit("member"), none = slice_lit("nosuch");
	const uint64_t own_quota = 5000, level_quota = DIRECTORY_LEVEL_QUOTA;
	struct directory *dir = open_dir();
	struct arena arena AUTO(arena_done);
	struct err err;
	uint64_t id;
	bool may;

	(void)state;
	arena_init(&arena, 1 << 20);
	add_domain(dir, "example.org");
	id = add(dir, "ann@example.org", "");
	assert_text(get(dir, id, &arena).level, "full");
	assert_int_equal(get(dir, id, &arena).quota_bytes, 25 * GIB);
	assert_int_equal(
		directory_account_set(dir, id, &(struct directory_change){.level = &none}, &err),
		-ERR_NOTFOUND);
	assert_int_equal(
		directory_account_set(dir, id, &(struct directory_change){.level = &member}, &err),
		0);
	assert_int_equal(get(dir, id, &arena).quota_bytes, 1 * GIB);
	assert_int_equal(directory_may_use(dir, id, DIRECTORY_SMTP, &may, &err), 0);
	assert_true(may);
	assert_int_equal(
		directory_may_use(dir, id, DIRECTORY_SMTP | DIRECTORY_JMAP, &may, &err), 0);
	assert_false(may);
	assert_int_equal(directory_account_set(dir, id,
				 &(struct directory_change){.quota_bytes = &own_quota}, &err),
		0);
	assert_int_equal(get(dir, id, &arena).quota_bytes, 5000);
	assert_int_equal(directory_account_set(dir, id,
				 &(struct directory_change){.quota_bytes = &level_quota}, &err),
		0);
	assert_int_equal(get(dir, id, &arena).quota_bytes, 1 * GIB);
	assert_int_equal(directory_account_set(
				 dir, id + 2, &(struct directory_change){.level = &member}, &err),
		-ERR_NOTFOUND);
	directory_close(&dir);
}

static void test_names(void **state)
{
	struct slice german = slice_lit("de"), bad = slice_lit("d_e"),
		     name = slice_lit("J\xc3\xb6rg M"), control = slice_lit("a\nb"),
		     broken = slice_lit("\xff");
	struct directory *dir = open_dir();
	struct arena arena AUTO(arena_done);
	const struct directory_change wrong[] = {
		{.language = &bad}, {.name = &control}, {.name = &broken}};
	struct err err;
	uint64_t id;

	(void)state;
	arena_init(&arena, 1 << 20);
	add_domain(dir, "example.org");
	id = add(dir, "ann@example.org", "");
	assert_int_equal(
		directory_account_set(dir, id,
			&(struct directory_change){.language = &german, .name = &name}, &err),
		0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(directory_account_set(dir, id, &wrong[i], &err), -ERR_SYNTAX);
	for (int i = 0; i < 2; i++) { /* from the file, then from the cache */
		assert_text(get(dir, id, &arena).language, "de");
		assert_text(get(dir, id, &arena).name, "J\xc3\xb6rg M");
	}
	directory_close(&dir);
}

static void test_level_changes(void **state)
{
	struct slice domains[] = {slice_lit("b.example")};
	struct directory_level level = {.name = slice_lit("tiny"),
		.storage_bytes = DIRECTORY_UNLIMITED,
		.aliases = 1,
		.services = DIRECTORY_IMAP,
		.spam = DIRECTORY_SPAM_BASIC,
		.domains = domains,
		.domains_n = 1,
		.is_default = true};
	struct directory *dir = open_dir();
	struct arena arena AUTO(arena_done);
	struct directory_level full;
	struct err err;
	uint64_t id;

	(void)state;
	arena_init(&arena, 1 << 20);
	add_domain(dir, "a.example");
	assert_int_equal(set_level(dir, &level), -ERR_NOTFOUND); /* b.example is not ours */
	add_domain(dir, "b.example");
	assert_int_equal(set_level(dir, &level), 0);
	assert_int_equal(get_level(dir, "tiny", &arena).domains_n, 1);
	assert_false(get_level(dir, "full", &arena).is_default);
	id = add(dir, "ann@b.example", "");
	assert_text(get(dir, id, &arena).level, "tiny");
	assert_int_equal(get(dir, id, &arena).quota_bytes, 0); /* unlimited */
	assert_int_equal(
		directory_account_add(dir, slice_lit("bob@a.example"), 0, &id, &err), -ERR_DENIED);
	assert_int_equal(directory_level_delete(dir, level.name, &err), -ERR_CONFLICT);
	level.is_default = false;
	assert_int_equal(set_level(dir, &level), -ERR_CONFLICT); /* no default would be left */
	full = get_level(dir, "full", &arena);
	full.is_default = true;
	assert_int_equal(set_level(dir, &full), 0);
	assert_int_equal(directory_level_delete(dir, level.name, &err), -ERR_CONFLICT);
	assert_int_equal(directory_level_delete(dir, slice_lit("guest"), &err), 0);
	assert_int_equal(directory_level_delete(dir, slice_lit("guest"), &err), -ERR_NOTFOUND);
	level.name = slice_lit("Big Level");
	assert_int_equal(set_level(dir, &level), -ERR_SYNTAX);
	level.name = slice_lit("ok");
	level.services = DIRECTORY_SERVICES_ALL + 1;
	assert_int_equal(set_level(dir, &level), -ERR_SYNTAX);
	directory_close(&dir);
}

static void test_own_aliases(void **state)
{
	struct directory *dir = open_dir();
	struct arena arena AUTO(arena_done);
	struct directory_alias *list;
	struct slice away[] = {slice_lit("me@elsewhere.example"), slice_lit("ann@example.org")};
	uint64_t ann, bob;
	struct err err;
	size_t n;

	(void)state;
	arena_init(&arena, 1 << 20);
	add_domain(dir, "example.org");
	ann = add(dir, "ann@example.org", "member"); /* two aliases */
	bob = add(dir, "bob@example.org", "full");
	assert_int_equal(own(dir, ann, "one@example.org"), 0);
	assert_int_equal(own(dir, ann, "two@example.org"), 0);
	assert_int_equal(own(dir, ann, "three@example.org"), -ERR_TOOBIG);
	assert_int_equal(own(dir, bob, "one@example.org"), -ERR_EXISTS);
	assert_int_equal(own(dir, bob, "ann@example.org"), -ERR_CONFLICT);
	assert_int_equal(own(dir, bob, "@example.org"), -ERR_SYNTAX);
	assert_int_equal(own(dir, bob, "ann*@example.org"), -ERR_DENIED);
	assert_int_equal(own(dir, bob, "x@elsewhere.example"), -ERR_NOTFOUND);
	/* More targets do not count; the operator's aliases do not either. */
	assert_int_equal(
		directory_own_alias_add(dir, ann, slice_lit("two@example.org"), away, 2, &err), 0);
	assert_int_equal(
		directory_alias_add(dir, slice_lit("all@example.org"), &away[1], 1, &err), 0);
	assert_int_equal(own(dir, bob, "all@example.org"), -ERR_EXISTS);
	assert_int_equal(directory_account_aliases(dir, ann, &arena, &list, &n, &err), 0);
	assert_int_equal(n, 4);
	assert_text(list[0].address, "all@example.org");
	assert_int_equal(list[0].owner, 0);
	assert_int_equal(list[1].owner, ann);
	assert_int_equal(directory_own_alias_delete(
				 dir, bob, slice_lit("one@example.org"), (struct slice){0}, &err),
		-ERR_NOTFOUND);
	assert_int_equal(directory_own_alias_delete(
				 dir, ann, slice_lit("one@example.org"), (struct slice){0}, &err),
		0);
	assert_int_equal(own(dir, ann, "three@example.org"), 0); /* there is room again */
	assert_int_equal(directory_account_delete(dir, ann, &err), 0);
	assert_int_equal(own(dir, bob, "two@example.org"), 0); /* its aliases went with it */
	directory_close(&dir);
}

static uint64_t add_group(struct directory *dir, const char *name, uint64_t members_max)
{
	const struct directory_group group = {.name = slice_str(name),
		.level = slice_lit("family"),
		.members_max = members_max,
		.shares_calendars = true};
	struct err err;
	uint64_t id;

	if (directory_group_add(dir, &group, &id, &err) < 0)
		fail_msg("%s", err.msg);
	return id;
}

static void test_groups(void **state)
{
	struct directory *dir = open_dir();
	struct arena arena AUTO(arena_done);
	struct directory_account *members;
	struct directory_group group;
	uint64_t miller, smith, mum, kid, stranger;
	struct err err;
	size_t n;

	(void)state;
	arena_init(&arena, 1 << 20);
	add_domain(dir, "example.org");
	miller = add_group(dir, "Miller", 2);
	smith = add_group(dir, "Smith", DIRECTORY_UNLIMITED);
	assert_int_equal(directory_group_add(dir,
				 &(struct directory_group){.name = slice_lit("Miller")}, &n, &err),
		-ERR_EXISTS);
	assert_int_equal(
		directory_group_domain_add(dir, miller, slice_lit("miller.example"), &err), 0);
	assert_int_equal(directory_group_domain_add(dir, smith, slice_lit("miller.example"), &err),
		-ERR_CONFLICT);
	mum = add(dir, "mum@miller.example", ""); /* the domain's group takes it in */
	assert_int_equal(get(dir, mum, &arena).group, miller);
	assert_text(get(dir, mum, &arena).level, "family");
	stranger = add(dir, "x@example.org", "");
	assert_open(dir, mum, "miller.example,example.org");
	assert_open(dir, stranger, "example.org");
	assert_int_equal(own(dir, stranger, "x@miller.example"), -ERR_DENIED);
	assert_int_equal(own(dir, mum, "info@miller.example"), 0);
	kid = add(dir, "kid@example.org", "guest");
	assert_int_equal(directory_group_join(dir, miller, kid, &err), 0);
	assert_int_equal(directory_group_join(dir, miller, stranger, &err), -ERR_TOOBIG);
	assert_int_equal(directory_group_join(dir, smith, kid, &err), -ERR_CONFLICT);
	assert_int_equal(directory_group_admin(dir, mum, true, &err), 0);
	assert_int_equal(directory_group_admin(dir, stranger, true, &err), -ERR_CONFLICT);
	assert_int_equal(directory_group_members(
				 dir, miller, (struct slice){0}, 10, &arena, &members, &n, &err),
		0);
	assert_int_equal(n, 2);
	assert_false(members[0].is_group_admin);
	assert_true(members[1].is_group_admin);
	assert_int_equal(directory_group_leave(dir, mum, &err), -ERR_CONFLICT);
	assert_int_equal(directory_group_leave(dir, kid, &err), 0);
	assert_int_equal(directory_group_delete(dir, miller, &err), -ERR_CONFLICT);
	assert_int_equal(directory_group(dir, miller, &arena, &group, &err), 0);
	assert_true(group.shares_calendars && !group.shares_contacts);
	assert_int_equal(group.members, 1);
	assert_int_equal(group.domains, 1);
	assert_int_equal(directory_group_delete(dir, smith, &err), 0);
	directory_close(&dir);
}

static void test_group_domains(void **state)
{
	struct directory *dir = open_dir();
	struct arena arena AUTO(arena_done);
	struct directory_level level;
	struct directory_domain domain;
	struct slice *list, customer = slice_lit("shop.example");
	uint64_t shop, id;
	struct err err;
	size_t n;

	(void)state;
	arena_init(&arena, 1 << 20);
	shop = add_group(dir, "Shop", DIRECTORY_UNLIMITED);
	add_domain(dir, "shop.example");
	add_domain(dir, "other.example");
	id = add(dir, "boss@shop.example", "");
	/* The operator's domain has somebody else's address. */
	assert_int_equal(directory_group_domain_add(dir, shop, customer, &err), -ERR_CONFLICT);
	assert_int_equal(directory_group_join(dir, shop, id, &err), 0);
	assert_int_equal(directory_group_domain_add(dir, shop, customer, &err), 0);
	assert_int_equal(directory_group_domain_add(dir, shop, customer, &err), -ERR_EXISTS);
	assert_int_equal(directory_domain(dir, customer, &domain, &err), 0);
	assert_true(domain.is_ours && domain.group == shop && !domain.has_screen);
	assert_int_equal(directory_domain(dir, slice_lit("x.example"), &domain, &err), 0);
	assert_false(domain.is_ours);
	level = get_level(dir, "full", &arena);
	level.domains = &customer;
	level.domains_n = 1;
	assert_int_equal(set_level(dir, &level), -ERR_CONFLICT);
	assert_int_equal(directory_group_domains(dir, shop, &arena, &list, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(directory_group_domain_remove(dir, shop, customer, &err), -ERR_CONFLICT);
	assert_int_equal(directory_account_delete(dir, id, &err), 0);
	assert_int_equal(directory_group_domain_remove(dir, shop, customer, &err), 0);
	assert_int_equal(directory_group_domain_remove(dir, shop, customer, &err), -ERR_NOTFOUND);
	assert_int_equal(directory_group_domain_add(dir, shop + 2, customer, &err), -ERR_NOTFOUND);
	directory_close(&dir);
}

static void test_screens(void **state)
{
	const struct slice domain = slice_lit("shop.example");
	const struct slice png = slice_lit("\x89PNG\r\n\x1a\n....");
	struct directory_screen screen = {.name = slice_lit("The Shop"),
		.text = slice_lit("Welcome.\nSign in."),
		.accent = slice_lit("#00aaFF"),
		.logo = png};
	struct directory_screen bad[] = {screen, screen, screen, screen, screen};
	struct directory *dir = open_dir();
	struct arena arena AUTO(arena_done);
	struct directory_screen got;
	struct directory_domain found;
	struct err err;
	char *big = mem_zalloc(DIRECTORY_LOGO_MAX + 1);

	(void)state;
	arena_init(&arena, 1 << 20);
	bad[0].accent = slice_lit("red; background: url(x)");
	bad[1].logo = slice_lit("<svg onload=alert(1)>");
	bad[2].text = slice_lit("a\x01");
	bad[3].name = slice_lit("two\nlines");
	bad[4].background = slice_lit("#12345g");
	assert_int_equal(directory_screen_set(dir, domain, &screen, &err), -ERR_NOTFOUND);
	add_domain(dir, "shop.example");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(directory_screen_set(dir, domain, &bad[i], &err), -ERR_SYNTAX);
	bad[0] = screen;
	bad[0].logo = (struct slice){big, DIRECTORY_LOGO_MAX + 1};
	assert_int_equal(directory_screen_set(dir, domain, &bad[0], &err), -ERR_TOOBIG);
	assert_int_equal(directory_screen(dir, domain, &arena, &got, &err), -ERR_NOTFOUND);
	assert_int_equal(directory_screen_set(dir, slice_lit("SHOP.example"), &screen, &err), 0);
	assert_int_equal(directory_screen(dir, domain, &arena, &got, &err), 0);
	assert_text(got.text, "Welcome.\nSign in.");
	assert_text(got.logo_type, "image/png");
	assert_true(slice_eq(got.logo, png));
	assert_int_equal(directory_domain(dir, domain, &found, &err), 0);
	assert_true(found.has_screen);
	screen.logo = (struct slice){0};
	assert_int_equal(directory_screen_set(dir, domain, &screen, &err), 0);
	screen.version = got.version;
	assert_int_equal(directory_screen(dir, domain, &arena, &got, &err), 0);
	assert_int_equal(got.logo.len, 0);
	assert_true(got.version != screen.version);
	assert_int_equal(directory_screen_delete(dir, domain, &err), 0);
	assert_int_equal(directory_screen_delete(dir, domain, &err), -ERR_NOTFOUND);
	free(big);
	directory_close(&dir);
}

/* A file of the version before: its accounts keep the quota they had, none included. */
static void test_migration(void **state)
{
	struct arena arena AUTO(arena_done);
	struct directory *dir;
	struct db *db;
	struct err err;

	(void)state;
	arena_init(&arena, 1 << 20);
	assert_int_equal(
		db_open(&(struct db_config){.path = "directory.db", .may_create = true}, &db, &err),
		0);
	assert_int_equal(
		db_migrate(db,
			&(struct db_migration){
				"CREATE TABLE domain (name TEXT PRIMARY KEY) WITHOUT ROWID;"
				"CREATE TABLE account (id INTEGER PRIMARY KEY, address TEXT NOT "
				"NULL"
				" UNIQUE, quota INTEGER NOT NULL, created INTEGER NOT NULL,"
				" is_disabled INTEGER NOT NULL);"
				"CREATE TABLE alias (address TEXT NOT NULL, target TEXT NOT NULL,"
				" PRIMARY KEY (address, target)) WITHOUT ROWID;"
				"CREATE INDEX alias_target ON alias (target);"
				"INSERT INTO domain VALUES ('example.org');"
				"INSERT INTO account VALUES (7, 'ann@example.org', 0, 1, 0);"
				"INSERT INTO account VALUES (8, 'bob@example.org', 500, 1, 0);"},
			1, &err),
		0);
	db_close(&db);
	dir = open_dir();
	assert_int_equal(get(dir, 7, &arena).quota_bytes, 0);
	assert_int_equal(get(dir, 8, &arena).quota_bytes, 500);
	assert_text(get(dir, 7, &arena).level, "full");
	assert_int_equal(own(dir, 7, "alias@example.org"), 0);
	directory_close(&dir);
}

static int enter(void **state)
{
	char path[TEMP_MAX];

	*state = mem_str(slice_str(mkdtemp(temp_path(path, "levels-test-XXXXXX"))));
	return chdir(*state);
}

static int leave(void **state)
{
	static const char *const names[] = {"directory.db", "directory.db-wal", "directory.db-shm"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(names[i]);
	rmdir(*state);
	free(*state);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_starting_set),
		TEST(test_account_level),
		TEST(test_names),
		TEST(test_level_changes),
		TEST(test_own_aliases),
		TEST(test_groups),
		TEST(test_group_domains),
		TEST(test_screens),
		TEST(test_migration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
