/* personality.c - see personality.h for the contract. */
#include "directory/personality.h"

#include "base/ip.h"
#include "directory/internal.h"

enum { NAME_MAX_LEN = 100, ADDRESSES_MAX = 1000, LOGIN_MAX = 255 };

#define COLUMNS                                                                                    \
	"id, name, address, reply_to, bcc, signature, host, login, port, is_starttls, is_proven, " \
	"sent"

static int read_one(struct db_stmt *row, struct arena *arena, void *item, struct err *err)
{
	struct directory_personality *p = item;

	*p = (struct directory_personality){.id = (uint64_t)db_int(row, 0),
		.port = (unsigned)db_int(row, 8),
		.is_starttls = db_int(row, 9) != 0,
		.is_proven = db_int(row, 10) != 0,
		.sent = (uint64_t)db_int(row, 11)};
	return row_texts(row, arena, err,
		(struct row_text[]){{1, &p->name}, {2, &p->address}, {3, &p->reply_to},
			{4, &p->bcc}, {5, &p->signature}, {6, &p->host}, {7, &p->login},
			{0, NULL}});
}

static int find_one(struct directory *dir, const struct list_query *query, struct arena *arena,
	struct directory_personality *out, struct err *err)
{
	void *list;
	size_t n;
	const int rc = list_rows(dir, query, arena, &list, &n, err);

	if (rc < 0)
		return rc;
	if (n == 0)
		return err_set(err, ERR_NOTFOUND, "there is no such personality");
	*out = *(struct directory_personality *)list;
	return 0;
}

int directory_personalities(struct directory *dir, uint64_t account, struct arena *arena,
	struct directory_personality **list_out, size_t *n_out, struct err *err)
{
	const struct db_arg args[] = {db_i((int64_t)account), {.kind = DB_END}};
	const struct list_query query = {"SELECT " COLUMNS
					 " FROM personality WHERE account = ? ORDER BY address",
		args, read_one, sizeof(**list_out), 0};
	void *list;
	const int rc = list_rows(dir, &query, arena, &list, n_out, err);

	if (rc == 0)
		*list_out = list;
	return rc;
}

int directory_personality(struct directory *dir, uint64_t account, uint64_t id, struct arena *arena,
	struct directory_personality *out, struct err *err)
{
	const struct db_arg args[] = {db_i((int64_t)account), db_i((int64_t)id), {.kind = DB_END}};
	const struct list_query query = {"SELECT " COLUMNS
					 " FROM personality WHERE account = ? AND id = ?",
		args, read_one, sizeof(*out), 1};

	return find_one(dir, &query, arena, out, err);
}

int directory_personality_of(struct directory *dir, uint64_t account, struct slice address,
	struct arena *arena, struct directory_personality *out, struct err *err)
{
	const struct db_arg args[] = {db_i((int64_t)account), db_t(address), {.kind = DB_END}};
	const struct list_query query = {"SELECT " COLUMNS " FROM personality WHERE account = ?"
					 " AND address = ? AND (is_proven OR host = '')",
		args, read_one, sizeof(*out), 1};

	return find_one(dir, &query, arena, out, err);
}

/* ---- changes ---- */

static bool is_host(struct slice host)
{
	struct name name;
	struct err ignored;
	struct ip ip;

	if (ip_parse(host, &ip))
		return true;
	return slice_chr(host, '.') != SIZE_MAX && slice_chr(host, '[') == SIZE_MAX &&
	       name_parse_domain(host, &name, &ignored) == 0;
}

static int check_texts(const struct directory_personality *p, struct err *err)
{
	int rc = text_check(p->name, "name", NAME_MAX_LEN, false, err);

	if (rc == 0)
		rc = text_check(p->reply_to, "reply address", ADDRESSES_MAX, false, err);
	if (rc == 0)
		rc = text_check(p->bcc, "address for copies", ADDRESSES_MAX, false, err);
	if (rc == 0)
		rc = text_check(p->signature, "signature", DIRECTORY_SIGNATURE_MAX, true, err);
	if (rc == 0)
		rc = text_check(p->login, "user name", LOGIN_MAX, false, err);
	return rc;
}

/* What is asked of the address decides what is asked of the server. */
static int check_server(struct directory *dir, uint64_t account,
	const struct directory_personality *p, const struct name *address, struct err *err)
{
	bool may = false, ours = false;
	int rc = directory_has_domain(dir, address->domain, &ours, err);

	if (rc < 0)
		return rc;
	if (ours) {
		rc = directory_may_send_as(dir, account, address->text, &may, err);
		if (rc == 0 && !may)
			return err_set(err, ERR_DENIED, "This is not your address");
		if (rc == 0 && p->host.len)
			return err_set(err, ERR_SYNTAX, "Mail of this address leaves from here");
		return rc;
	}
	if (!p->host.len)
		return err_set(
			err, ERR_SYNTAX, "An address elsewhere needs the server it writes by");
	if (!is_host(p->host) || p->port == 0 || p->port > 65535 || !p->login.len)
		return err_set(
			err, ERR_SYNTAX, "The server needs its full name, a port and a user name");
	return 0;
}

static int insert(struct directory *dir, uint64_t account, uint64_t *id_out, struct err *err)
{
	int64_t n;
	int rc = db_get_int(dir->writer, &n, err,
		"SELECT count(*) FROM personality WHERE account = ?", db_i((int64_t)account));

	if (rc == 0 && n >= DIRECTORY_PERSONALITIES_MAX)
		rc = err_set(
			err, ERR_QUOTA, "At most %d personalities", DIRECTORY_PERSONALITIES_MAX);
	if (rc == 0)
		rc = db_do(dir->writer, err,
			"INSERT INTO personality (account, name, address, reply_to, bcc, signature,"
			" host, login, port, is_starttls, is_proven) SELECT id, '', '', '', '', '',"
			" '', '', 0, 0, 0 FROM account WHERE id = ?",
			db_i((int64_t)account));
	if (rc == 0 && db_changes(dir->writer) == 0)
		rc = err_set(err, ERR_NOTFOUND, "there is no such account");
	if (rc == 0)
		*id_out = (uint64_t)db_last_id(dir->writer);
	return rc;
}

static int update(struct directory *dir, uint64_t account, const struct directory_personality *p,
	struct slice address, uint64_t id, struct err *err)
{
	int64_t taken;
	int rc = db_get_int(dir->writer, &taken, err,
		"SELECT count(*) FROM personality WHERE account = ? AND address = ? AND id <> ?",
		db_i((int64_t)account), db_t(address), db_i((int64_t)id));

	if (rc == 0 && taken)
		return err_set(err, ERR_EXISTS, "There is a personality with this address");
	if (rc == 0)
		rc = db_do(dir->writer, err,
			"UPDATE personality SET is_proven = is_proven AND address = ?3 AND host = "
			"?4"
			" AND login = ?5 AND port = ?6 AND is_starttls = ?7, address = ?3, host = "
			"?4,"
			" login = ?5, port = ?6, is_starttls = ?7, name = ?8, reply_to = ?9,"
			" bcc = ?10, signature = ?11, sent = ?12 WHERE account = ?1 AND id = ?2",
			db_i((int64_t)account), db_i((int64_t)id), db_t(address), db_t(p->host),
			db_t(p->login), db_i(p->port), db_i(p->is_starttls), db_t(p->name),
			db_t(p->reply_to), db_t(p->bcc), db_t(p->signature),
			db_i((int64_t)p->sent));
	if (rc == 0 && db_changes(dir->writer) == 0)
		rc = err_set(err, ERR_NOTFOUND, "there is no such personality");
	return rc;
}

int directory_personality_put(struct directory *dir, uint64_t account,
	const struct directory_personality *p, uint64_t *id_out, struct err *err)
{
	struct name address;
	uint64_t id = p->id;
	int rc = name_parse(p->address, &address, err);

	if (rc == 0)
		rc = name_check(&address, err);
	if (rc == 0 && address.text.ptr[0] == '@')
		rc = err_set(err, ERR_SYNTAX, "This is not a complete address");
	if (rc == 0)
		rc = check_texts(p, err);
	if (rc == 0)
		rc = check_server(dir, account, p, &address, err);
	if (rc == 0)
		rc = change_begin(dir, err);
	if (rc < 0)
		return rc;
	if (!id)
		rc = insert(dir, account, &id, err);
	if (rc == 0)
		rc = update(dir, account, p, address.text, id, err);
	rc = change_end(dir, rc, err);
	if (rc == 0)
		*id_out = id;
	return rc;
}

int directory_personality_prove(struct directory *dir, uint64_t account,
	const struct directory_personality *p, bool is_proven, struct err *err)
{
	int rc = change_begin(dir, err);

	if (rc < 0)
		return rc;
	rc = db_do(dir->writer, err,
		"UPDATE personality SET is_proven = ? WHERE account = ? AND id = ? AND address = ?"
		" AND host = ? AND login = ? AND port = ? AND is_starttls = ?",
		db_i(is_proven), db_i((int64_t)account), db_i((int64_t)p->id), db_t(p->address),
		db_t(p->host), db_t(p->login), db_i(p->port), db_i(p->is_starttls));
	if (rc == 0 && db_changes(dir->writer) == 0)
		rc = err_set(err, ERR_CONFLICT, "It was changed meanwhile");
	return change_end(dir, rc, err);
}

int directory_personality_delete(
	struct directory *dir, uint64_t account, uint64_t id, struct err *err)
{
	int rc = change_begin(dir, err);

	if (rc < 0)
		return rc;
	rc = db_do(dir->writer, err, "DELETE FROM personality WHERE account = ? AND id = ?",
		db_i((int64_t)account), db_i((int64_t)id));
	return change_end(dir, rc, err);
}

/* ---- passwords that the courier has still to forget ---- */

int directory_personalities_gone(
	struct directory *dir, uint64_t *ids, size_t max, size_t *n_out, struct err *err)
{
	struct db_stmt *rows AUTO(db_stmt_auto) = NULL;
	size_t n = 0;
	int rc;

	pthread_mutex_lock(&dir->reading);
	rc = db_query(dir->reader, &rows, err, "SELECT id FROM personality_gone LIMIT ?",
		db_i((int64_t)max));
	while (rc == 0 && (rc = db_step(rows, err)) > 0) {
		ids[n++] = (uint64_t)db_int(rows, 0);
		rc = 0;
	}
	db_stmt_auto(&rows);
	pthread_mutex_unlock(&dir->reading);
	if (rc == 0)
		*n_out = n;
	return rc;
}

int directory_personality_forgotten(struct directory *dir, uint64_t id, struct err *err)
{
	int rc = change_begin(dir, err);

	if (rc < 0)
		return rc;
	rc = db_do(
		dir->writer, err, "DELETE FROM personality_gone WHERE id = ?", db_i((int64_t)id));
	return change_end(dir, rc, err);
}
