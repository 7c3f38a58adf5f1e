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
	const int64_t now_s = clock_wall_s();
	const struct track_span span = {
		now_s - (int64_t)(days ? days : TRACK_DAYS) * DAY_S, now_s + DAY_S};
	uint64_t ids[TRACK_MESSAGES_MAX], *found;
	size_t n = 0;
	int rc = track_find(track, address, span, TRACK_MESSAGES_MAX, arena, &found, &n, err);

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

/* ---- what an event's text says: as base/log.c writes it ---- */

bool track_field_next(struct slice *text, struct slice *key_out, struct slice *value_out)
{
	struct slice rest;
	size_t end = 1;

	*text = slice_trim(*text);
	*key_out = slice_cut(*text, '=', &rest);
	if (!rest.ptr)
		return false;
	if (!slice_starts(rest, slice_lit("\""))) {
		*value_out = slice_cut(rest, ' ', text);
		return true;
	}
	while (end < rest.len && rest.ptr[end] != '"')
		end += rest.ptr[end] == '\\' ? 2 : 1;
	*value_out = slice_from(slice_head(rest, end), 1);
	*text = slice_from(rest, end + 1);
	return true;
}

bool track_field(struct slice text, const char *key, struct buf *out)
{
	struct slice found, value;

	while (track_field_next(&text, &found, &value)) {
		if (!slice_eq(found, slice_str(key)))
			continue;
		for (size_t i = 0; i < value.len; i++) {
			if (value.ptr[i] != '\\')
				buf_byte(out, value.ptr[i]);
			else if (++i < value.len && value.ptr[i] == 'x')
				i += 2, buf_byte(out, ' '); /* a control byte */
			else if (i < value.len)
				buf_byte(out, value.ptr[i]);
		}
		return true;
	}
	return false;
}
