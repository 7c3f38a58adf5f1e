/* operator.c - the operator's verbs, as the CLI calls them; see keeper.h for the contract. */

#include "base/io.h"
#include "base/mem.h"
#include "keeper/operator_internal.h"

/* Bytes of one secret in a frame beside the secret: three lengths, account, kind. */
enum { SECRET_OVERHEAD = 3 * 4 + 8 + 8, BATCH_BYTES = FRAME_CLI_MAX - 64 };

void operator_wipe(struct buf *b)
{
	mem_wipe(b->ptr, b->cap);
	buf_done(b);
}

/* How many from the front of the list fit one frame; all in a frame are a transaction. */
static size_t batch_size(const struct keeper_secret *list, size_t n)
{
	size_t bytes = 0, i = 0;

	for (; i < n && i < FRAME_SECRETS_MAX; i++) {
		bytes += SECRET_OVERHEAD + list[i].password.len;
		if (bytes > BATCH_BYTES)
			break;
	}
	return i;
}

static int read_results(
	struct frame *f, struct keeper_secret *const *asked, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct slice field = frame_bytes(f);
		const struct slice reason = slice_from(field, 1);
		const int code = field.len ? field.ptr[0] : 0;

		if (f->is_bad || field.len == 0 || code > ERR_CORRUPT)
			return err_set(err, ERR_IO, "the keeper's answer makes no sense");
		asked[i]->rc = code == 0 ? 0
					 : err_set(&asked[i]->err, (enum err_code)code, "%.*s",
						   SLICE_ARG(reason));
	}
	return frame_end(f) ? 0 : err_set(err, ERR_IO, "the keeper's answer makes no sense");
}

/* A secret that no frame may hold is refused here; it must not cost the others theirs. */
static bool is_sendable(struct keeper_secret *s)
{
	s->rc = 0;
	if (s->account == 0)
		s->rc = err_set(&s->err, ERR_SYNTAX, "no account");
	else if (s->password.len > FRAME_PASSWORD_MAX)
		s->rc = err_set(
			&s->err, ERR_TOOBIG, "a password has at most %d bytes", FRAME_PASSWORD_MAX);
	else if (s->password.len == 0)
		s->rc = err_set(&s->err, ERR_SYNTAX, "an empty password");
	return s->rc == 0;
}

static int set_batch(const char *socket_path, struct keeper_secret *list, size_t n, bool is_fast,
	struct err *err)
{
	struct keeper_secret *asked[FRAME_SECRETS_MAX];
	struct buf request AUTO(operator_wipe), reply AUTO(buf_done);
	struct frame f;
	size_t asked_n = 0;
	int rc;

	buf_init(&request, FRAME_CLI_MAX);
	buf_init(&reply, FRAME_CLI_MAX);
	buf_reserve(&request, FRAME_CLI_MAX); /* growing would leave copies behind */
	frame_begin(&request, 1, FRAME_SET_PASSWORDS);
	frame_put_u64(&request, is_fast);
	for (size_t i = 0; i < n; i++) {
		if (!is_sendable(&list[i]))
			continue;
		frame_put_u64(&request, list[i].account);
		frame_put_u64(&request, list[i].is_hash);
		frame_put(&request, list[i].password);
		asked[asked_n++] = &list[i];
	}
	if (asked_n == 0)
		return 0;
	rc = operator_ask(socket_path, &request, &reply, &f, err);
	return rc < 0 ? rc : read_results(&f, asked, asked_n, err);
}

int keeper_set_passwords(const char *socket_path, struct keeper_secret *secrets, size_t n,
	bool is_fast, struct err *err)
{
	while (n) {
		/* One that is too long for any frame goes in a batch of its own, to be refused. */
		const size_t fit = batch_size(secrets, n), batch = fit ? fit : 1;
		int rc = set_batch(socket_path, secrets, batch, is_fast, err);

		if (rc < 0)
			return rc;
		secrets += batch;
		n -= batch;
	}
	return 0;
}

int keeper_delete_account(const char *socket_path, uint64_t account, struct err *err)
{
	struct buf request AUTO(buf_done), reply AUTO(buf_done);
	struct frame f;

	buf_init(&request, FRAME_CLI_MAX);
	buf_init(&reply, FRAME_CLI_MAX);
	frame_begin(&request, 1, FRAME_DELETE_ACCOUNT);
	frame_put_u64(&request, account);
	return operator_ask(socket_path, &request, &reply, &f, err);
}
