/* ledger.c - see ledger.h for the contract. */
#include "courier/ledger.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "db/db.h"

enum { CHECKPOINT_BYTES = 1 << 20 };

struct ledger {
	struct db *db;
};

static const struct db_migration schema[] = {
	{"CREATE TABLE account (directory TEXT PRIMARY KEY, key TEXT NOT NULL, url TEXT NOT NULL,"
	 " rolled INTEGER NOT NULL) WITHOUT ROWID;"
	 "CREATE TABLE wish (name TEXT PRIMARY KEY, key TEXT NOT NULL, failures INTEGER NOT NULL,"
	 " next INTEGER NOT NULL, made INTEGER NOT NULL, error TEXT NOT NULL) WITHOUT ROWID"},
};

int ledger_open(const char *path, struct ledger **out, struct err *err)
{
	struct ledger *ledger AUTO(ledger_close) = mem_new(struct ledger);
	int rc = db_open(&(struct db_config){.path = path, .may_create = true}, &ledger->db, err);

	if (rc == 0)
		rc = db_migrate(ledger->db, schema, sizeof(schema) / sizeof(schema[0]), err);
	if (rc < 0)
		return rc;
	*out = ledger;
	ledger = NULL;
	return 0;
}

void ledger_close(struct ledger **ledger)
{
	if (*ledger)
		db_close(&(*ledger)->db);
	free(*ledger);
	*ledger = NULL;
}

static int written(struct ledger *ledger, int rc)
{
	struct err ignored;

	/* What is written is safe in the log; another time will do to copy it. */
	if (rc == 0 && db_wal_bytes(ledger->db) > CHECKPOINT_BYTES &&
		db_checkpoint(ledger->db, &ignored) < 0)
		return 0;
	return rc;
}

static void copy(char *out, size_t size, struct slice text)
{
	snprintf(out, size, "%.*s", SLICE_ARG(text));
}

int ledger_get_account(struct ledger *ledger, struct slice directory, struct acme_account *out,
	int64_t *rolled_s_out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_row(ledger->db, &row, err,
		"SELECT key, url, rolled FROM account WHERE directory = ?", db_t(directory));

	if (rc < 0)
		return rc;
	*out = (struct acme_account){0};
	*rolled_s_out = 0;
	if (rc == 0)
		return 0;
	copy(out->key, sizeof(out->key), db_text(row, 0));
	copy(out->url, sizeof(out->url), db_text(row, 1));
	*rolled_s_out = db_int(row, 2);
	return 0;
}

int ledger_put_account(struct ledger *ledger, struct slice directory,
	const struct acme_account *account, int64_t rolled_s, struct err *err)
{
	return written(
		ledger, db_do(ledger->db, err,
				"INSERT OR REPLACE INTO account (directory, key, url, rolled)"
				" VALUES (?, ?, ?, ?)",
				db_t(directory), db_t(slice_str(account->key)),
				db_t(slice_str(account->url)), db_i(rolled_s)));
}

int ledger_get_order(
	struct ledger *ledger, struct slice name, struct ledger_order *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_row(ledger->db, &row, err,
		"SELECT key, failures, next, made, error FROM wish WHERE name = ?", db_t(name));

	if (rc < 0)
		return rc;
	*out = (struct ledger_order){0};
	if (rc == 0)
		return 0;
	copy(out->key, sizeof(out->key), db_text(row, 0));
	out->failures = (unsigned)db_int(row, 1);
	out->next_s = db_int(row, 2);
	out->made_s = db_int(row, 3);
	copy(out->error, sizeof(out->error), db_text(row, 4));
	return 0;
}

int ledger_put_order(
	struct ledger *ledger, struct slice name, const struct ledger_order *order, struct err *err)
{
	return written(ledger,
		db_do(ledger->db, err,
			"INSERT OR REPLACE INTO wish (name, key, failures, next, made, error)"
			" VALUES (?, ?, ?, ?, ?, ?)",
			db_t(name), db_t(slice_str(order->key)), db_i(order->failures),
			db_i(order->next_s), db_i(order->made_s), db_t(slice_str(order->error))));
}

int ledger_drop_order(struct ledger *ledger, struct slice name, struct err *err)
{
	return written(
		ledger, db_do(ledger->db, err, "DELETE FROM wish WHERE name = ?", db_t(name)));
}
