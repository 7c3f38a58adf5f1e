/* table.c - see table.h for the contract. */
#include "admin/table.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { CELLS_MAX = 1 << 30 };

void table_init(struct table *table, const struct table_column *columns, size_t n, bool is_json)
{
	*table = (struct table){.columns = columns, .columns_n = n, .is_json = is_json};
	buf_init(&table->cells, CELLS_MAX);
	for (size_t i = 0; i < n; i++)
		table->width[i] = strlen(columns[i].title);
}

void table_bytes(uint64_t bytes, char *out, size_t size)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double amount = (double)bytes;
	size_t unit = 0;

	for (; amount >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		amount /= 1024;
	snprintf(out, size, unit ? "%.1f %s" : "%.0f %s", amount, units[unit]);
}

static void put_time(time_t when, char *out, size_t size)
{
	struct tm tm;

	if (!localtime_r(&when, &tm) || strftime(out, size, "%Y-%m-%d %H:%M", &tm) == 0)
		snprintf(out, size, "-");
}

/* Letters that a terminal shows: bytes of UTF-8 that begin one. */
static size_t text_width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void add_cell(struct table *table, size_t column, const json_t *value)
{
	char room[64] = "";
	const char *text = room;
	const json_int_t number = json_integer_value(value);

	switch (table->columns[column].kind) {
	case TABLE_TEXT:
		text = json_is_string(value) ? json_string_value(value) : "";
		break;
	case TABLE_NUMBER:
		snprintf(room, sizeof(room), "%lld", (long long)number);
		break;
	case TABLE_BYTES:
		if (number)
			table_bytes((uint64_t)number, room, sizeof(room));
		break;
	case TABLE_TIME:
		if (number)
			put_time((time_t)number, room, sizeof(room));
		break;
	case TABLE_YES:
		text = json_is_true(value) ? "yes" : "";
		break;
	}
	if (text_width(text) > table->width[column])
		table->width[column] = text_width(text);
	buf_append(&table->cells, (struct slice){text, strlen(text) + 1});
}

void table_row(void *context, const json_t *row)
{
	struct table *table = context;

	if (table->is_json) {
		fputs(table->rows++ ? ",\n " : "[", stdout);
		json_dumpf(row, stdout, JSON_COMPACT);
		return;
	}
	for (size_t i = 0; i < table->columns_n; i++)
		add_cell(table, i, json_object_get(row, table->columns[i].key));
	table->rows++;
}

static void print_cell(const struct table *table, size_t column, const char *text)
{
	const size_t pad = table->width[column] - text_width(text);
	const bool is_last = column + 1 == table->columns_n;
	const int kind = table->columns[column].kind;
	const bool is_right = kind == TABLE_NUMBER || kind == TABLE_BYTES;

	printf("%*s%s%*s%s", is_right ? (int)pad : 0, "", text, is_right || is_last ? 0 : (int)pad,
		"", is_last ? "\n" : "  ");
}

void table_end(struct table *table)
{
	const char *cell = table->cells.ptr;

	if (table->is_json)
		puts(table->rows ? "]" : "[]");
	for (size_t i = 0; !table->is_json && table->rows && i < table->columns_n; i++)
		print_cell(table, i, table->columns[i].title);
	for (size_t i = 0; !table->is_json && i < table->rows * table->columns_n; i++) {
		print_cell(table, i % table->columns_n, cell);
		cell += strlen(cell) + 1;
	}
	buf_done(&table->cells);
}
