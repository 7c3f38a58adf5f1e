/* rows.c - see rows.h for the contract. */
#include "track/rows.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/encode.h"

enum { ARENA_BYTES = 8 << 20, DAY_S = 86400 };

static void put_time(int64_t us, char *out, size_t size)
{
	const time_t s = (time_t)(us / 1000000);
	struct tm tm;
	size_t n;

	gmtime_r(&s, &tm);
	n = strftime(out, size, "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(out + n, size - n, ".%03d", (int)(us / 1000 % 1000));
}

/* What is not UTF-8 shows as "?". */
static json_t *text_json(struct slice s)
{
	json_t *text = json_stringn(s.len ? s.ptr : "", s.len);

	return text ? text : json_string("?");
}

static int add_message(
	struct track *track, uint64_t number, struct arena *arena, json_t *rows, struct err *err)
{
	struct track_entry *list;
	char id[17], when[40];
	size_t n = 0;
	int rc;

	arena_reset(arena);
	rc = track_read(track, number, arena, &list, &n, err);
	snprintf(id, sizeof(id), "%016llx", (unsigned long long)number);
	for (size_t i = 0; rc == 0 && i < n && json_array_size(rows) < TRACK_ROWS_MAX; i++) {
		put_time(list[i].at_us, when, sizeof(when));
		json_array_append_new(rows,
			json_pack("{s:s, s:s, s:o, s:o}", "message", id, "time", when, "event",
				text_json(list[i].kind), "what", text_json(list[i].text)));
	}
	return rc;
}

static int add_messages(struct track *track, struct slice address, uint64_t days,
	struct arena *arena, json_t *rows, struct err *err)
{
	const int64_t since_s = clock_wall_s() - (int64_t)(days ? days : TRACK_DAYS) * DAY_S;
	uint64_t ids[TRACK_MESSAGES_MAX], *found;
	size_t n = 0;
	int rc = track_find(track, address, since_s, TRACK_MESSAGES_MAX, arena, &found, &n, err);

	if (rc == 0)
		memcpy(ids, found, n * sizeof(*ids));
	for (size_t i = 0; rc == 0 && i < n && json_array_size(rows) < TRACK_ROWS_MAX; i++)
		rc = add_message(track, ids[i], arena, rows, err);
	return rc;
}

int track_rows(
	struct track *track, struct slice what, uint64_t days, json_t **rows_out, struct err *err)
{
	struct arena arena AUTO(arena_done);
	json_t *rows = json_array();
	unsigned char number[8];
	int rc;

	arena_init(&arena, ARENA_BYTES);
	if (slice_chr(what, '@') != SIZE_MAX)
		rc = add_messages(track, what, days, &arena, rows, err);
	else if (hex_decode(what, number, sizeof(number)))
		rc = add_message(track, be64_get(number), &arena, rows, err);
	else
		rc = err_set(err, ERR_SYNTAX,
			"%.*s is neither an address nor a message's number (16 digits, 0-9 and "
			"a-f)",
			SLICE_ARG(what));
	if (rc < 0) {
		json_decref(rows);
		return rc;
	}
	if (json_array_size(rows) >= TRACK_ROWS_MAX)
		json_array_append_new(
			rows, json_pack("{s:s, s:s, s:s, s:s}", "message", "-", "time", "", "event",
				      "incomplete", "what", "there is more than is shown"));
	*rows_out = rows;
	return rc;
}
