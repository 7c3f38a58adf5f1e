/* track_test.c - a message's history is found by its number and by its addresses, and forgotten. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/temp.h"
#include "track/rows.h"

enum { MANY = 3000, DAY_S = 86400 };

static char path[TEMP_MAX];

static struct track *open_track(unsigned days)
{
	struct track *track;
	struct err err;

	assert_int_equal(track_open(path, days, NULL, &track, &err), 0);
	return track;
}

static size_t read_all(
	struct track *track, uint64_t id, struct arena *arena, struct track_entry **list)
{
	struct err err;
	size_t n;

	assert_int_equal(track_read(track, id, arena, list, &n, &err), 0);
	return n;
}

static size_t find(struct track *track, const char *address, int64_t since_s, size_t max,
	struct arena *arena, uint64_t **ids)
{
	struct err err;
	size_t n;

	assert_int_equal(track_find(track, slice_str(address),
				 (struct track_span){since_s, clock_wall_s() + 1}, max, arena, ids,
				 &n, &err),
		0);
	return n;
}

static void test_history(void **state)
{
	const uint64_t id = random_dated(), other = random_dated();
	struct track_entry *list;
	struct arena arena;
	struct track *track;
	uint64_t *ids;

	(void)state;
	arena_init(&arena, 1 << 22);
	track = open_track(TRACK_DAYS);
	track_event(track, id, "received", log_s("from", slice_lit("a b@example.org")),
		log_n("bytes", 12));
	track_address(track, id, slice_lit("Alice@Example.org"));
	track_address(track, other, slice_lit("bob@example.org"));
	track_event(track, id, "stored");
	track_event(track, other, "refused", log_n("code", 550));
	track_event(NULL, id, "nothing");
	track_event(track, 0, "nothing");

	assert_int_equal(read_all(track, id, &arena, &list), 2);
	assert_true(slice_eq(list[0].kind, slice_lit("received")));
	assert_true(slice_eq(list[0].text, slice_lit("from=\"a b@example.org\" bytes=12")));
	assert_true(slice_eq(list[1].kind, slice_lit("stored")));
	assert_int_equal(list[1].text.len, 0);
	assert_true(list[1].at_us > list[0].at_us);
	track_close(&track);

	track = open_track(TRACK_DAYS);
	assert_int_equal(read_all(track, other, &arena, &list), 1);
	assert_int_equal(find(track, "alice@example.org", 0, 10, &arena, &ids), 1);
	assert_true(ids[0] == id);
	assert_int_equal(find(track, "carol@example.org", 0, 10, &arena, &ids), 0);
	assert_int_equal(find(track, "bob@example.org", clock_wall_s() + 60, 10, &arena, &ids), 0);
	track_close(&track);
	arena_done(&arena);
}

/* Newest first, each message once, no more than asked for. */
static void test_many(void **state)
{
	struct track *track = open_track(TRACK_DAYS);
	uint64_t first = 0, last = 0, *ids;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 22);
	for (int i = 0; i < MANY; i++) {
		last = random_dated();
		first = first ? first : last;
		track_address(track, last, slice_lit("many@example.org"));
		track_address(track, last, slice_lit("many@example.org"));
	}
	assert_int_equal(find(track, "many@example.org", 0, 5, &arena, &ids), 5);
	assert_true(ids[0] == last);
	assert_int_equal(find(track, "many@example.org", 0, MANY + 1, &arena, &ids), MANY);
	assert_true(ids[MANY - 1] == first);
	track_close(&track);
	arena_done(&arena);
}

/* What is shown is bounded, and says so. */
static void test_rows(void **state)
{
	struct track *track = open_track(TRACK_DAYS);
	const uint64_t id = random_dated();
	struct err err;
	json_t *rows;
	char text[17];

	(void)state;
	snprintf(text, sizeof(text), "%016llx", (unsigned long long)id);
	for (int i = 0; i < MANY; i++) {
		if (i == 3) {
			assert_int_equal(track_rows(track, slice_str(text), 0, &rows, &err), 0);
			assert_int_equal(json_array_size(rows), 3);
			json_decref(rows);
		}
		track_event(track, id, "stored");
	}
	assert_int_equal(track_rows(track, slice_str(text), 0, &rows, &err), 0);
	assert_int_equal(json_array_size(rows), TRACK_ROWS_MAX + 1);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(rows, TRACK_ROWS_MAX), "event")),
		"incomplete");
	json_decref(rows);
	assert_int_equal(track_rows(track, slice_lit("xyz"), 0, &rows, &err), -ERR_SYNTAX);
	track_close(&track);
}

static void test_forgets(void **state)
{
	const uint64_t now = random_dated();
	const uint64_t old = random_dated_from(clock_wall_s() - (TRACK_DAYS + 1) * DAY_S);
	struct track *track = open_track(TRACK_DAYS);
	struct track_entry *list;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 22);
	assert_true(now >= random_dated_from(clock_wall_s() - 60));
	assert_true(now < random_dated_from(clock_wall_s() + 60));
	track_event(track, old, "received");
	track_event(track, now, "received");
	assert_int_equal(read_all(track, old, &arena, &list), 0);
	assert_int_equal(read_all(track, now, &arena, &list), 1);
	track_close(&track);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_history),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_forgets),
	};
	const int fd = mkstemps(temp_path(path, "track-test-XXXXXX.db"), 3);
	int failed;

	close(fd);
	unlink(path);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
