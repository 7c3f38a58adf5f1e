/* scram_login.c - see scram_login.h for the contract. */
#include "keeper/scram_login.h"

#include <sodium.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/random.h"
#include "keeper/enter.h"
#include "keeper/factors.h"
#include "keeper/scram.h"
#include "keeper/seen.h"

enum { VERIFIERS_MAX = 128, EXCHANGE_S = 60, NUMBER_LEN = 8, MESSAGE_MAX = 128 };

/* ---- verifiers ---- */

static void account_salt(
	const struct desk *desk, uint64_t account, unsigned char salt[SCRAM_SALT_LEN])
{
	unsigned char number[NUMBER_LEN];

	be64_put(number, account);
	crypto_generichash(salt, SCRAM_SALT_LEN, number, sizeof(number), desk->factors->keys->scram,
		FACTORS_KEY_LEN);
}

/* In front of a name a byte that no account's number has there: such accounts do not exist. */
static void nobody_salt(
	const struct desk *desk, struct slice name, unsigned char salt[SCRAM_SALT_LEN])
{
	crypto_generichash_state state;

	crypto_generichash_init(
		&state, desk->factors->keys->scram, FACTORS_KEY_LEN, SCRAM_SALT_LEN);
	crypto_generichash_update(&state, (const unsigned char *)"\xff", 1);
	crypto_generichash_update(&state, (const unsigned char *)name.ptr, name.len);
	crypto_generichash_final(&state, salt, SCRAM_SALT_LEN);
}

int scram_store(struct desk *desk, struct db *change, uint64_t account, uint64_t credential,
	struct slice password, struct err *err)
{
	unsigned char salt[SCRAM_SALT_LEN];
	struct scram_verifier v;

	account_salt(desk, account, salt);
	scram_make_verifier(password, salt, SCRAM_ITERATIONS, &v);
	return db_do(change, err,
		"INSERT INTO scram (account, credential, stored_key, server_key)"
		" VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
		" SET stored_key = excluded.stored_key, server_key = excluded.server_key",
		db_i((int64_t)account), db_i((int64_t)credential),
		db_b((struct slice){(const char *)v.stored_key, SCRAM_KEY_LEN}),
		db_b((struct slice){(const char *)v.server_key, SCRAM_KEY_LEN}));
}

bool scram_wants_main(struct desk *desk, struct db *db, uint64_t account)
{
	int64_t n = 0;
	struct err err;

	return desk->factors->scram_main_passwords &&
	       db_get_int(db, &n, &err,
		       "SELECT count(*) FROM scram WHERE account = ? AND credential = 0",
		       db_i((int64_t)account)) == 0 &&
	       n == 0;
}

/* ---- the exchange ---- */

/* An attempt, and what its last message will be. */
struct scram_entering {
	struct entering entering; /* first: what enter.h knows */
	struct scram_verifier verifiers[VERIFIERS_MAX];
	uint64_t credentials[VERIFIERS_MAX];
	unsigned scopes[VERIFIERS_MAX];
	size_t n;
	size_t message_len;
	char kept[PENDING_VALUE_MAX], message[MESSAGE_MAX];
};

static struct slice number_slice(const unsigned char number[NUMBER_LEN])
{
	return (struct slice){(const char *)number, NUMBER_LEN};
}

static void put_reply(
	struct task *t, uint64_t exchange, const struct keeper_entry *entry, struct slice message)
{
	task_put_u64(t, exchange);
	entry_put(t, entry);
	task_put(t, message);
}

/* Fields: account, scope, peer, program, client-first, channel's data. */
static int begin(
	struct task *t, unsigned char number[NUMBER_LEN], struct buf *server_first, struct err *err)
{
	unsigned char salt[SCRAM_SALT_LEN];
	char nonce[2 * SCRAM_NONCE_LEN];
	struct buf kept AUTO(buf_done), hex AUTO(buf_done);
	struct scram_first first;
	int rc;

	buf_init(&kept, PENDING_VALUE_MAX);
	buf_init(&hex, sizeof(nonce));
	rc = scram_read_first(t->f[4].s, &first, err);
	if (rc == 0 && t->f[5].s.len > SCRAM_BINDING_MAX)
		rc = err_set(err, ERR_TOOBIG, "the channel's data is too long");
	if (rc < 0)
		return rc;
	if (t->f[0].n)
		account_salt(t->desk, t->f[0].n, salt);
	else
		nobody_salt(t->desk, first.name, salt);
	random_bytes(nonce, SCRAM_NONCE_LEN / 2);
	hex_encode(&hex, (struct slice){nonce, SCRAM_NONCE_LEN / 2});
	scram_write_first(&first, buf_slice(&hex), salt, server_first);
	random_bytes(number, NUMBER_LEN);
	number[0] |= 1; /* 0 is no exchange */
	for (int i = 0; i < 6; i++) {
		if (i < 2)
			frame_put_u64(&kept, t->f[i].n);
		else
			frame_put(&kept, t->f[i].s);
	}
	frame_put(&kept, buf_slice(server_first));
	rc = buf_check(&kept, "the exchange", err);
	if (rc == 0)
		pending_put(t->desk->factors->strangers, PENDING_SCRAM, number_slice(number),
			buf_slice(&kept), EXCHANGE_S);
	return rc;
}

void verb_scram_begin(struct task *t)
{
	const struct keeper_entry nobody = {0};
	struct buf server_first AUTO(buf_done);
	unsigned char number[NUMBER_LEN];
	struct err err;
	int rc;

	buf_init(&server_first, 2 * SCRAM_MESSAGE_MAX);
	rc = begin(t, number, &server_first, &err);
	if (rc == 0)
		put_reply(t, be64_get(number), &nobody, buf_slice(&server_first));
	task_end(t, rc, &err);
}

static int read_verifiers(struct db *db, struct scram_entering *s, struct err *err)
{
	struct db_stmt *row;
	int rc = db_query(db, &row, err,
		"SELECT s.credential, s.stored_key, s.server_key, coalesce(a.scopes, ?2)"
		" FROM scram s LEFT JOIN app a ON a.id = s.credential WHERE s.account = ?1"
		" LIMIT ?3",
		db_i((int64_t)s->entering.attempt.account), db_i(SCOPE_ALL), db_i(VERIFIERS_MAX));

	while (rc == 0 && (rc = db_step(row, err)) == 1) {
		struct scram_verifier *v = &s->verifiers[s->n];
		const struct slice stored = db_blob(row, 1), server = db_blob(row, 2);

		rc = 0;
		if (stored.len != SCRAM_KEY_LEN || server.len != SCRAM_KEY_LEN)
			continue;
		memcpy(v->stored_key, stored.ptr, SCRAM_KEY_LEN);
		memcpy(v->server_key, server.ptr, SCRAM_KEY_LEN);
		s->credentials[s->n] = (uint64_t)db_int(row, 0);
		s->scopes[s->n++] = (unsigned)db_int(row, 3);
	}
	return rc;
}

static void scram_reply(struct task *t)
{
	const struct scram_entering *s = t->state;

	put_reply(t, 0, &s->entering.entry, (struct slice){s->message, s->message_len});
	task_reply(t);
}

/* What was kept of the first step becomes an attempt, whose slices point into s->kept. */
static int resume(
	struct task *t, struct scram_entering *s, struct scram_exchange *exchange, struct err *err)
{
	struct keeper_attempt *a = &s->entering.attempt;
	unsigned char number[NUMBER_LEN];
	struct buf kept AUTO(buf_done);
	struct frame f = {0};

	be64_put(number, t->f[0].n);
	buf_init(&kept, PENDING_VALUE_MAX);
	if (!pending_take(
		    t->desk->factors->strangers, PENDING_SCRAM, number_slice(number), &kept, NULL))
		return err_set(err, ERR_DENIED, "this took too long; begin again");
	memcpy(s->kept, kept.ptr, kept.len);
	f.rest = (struct slice){s->kept, kept.len};
	a->account = frame_u64(&f);
	a->scope = (unsigned)frame_u64(&f) & SCOPE_ALL;
	a->peer = frame_bytes(&f);
	a->program = frame_bytes(&f);
	exchange->client_first = frame_bytes(&f);
	exchange->binding = frame_bytes(&f);
	exchange->server_first = frame_bytes(&f);
	s->entering.place = place_of(a->account, a->peer);
	s->entering.then = scram_reply;
	if (guesses_is_limited(t->desk->guesses, &s->entering.place))
		return err_set(err, ERR_BUSY, "too many failed logins");
	return 0;
}

/* Which of the account's passwords the proof is of. */
static int find_proof(struct task *t, struct scram_entering *s, size_t *which_out, struct err *err)
{
	struct scram_exchange exchange = {{0}, {0}, {0}};
	struct buf message AUTO(buf_done);
	int rc;

	buf_init(&message, MESSAGE_MAX);
	rc = resume(t, s, &exchange, err);
	if (rc < 0)
		return rc;
	rc = read_verifiers(secrets_read(t->desk->secrets), s, err);
	secrets_read_end(t->desk->secrets);
	/* Of nobody there is one that no proof fits, so that it takes as long. */
	if (rc == 0)
		rc = scram_check(&exchange, t->f[1].s, s->verifiers, s->n ? s->n : 1, which_out,
			&message, err);
	if (rc == -ERR_DENIED)
		guesses_failed(t->desk->guesses, &s->entering.place);
	s->message_len = message.len;
	if (message.len)
		memcpy(s->message, message.ptr, message.len);
	return rc;
}

/* Fields: exchange, client-final. */
void verb_scram_end(struct task *t)
{
	const uint64_t seq = secrets_seq(t->desk->secrets); /* before anything is read */
	struct scram_entering *s = task_keep(t, sizeof(*s));
	size_t which = 0;
	struct err err;

	if (find_proof(t, s, &which, &err) < 0) {
		task_fail(t, &err);
		return;
	}
	if (s->credentials[which])
		seen_note(t->desk->seen, SEEN_APP, s->credentials[which], s->entering.attempt.peer,
			s->entering.attempt.program);
	enter_found(t, s->credentials[which], s->scopes[which], seq);
}
