/* carry.c - see carry.h for the contract. */
#include "courier/carry.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "courier/peer.h"
#include "wire/smtp/answer.h"

enum {
	PATIENCE_MS = 60000,
	STORE_MS = 11 * 60 * 1000, /* a little longer than the server lets it take */
	LINE_BYTES = 16 << 10,
	PIECE = 64 << 10,
};

struct carry {
	struct peer *peer;
	size_t n; /* of the batch */
	uint64_t bytes;
};

/* Its answer's first line, which lives until the next call. */
static int hear(
	struct carry *c, int64_t wait_ms, unsigned *code_out, struct buf *text_out, struct err *err)
{
	struct smtp_answer answer;
	size_t used;
	int rc;

	while ((rc = smtp_answer_take(peer_in(c->peer), &answer, &used, err)) == 0) {
		rc = peer_fill(c->peer, wait_ms, err);
		if (rc < 0)
			return rc;
	}
	if (rc < 0)
		return rc;
	*code_out = answer.code;
	buf_clear(text_out);
	smtp_answer_put(&answer, text_out);
	peer_take(c->peer, used);
	return 0;
}

static int refused(unsigned code, struct slice text, struct err *err)
{
	return err_set(err, code == 550 ? ERR_NOTFOUND : ERR_BUSY, "%.*s",
		SLICE_ARG(slice_head(text, 120)));
}

static int expect(struct carry *c, unsigned wanted, struct err *err)
{
	struct buf text AUTO(buf_done);
	unsigned code = 0;
	int rc;

	buf_init(&text, 2 * SMTP_ANSWER_TEXT_MAX);
	rc = hear(c, PATIENCE_MS, &code, &text, err);
	return rc < 0 ? rc : code == wanted ? 0 : refused(code, buf_slice(&text), err);
}

static int say(struct carry *c, const struct buf *line, struct err *err)
{
	const int rc = buf_check(line, "command", err);

	return rc < 0 ? rc : peer_write(c->peer, buf_slice(line), PATIENCE_MS, err);
}

int carry_open(
	const char *path, struct slice host_name, int stop_fd, struct carry **out, struct err *err)
{
	struct carry *c AUTO(carry_close) = mem_new(struct carry);
	struct buf line AUTO(buf_done);
	int rc = peer_connect_unix(path, stop_fd, &c->peer, err);

	buf_init(&line, LINE_BYTES);
	buf_lit(&line, "LHLO ");
	buf_append(&line, host_name);
	buf_lit(&line, "\r\n");
	if (rc == 0)
		rc = expect(c, 220, err);
	if (rc == 0)
		rc = say(c, &line, err);
	if (rc == 0)
		rc = expect(c, 250, err);
	if (rc < 0)
		return rc;
	*out = c;
	c = NULL;
	return 0;
}

void carry_close(struct carry **carry)
{
	struct carry *c = *carry;

	if (!c)
		return;
	peer_close(&c->peer);
	free(c);
	*carry = NULL;
}

int carry_folder(struct carry *c, const struct smtp_import_folder *folder, struct err *err)
{
	struct buf line AUTO(buf_done);

	buf_init(&line, LINE_BYTES);
	smtp_import_put_folder(folder, &line);
	return say(c, &line, err);
}

int carry_message(struct carry *c, const struct smtp_import_message *message, struct spool *text,
	struct err *err)
{
	struct buf line AUTO(buf_done), piece AUTO(buf_done);
	uint64_t at = 0;
	int rc;

	buf_init(&line, LINE_BYTES);
	buf_init(&piece, PIECE);
	smtp_import_put_message(message, &line);
	rc = say(c, &line, err);
	while (rc == 0 && at < message->size) {
		buf_clear(&piece);
		rc = spool_read(text, at, PIECE, &piece, err);
		if (rc == 0)
			rc = peer_write(c->peer, buf_slice(&piece), PATIENCE_MS, err);
		at += piece.len;
	}
	c->n++;
	c->bytes += message->size;
	return rc;
}

bool carry_is_full(const struct carry *c)
{
	return c->n == SMTP_IMPORT_BATCH || c->bytes >= SMTP_IMPORT_BYTES;
}

int carry_store(struct carry *c, char results_out[SMTP_IMPORT_BATCH], struct err *err)
{
	struct buf text AUTO(buf_done);
	struct slice letters;
	unsigned code = 0;
	int rc = peer_write(c->peer, slice_lit("XSTORE\r\n"), PATIENCE_MS, err);

	buf_init(&text, 2 * SMTP_ANSWER_TEXT_MAX);
	if (rc == 0)
		rc = hear(c, STORE_MS, &code, &text, err);
	if (rc < 0)
		return rc;
	if (code != 250)
		return refused(code, buf_slice(&text), err);
	letters = slice_from(buf_slice(&text), slice_rchr(buf_slice(&text), ' ') + 1);
	if (c->n && letters.len != c->n)
		return err_set(err, ERR_IO, "the server's answer makes no sense");
	memcpy(results_out, letters.ptr, c->n);
	c->n = 0;
	c->bytes = 0;
	return 0;
}
