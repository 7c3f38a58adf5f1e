/* imap_client.c - see imap_client.h for the contract: the connection, commands and their answers.
 */
#include <stdlib.h>

#include "base/encode.h"
#include "base/mem.h"
#include "courier/imap_internal.h"

enum { ARENA_MAX = 1 << 20, LOGOUT_MS = 1000, LOGIN_MAX = 8192, TEXT_MAX = 110 };

static const struct imap_limits limits = {
	.string_max = 8192, .depth_max = 16, .items_max = IMAP_KEYWORDS_MAX};

int imap_broken(struct imap_client *c, int rc)
{
	c->is_broken |= rc < 0;
	return rc;
}

/* ---- responses ---- */

int imap_hear(struct imap_client *c, bool is_rest, struct imap_frame *frame_out, struct err *err)
{
	int rc;

	for (;;) {
		rc = imap_response_frame(
			peer_in(c->peer), is_rest, IMAP_RESPONSE_MAX, frame_out, err);
		if (rc < 0 || frame_out->piece != IMAP_PIECE_NONE)
			return imap_broken(c, rc);
		rc = peer_fill(c->peer, c->config->patience_ms, err);
		if (rc < 0)
			return imap_broken(c, rc);
	}
}

void imap_heard(struct imap_client *c, const struct imap_frame *frame)
{
	peer_take(c->peer, frame->length);
	arena_reset(&c->arena);
}

static void take_capabilities(struct imap_client *c, struct slice words)
{
	static const struct {
		const char *name;
		unsigned bit;
	} rows[] = {{"STARTTLS", IMAP_CAN_STARTTLS}, {"AUTH=PLAIN", IMAP_CAN_PLAIN},
		{"SASL-IR", IMAP_CAN_INITIAL}, {"LOGINDISABLED", IMAP_CAN_NOT_LOGIN},
		{"SPECIAL-USE", IMAP_CAN_SPECIAL_USE}, {"NAMESPACE", IMAP_CAN_NAMESPACE},
		{"OBJECTID", IMAP_CAN_OBJECTID}, {"X-GM-EXT-1", IMAP_CAN_GMAIL}};
	struct slice word;

	c->can = 0;
	c->knows_can = true;
	while ((word = slice_next_word(&words)).len) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			if (slice_eq_nocase(slice_str(rows[i].name), word))
				c->can |= rows[i].bit;
		}
	}
}

/* Some say for how long they want to be left alone; all mean it. */
static bool asks_to_wait(struct slice code)
{
	static const char *const codes[] = {
		"UNAVAILABLE", "INUSE", "LIMIT", "THROTTLED", "OVERQUOTA", "SERVERBUG"};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (slice_eq_nocase(slice_str(codes[i]), code))
			return true;
	}
	return false;
}

static int refused(const struct imap_response *r, struct err *err)
{
	return err_set(err, asks_to_wait(r->code) ? ERR_BUSY : ERR_CONFLICT,
		"the server says: %.*s", SLICE_ARG(slice_head(r->text, TEXT_MAX)));
}

static bool is_answer(const struct imap_client *c, const struct imap_response *r)
{
	uint64_t n;

	return slice_starts(r->tag, slice_lit("A")) &&
	       slice_to_u64(slice_from(r->tag, 1), UINT32_MAX, &n) && n == c->tags;
}

int imap_read(struct imap_client *c, const struct imap_frame *frame, struct imap_response *out,
	int *rc_out, struct err *err)
{
	int rc = imap_response_parse(frame->text, &limits, &c->arena, out, err);

	if (rc < 0)
		return imap_broken(c, rc);
	if (slice_eq_nocase(out->code, slice_lit("CAPABILITY")))
		take_capabilities(c, out->code_args);
	else if (slice_eq_nocase(out->name, slice_lit("CAPABILITY")))
		take_capabilities(c, out->rest.rest);
	if (out->condition == IMAP_BYE) {
		refused(out, err);
		err->code = ERR_BUSY;
		return imap_broken(c, -ERR_BUSY);
	}
	if (!is_answer(c, out))
		return 0;
	*rc_out = out->condition == IMAP_OK ? 0 : refused(out, err);
	return 1;
}

/* ---- commands ---- */

int imap_say(struct imap_client *c, struct slice bytes, struct err *err)
{
	return imap_broken(c, peer_write(c->peer, bytes, c->config->patience_ms, err));
}

void imap_tag(struct imap_client *c, struct buf *out)
{
	buf_byte(out, 'A');
	buf_u64(out, ++c->tags);
	buf_byte(out, ' ');
}

/* Until the command is answered; nothing of what it brings is a message's text. */
static int await(struct imap_client *c, imap_heard_fn *heard, void *context, struct err *err)
{
	struct imap_response r;
	struct imap_frame frame;
	int done = 0, rc, answered = 0;

	while (!done) {
		rc = imap_hear(c, false, &frame, err);
		if (rc < 0)
			return rc;
		if (frame.piece == IMAP_PIECE_BODY)
			return imap_broken(c, err_set(err, ERR_SYNTAX, "an unwanted text comes"));
		done = imap_read(c, &frame, &r, &answered, err);
		if (done < 0)
			return done;
		rc = !done && heard ? heard(c, context, &r, err) : 0;
		imap_heard(c, &frame);
		if (rc < 0)
			return imap_broken(c, rc);
	}
	return answered;
}

int imap_command(struct imap_client *c, struct slice command, imap_heard_fn *heard, void *context,
	struct err *err)
{
	struct buf line AUTO(buf_done);
	int rc;

	buf_init(&line, IMAP_RESPONSE_MAX);
	imap_tag(c, &line);
	buf_append(&line, command);
	rc = buf_check(&line, "command", err);
	if (rc == 0)
		rc = imap_say(c, buf_slice(&line), err);
	return rc < 0 ? rc : await(c, heard, context, err);
}

int imap_put_name(struct buf *out, struct slice name, struct err *err)
{
	buf_byte(out, '"');
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == '\r' || name.ptr[i] == '\n' || name.ptr[i] == '\0')
			return err_set(err, ERR_CONFLICT, "no such name can be asked for");
		if (name.ptr[i] == '"' || name.ptr[i] == '\\')
			buf_byte(out, '\\');
		buf_byte(out, name.ptr[i]);
	}
	buf_byte(out, '"');
	return 0;
}

/* ---- opening ---- */

int imap_greet(struct imap_client *c, struct err *err)
{
	struct imap_response r;
	struct imap_frame frame;
	int ignored, rc = imap_hear(c, false, &frame, err);

	if (rc == 0)
		rc = imap_read(c, &frame, &r, &ignored, err);
	if (rc < 0)
		return rc;
	if (r.condition != IMAP_OK) /* PREAUTH, too: whose mail would it be? */
		rc = err_set(err, ERR_DENIED, "this is no IMAP server that wants a login");
	imap_heard(c, &frame);
	return imap_broken(c, rc);
}

static int ask_capabilities(struct imap_client *c, struct err *err)
{
	return c->knows_can ? 0 : imap_command(c, slice_lit("CAPABILITY\r\n"), NULL, NULL, err);
}

static int shake(struct imap_client *c, const char *name, struct err *err)
{
	const struct peer_wish wish = {.name = name};
	const char *reason;
	int rc = peer_start_tls(
		c->peer, c->config->tls, &wish, c->config->patience_ms, &c->trust, err);

	if (rc == 0 && c->trust < PEER_VERIFIED) {
		(void)peer_tls_result(c->peer, &reason);
		rc = err_set(err, ERR_DENIED, "the server's certificate is not good: %s", reason);
	}
	c->knows_can = false; /* what was said before TLS counts for nothing */
	c->can = 0;
	return imap_broken(c, rc);
}

static int start_tls(struct imap_client *c, const char *name, struct err *err)
{
	int rc = imap_greet(c, err);

	if (rc == 0)
		rc = imap_command(c, slice_lit("STARTTLS\r\n"), NULL, NULL, err);
	if (rc == -ERR_CONFLICT)
		rc = err_set(err, ERR_DENIED, "the server does not offer TLS here");
	return rc < 0 ? rc : shake(c, name, err);
}

struct imap_client *imap_client_new(const struct imap_client_config *config, struct peer *peer)
{
	struct imap_client *c = mem_new(struct imap_client);

	c->config = config;
	c->peer = peer;
	arena_init(&c->arena, ARENA_MAX);
	return c;
}

int imap_client_open(const struct imap_client_config *config, const struct imap_host *host,
	struct imap_client **out, struct err *err)
{
	struct imap_client *c AUTO(imap_client_close) = NULL;
	struct peer *peer;
	size_t at;
	int rc = peer_connect(host->addresses, host->addresses_n, host->port, config->connect_ms,
		config->stop_fd, &peer, &at, err);

	if (rc < 0)
		return rc;
	c = imap_client_new(config, peer);
	if (host->is_starttls)
		rc = start_tls(c, host->name, err);
	else
		rc = shake(c, host->name, err);
	if (rc == 0 && !host->is_starttls)
		rc = imap_greet(c, err);
	if (rc == 0)
		rc = imap_log_in(c, host->login, host->password, err);
	if (rc < 0)
		return rc;
	*out = c;
	c = NULL;
	return 0;
}

void imap_client_close(struct imap_client **client)
{
	struct imap_client *c = *client;
	struct err ignored;

	if (!c)
		return;
	/* Nobody needs the answer. */
	if (!c->is_broken)
		(void)!peer_write(c->peer, slice_lit("ZZ LOGOUT\r\n"), LOGOUT_MS, &ignored);
	peer_close(&c->peer);
	arena_done(&c->arena);
	free(c);
	*client = NULL;
}

/* ---- login ---- */

static void wipe(struct buf *b)
{
	if (b->ptr)
		mem_wipe(b->ptr, b->cap);
	buf_done(b);
}

/* Until the server wants to hear more: 0; or has answered. */
static int await_go_on(struct imap_client *c, struct err *err)
{
	struct imap_response r = {.condition = IMAP_DATA};
	struct imap_frame frame;
	int answered = 0, rc = 0;

	while (rc == 0 && r.condition != IMAP_CONTINUE) {
		rc = imap_hear(c, false, &frame, err);
		if (rc == 0)
			rc = imap_read(c, &frame, &r, &answered, err);
		if (rc < 0)
			return rc;
		imap_heard(c, &frame);
		if (rc == 1)
			return answered < 0 ? answered
					    : imap_broken(c, err_set(err, ERR_SYNTAX,
								     "the server took no login"));
	}
	return rc;
}

/* RFC 4616 */
static int authenticate_plain(
	struct imap_client *c, struct slice name, struct slice password, struct err *err)
{
	struct buf line AUTO(wipe), text AUTO(wipe);
	int rc;

	buf_init(&line, LOGIN_MAX);
	buf_init(&text, LOGIN_MAX);
	buf_reserve(&line, LOGIN_MAX); /* growing would leave copies behind */
	buf_reserve(&text, LOGIN_MAX);
	buf_byte(&text, '\0');
	buf_append(&text, name);
	buf_byte(&text, '\0');
	buf_append(&text, password);
	imap_tag(c, &line);
	buf_lit(&line, "AUTHENTICATE PLAIN");
	if (!(c->can & IMAP_CAN_INITIAL)) {
		buf_lit(&line, "\r\n");
		rc = imap_say(c, buf_slice(&line), err);
		if (rc == 0)
			rc = await_go_on(c, err);
		if (rc < 0)
			return rc;
		buf_clear(&line);
	} else {
		buf_byte(&line, ' ');
	}
	base64_encode(&line, buf_slice(&text));
	buf_lit(&line, "\r\n");
	rc = buf_check(&line, "login", err);
	if (rc == 0)
		rc = imap_say(c, buf_slice(&line), err);
	return rc < 0 ? rc : await(c, NULL, NULL, err);
}

static int login_plain(
	struct imap_client *c, struct slice name, struct slice password, struct err *err)
{
	struct buf line AUTO(wipe);
	int rc;

	buf_init(&line, LOGIN_MAX);
	buf_reserve(&line, LOGIN_MAX);
	imap_tag(c, &line);
	buf_lit(&line, "LOGIN ");
	rc = imap_put_name(&line, name, err);
	buf_byte(&line, ' ');
	if (rc == 0)
		rc = imap_put_name(&line, password, err);
	buf_lit(&line, "\r\n");
	if (rc == 0)
		rc = buf_check(&line, "login", err);
	if (rc == 0)
		rc = imap_say(c, buf_slice(&line), err);
	return rc < 0 ? rc : await(c, NULL, NULL, err);
}

int imap_log_in(struct imap_client *c, struct slice name, struct slice password, struct err *err)
{
	int rc = ask_capabilities(c, err);

	if (rc < 0)
		return rc;
	c->knows_can = false; /* the answer may say it anew */
	if (c->can & IMAP_CAN_PLAIN)
		rc = authenticate_plain(c, name, password, err);
	else if (c->can & IMAP_CAN_NOT_LOGIN)
		rc = err_set(err, ERR_CONFLICT, "the server offers no login that we know");
	else
		rc = login_plain(c, name, password, err);
	return rc < 0 ? rc : ask_capabilities(c, err);
}
