/* verb_export.c - `mail-export`: an account's mail as one file, in chunks, while it is made. */
#include <stdlib.h>

#include "admin/verb.h"
#include "base/mem.h"
#include "mail/export.h"

struct control_export {
	struct source source;
	struct mail_export *export;
	struct buf piece;
};

static void put_chunk(struct buf *out, struct slice bytes)
{
	unsigned char head[4];

	be32_put(head, (uint32_t)bytes.len);
	buf_append(out, (struct slice){(const char *)head, sizeof(head)});
	buf_append(out, bytes);
}

static void put_end(struct control_export *e, struct buf *out)
{
	struct mail_export_counts n;

	mail_export_counts(e->export, &n);
	put_chunk(out, (struct slice){0});
	verb_done(out, json_pack("{s:I, s:I, s:I}", "messages", (json_int_t)n.messages, "mailboxes",
			       (json_int_t)n.mailboxes, "gone", (json_int_t)n.gone));
}

/* After an error the file ends too soon: behind its last chunk comes the reason. */
static int export_pull(struct source *source, struct conn *c, struct buf *out, struct err *err)
{
	struct control_export *e = (struct control_export *)(void *)source;
	int rc;

	buf_clear(&e->piece);
	rc = mail_export_pull(e->export, conn_ref(c), &e->piece, err);
	if (rc == SOURCE_WAIT)
		return SOURCE_WAIT;
	if (rc < 0) {
		put_chunk(out, (struct slice){0});
		verb_fail(out, err);
		return SOURCE_DONE;
	}
	if (e->piece.len)
		put_chunk(out, buf_slice(&e->piece));
	if (rc == SOURCE_DONE)
		put_end(e, out);
	return rc;
}

static void export_free(struct source *source)
{
	struct control_export *e = (struct control_export *)(void *)source;

	mail_export_free(&e->export);
	buf_done(&e->piece);
	free(e);
}

void verb_mail_export(struct conn *c, const json_t *args)
{
	enum mail_export_format format = EXPORT_ARCHIVE;
	const struct slice name = verb_text_or_empty(args, "format");
	struct directory_account account;
	struct control_export *e;
	struct mail_export *export;
	struct err err;
	int rc = verb_find_account(c, args, conn_arena(c), &account, &err);

	if (rc == 0 && name.len && !mail_export_format(name, &format))
		rc = err_set(&err, ERR_SYNTAX, "a format is archive, maildir, mbox or eml");
	if (rc == 0)
		rc = mail_export_open(verb_service(c), account.id, format,
			verb_text_or_empty(args, "mailbox"), &export, &err);
	if (rc < 0) {
		verb_fail(conn_out(c), &err);
		return;
	}
	e = mem_new(struct control_export);
	e->source = (struct source){.pull = export_pull, .free = export_free};
	e->export = export;
	buf_init(&e->piece, CONTROL_CHUNK_MAX);
	buf_lit(conn_out(c), "{\"send\":{}}\n");
	conn_source(c, &e->source);
}
