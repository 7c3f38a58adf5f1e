/* check.c - see check.h: pages and bodies by a reader, rows on the account's queue. */
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/encode.h"
#include "store/check_internal.h"

enum { BODIES_A_SLICE = 64, READ_SIZE = 64 * 1024 };

static void tell(struct check *c, const char *fmt, va_list ap)
{
	char line[200];
	const int n = vsnprintf(line, sizeof(line), fmt, ap);

	c->result.problems++;
	c->found(c->context, slice_head(slice_str(line), n > 0 ? (size_t)n : 0));
}

bool check_problem(struct check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(c, fmt, ap);
	va_end(ap);
	c->result.repaired += c->is_repair;
	return c->is_repair;
}

void check_lasting(struct check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(c, fmt, ap);
	va_end(ap);
}

static int check_pages(struct check *c, struct err *err)
{
	struct account_reader *reader AUTO(account_reader_free) = NULL;
	int rc = reader_borrow(c->account, &reader, err);

	if (rc == 0)
		rc = db_verify(reader->db, err);
	if (rc == -ERR_CORRUPT)
		check_lasting(c, "the file is damaged: %s", err->msg);
	return rc;
}

/* The next messages after *last; their number, or an error. */
struct body {
	uint64_t id, size;
	unsigned char hash[SHA256_LEN];
};

static int list_bodies(
	struct account_reader *reader, uint64_t after, struct body *list, struct err *err)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	int n = 0;
	int rc = db_query(reader->db, &stmt, err,
		"SELECT id, size, hash FROM message WHERE id > ? ORDER BY id LIMIT ?",
		db_i((int64_t)after), db_i(BODIES_A_SLICE));

	while (rc == 0 && (rc = db_step(stmt, err)) > 0) {
		const struct slice hash = db_blob(stmt, 2);

		list[n] = (struct body){
			.id = (uint64_t)db_int(stmt, 0), .size = (uint64_t)db_int(stmt, 1)};
		for (size_t i = 0; i < hash.len && i < SHA256_LEN; i++)
			list[n].hash[i] = (unsigned char)hash.ptr[i];
		n++;
		rc = 0;
	}
	return rc < 0 ? rc : n;
}

static int check_body(
	struct check *c, struct account_reader *reader, const struct body *body, struct err *err)
{
	EVP_MD_CTX *sha = EVP_MD_CTX_new();
	unsigned char digest[SHA256_LEN];
	struct buf piece AUTO(buf_done);
	int rc = 0;

	if (!sha || !EVP_DigestInit_ex(sha, EVP_sha256(), NULL))
		abort();
	buf_init(&piece, READ_SIZE);
	for (uint64_t at = 0; rc == 0 && at < body->size; at += READ_SIZE) {
		buf_clear(&piece);
		rc = reader_body(reader, body->id, at, READ_SIZE, &piece, err);
		EVP_DigestUpdate(sha, piece.ptr, piece.len);
	}
	EVP_DigestFinal_ex(sha, digest, NULL);
	EVP_MD_CTX_free(sha);
	if (rc == -ERR_CORRUPT) {
		check_lasting(c, "%s", err->msg);
		return 0;
	}
	if (rc == 0 && !slice_eq((struct slice){(const char *)digest, SHA256_LEN},
			       (struct slice){(const char *)body->hash, SHA256_LEN}))
		check_lasting(c, "the body of message %llu is not what was stored",
			(unsigned long long)body->id);
	c->result.bytes += body->size;
	c->result.messages++;
	return rc == -ERR_NOTFOUND ? 0 : rc; /* purged meanwhile */
}

/* The reader is given back between slices, so that sessions get their turn. */
static int check_bodies(struct check *c, struct err *err)
{
	struct body list[BODIES_A_SLICE];
	uint64_t last = 0;
	int n;

	do {
		struct account_reader *reader AUTO(account_reader_free) = NULL;
		int rc = reader_borrow(c->account, &reader, err);

		if (rc < 0)
			return rc;
		n = list_bodies(reader, last, list, err);
		if (n < 0)
			return n;
		for (int i = 0; i < n && rc == 0; i++)
			rc = check_body(c, reader, &list[i], err);
		if (rc < 0)
			return rc;
		if (n)
			last = list[n - 1].id;
	} while (n == BODIES_A_SLICE);
	return 0;
}

static int run_rows(struct account_write *w, struct account_tx *tx, struct err *err)
{
	return check_rows(tx, account_run_context(w), err);
}

int account_check(struct account *account, bool is_repair,
	void (*found)(void *context, struct slice line), void *context, struct check_result *out,
	struct err *err)
{
	struct check c = {
		.account = account, .is_repair = is_repair, .found = found, .context = context};
	int rc = account_wait_loaded(account, err);

	if (rc == 0)
		rc = check_pages(&c, err);
	if (rc == 0)
		rc = check_bodies(&c, err);
	if (rc == 0)
		rc = account_run(account, run_rows, &c, err);
	if (rc == 0)
		*out = c.result;
	return rc;
}
