/* directory_test.c - every change and look-up, its cache, its faults, and a large import. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/temp.h"
#include "directory/cache.h"
#include "directory/level.h"

static struct directory *open_dir(void)
{
	struct directory *dir;
	struct err err;

	assert_int_equal(directory_open("directory.db", &dir, &err), 0);
	return dir;
}

/* What an address is, in a notation made for reading: "account", "alias:a,b", "*alias:…". */
static void trace(struct directory *dir, const char *address, char *out, size_t cap)
{
	struct arena arena AUTO(arena_done);
	struct directory_entry e = {0};
	struct err err;
	size_t n;

	arena_init(&arena, 1 << 20);
	assert_int_equal(directory_find(dir, slice_str(address), &arena, &e, &err), 0);
	switch (e.kind) {
	case DIRECTORY_ACCOUNT:
		snprintf(out, cap, "account:%.*s", SLICE_ARG(e.account.address));
		return;
	case DIRECTORY_NOBODY:
		snprintf(out, cap, "nobody");
		return;
	case DIRECTORY_FOREIGN:
		snprintf(out, cap, "foreign");
		return;
	case DIRECTORY_ALIAS:
		n = (size_t)snprintf(out, cap, "%salias:", e.is_catch_all ? "*" : "");
		for (size_t i = 0; i < e.targets_n; i++)
			n += (size_t)snprintf(
				out + n, cap - n, "%s%.*s", i ? "," : "", SLICE_ARG(e.targets[i]));
	}
}

static void assert_is(struct directory *dir, const char *address, const char *want)
{
	char got[512];

	for (int i = 0; i < 2; i++) { /* from the file, then from the cache */
		trace(dir, address, got, sizeof(got));
		if (strcmp(got, want) != 0)
			fail_msg("%s: got <%s>, want <%s>", address, got, want);
	}
}

static int add_alias(struct directory *dir, const char *address, const char *target)
{
	const struct slice to = slice_str(target);
	struct err err;

	return directory_alias_add(dir, slice_str(address), &to, 1, &err);
}

static uint64_t add_account(struct directory *dir, const char *address)
{
	struct err err;
	uint64_t id;

	assert_int_equal(directory_account_add(dir, slice_str(address), 1000, &id, &err), 0);
	return id;
}

/* Two domains, two accounts, an alias and a catch-all. */
static uint64_t fill(struct directory *dir)
{
	struct err err;
	uint64_t alice;

	assert_int_equal(directory_domain_add(dir, slice_lit("Example.ORG"), &err), 0);
	assert_int_equal(directory_domain_add(dir,
				 slice_lit("b\xc3\xbc"
					   "cher.example"),
				 &err),
		0);
	alice = add_account(dir, "Alice@example.org");
	add_account(dir, "bob@xn--bcher-kva.example");
	assert_int_equal(add_alias(dir, "Team@example.org", "alice@example.org"), 0);
	assert_int_equal(add_alias(dir, "team@example.org", "x@elsewhere.example"), 0);
	assert_int_equal(add_alias(dir, "@xn--bcher-kva.example", "alice@example.org"), 0);
	return alice;
}

static void test_find(void **state)
{
	static const struct {
		const char *address, *want;
	} cases[] = {
		{"alice@example.org", "account:alice@example.org"},
		{"ALICE@EXAMPLE.org", "account:alice@example.org"},
		{"\"alice\"@example.org", "account:alice@example.org"},
		{"bob@B\xc3\xbc"
		 "cher.example",
			"account:bob@xn--bcher-kva.example"},
		{"team@example.org", "alias:alice@example.org,x@elsewhere.example"},
		{"anyone@xn--bcher-kva.example", "*alias:alice@example.org"},
		{"nobody@example.org", "nobody"},
		{"alice+tag@example.org", "nobody"},
		{"alice@elsewhere.example", "foreign"},
		{"alice@sub.example.org", "foreign"},
		{"alice@[127.0.0.1]", "foreign"},
		{"alice", "foreign"},
		{"", "foreign"},
		{"@", "foreign"},
		{"a@b@example.org", "foreign"},
	};
	struct directory *dir AUTO(directory_close) = open_dir();

	(void)state;
	fill(dir);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_is(dir, cases[i].address, cases[i].want);
	directory_close(&dir);
	dir = open_dir();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_is(dir, cases[i].address, cases[i].want);
}

/* postmaster and abuse: of who has the name, the catch-all, the operator, the first account. */
static void test_duties(void **state)
{
	struct directory *dir = open_dir();
	struct err err;

	(void)state;
	assert_int_equal(directory_domain_add(dir, slice_lit("one.example"), &err), 0);
	assert_int_equal(directory_domain_add(dir, slice_lit("two.example"), &err), 0);
	assert_is(dir, "postmaster@one.example", "nobody");
	add_account(dir, "zoe@two.example");
	assert_is(dir, "postmaster@one.example", "alias:zoe@two.example");
	add_account(dir, "mia@one.example");
	assert_is(dir, "Postmaster@one.example", "alias:mia@one.example");
	assert_is(dir, "abuse@two.example", "alias:zoe@two.example");
	assert_is(dir, "postmaster@elsewhere.example", "foreign");
	assert_is(dir, "hostmaster@one.example", "nobody");
	assert_int_equal(add_alias(dir, "postmaster@one.example", "zoe@two.example"), 0);
	assert_is(dir, "postmaster@one.example", "alias:zoe@two.example");
	assert_int_equal(add_alias(dir, "@two.example", "mia@one.example"), 0);
	assert_is(dir, "abuse@two.example", "*alias:mia@one.example");
	directory_close(&dir);
	assert_int_equal(directory_open("directory.db", &dir, &err), 0);
	directory_set_operator(dir, slice_lit("Abuse@one.example"));
	assert_is(dir, "abuse@one.example", "alias:mia@one.example");
	assert_int_equal(directory_domain_add(dir, slice_lit("three.example"), &err), 0);
	assert_is(dir, "postmaster@three.example", "alias:Abuse@one.example");
	directory_close(&dir);
}

static void test_wildcards(void **state)
{
	static const struct {
		const char *alias, *target;
	} aliases[] = {
		{"Sales-*@one.example", "a@x.example"},
		{"sales-eu-*@one.example", "b@x.example"},
		{"*-list@one.example", "c@x.example"},
		{"s*-list@one.example", "d@x.example"},
		{"sa*list@one.example", "e@x.example"},
		{"*-list@two.example", "f@x.example"},
		{"\"q *\"@one.example", "g@x.example"},
		{"sales-boss@one.example", "h@x.example"},
		{"m*m@one.example", "i@x.example"},
		{"post*@one.example", "j@x.example"},
	};
	static const struct {
		const char *address, *want;
	} cases[] = {
		{"sales-de@one.example", "*alias:a@x.example"},
		{"SALES-@one.example", "*alias:a@x.example"},
		{"sales@one.example", "nobody"},
		{"sales-eu-x@one.example", "*alias:b@x.example"},
		{"sales-boss@one.example", "alias:h@x.example"},
		{"sales-mia@one.example", "account:sales-mia@one.example"},
		/* the longest; of as many letters the one with more in front */
		{"x-list@one.example", "*alias:c@x.example"},
		{"sx-list@one.example", "*alias:d@x.example"},
		{"sax-list@one.example", "*alias:e@x.example"},
		{"sales-list@one.example", "*alias:a@x.example"},
		{"x-list@two.example", "*alias:f@x.example"},
		{"x-list@three.example", "foreign"},
		{"m@one.example", "nobody"},
		{"mm@one.example", "*alias:i@x.example"},
		{"postmaster@one.example", "*alias:j@x.example"},
		{"\"q q\"@one.example", "nobody"},
		{"anyone@two.example", "*alias:z@x.example"},
	};
	struct directory *dir AUTO(directory_close) = open_dir();
	struct err err;
	char name[64];

	(void)state;
	assert_int_equal(directory_domain_add(dir, slice_lit("one.example"), &err), 0);
	assert_int_equal(directory_domain_add(dir, slice_lit("two.example"), &err), 0);
	add_account(dir, "sales-mia@one.example");
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		assert_int_equal(add_alias(dir, aliases[i].alias, aliases[i].target), 0);
	assert_int_equal(add_alias(dir, "@two.example", "z@x.example"), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_is(dir, cases[i].address, cases[i].want);
	assert_int_equal(add_alias(dir, "*@one.example", "z@x.example"), -ERR_SYNTAX);
	assert_int_equal(add_alias(dir, "a*b*@one.example", "z@x.example"), -ERR_SYNTAX);
	assert_int_equal(directory_alias_delete(dir, slice_lit("sales-eu-*@one.example"),
				 (struct slice){"", 0}, &err),
		0);
	assert_is(dir, "sales-eu-x@one.example", "*alias:a@x.example");
	/* There is a bound for each domain. */
	for (int i = 1; i < DIRECTORY_WILDCARDS_MAX; i++) {
		snprintf(name, sizeof(name), "w%03d*@two.example", i);
		assert_int_equal(add_alias(dir, name, "z@x.example"), 0);
	}
	assert_int_equal(add_alias(dir, "more*@two.example", "z@x.example"), -ERR_TOOBIG);
	assert_int_equal(add_alias(dir, "w001*@two.example", "y@x.example"), 0);
	assert_int_equal(add_alias(dir, "more*@one.example", "z@x.example"), 0);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *address, *target; /* no target: an account */
		int want;
	} cases[] = {
		{"alice@example.org", NULL, -ERR_EXISTS},
		{"ALICE@example.org", NULL, -ERR_EXISTS},
		{"team@example.org", NULL, -ERR_CONFLICT},
		{"carol@elsewhere.example", NULL, -ERR_NOTFOUND},
		{"carol", NULL, -ERR_SYNTAX},
		{"@example.org", NULL, -ERR_SYNTAX},
		{"", NULL, -ERR_SYNTAX},
		{"a b@example.org", NULL, -ERR_SYNTAX},
		{"alice@example.org", "bob@xn--bcher-kva.example", -ERR_CONFLICT},
		{"new@example.org", "new@example.org", -ERR_CONFLICT},
		{"new@example.org", "@example.org", -ERR_SYNTAX},
		{"new@example.org", "new", -ERR_SYNTAX},
		{"new@elsewhere.example", "alice@example.org", -ERR_NOTFOUND},
		{"team@example.org", "Alice@Example.Org", -ERR_EXISTS},
	};
	struct directory *dir AUTO(directory_close) = open_dir();
	char longest[300];
	struct err err;

	(void)state;
	fill(dir);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct slice address = slice_str(cases[i].address);
		uint64_t id = 77;
		int rc = cases[i].target ? add_alias(dir, cases[i].address, cases[i].target)
					 : directory_account_add(dir, address, 0, &id, &err);

		if (rc != cases[i].want || id != 77)
			fail_msg("%s: got %d, want %d", cases[i].address, rc, cases[i].want);
	}
	assert_is(dir, "new@example.org", "nobody");
	assert_int_equal(directory_domain_add(dir, slice_lit("example.org"), &err), -ERR_EXISTS);
	assert_int_equal(directory_domain_add(dir, slice_lit("-x.org"), &err), -ERR_SYNTAX);
	assert_int_equal(directory_domain_add(dir, slice_lit("[127.0.0.1]"), &err), -ERR_SYNTAX);

	/* 254 bytes are an address, 255 are not. */
	memset(longest, 'a', sizeof(longest));
	memcpy(longest + 254 - 12, "@example.org", 13);
	add_account(dir, longest);
	memset(longest, 'b', sizeof(longest));
	memcpy(longest + 255 - 12, "@example.org", 13);
	assert_int_equal(directory_account_add(dir, slice_str(longest), 0, &(uint64_t){0}, &err),
		-ERR_SYNTAX);
}

static void test_accounts(void **state)
{
	struct directory *dir AUTO(directory_close) = open_dir();
	const uint64_t alice = fill(dir);
	struct arena arena AUTO(arena_done);
	struct directory_account account;
	struct err err;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(directory_account(dir, alice, &arena, &account, &err), 0);
		assert_true(account.id == alice && account.quota_bytes == 1000);
		assert_true(slice_eq(account.address, slice_lit("alice@example.org")));
		assert_true(account.created_s > 0 && !account.is_disabled);
		assert_int_equal(
			directory_account(dir, alice + 2, &arena, &account, &err), -ERR_NOTFOUND);
	}
	assert_int_equal(directory_account_delete(dir, alice, &err), 0);
	assert_int_equal(directory_account_delete(dir, alice, &err), -ERR_NOTFOUND);
	assert_int_equal(directory_account(dir, alice, &arena, &account, &err), -ERR_NOTFOUND);
	/* What led to her leads to nobody, even after somebody else has the address. */
	assert_is(dir, "team@example.org", "alias:x@elsewhere.example");
	assert_is(dir, "anyone@xn--bcher-kva.example", "nobody");
	assert_true(add_account(dir, "alice@example.org") != alice);
	assert_is(dir, "team@example.org", "alias:x@elsewhere.example");
}

static void test_send_as(void **state)
{
	static const struct {
		const char *address;
		bool want;
	} cases[] = {{"alice@example.org", true}, {"Alice@Example.org", true},
		{"team@example.org", true}, {"any@xn--bcher-kva.example", true},
		{"bob@xn--bcher-kva.example", false}, {"nobody@example.org", false},
		{"x@elsewhere.example", false}, {"", false}};
	struct directory *dir AUTO(directory_close) = open_dir();
	const uint64_t alice = fill(dir);
	struct err err;
	bool may, has;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
			directory_may_send_as(dir, alice, slice_str(cases[i].address), &may, &err),
			0);
		if (may != cases[i].want)
			fail_msg("%s: %d", cases[i].address, may);
	}
	assert_int_equal(directory_has_domain(dir, slice_lit("EXAMPLE.org"), &has, &err), 0);
	assert_true(has);
	assert_int_equal(directory_has_domain(dir, slice_lit("example.com"), &has, &err), 0);
	assert_false(has);
	assert_int_equal(directory_has_domain(dir, slice_lit("not a domain"), &has, &err), 0);
	assert_false(has);
}

static void test_alias_delete(void **state)
{
	struct directory *dir AUTO(directory_close) = open_dir();
	struct err err;

	(void)state;
	fill(dir);
	assert_is(dir, "team@example.org", "alias:alice@example.org,x@elsewhere.example");
	assert_int_equal(directory_alias_delete(dir, slice_lit("team@example.org"),
				 slice_lit("ALICE@example.org"), &err),
		0);
	assert_is(dir, "team@example.org", "alias:x@elsewhere.example");
	assert_int_equal(directory_alias_delete(dir, slice_lit("team@example.org"),
				 slice_lit("alice@example.org"), &err),
		-ERR_NOTFOUND);
	assert_int_equal(
		directory_alias_delete(dir, slice_lit("team@example.org"), slice_lit(""), &err), 0);
	assert_is(dir, "team@example.org", "nobody");
}

static void test_many_targets(void **state)
{
	struct directory *dir AUTO(directory_close) = open_dir();
	struct arena arena AUTO(arena_done), small AUTO(arena_done);
	struct slice *targets;
	struct directory_entry e;
	struct err err;

	(void)state;
	fill(dir);
	arena_init(&arena, 8 << 20);
	arena_init(&small, 1000);
	targets = arena_array(&arena, struct slice, DIRECTORY_TARGETS_MAX + 1);
	for (size_t i = 0; i <= DIRECTORY_TARGETS_MAX; i++) {
		char one[32];

		snprintf(one, sizeof(one), "u%zu@example.org", i);
		targets[i] = arena_dup(&arena, slice_str(one));
	}
	assert_int_equal(directory_alias_add(dir, slice_lit("all@example.org"), targets,
				 DIRECTORY_TARGETS_MAX + 1, &err),
		-ERR_TOOBIG);
	assert_is(dir, "all@example.org", "nobody");
	assert_int_equal(directory_alias_add(dir, slice_lit("all@example.org"), targets,
				 DIRECTORY_TARGETS_MAX, &err),
		0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			directory_find(dir, slice_lit("all@example.org"), &small, &e, &err),
			-ERR_TOOBIG);
		assert_int_equal(
			directory_find(dir, slice_lit("all@example.org"), &arena, &e, &err), 0);
		assert_int_equal(e.targets_n, DIRECTORY_TARGETS_MAX);
	}
}

static void test_lists(void **state)
{
	struct directory *dir AUTO(directory_close) = open_dir();
	struct arena arena AUTO(arena_done);
	struct directory_account *accounts;
	struct directory_alias *aliases, after = {0};
	struct slice *domains;
	struct err err;
	size_t n;

	(void)state;
	fill(dir);
	arena_init(&arena, 1 << 20);
	assert_int_equal(directory_accounts(dir, slice_lit(""), 1, &arena, &accounts, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_true(slice_eq(accounts[0].address, slice_lit("alice@example.org")));
	assert_int_equal(
		directory_accounts(dir, accounts[0].address, 10, &arena, &accounts, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_true(slice_eq(accounts[0].address, slice_lit("bob@xn--bcher-kva.example")));
	assert_int_equal(directory_domains(dir, slice_lit(""), 10, &arena, &domains, &n, &err), 0);
	assert_int_equal(n, 2);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(directory_aliases(dir, after, 1, &arena, &aliases, &n, &err), 0);
		assert_int_equal(n, 1);
		after = aliases[0];
	}
	assert_true(slice_eq(after.target, slice_lit("x@elsewhere.example")));
	assert_int_equal(directory_aliases(dir, after, 1, &arena, &aliases, &n, &err), 0);
	assert_int_equal(n, 0);
	arena_reset(&arena);
	assert_int_equal(
		directory_accounts(dir, slice_lit(""), 1 << 20, &arena, &accounts, &n, &err),
		-ERR_TOOBIG);
}

static void test_import(void **state)
{
	enum { COUNT = 20000 };
	struct directory *dir AUTO(directory_close) = open_dir();
	struct directory_import *items = mem_zalloc_array(COUNT, sizeof(*items));
	struct arena arena AUTO(arena_done);
	struct err err;

	(void)state;
	fill(dir);
	arena_init(&arena, 8 << 20);
	for (size_t i = 0; i < COUNT; i++) {
		char address[64];

		snprintf(address, sizeof(address), "user%zu@example.org", i);
		items[i].address = arena_dup(&arena, slice_str(address));
	}
	items[1].address = slice_lit("alice@example.org");
	items[2].address = slice_lit("nonsense");
	assert_int_equal(directory_account_import(dir, items, COUNT, &err), 0);
	assert_int_equal(items[0].rc, 0);
	assert_true(items[0].id != 0);
	assert_int_equal(items[1].rc, -ERR_EXISTS);
	assert_true(items[1].id != 0);
	assert_int_equal(items[2].rc, -ERR_SYNTAX);
	assert_is(dir, "user19999@example.org", "account:user19999@example.org");
	assert_is(dir, "user1@example.org", "nobody");
	free(items);
}

#ifdef PH_FAULTS

/* One attempt whose n-th step fails; true if that step was reached. */
static bool add_with_fault(enum io_step step, unsigned n)
{
	struct directory *dir AUTO(directory_close) = open_dir();
	char address[32];
	struct err err;
	uint64_t id;
	bool is_kept;

	snprintf(address, sizeof(address), "u%u-%d@example.org", n, (int)step);
	io_fault_set(step, n, IO_FAULT_FAIL);
	is_kept = directory_account_add(dir, slice_str(address), 0, &id, &err) == 0;
	io_fault_set(step, 0, IO_FAULT_NONE);
	trace(dir, address, address, sizeof(address));
	assert_true(slice_starts(slice_str(address), slice_lit("account")) == is_kept);
	directory_close(&dir);
	dir = open_dir();
	snprintf(address, sizeof(address), "u%u-%d@example.org", n, (int)step);
	trace(dir, address, address, sizeof(address));
	/* A log that was written but not synced may come back: refused is then not undone. */
	if (is_kept || step == IO_WRITE)
		assert_true(slice_starts(slice_str(address), slice_lit("account")) == is_kept);
	return !is_kept;
}

/* The n-th write or sync fails: what was refused is not there, what was acknowledged is. */
static void test_faults(void **state)
{
	static const enum io_step steps[] = {IO_WRITE, IO_SYNC};
	struct directory *dir = open_dir();

	(void)state;
	fill(dir);
	directory_close(&dir);
	for (size_t s = 0; s < 2; s++) {
		unsigned n = 1;

		while (add_with_fault(steps[s], n))
			n++;
		assert_true(n > 1);
	}
}

#endif

/* What a second opener (an upgrade runs two servers) changes counts at once. */
static void test_two_openers(void **state)
{
	struct directory *dir AUTO(directory_close) = open_dir(),
			      *other AUTO(directory_close) = NULL;
	struct directory_bounds bounds;
	struct directory_level level;
	struct arena arena AUTO(arena_done);
	struct err err;
	uint64_t id;

	(void)state;
	arena_init(&arena, 1 << 20);
	fill(dir);
	other = open_dir();
	for (int i = 0; i < 3; i++) {
		assert_is(dir, "carol@example.org", "nobody");
		id = add_account(other, "carol@example.org");
		assert_is(dir, "carol@example.org", "account:carol@example.org");
		assert_int_equal(directory_bounds(dir, id, &bounds, &err), 0);
		assert_int_equal(directory_level_of(other, id, &arena, &level, &err), 0);
		assert_int_equal(bounds.sends_hour, level.sends_hour);
		level.sends_hour = (uint64_t)i;
		level.sends_day = 7;
		level.message_bytes = 1000;
		level.stop_points = 9;
		assert_int_equal(directory_level_set(other, &level, &err), 0);
		assert_int_equal(directory_bounds(dir, id, &bounds, &err), 0);
		assert_int_equal(bounds.sends_hour, i);
		assert_int_equal(bounds.sends_day, 7);
		assert_int_equal(bounds.message_bytes, 1000);
		assert_int_equal(bounds.stop_points, 9);
		assert_int_equal(directory_account_delete(other, id, &err), 0);
		assert_int_equal(directory_bounds(dir, id, &bounds, &err), -ERR_NOTFOUND);
	}
	/* A domain, too: its addresses are known before they are asked for. */
	assert_is(dir, "x@new.example", "foreign");
	assert_int_equal(directory_domain_add(other, slice_lit("new.example"), &err), 0);
	assert_is(dir, "x@new.example", "nobody");
}

static void test_cache_bound(void **state)
{
	struct cache *cache AUTO(cache_free) = cache_new(10000);
	struct directory_entry e = {.kind = DIRECTORY_NOBODY};
	const struct slice k0 = slice_lit("k0");
	struct arena arena AUTO(arena_done);
	struct err err;
	int found = 0;
	char key[16];

	(void)state;
	arena_init(&arena, 1 << 20);
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		cache_put(cache, 0, CACHE_ADDRESS, slice_str(key), &e);
		/* What is asked for again and again stays. */
		assert_int_equal(cache_get(cache, 0, CACHE_ADDRESS, k0, &arena, &e, &err), 1);
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		found += cache_get(cache, 0, CACHE_ADDRESS, slice_str(key), &arena, &e, &err);
	}
	assert_true(found >= 20 && found <= 10000 / 80);
	assert_int_equal(cache_get(cache, 0, CACHE_DOMAIN, k0, &arena, &e, &err), 0);
	/* Of another state: nothing is left, and what was read at the one before is not taken. */
	assert_int_equal(cache_get(cache, 1, CACHE_ADDRESS, k0, &arena, &e, &err), 0);
	cache_put(cache, 0, CACHE_ADDRESS, k0, &e);
	assert_int_equal(cache_get(cache, 1, CACHE_ADDRESS, k0, &arena, &e, &err), 0);
	cache_put(cache, 1, CACHE_ADDRESS, k0, &e);
	assert_int_equal(cache_get(cache, 1, CACHE_ADDRESS, k0, &arena, &e, &err), 1);
	assert_int_equal(cache_get(cache, 0, CACHE_ADDRESS, k0, &arena, &e, &err), 0);
}

static int set_up(void **state)
{
	char dir[TEMP_MAX];

	if (!mkdtemp(temp_path(dir, "directory-test-XXXXXX")) || chdir(dir) < 0)
		return -1;
	*state = mem_str(slice_str(dir));
	return 0;
}

static int tear_down(void **state)
{
	int rc;

	unlink("directory.db");
	unlink("directory.db-wal");
	unlink("directory.db-shm");
	rc = chdir("/") | rmdir(*state);
	free(*state);
	return rc;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_find, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_duties, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wildcards, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refusals, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_accounts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_send_as, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_alias_delete, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many_targets, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lists, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_import, set_up, tear_down),
#ifdef PH_FAULTS
		cmocka_unit_test_setup_teardown(test_faults, set_up, tear_down),
#endif
		cmocka_unit_test_setup_teardown(test_two_openers, set_up, tear_down),
		cmocka_unit_test(test_cache_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
