/* personality_test.c - unit tests of personality.c: what is refused, what proof is worth, and that
 * nothing that was deleted is forgotten before its password is. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/temp.h"
#include "directory/personality.h"

static char folder[TEMP_MAX];
static struct directory *dir;
static uint64_t ada, bob;

static int setup(void **state)
{
	struct err err;

	(void)state;
	assert_non_null(mkdtemp(temp_path(folder, "personality-test-XXXXXX")));
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(directory_open("directory.db", &dir, &err), 0);
	assert_int_equal(directory_domain_add(dir, slice_lit("here.example"), &err), 0);
	assert_int_equal(
		directory_account_add(dir, slice_lit("ada@here.example"), 0, &ada, &err), 0);
	assert_int_equal(
		directory_account_add(dir, slice_lit("bob@here.example"), 0, &bob, &err), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	directory_close(&dir);
	unlink("directory.db");
	unlink("directory.db-wal");
	unlink("directory.db-shm");
	assert_int_equal(chdir("/"), 0);
	rmdir(folder);
	return 0;
}

static const struct directory_personality elsewhere = {.name = {"Ada", 3},
	.address = {"ada@else.example", 16},
	.host = {"smtp.else.example", 17},
	.login = {"ada", 3},
	.port = 465};

static int find(const char *address, struct directory_personality *out)
{
	static struct arena arena;
	struct err err;

	arena_done(&arena);
	arena_init(&arena, 1 << 16);
	return directory_personality_of(dir, ada, slice_str(address), &arena, out, &err);
}

static void test_put(void **state)
{
	const struct {
		const char *address, *host, *login;
		unsigned port;
		int want;
	} cases[] = {
		{"ada@here.example", "", "", 0, 0},
		{"bob@here.example", "", "", 0, -ERR_DENIED},
		{"nobody@here.example", "", "", 0, -ERR_DENIED},
		{"ada@here.example", "smtp.else.example", "ada", 465, -ERR_SYNTAX},
		{"ada@else.example", "", "", 0, -ERR_SYNTAX},
		{"ada@else.example", "smtp.else.example", "", 465, -ERR_SYNTAX},
		{"ada@else.example", "smtp.else.example", "ada", 0, -ERR_SYNTAX},
		{"ada@else.example", "smtp.else.example", "ada", 65536, -ERR_SYNTAX},
		{"ada@else.example", "localhost", "ada", 465, -ERR_SYNTAX},
		{"ada@else.example", "[127.0.0.1]", "ada", 465, -ERR_SYNTAX},
		{"ada@else.example", "a b.example", "ada", 465, -ERR_SYNTAX},
		{"@else.example", "smtp.else.example", "ada", 465, -ERR_SYNTAX},
		{"else", "smtp.else.example", "ada", 465, -ERR_SYNTAX},
		{"Ada@Else.example", "smtp.else.example", "ada", 465, 0},
		{"ada@else.example", "smtp.else.example", "ada", 465, -ERR_EXISTS},
	};
	struct directory_personality p;
	struct err err;
	uint64_t id;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		p = (struct directory_personality){.address = slice_str(cases[i].address),
			.host = slice_str(cases[i].host),
			.login = slice_str(cases[i].login),
			.port = cases[i].port};
		if (directory_personality_put(dir, ada, &p, &id, &err) != cases[i].want)
			fail_msg("%zu %s", i, cases[i].address);
	}
	p = elsewhere;
	p.name = slice_lit("a\nb");
	assert_int_equal(directory_personality_put(dir, ada, &p, &id, &err), -ERR_SYNTAX);
	/* Each account has its own. */
	p = elsewhere;
	p.id = id;
	assert_int_equal(directory_personality_put(dir, bob, &p, &id, &err), -ERR_NOTFOUND);
	p.id = 0;
	assert_int_equal(directory_personality_put(dir, bob, &p, &id, &err), 0);
}

static void test_many(void **state)
{
	struct directory_personality p = elsewhere;
	struct err err;
	uint64_t id;

	(void)state;
	for (int i = 0; i <= DIRECTORY_PERSONALITIES_MAX; i++) {
		char address[40];

		snprintf(address, sizeof(address), "ada%d@else.example", i);
		p.address = slice_str(address);
		assert_int_equal(directory_personality_put(dir, ada, &p, &id, &err),
			i < DIRECTORY_PERSONALITIES_MAX ? 0 : -ERR_QUOTA);
	}
}

static void test_proof(void **state)
{
	struct directory_personality p = elsewhere, found;
	struct err err;

	(void)state;
	assert_int_equal(directory_personality_put(dir, ada, &p, &p.id, &err), 0);
	assert_int_equal(find("ada@else.example", &found), -ERR_NOTFOUND);
	assert_int_equal(directory_personality_prove(dir, bob, &p, true, &err), -ERR_CONFLICT);
	assert_int_equal(directory_personality_prove(dir, ada, &p, true, &err), 0);
	assert_int_equal(find("ada@else.example", &found), 0);
	assert_true(found.is_proven && found.id == p.id && found.port == 465);
	/* Another name is nothing; another server has proven nothing. */
	p.name = slice_lit("Ada L.");
	assert_int_equal(directory_personality_put(dir, ada, &p, &p.id, &err), 0);
	assert_int_equal(find("ada@else.example", &found), 0);
	p.host = slice_lit("other.else.example");
	assert_int_equal(directory_personality_put(dir, ada, &p, &p.id, &err), 0);
	assert_int_equal(find("ada@else.example", &found), -ERR_NOTFOUND);
	/* Proof of what it was a moment ago. */
	assert_int_equal(directory_personality_prove(dir, ada,
				 &(struct directory_personality){.id = p.id,
					 .address = p.address,
					 .host = elsewhere.host,
					 .login = p.login,
					 .port = 465},
				 true, &err),
		-ERR_CONFLICT);
	assert_int_equal(directory_personality_prove(dir, ada, &p, true, &err), 0);
	p.address = slice_lit("boss@else.example");
	assert_int_equal(directory_personality_put(dir, ada, &p, &p.id, &err), 0);
	assert_int_equal(find("boss@else.example", &found), -ERR_NOTFOUND);
	assert_int_equal(directory_personality_prove(dir, ada, &p, true, &err), 0);
	assert_int_equal(directory_personality_prove(dir, ada, &p, false, &err), 0);
	assert_int_equal(find("boss@else.example", &found), -ERR_NOTFOUND);
	/* An own address needs no proof. */
	p = (struct directory_personality){.address = slice_lit("ada@here.example")};
	assert_int_equal(directory_personality_put(dir, ada, &p, &p.id, &err), 0);
	assert_int_equal(find("ada@here.example", &found), 0);
}

static void test_gone(void **state)
{
	struct directory_personality p = elsewhere;
	uint64_t first, second, ids[4] = {0};
	struct err err;
	size_t n;

	(void)state;
	assert_int_equal(directory_personality_put(dir, ada, &p, &first, &err), 0);
	p.address = slice_lit("other@else.example");
	assert_int_equal(directory_personality_put(dir, ada, &p, &second, &err), 0);
	assert_int_equal(directory_personality_delete(dir, bob, first, &err), 0);
	assert_int_equal(directory_personalities_gone(dir, ids, 4, &n, &err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(directory_personality_delete(dir, ada, first, &err), 0);
	assert_int_equal(directory_account_delete(dir, ada, &err), 0);
	assert_int_equal(directory_personalities_gone(dir, ids, 4, &n, &err), 0);
	assert_true(n == 2 && ids[0] == first && ids[1] == second);
	assert_int_equal(directory_personality_forgotten(dir, first, &err), 0);
	assert_int_equal(directory_personalities_gone(dir, ids, 4, &n, &err), 0);
	assert_true(n == 1 && ids[0] == second);
	/* Its number is nobody else's afterwards. */
	assert_int_equal(directory_personality_put(dir, bob, &p, &first, &err), 0);
	assert_true(first > second);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_put),
		TEST(test_many),
		TEST(test_proof),
		TEST(test_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
