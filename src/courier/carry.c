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
};

/* The next answer; used_out bytes are to be taken when it has been read. */
static int hear(struct carry *c, int64_t wait_ms, struct smtp_answer *answer_out, size_t *used_out,
	struct err *err)
{
	int rc;

	while ((rc = smtp_answer_take(peer_in(c->peer), answer_out, used_out, err)) == 0) {
		rc = peer_fill(c->peer, wait_ms, err);
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? rc : 0;
}

static int refused(const struct smtp_answer *answer, struct err *err)
{
	struct buf text AUTO(buf_done);

	buf_init(&text, 2 * SMTP_ANSWER_TEXT_MAX);
	smtp_answer_put(answer, &text);
	return err_set(err, answer->code == 550 ? ERR_NOTFOUND : ERR_BUSY, "%.*s",
		SLICE_ARG(slice_head(buf_slice(&text), 120)));
}

/* word: one of the answer's lines; or NULL. */
static int expect(struct carry *c, unsigned code, const char *word, struct err *err)
{
	struct smtp_answer answer;
	struct slice line;
	size_t used = 0, at = 0;
	bool has = !word;
	int rc = hear(c, PATIENCE_MS, &answer, &used, err);

	if (rc < 0)
		return rc;
	while (!has && smtp_answer_line(&answer, &at, &line))
		has = slice_eq(line, slice_str(word));
	if (answer.code != code)
		rc = refused(&answer, err);
	else if (!has) /* it is older than we are */
		rc = err_set(err, ERR_BUSY, "the server does not know %s", word);
	peer_take(c->peer, used);
	return rc;
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
		rc = expect(c, 220, NULL, err);
	if (rc == 0)
		rc = say(c, &line, err);
	if (rc == 0)
		rc = expect(c, 250, "XIMPORT", err);
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
	return rc;
}

/* The letters are the last word of its first line. */
static int take_results(struct carry *c, const struct smtp_answer *answer,
	char results_out[SMTP_IMPORT_BATCH], struct err *err)
{
	struct slice line = {0};
	size_t at = 0;

	if (answer->code != 250)
		return refused(answer, err);
	smtp_answer_line(answer, &at, &line);
	line = slice_from(line, slice_rchr(line, ' ') + 1);
	if (c->n && line.len != c->n)
		return err_set(err, ERR_IO, "the server's answer makes no sense");
	if (c->n)
		memcpy(results_out, line.ptr, c->n);
	return 0;
}

int carry_store(struct carry *c, char results_out[SMTP_IMPORT_BATCH], struct err *err)
{
	struct smtp_answer answer;
	size_t used = 0;
	int rc = peer_write(c->peer, slice_lit("XSTORE\r\n"), PATIENCE_MS, err);

	if (rc == 0)
		rc = hear(c, STORE_MS, &answer, &used, err);
	if (rc < 0)
		return rc;
	rc = take_results(c, &answer, results_out, err);
	peer_take(c->peer, used);
	c->n = 0;
	return rc;
}
