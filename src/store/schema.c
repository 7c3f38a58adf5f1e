/* schema.c - the steps of an account's schema, see schema.h. A step that was released never
 * changes. */
#include "store/schema.h"

static const struct db_migration steps[] = {
	{"CREATE TABLE account (id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL,"
	 " modseq INTEGER NOT NULL, floor INTEGER NOT NULL, message INTEGER NOT NULL,"
	 " mailbox INTEGER NOT NULL, uidvalidity INTEGER NOT NULL, messages INTEGER NOT NULL,"
	 " bytes INTEGER NOT NULL, past_bytes INTEGER NOT NULL, shares INTEGER NOT NULL, keywords "
	 "INTEGER NOT NULL);"
	 "INSERT INTO account VALUES (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);"
	 /* role: enum mailbox_role; flags: MAILBOX_* of internal.h */
	 "CREATE TABLE mailbox (id INTEGER PRIMARY KEY, name TEXT NOT NULL, role INTEGER NOT NULL,"
	 " flags INTEGER NOT NULL, uidvalidity INTEGER NOT NULL, uidnext INTEGER NOT NULL,"
	 " recent INTEGER NOT NULL, messages INTEGER NOT NULL, unseen INTEGER NOT NULL,"
	 " deleted INTEGER NOT NULL, bytes INTEGER NOT NULL, modseq INTEGER NOT NULL);"
	 "CREATE TABLE entries (id INTEGER PRIMARY KEY, modseq INTEGER NOT NULL, data BLOB NOT "
	 "NULL);"
	 "CREATE TABLE message (id INTEGER PRIMARY KEY, thread INTEGER NOT NULL,"
	 " size INTEGER NOT NULL, received INTEGER NOT NULL, zone INTEGER NOT NULL,"
	 " hash BLOB NOT NULL, prepared BLOB NOT NULL);"
	 "CREATE TABLE chunk (id INTEGER PRIMARY KEY, data BLOB NOT NULL);"
	 "CREATE TABLE share (id INTEGER PRIMARY KEY, live INTEGER NOT NULL, past INTEGER NOT "
	 "NULL);"
	 "CREATE TABLE msgid (id INTEGER PRIMARY KEY, thread INTEGER NOT NULL);"
	 "CREATE TABLE change (id INTEGER PRIMARY KEY, mailbox INTEGER NOT NULL,"
	 " kind INTEGER NOT NULL, time INTEGER NOT NULL, runs BLOB NOT NULL, former BLOB);"
	 "CREATE TABLE past (id INTEGER PRIMARY KEY, mailbox INTEGER NOT NULL, block INTEGER NOT "
	 "NULL,"
	 " time INTEGER NOT NULL, bytes INTEGER NOT NULL, data BLOB NOT NULL);"
	 "CREATE TABLE keyword (id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
	 "CREATE TABLE delivery (id INTEGER PRIMARY KEY, time INTEGER NOT NULL,"
	 " mailbox INTEGER NOT NULL, message INTEGER NOT NULL, uid INTEGER NOT NULL)"},
	/* What mail/flood.h remembers, nearly always nothing: a column costs no page. */
	{"ALTER TABLE account ADD COLUMN flood BLOB"},
};

int schema_open(struct db *db, struct err *err)
{
	return db_migrate(db, steps, sizeof(steps) / sizeof(steps[0]), err);
}
