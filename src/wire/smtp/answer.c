/* answer.c - see answer.h for the contract. */
#include "wire/smtp/answer.h"

#include <string.h>

enum { CODE_LEN = 3, PREFIX_LEN = 4 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* One line without its CRLF: the code, and whether more lines follow. */
static bool read_line(struct slice line, unsigned *code_out, bool *is_last_out)
{
	if (line.len < CODE_LEN || line.ptr[0] < '2' || line.ptr[0] > '5' ||
		!is_digit(line.ptr[1]) || !is_digit(line.ptr[2]))
		return false;
	if (line.len > CODE_LEN && line.ptr[CODE_LEN] != ' ' && line.ptr[CODE_LEN] != '-')
		return false;
	*code_out = (unsigned)(line.ptr[0] - '0') * 100 + (unsigned)(line.ptr[1] - '0') * 10 +
		    (unsigned)(line.ptr[2] - '0');
	*is_last_out = line.len == CODE_LEN || line.ptr[CODE_LEN] == ' ';
	return true;
}

/* "5.1.1" at the front of a text, of the class of the code (RFC 2034 4). */
static void read_status(struct smtp_answer *a)
{
	struct slice text;
	size_t at = 0, i = 1, dots = 0;

	a->status[0] = '\0';
	if (!smtp_answer_line(a, &at, &text) || text.len < 5 ||
		text.ptr[0] != (char)('0' + a->code / 100) || text.ptr[1] != '.')
		return;
	for (; i < text.len && i < SMTP_STATUS_MAX && text.ptr[i] != ' '; i++) {
		if (text.ptr[i] == '.' && is_digit(text.ptr[i - 1]))
			dots++;
		else if (!is_digit(text.ptr[i]))
			return;
	}
	if (dots != 2 || i == SMTP_STATUS_MAX || text.ptr[i - 1] == '.')
		return;
	memcpy(a->status, text.ptr, i);
	a->status[i] = '\0';
}

int smtp_answer_take(
	struct slice in, struct smtp_answer *answer_out, size_t *used_out, struct err *err)
{
	struct smtp_answer a = {.code = 0};
	struct slice rest = in;
	bool is_last = false;

	while (!is_last) {
		const size_t lf = slice_chr(rest, '\n');
		unsigned code;

		if (lf == SIZE_MAX)
			return in.len > SMTP_ANSWER_MAX
				       ? err_set(err, ERR_TOOBIG, "the answer is too long")
				       : 0;
		if (lf == 0 || rest.ptr[lf - 1] != '\r' ||
			slice_chr(slice_head(rest, lf - 1), '\r') != SIZE_MAX ||
			!read_line(slice_head(rest, lf - 1), &code, &is_last) ||
			(a.code && a.code != code))
			return err_set(err, ERR_SYNTAX, "the answer is not SMTP");
		a.code = code;
		rest = slice_from(rest, lf + 1);
	}
	a.lines = slice_head(in, in.len - rest.len);
	if (a.lines.len > SMTP_ANSWER_MAX)
		return err_set(err, ERR_TOOBIG, "the answer is too long");
	read_status(&a);
	*answer_out = a;
	*used_out = a.lines.len;
	return 1;
}

bool smtp_answer_line(const struct smtp_answer *answer, size_t *at, struct slice *text_out)
{
	const struct slice rest = slice_from(answer->lines, *at);
	const size_t lf = slice_chr(rest, '\n');

	if (lf == SIZE_MAX)
		return false;
	*text_out = slice_from(slice_head(rest, lf - 1), PREFIX_LEN);
	*at += lf + 1;
	return true;
}

void smtp_answer_put(const struct smtp_answer *answer, struct buf *out)
{
	const size_t start = out->len;
	struct slice text;
	size_t at = 0;

	buf_u64(out, answer->code);
	while (smtp_answer_line(answer, &at, &text)) {
		/* The status is told once. */
		if (out->len > start + PREFIX_LEN && answer->status[0] &&
			slice_starts(text, slice_str(answer->status)))
			text = slice_trim(slice_from(text, strlen(answer->status)));
		if (text.len)
			buf_byte(out, ' ');
		for (size_t i = 0; i < text.len && out->len - start < SMTP_ANSWER_TEXT_MAX; i++)
			buf_byte(out, text.ptr[i] >= ' ' && text.ptr[i] <= '~' ? text.ptr[i] : '?');
	}
}

/* ---- EHLO's list ---- */

static void read_size(struct smtp_offer *o, struct slice value)
{
	o->size = true;
	if (!slice_to_u64(value, UINT64_MAX, &o->size_max))
		o->size_max = 0;
}

static void read_by(struct smtp_offer *o, struct slice value)
{
	uint64_t n;

	o->deliverby = true;
	if (slice_to_u64(value, INT32_MAX, &n))
		o->by_min_s = (int64_t)n;
}

/* RFC 4954 3 */
static void read_auth(struct smtp_offer *o, struct slice value)
{
	while (value.len) {
		const struct slice name = slice_cut(value, ' ', &value);

		o->auth_plain = o->auth_plain || slice_eq_nocase(name, slice_lit("PLAIN"));
		o->auth_login = o->auth_login || slice_eq_nocase(name, slice_lit("LOGIN"));
	}
}

void smtp_offer_read(const struct smtp_answer *answer, struct smtp_offer *out)
{
	struct smtp_offer o = {.starttls = false};
	const struct {
		const char *name;
		bool *flag;
		void (*read)(struct smtp_offer *o, struct slice value);
	} keywords[] = {
		{"STARTTLS", &o.starttls, NULL},
		{"PIPELINING", &o.pipelining, NULL},
		{"CHUNKING", &o.chunking, NULL},
		{"8BITMIME", &o.eightbit, NULL},
		{"SMTPUTF8", &o.utf8, NULL},
		{"DSN", &o.dsn, NULL},
		{"REQUIRETLS", &o.requiretls, NULL},
		{"MT-PRIORITY", &o.priority, NULL},
		{"SIZE", NULL, read_size},
		{"DELIVERBY", NULL, read_by},
		{"AUTH", NULL, read_auth},
	};
	struct slice line, value;
	size_t at = 0;
	bool is_first = true;

	while (smtp_answer_line(answer, &at, &line)) {
		const struct slice word = slice_cut(line, ' ', &value);

		for (size_t i = 0; !is_first && i < sizeof(keywords) / sizeof(keywords[0]); i++) {
			if (!slice_eq_nocase(word, slice_str(keywords[i].name)))
				continue;
			if (keywords[i].flag)
				*keywords[i].flag = true;
			else
				keywords[i].read(&o, slice_trim(value));
		}
		is_first = false;
	}
	*out = o;
}
