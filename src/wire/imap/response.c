/* response.c - see response.h for the contract: pieces of what comes, and what every response has.
 */
#include "wire/imap/response.h"

static const struct {
	struct slice word;
	enum imap_condition condition;
} conditions[] = {
	{{"OK", 2}, IMAP_OK},
	{{"NO", 2}, IMAP_NO},
	{{"BAD", 3}, IMAP_BAD},
	{{"BYE", 3}, IMAP_BYE},
	{{"PREAUTH", 7}, IMAP_PREAUTH},
};

static enum imap_condition condition_of(struct slice word)
{
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
		if (slice_eq_nocase(conditions[i].word, word))
			return conditions[i].condition;
	}
	return IMAP_DATA;
}

/* ---- pieces ---- */

/* What is said to people may end in "{5}" and announces nothing. */
static bool is_for_people(struct slice line)
{
	struct slice rest, tag = slice_cut(line, ' ', &rest);

	return slice_eq(tag, slice_lit("+")) ||
	       condition_of(slice_cut(rest, ' ', &rest)) != IMAP_DATA;
}

/* "BODY[] {5}", but also "BODY[]<0> {5}" and "BODY[] ~{5}". */
static bool announces_text(struct slice line)
{
	const struct slice label = slice_lit("BODY[]");
	struct slice head = slice_head(line, slice_rchr(line, '{'));
	size_t at;

	if (slice_ends(head, slice_lit("~")))
		head.len--;
	head = slice_trim(head);
	at = slice_rchr(head, ' ');
	head = slice_from(head, at == SIZE_MAX ? 0 : at + 1);
	if (slice_starts(head, slice_lit("(")))
		head = slice_from(head, 1);
	return slice_starts_nocase(head, label);
}

/* One line, from in[at]; false: its end is not there. */
static bool next_line(struct slice in, size_t at, struct slice *out)
{
	const struct slice rest = slice_from(in, at);
	const size_t lf = slice_chr(rest, '\n');

	if (lf == SIZE_MAX)
		return false;
	*out = slice_head(rest, lf && rest.ptr[lf - 1] == '\r' ? lf - 1 : lf);
	return true;
}

static int too_long(size_t max, struct err *err)
{
	return err_set(err, ERR_TOOBIG, "the server's response is longer than %zu bytes", max);
}

int imap_response_frame(
	struct slice in, bool is_rest, size_t max, struct imap_frame *out, struct err *err)
{
	struct imap_frame frame = {.piece = IMAP_PIECE_NONE};
	struct imap_literal literal;
	struct slice line;
	bool is_first = true;
	size_t at = 0;

	while (next_line(in, at, &line)) {
		const bool is_text = is_first && !is_rest && is_for_people(line);

		frame.text = slice_head(in, at + line.len);
		frame.length = frame.text.len + 1 + (in.ptr[frame.text.len] == '\r');
		if (frame.length > max)
			return too_long(max, err);
		if (is_text || !imap_line_literal(line, &literal)) {
			frame.piece = IMAP_PIECE_LINE;
			break;
		}
		if (announces_text(line)) {
			frame.piece = IMAP_PIECE_BODY;
			frame.body = literal.size;
			break;
		}
		if (literal.size > max - frame.length)
			return too_long(max, err);
		at = frame.length + (size_t)literal.size;
		is_first = false;
		if (at > in.len)
			break;
	}
	if (frame.piece == IMAP_PIECE_NONE && in.len >= max)
		return too_long(max, err);
	*out = frame;
	return 0;
}

/* ---- responses ---- */

static struct slice take_word(struct imap_lex *lx)
{
	return slice_cut(lx->rest, ' ', &lx->rest);
}

/* "[CODE args] text"; a bracket that is not closed is text. */
static void take_text(struct imap_lex *lx, struct imap_response *r)
{
	const size_t end = slice_chr(lx->rest, ']');

	r->text = lx->rest;
	if (imap_lex_peek(lx) != '[' || end == SIZE_MAX)
		return;
	r->code = slice_cut((struct slice){lx->rest.ptr + 1, end - 1}, ' ', &r->code_args);
	r->text = slice_trim(slice_from(lx->rest, end + 1));
}

/* "5 EXISTS", "LIST ...". */
static int take_data(
	struct imap_lex *lx, struct slice word, struct imap_response *r, struct err *err)
{
	if (slice_to_u64(word, UINT32_MAX, &r->number))
		word = take_word(lx);
	if (word.len == 0)
		return err_set(err, ERR_SYNTAX, "the server's response makes no sense");
	r->name = word;
	r->rest = *lx;
	return 0;
}

int imap_response_parse(struct slice text, const struct imap_limits *limits, struct arena *arena,
	struct imap_response *out, struct err *err)
{
	struct imap_response r = {.condition = IMAP_DATA};
	struct imap_lex lx;
	struct slice tag, word;
	int rc;

	imap_lex_init(&lx, text, limits, arena);
	tag = take_word(&lx);
	if (slice_eq(tag, slice_lit("+"))) {
		r.condition = IMAP_CONTINUE;
		r.text = lx.rest;
		*out = r;
		return 0;
	}
	if (!slice_eq(tag, slice_lit("*")))
		r.tag = tag;
	word = take_word(&lx);
	r.condition = condition_of(word);
	if (r.condition != IMAP_DATA) {
		take_text(&lx, &r);
	} else if (r.tag.len) {
		return err_set(err, ERR_SYNTAX, "the server's response makes no sense");
	} else {
		rc = take_data(&lx, word, &r, err);
		if (rc < 0)
			return rc;
	}
	*out = r;
	return 0;
}
