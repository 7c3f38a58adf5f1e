/* downgrade.c - see downgrade.h for the contract. */
#include "wire/mime/downgrade.h"

#include <stdlib.h>

#include "base/mem.h"
#include "wire/mime/write.h"

enum { QP_LINE_MAX = 75 };

/* A stretch of the message: a part's header, a leaf's body, or what stands between (part NULL). */
struct piece {
	uint64_t end;
	const struct mime_part *part;
	bool is_header;
	bool is_frozen; /* inside of something signed or encrypted */
	bool is_known;  /* of a header: all of it was read, and a label can be put into it */
	bool is_plain;  /* of a header: the part may have any encoding */
	bool is_unfit;  /* cannot stay as it is */
	bool is_long;   /* should not */
};

/* Of lines while they are looked at. */
struct lines {
	bool has_cr;
	size_t length;
};

struct qp {
	unsigned column;
	bool has_cr;
	char blank; /* one that may stand at a line's end; 0: none */
};

struct mime_downgrade {
	enum downgrade_to to;
	struct piece *pieces; /* the last one never ends */
	size_t n;
	bool cannot;
	/* the pass */
	size_t piece;
	uint64_t at;
	struct lines lines;
	struct buf header;
	struct qp qp;
	struct mime_base64 base64;
};

/* ---- pieces ---- */

static bool is_sealed(const struct mime_part *part)
{
	return part->kind == MIME_MULTIPART &&
	       (slice_eq(part->subtype, slice_lit("signed")) ||
		       slice_eq(part->subtype, slice_lit("encrypted")));
}

static void add_piece(struct mime_downgrade *s, uint64_t end, const struct mime_part *part,
	bool is_header, bool is_frozen)
{
	s->pieces[s->n++] = (struct piece){
		.end = end, .part = part, .is_header = is_header, .is_frozen = is_frozen};
}

static const struct mime_part *next_part(const struct mime_part *part)
{
	if (part->children)
		return part->children;
	while (part && !part->next)
		part = part->parent;
	return part ? part->next : NULL;
}

static bool is_frozen(const struct mime_part *part)
{
	for (const struct mime_part *up = part->parent; up; up = up->parent) {
		if (is_sealed(up))
			return true;
	}
	return false;
}

struct mime_downgrade *mime_downgrade_new(const struct mime_message *message, enum downgrade_to to)
{
	struct mime_downgrade *s = mem_new(struct mime_downgrade);

	s->to = to;
	/* What is before a part, its header, its body; and what is behind them all. */
	s->pieces = mem_zalloc((3 * (size_t)message->parts + 1) * sizeof(struct piece));
	buf_init(&s->header, DOWNGRADE_HEADER_MAX);
	for (const struct mime_part *part = message->root; part; part = next_part(part)) {
		const bool frozen = is_frozen(part);

		add_piece(s, part->header_start, NULL, false, frozen);
		add_piece(s, part->body_start, part, true, frozen);
		if (part->kind == MIME_LEAF)
			add_piece(s, part->body_end, part, false, frozen);
	}
	add_piece(s, UINT64_MAX, NULL, false, false);
	return s;
}

void mime_downgrade_free(struct mime_downgrade **s)
{
	if (!*s)
		return;
	buf_done(&(*s)->header);
	free((*s)->pieces);
	free(*s);
	*s = NULL;
}

static struct piece *body_of(struct mime_downgrade *s, const struct piece *header)
{
	return header->part->kind == MIME_LEAF ? &s->pieces[header - s->pieces + 1] : NULL;
}

/* What of the bytes belongs to the piece that is being passed; it may be over then. */
static struct slice take(struct mime_downgrade *s, struct slice *bytes)
{
	const uint64_t left = s->pieces[s->piece].end - s->at;
	const struct slice part = slice_head(*bytes, left < bytes->len ? (size_t)left : bytes->len);

	*bytes = slice_from(*bytes, part.len);
	s->at += part.len;
	return part;
}

static bool is_over(const struct mime_downgrade *s)
{
	return s->at == s->pieces[s->piece].end;
}

/* ---- looking ---- */

static bool is_ascii(struct slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		if ((unsigned char)bytes.ptr[i] >= 0x80)
			return false;
	}
	return true;
}

static void look_at_lines(struct lines *l, struct slice bytes, struct piece *p)
{
	for (size_t i = 0; i < bytes.len; i++) {
		const char c = bytes.ptr[i];

		p->is_unfit = p->is_unfit || c == '\0' || l->has_cr != (c == '\n');
		l->has_cr = c == '\r';
		l->length = c == '\n' ? 0 : l->length + !l->has_cr;
		p->is_long = p->is_long || l->length > DOWNGRADE_LINE_MAX;
	}
}

static void look_at_bytes(struct mime_downgrade *s, struct slice bytes, struct piece *p)
{
	if (s->to == DOWNGRADE_TO_LINES)
		look_at_lines(&s->lines, bytes, p);
	else
		p->is_unfit = p->is_unfit || !is_ascii(bytes);
}

/* By the header itself: a multipart without parts is parsed as a text. */
static bool is_plain_type(struct slice header)
{
	struct mime_field field;

	if (!mime_header_find(header, slice_lit("Content-Type"), &field))
		return true;
	return !slice_starts_nocase(field.value, slice_lit("multipart")) &&
	       !slice_starts_nocase(field.value, slice_lit("message"));
}

static void look_at_end(struct mime_downgrade *s, struct piece *p)
{
	const struct mime_part *part = p->part;
	bool may_encode;

	if (p->is_header) {
		p->is_known = !s->header.failed && !part->is_header_cut && part->has_blank;
		p->is_plain = p->is_known && part->kind == MIME_LEAF &&
			      part->encoding <= MIME_BINARY && is_plain_type(buf_slice(&s->header));
		buf_clear(&s->header);
	}
	may_encode = part && !p->is_header && !p->is_frozen && p[-1].is_plain;
	p->is_unfit = p->is_unfit || s->lines.has_cr || (p->is_long && may_encode);
	s->lines = (struct lines){.has_cr = false};
	if (p->is_unfit && !may_encode)
		s->cannot = true;
}

void mime_downgrade_look(struct mime_downgrade *s, struct slice bytes)
{
	do {
		struct piece *p = &s->pieces[s->piece];
		const struct slice part = take(s, &bytes);

		if (p->is_header)
			buf_append(&s->header, part);
		look_at_bytes(s, part, p);
		if (is_over(s)) {
			look_at_end(s, p);
			s->piece++;
		}
	} while (bytes.len);
}

bool mime_downgrade_begin(struct mime_downgrade *s)
{
	/* Where the message ended is no end of its last piece, which is nobody's. */
	s->cannot = s->cannot || s->pieces[s->n - 1].is_unfit || s->lines.has_cr;
	s->at = 0;
	s->piece = 0;
	return !s->cannot;
}

/* ---- quoted-printable ---- */

static void put_qp(struct qp *q, const char *text, unsigned n, struct buf *out)
{
	if (q->column + n > QP_LINE_MAX) {
		buf_lit(out, "=\r\n");
		q->column = 0;
	}
	buf_append(out, (struct slice){text, n});
	q->column += n;
}

static void put_qp_hex(struct qp *q, unsigned char c, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";
	const char text[] = {'=', digits[c >> 4], digits[c & 15]};

	put_qp(q, text, sizeof(text), out);
}

static void flush_blank(struct qp *q, bool is_at_end, struct buf *out)
{
	if (q->blank && is_at_end)
		put_qp_hex(q, (unsigned char)q->blank, out);
	else if (q->blank)
		put_qp(q, &q->blank, 1, out);
	q->blank = 0;
}

static void put_qp_byte(struct qp *q, char c, struct buf *out)
{
	if (c == '\n') {
		flush_blank(q, true, out);
		buf_lit(out, "\r\n");
		q->column = 0;
	} else if (c == ' ' || c == '\t') {
		flush_blank(q, false, out);
		q->blank = c;
	} else {
		flush_blank(q, false, out);
		/* No line that was none before may begin like a boundary. */
		if (c > ' ' && c < 0x7f && c != '=' &&
			!(c == '-' && (q->column == 0 || q->column == QP_LINE_MAX)))
			put_qp(q, &c, 1, out);
		else
			put_qp_hex(q, (unsigned char)c, out);
	}
}

static void feed_qp(struct qp *q, struct slice bytes, struct buf *out)
{
	for (size_t i = 0; i < bytes.len; i++) {
		const char c = bytes.ptr[i];

		if (q->has_cr && c != '\n')
			put_qp_byte(q, '\r', out);
		q->has_cr = c == '\r';
		if (!q->has_cr)
			put_qp_byte(q, c, out);
	}
}

static void finish_qp(struct qp *q, struct buf *out)
{
	if (q->has_cr)
		put_qp_byte(q, '\r', out);
	flush_blank(q, true, out);
	*q = (struct qp){.column = 0};
}

/* ---- feeding ---- */

/* A text of lines; of others quoted-printable would change the line ends. */
static bool becomes_qp(const struct mime_downgrade *s, const struct mime_part *part)
{
	return s->to == DOWNGRADE_TO_ASCII && slice_eq(part->type, slice_lit("text"));
}

/* What a header must say of the encoding; NULL: what it says. */
static const char *label_for(struct mime_downgrade *s, const struct piece *p)
{
	const struct piece *body = body_of(s, p);

	if (p->is_frozen || !p->is_known)
		return NULL;
	if (body && body->is_unfit)
		return becomes_qp(s, p->part) ? "quoted-printable" : "base64";
	if (s->to == DOWNGRADE_TO_LINES)
		return p->part->encoding == MIME_BINARY ? "8bit" : NULL;
	return p->part->encoding == MIME_8BIT || p->part->encoding == MIME_BINARY ? "7bit" : NULL;
}

/* Everything but the old label, with the new one in front of the blank line. */
static void put_header(
	const struct piece *p, struct slice block, const char *label, struct buf *out)
{
	struct slice rest = block;
	const char *from = block.ptr;
	struct mime_field field;
	bool has_version = false;

	while (mime_header_next(&rest, &field)) {
		if (slice_eq_nocase(field.name, slice_lit("MIME-Version")))
			has_version = true;
		if (!slice_eq_nocase(field.name, slice_lit("Content-Transfer-Encoding")))
			continue;
		buf_append(out, (struct slice){from, (size_t)(field.raw.ptr - from)});
		from = field.raw.ptr + field.raw.len;
	}
	buf_append(out, (struct slice){from, (size_t)(rest.ptr - from)});
	if (p->part->is_message && !has_version)
		buf_lit(out, "MIME-Version: 1.0\r\n");
	buf_printf(out, "Content-Transfer-Encoding: %s\r\n", label);
	buf_append(out, rest);
}

static void feed_header(
	struct mime_downgrade *s, const struct piece *p, struct slice bytes, struct buf *out)
{
	const char *label = label_for(s, p);

	if (!label) {
		buf_append(out, bytes);
		return;
	}
	buf_append(&s->header, bytes);
	if (is_over(s)) {
		put_header(p, buf_slice(&s->header), label, out);
		buf_clear(&s->header);
	}
}

static void feed_body(
	struct mime_downgrade *s, const struct piece *p, struct slice bytes, struct buf *out)
{
	if (!p->is_unfit)
		buf_append(out, bytes);
	else if (becomes_qp(s, p->part))
		feed_qp(&s->qp, bytes, out);
	else
		mime_base64_feed(&s->base64, bytes, out);
	if (!p->is_unfit || !is_over(s))
		return;
	if (becomes_qp(s, p->part))
		finish_qp(&s->qp, out);
	else
		mime_base64_finish(&s->base64, out);
}

void mime_downgrade_feed(struct mime_downgrade *s, struct slice bytes, struct buf *out)
{
	do {
		const struct piece *p = &s->pieces[s->piece];
		const struct slice part = take(s, &bytes);

		if (!p->part)
			buf_append(out, part);
		else if (p->is_header)
			feed_header(s, p, part, out);
		else
			feed_body(s, p, part, out);
		s->piece += is_over(s);
	} while (bytes.len);
}
