/* thread.c - which conversation a message belongs to (RFC 8621 3). */
#include "store/internal.h"

/* A shared message-id counts only together with an equal base subject: one key for both. */
static int64_t key_of(uint64_t ref, uint64_t subject)
{
	uint64_t n = ref * 0x9e3779b97f4a7c15u ^ subject;

	n ^= n >> 29;
	n *= 0xbf58476d1ce4e5b9u;
	n ^= n >> 32;
	return (int64_t)(n >> 1);
}

/* A thread once given is never changed: a message that links two threads joins the first found. */
int thread_find(struct account_tx *tx, const struct incoming *in, uint64_t message,
	uint64_t *thread_out, struct err *err)
{
	int64_t thread = 0;
	int rc = 0;

	for (size_t i = 0; i < in->refs_n && thread == 0; i++) {
		if (in->refs[i] == 0)
			continue;
		rc = db_get_int(tx->db, &thread, err, "SELECT thread FROM msgid WHERE id = ?",
			db_i(key_of(in->refs[i], in->subject)));
		if (rc < 0 && rc != -ERR_NOTFOUND)
			return rc;
	}
	if (thread == 0)
		thread = (int64_t)message;
	for (size_t i = 0; i < in->refs_n; i++) {
		if (in->refs[i] == 0)
			continue;
		rc = db_do(tx->db, err, "INSERT OR IGNORE INTO msgid (id, thread) VALUES (?, ?)",
			db_i(key_of(in->refs[i], in->subject)), db_i(thread));
		if (rc < 0)
			return rc;
	}
	*thread_out = (uint64_t)thread;
	return 0;
}
