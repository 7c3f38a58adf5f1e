/*
 * table.h - rows for people: columns as wide as they need to be; or for programs: one JSON array,
 * written as the rows come.
 */
#ifndef ADMIN_TABLE_H
#define ADMIN_TABLE_H

#include <jansson.h>

#include "admin/cli.h"

enum { TABLE_COLUMNS_MAX = 8 };

struct table_column {
	const char *key, *title; /* member of the row; what people read */
	enum { TABLE_TEXT, TABLE_NUMBER, TABLE_BYTES, TABLE_TIME, TABLE_YES } kind;
};

struct table {
	const struct table_column *columns;
	size_t columns_n, rows;
	size_t width[TABLE_COLUMNS_MAX];
	bool is_json;
	struct buf cells; /* NUL-terminated texts, row after row */
};

void table_init(struct table *table, const struct table_column *columns, size_t n, bool is_json);
/* table_row - a client_row_fn; the context is the table. */
void table_row(void *table, const json_t *row);
/* table_end - print what is not printed yet; the table is empty again. */
void table_end(struct table *table);

/* cli_list - ask (the request is given away) and print the rows; an enum cli_exit. */
int cli_list(const struct cli *cli, json_t *request, const struct table_column *columns, size_t n);

/* table_bytes - "12.3 MiB". */
void table_bytes(uint64_t bytes, char *out, size_t size);

#endif
