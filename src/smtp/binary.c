/*
 * binary.c - a message of BINARYMIME (RFC 3030 3) becomes one that may be stored, shown by IMAP
 * (RFC 9051 4.3.1) and sent to any host: bodies that are no lines are encoded.
 *
 * A stranger's message was checked as it came; what users send is signed afterwards, as RFC 6376
 * 5.3 has it. So nothing behind this knows of binary bodies. Three passes over what was spooled:
 * its parts, what of them has to be encoded, and the new message.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "mail/rebuild.h"
#include "smtp/session.h"
#include "wire/mime/downgrade.h"

enum {
	GROWTH = 3,              /* base64 with its line ends is less */
	PIECE_MAX = 1024 * 1024, /* what becomes of REBUILD_PIECE, and a header held back */
};

struct session_binary {
	struct mime_parser *parser;
	struct mime_message *parts;
	struct mime_downgrade *downgrade;
	uint64_t at;
	struct buf text;
	smtp_session_fn *then;
};

void smtp_binary_free(struct session_binary **binary)
{
	struct session_binary *b = *binary;

	*binary = NULL;
	if (!b)
		return;
	mime_parser_free(&b->parser);
	mime_downgrade_free(&b->downgrade);
	mime_message_free(&b->parts);
	buf_done(&b->text);
	free(b);
}

/* A turn of a pass over the message. */
static int pass(struct session_tx *tx, rebuild_fn *each, bool *is_done, struct err *err)
{
	struct session_binary *b = tx->binary;
	const int rc = rebuild_read(tx->in->spool, &b->at, REBUILD_TURN, each, tx, err);

	*is_done = b->at == tx->in->size;
	if (*is_done)
		b->at = 0;
	return rc;
}

static int parse_piece(void *context, struct slice piece, struct err *err)
{
	struct session_tx *tx = context;

	(void)err;
	mime_parser_feed(tx->binary->parser, piece);
	return 0;
}

static int look_at_piece(void *context, struct slice piece, struct err *err)
{
	struct session_tx *tx = context;

	(void)err;
	mime_downgrade_look(tx->binary->downgrade, piece);
	return 0;
}

static int make_piece(void *context, struct slice piece, struct err *err)
{
	struct session_tx *tx = context;
	struct session_binary *b = tx->binary;
	int rc;

	buf_clear(&b->text);
	mime_downgrade_feed(b->downgrade, piece, &b->text);
	rc = buf_check(&b->text, "a piece of a binary message", err);
	return rc == 0 ? incoming_append(tx->made, buf_slice(&b->text), err) : rc;
}

static int make(struct conn *c, bool *is_done, struct err *err)
{
	struct session_tx *tx = session_of(c)->tx;
	const int rc = pass(tx, make_piece, is_done, err);

	return rc == 0 && *is_done ? smtp_session_made(tx, err) : rc;
}

static void on_made(struct conn *c)
{
	struct session_tx *tx = session_of(c)->tx;
	smtp_session_fn *then = tx->binary->then;

	smtp_binary_free(&tx->binary);
	then(c);
}

static int look(struct conn *c, bool *is_done, struct err *err)
{
	return pass(session_of(c)->tx, look_at_piece, is_done, err);
}

static void on_seen(struct conn *c)
{
	struct session_tx *tx = session_of(c)->tx;

	if (!mime_downgrade_begin(tx->binary->downgrade)) {
		smtp_session_refuse(c, SMTP_SAY_BINARY, NULL);
		return;
	}
	tx->made = incoming_new(
		store_spool_dir(session_service(c)->store), GROWTH * tx->in->size + PIECE_MAX);
	if (tx->in->is_passed_on)
		incoming_pass_on(tx->made);
	smtp_session_work(c, make, on_made);
}

static int parse(struct conn *c, bool *is_done, struct err *err)
{
	return pass(session_of(c)->tx, parse_piece, is_done, err);
}

static void on_parsed(struct conn *c)
{
	struct session_binary *b = session_of(c)->tx->binary;

	b->parts = mime_parser_finish(b->parser);
	b->downgrade = mime_downgrade_new(b->parts, DOWNGRADE_TO_LINES);
	smtp_session_work(c, look, on_seen);
}

void smtp_binary(struct conn *c, smtp_session_fn *then)
{
	struct session_tx *tx = session_of(c)->tx;

	if (!tx->is_binary) {
		then(c);
		return;
	}
	tx->binary = mem_new(struct session_binary);
	tx->binary->parser = mime_parser_new(&mime_limits_default);
	tx->binary->then = then;
	buf_init(&tx->binary->text, PIECE_MAX);
	smtp_session_work(c, parse, on_parsed);
}
