/* smtp_login.c - a login to a mail server (RFC 4954), only ever within TLS. */
#include "base/encode.h"
#include "base/mem.h"
#include "courier/smtp_internal.h"

enum { LINE_MAX_BYTES = 4096 };

static void wipe(struct buf *b)
{
	mem_wipe(b->ptr, b->len);
	buf_done(b);
}

static int say(struct smtp_client *c, struct buf *line, struct err *err)
{
	int rc;

	buf_lit(line, "\r\n");
	rc = buf_check(line, "login", err);
	return rc < 0 ? rc : smtp_ask(c, buf_slice(line), err);
}

/* RFC 4616 */
static int log_in_plain(struct smtp_client *c, const struct smtp_login *login, struct err *err)
{
	struct buf line AUTO(wipe), text AUTO(wipe);

	buf_init(&line, LINE_MAX_BYTES);
	buf_init(&text, LINE_MAX_BYTES);
	buf_reserve(&line, LINE_MAX_BYTES); /* growing would leave copies behind */
	buf_reserve(&text, LINE_MAX_BYTES);
	buf_byte(&text, '\0');
	buf_append(&text, login->name);
	buf_byte(&text, '\0');
	buf_append(&text, login->password);
	buf_lit(&line, "AUTH PLAIN ");
	base64_encode(&line, buf_slice(&text));
	return say(c, &line, err);
}

static int log_in_login(struct smtp_client *c, const struct smtp_login *login, struct err *err)
{
	const struct slice texts[] = {login->name, login->password};
	int rc = smtp_ask(c, slice_lit("AUTH LOGIN\r\n"), err);

	for (size_t i = 0; i < 2 && rc == 0 && c->code == 334; i++) {
		struct buf line AUTO(wipe);

		buf_init(&line, LINE_MAX_BYTES);
		buf_reserve(&line, LINE_MAX_BYTES);
		base64_encode(&line, texts[i]);
		rc = say(c, &line, err);
	}
	return rc;
}

int smtp_log_in(struct smtp_client *c, const struct smtp_login *login, struct err *err)
{
	int rc;

	if (c->trust < PEER_VERIFIED)
		return err_set(err, ERR_DENIED, "no login without TLS");
	if (c->offer.auth_plain)
		rc = log_in_plain(c, login, err);
	else if (c->offer.auth_login)
		rc = log_in_login(c, login, err);
	else
		return err_set(err, ERR_CONFLICT, "the server offers no login that we know");
	if (rc < 0 || c->code == 235)
		return rc;
	return err_set(err, c->code >= 500 ? ERR_CONFLICT : ERR_BUSY, "the login was refused: %.*s",
		SLICE_ARG(slice_head(buf_slice(&c->text), 120)));
}
