/* smtp_commands.c - MAIL and RCPT with what the server knows, and whether it can take a message. */
#include "base/clock.h"
#include "base/encode.h"
#include "courier/smtp_internal.h"

static bool is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.ptr[i] >= 0x80)
			return false;
	}
	return true;
}

/* RFC 3461 4: xtext. */
static void put_xtext(struct buf *out, struct slice s)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.len; i++) {
		const unsigned char c = (unsigned char)s.ptr[i];

		if (c > ' ' && c < 0x7f && c != '+' && c != '=') {
			buf_byte(out, (char)c);
			continue;
		}
		buf_byte(out, '+');
		buf_byte(out, digits[c >> 4]);
		buf_byte(out, digits[c & 15]);
	}
}

static bool has_utf8_address(const struct queue_message *m)
{
	bool has = !is_ascii(m->sender);

	for (size_t i = 0; i < m->recipients_n && !has; i++)
		has = !is_ascii(m->recipients[i].address);
	return has;
}

bool smtp_wants_utf8(const struct smtp_client *c, const struct queue_message *m)
{
	return c->offer.utf8 && (m->flags & QUEUE_SMTPUTF8 || has_utf8_address(m));
}

/* RFC 2852 4.1.1.1: what is left of the time; where it is not known, we look at the clock. */
static void put_by(const struct queue_message *m, struct buf *out)
{
	const int64_t left = m->by_s - clock_wall_s();
	const bool is_notify = m->flags & QUEUE_BY_NOTIFY;

	if (!is_notify && left <= 0)
		return;
	buf_printf(out, " BY=%lld;%c%s", (long long)left, is_notify ? 'N' : 'R',
		m->flags & QUEUE_BY_TRACE ? "T" : "");
}

void smtp_put_mail(const struct smtp_client *c, const struct queue_message *m, struct buf *out)
{
	buf_lit(out, "MAIL FROM:<");
	buf_append(out, m->path.len && !c->is_lmtp ? m->path : m->sender);
	buf_byte(out, '>');
	if (c->offer.size && !c->sevenbit)
		buf_printf(out, " SIZE=%llu", (unsigned long long)m->size);
	if (c->offer.eightbit && m->flags & (QUEUE_8BIT | QUEUE_SMTPUTF8))
		buf_lit(out, " BODY=8BITMIME");
	if (smtp_wants_utf8(c, m))
		buf_lit(out, " SMTPUTF8");
	if (m->flags & QUEUE_REQUIRETLS && c->offer.requiretls)
		buf_lit(out, " REQUIRETLS");
	if (c->offer.priority && m->priority != QUEUE_NORMAL)
		buf_str(out, m->priority == QUEUE_FIRST ? " MT-PRIORITY=4" : " MT-PRIORITY=-4");
	if (c->offer.dsn && m->ret)
		buf_str(out, m->ret == 'F' ? " RET=FULL" : " RET=HDRS");
	if (c->offer.dsn && m->envid.len) {
		buf_lit(out, " ENVID=");
		put_xtext(out, m->envid);
	}
	if (c->offer.deliverby && m->by_s)
		put_by(m, out);
	/* Who takes mail on this socket knows what it is and has it once. */
	if (c->is_lmtp)
		buf_printf(out, " XORIGIN=%s XDELIVERY=%llu",
			m->flags & QUEUE_REPORT ? "report" : "forward",
			(unsigned long long)m->delivery_id);
	buf_lit(out, "\r\n");
}

static void put_notify(unsigned notify, struct buf *out)
{
	static const struct {
		unsigned bit;
		const char *word;
	} words[] = {{QUEUE_NOTIFY_NEVER, "NEVER"}, {QUEUE_NOTIFY_SUCCESS, "SUCCESS"},
		{QUEUE_NOTIFY_FAILURE, "FAILURE"}, {QUEUE_NOTIFY_DELAY, "DELAY"}};
	const char *before = " NOTIFY=";

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!(notify & words[i].bit))
			continue;
		buf_str(out, before);
		buf_str(out, words[i].word);
		before = ",";
	}
}

void smtp_put_rcpt(const struct smtp_client *c, const struct queue_recipient *r, struct buf *out)
{
	buf_lit(out, "RCPT TO:<");
	buf_append(out, r->address);
	buf_byte(out, '>');
	if (c->offer.dsn)
		put_notify(r->notify, out);
	if (c->offer.dsn && r->orcpt.len && is_ascii(r->orcpt)) {
		struct slice rest, type = slice_cut(r->orcpt, ';', &rest);

		buf_lit(out, " ORCPT=");
		buf_append(out, type);
		buf_byte(out, ';');
		put_xtext(out, rest);
	}
	buf_lit(out, "\r\n");
}

/* ---- what the server cannot do ---- */

/* Whether there are bytes beyond ASCII, in the header alone or anywhere. */
static int find_8bit(struct queue *queue, const struct queue_message *m, bool only_header,
	bool *found_out, struct err *err)
{
	struct buf text AUTO(buf_done);
	bool is_over = false;
	int rc = 0;

	buf_init(&text, QUEUE_CHUNK);
	*found_out = false;
	for (uint64_t at = 0; at < m->size && !is_over && !*found_out && rc == 0;
		at += QUEUE_CHUNK) {
		struct slice part;
		size_t end;

		buf_clear(&text);
		rc = queue_read(queue, m->id, at, &text, err);
		part = buf_slice(&text);
		end = only_header ? slice_find(part, slice_lit("\r\n\r\n")) : SIZE_MAX;
		is_over = end != SIZE_MAX;
		*found_out = !is_ascii(is_over ? slice_head(part, end) : part);
	}
	return rc;
}

static bool is_return_by(const struct queue_message *m)
{
	return m->by_s && !(m->flags & QUEUE_BY_NOTIFY);
}

/* ---- for a host without 8BITMIME ---- */

typedef void chunk_fn(void *context, struct slice bytes);

static int each_chunk(struct queue *queue, const struct queue_message *m, chunk_fn *each,
	void *context, struct err *err)
{
	struct buf text AUTO(buf_done);
	int rc = 0;

	buf_init(&text, QUEUE_CHUNK);
	for (uint64_t at = 0; at < m->size && rc == 0; at += QUEUE_CHUNK) {
		buf_clear(&text);
		rc = queue_read(queue, m->id, at, &text, err);
		if (rc == 0)
			each(context, buf_slice(&text));
	}
	return rc;
}

static void parse_chunk(void *context, struct slice bytes)
{
	mime_parser_feed(context, bytes);
}

static void look_at_chunk(void *context, struct slice bytes)
{
	mime_downgrade_look(context, bytes);
}

/* RFC 6152 3: sets parts and sevenbit, or *can_out to false. */
static int make_sevenbit(struct smtp_client *c, struct queue *queue, const struct queue_message *m,
	bool *can_out, struct err *err)
{
	struct mime_parser *parser = mime_parser_new(&mime_limits_default);
	int rc = each_chunk(queue, m, parse_chunk, parser, err);

	c->parts = mime_parser_finish(parser);
	mime_parser_free(&parser);
	c->sevenbit = mime_downgrade_new(c->parts, DOWNGRADE_TO_ASCII);
	if (rc == 0)
		rc = each_chunk(queue, m, look_at_chunk, c->sevenbit, err);
	*can_out = mime_downgrade_begin(c->sevenbit);
	return rc;
}

/* What a host takes that knows ASCII alone. */
static int fit_sevenbit(struct smtp_client *c, struct queue *queue, const struct queue_message *m,
	const char **why_out, struct err *err)
{
	bool found = false, can = true;
	int rc = find_8bit(queue, m, false, &found, err);

	if (rc == 0 && found)
		rc = make_sevenbit(c, queue, m, &can, err);
	if (!can)
		*why_out = "554 5.6.3 the host takes nothing beyond ASCII, and the message cannot "
			   "be changed";
	return rc;
}

int smtp_check_fits(struct smtp_client *c, struct queue *queue, const struct queue_message *m,
	const char **why_out, struct err *err)
{
	bool found = false;
	int rc = 0;

	*why_out = NULL;
	if (c->is_lmtp)
		return 0;
	if (c->offer.size_max && m->size > c->offer.size_max)
		*why_out = "552 5.3.4 the message is larger than the host takes";
	else if (is_return_by(m) && !c->offer.deliverby)
		*why_out =
			"554 5.3.3 the host does not know of times by which mail has to be there";
	else if (is_return_by(m) && m->by_s - clock_wall_s() < c->offer.by_min_s)
		*why_out = "554 5.4.7 the host promises nothing for the time that is left";
	else if (!c->offer.utf8 && has_utf8_address(m))
		*why_out = "553 5.6.7 the host takes no addresses beyond ASCII";
	if (*why_out)
		return 0;
	if (!c->offer.utf8 && m->flags & QUEUE_SMTPUTF8)
		rc = find_8bit(queue, m, true, &found, err);
	if (found)
		*why_out = "550 5.6.7 the host takes no header beyond ASCII";
	if (rc == 0 && !found && !c->offer.eightbit)
		rc = fit_sevenbit(c, queue, m, why_out, err);
	return rc;
}
