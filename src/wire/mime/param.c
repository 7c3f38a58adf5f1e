/* param.c - see param.h for the contract. */
#include "wire/mime/param.h"

#include <string.h>

#include "wire/mime/decode.h"
#include "wire/mime/text.h"

/* One parameter as written: a piece of one, if its name is "x*0" or "x*0*". */
struct piece {
	struct slice base; /* the name without stars */
	struct slice value;
	int number; /* -1: not numbered */
	bool is_extended;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_token_char(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f && !strchr("()<>@,;:\\\"/[]?=", c);
}

static struct slice skip_space(struct slice s)
{
	unsigned depth = 0;

	while (s.len && (depth || is_space(s.ptr[0]) || s.ptr[0] == '(')) {
		if (s.ptr[0] == '\\' && depth)
			s = slice_from(s, 1);
		else if (s.ptr[0] == '(')
			depth++;
		else if (s.ptr[0] == ')')
			depth--;
		s = slice_from(s, 1);
	}
	return s;
}

struct slice mime_param_line(struct slice value, struct arena *arena)
{
	struct slice copy = arena_dup(arena, slice_trim(value));
	char *p = (char *)copy.ptr;
	size_t n = 0;

	for (size_t i = 0; i < copy.len; i++) {
		if (p[i] != '\r' && p[i] != '\n' && p[i] != '\0')
			p[n++] = p[i];
	}
	copy.len = n;
	return copy;
}

struct slice mime_param_token(struct slice *value, struct arena *arena)
{
	char *p = arena_alloc(arena, value->len + 1);
	size_t n = 0;

	while (p) {
		const struct slice next = skip_space(*value);
		const bool was_space = next.len < value->len;

		*value = next;
		if (next.len == 0 || next.ptr[0] == ';')
			break;
		/* White space is only around the slash: another word is junk, or a parameter. */
		if (was_space && n && p[n - 1] != '/' && next.ptr[0] != '/')
			break;
		if ((unsigned char)next.ptr[0] > ' ' && next.ptr[0] != '"')
			p[n++] = (char)ascii_lower((unsigned char)next.ptr[0]);
		*value = slice_from(next, 1);
	}
	return (struct slice){p, n};
}

/* True if s, in front of which was white space, is behind a value: at the end of the parameter, or
 * at the "name=" of another whose ";" was forgotten. */
static bool is_value_end(struct slice s)
{
	size_t n = 0;

	if (s.len == 0 || s.ptr[0] == ';')
		return true;
	while (n < s.len && is_token_char(s.ptr[n]))
		n++;
	return n > 0 && n < s.len && s.ptr[n] == '=';
}

/* A value without quotes. Many senders forget them around spaces and specials. */
static struct slice take_bare(struct slice *rest)
{
	const struct slice start = *rest;
	size_t n = 0, end;

	do {
		while (n < start.len && start.ptr[n] != ';' && !is_space(start.ptr[n]))
			n++;
		end = n;
		*rest = skip_space(slice_from(start, n));
		n = start.len - rest->len;
	} while (!is_value_end(*rest));
	return slice_head(start, end);
}

/* From the opening quote on; the copy in the arena has neither escapes nor line ends. */
static struct slice take_quoted(struct slice *rest, struct arena *arena)
{
	size_t end = 1, n = 0;
	char *p;

	while (end < rest->len && rest->ptr[end] != '"')
		end += rest->ptr[end] == '\\' && end + 1 < rest->len ? 2 : 1;
	p = arena_alloc(arena, end);
	for (size_t i = 1; p && i < end; i++) {
		if (rest->ptr[i] == '\\' && i + 1 < end)
			i++;
		if (rest->ptr[i] != '\r' && rest->ptr[i] != '\n' && rest->ptr[i] != '\0')
			p[n++] = rest->ptr[i];
	}
	*rest = slice_from(*rest, end + 1);
	return (struct slice){p, n};
}

/* RFC 2231 3 and 4: "base*", "base*2", "base*2*". */
static void read_name(struct slice name, struct piece *out)
{
	struct slice number;
	uint64_t n;

	out->number = -1;
	out->is_extended = name.len > 1 && name.ptr[name.len - 1] == '*';
	name.len -= out->is_extended;
	out->base = slice_cut(name, '*', &number);
	if (slice_to_u64(number, MIME_PARAMS_MAX, &n))
		out->number = (int)n;
	else
		out->base = name;
}

/* The next "; name=value"; false at the end. */
static bool next_piece(struct slice *rest, struct arena *arena, struct piece *out)
{
	while (rest->len) {
		struct slice name = skip_space(*rest);
		size_t n = 0;

		while (n < name.len && is_token_char(name.ptr[n]))
			n++;
		*rest = skip_space(slice_from(name, n));
		if (n == 0 || rest->len == 0 || rest->ptr[0] != '=') {
			/* Not a parameter: go on behind the next ";". */
			(void)slice_cut(*rest, ';', rest);
			continue;
		}
		read_name(slice_head(name, n), out);
		*rest = skip_space(slice_from(*rest, 1));
		out->value = rest->len && rest->ptr[0] == '"' ? take_quoted(rest, arena)
							      : take_bare(rest);
		*rest = skip_space(*rest);
		if (rest->len && rest->ptr[0] == ';')
			*rest = slice_from(*rest, 1);
		return true;
	}
	return false;
}

static void percent_decode(struct slice s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (c == '%' && i + 2 < s.len && mime_hex_value(s.ptr[i + 1]) >= 0 &&
			mime_hex_value(s.ptr[i + 2]) >= 0) {
			c = (char)(mime_hex_value(s.ptr[i + 1]) << 4 |
				   mime_hex_value(s.ptr[i + 2]));
			i += 2;
		}
		buf_byte(out, c);
	}
}

/* charset'language'%-encoded to UTF-8. */
static void decode_extended(struct slice value, struct buf *out)
{
	struct mime_charset charset AUTO(mime_charset_done);
	struct buf bytes AUTO(buf_done);
	struct slice language, text, name = slice_cut(value, '\'', &language);

	(void)slice_cut(language, '\'', &text);
	if (!text.ptr) {
		name = (struct slice){NULL, 0};
		text = value;
	}
	buf_init(&bytes, value.len);
	percent_decode(text, &bytes);
	mime_charset_init(&charset, name);
	mime_charset_feed(&charset, buf_slice(&bytes), out);
	mime_charset_finish(&charset, out);
	mime_blank_controls(out, 0);
}

static struct slice decode_value(struct slice value, bool is_extended, struct arena *arena)
{
	struct buf text AUTO(buf_done);
	struct slice copy;

	buf_init(&text, 8 * value.len + 16);
	if (!is_extended && mime_is_plain(value))
		return value;
	if (is_extended)
		decode_extended(value, &text);
	else
		mime_header_decode(value, &text);
	copy = arena_dup(arena, buf_slice(&text));
	return copy.ptr ? copy : value;
}

static const struct piece *find_piece(
	const struct piece *pieces, size_t n, struct slice base, int number)
{
	for (size_t i = 0; i < n; i++) {
		if (pieces[i].number == number && slice_eq_nocase(pieces[i].base, base))
			return &pieces[i];
	}
	return NULL;
}

/* A piece that is not extended, within a value that is. */
static void percent_encode(struct slice s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		if (is_token_char(s.ptr[i]) && !strchr("*'%", s.ptr[i]))
			buf_byte(out, s.ptr[i]);
		else
			buf_printf(out, "%%%02X", (unsigned)(unsigned char)s.ptr[i]);
	}
}

/* All pieces of a value from number 0 on; true if the result is extended. */
static bool join_pieces(
	const struct piece *pieces, size_t n, const struct piece *first, struct buf *out)
{
	const struct piece *piece;
	bool is_extended = false;

	for (int i = 0; (piece = find_piece(pieces, n, first->base, i)); i++)
		is_extended |= piece->is_extended;
	if (is_extended && !first->is_extended)
		buf_lit(out, "''");
	for (int i = 0; (piece = find_piece(pieces, n, first->base, i)); i++) {
		if (is_extended && !piece->is_extended)
			percent_encode(piece->value, out);
		else
			buf_append(out, piece->value);
	}
	return is_extended;
}

/* The parameter's name in lower case, with a star if its value is extended. */
static struct slice make_name(struct slice base, bool is_extended, struct arena *arena)
{
	char *p = arena_alloc(arena, base.len + 1);

	for (size_t i = 0; p && i < base.len; i++)
		p[i] = (char)ascii_lower((unsigned char)base.ptr[i]);
	if (p && is_extended)
		p[base.len] = '*';
	return (struct slice){p, p ? base.len + is_extended : 0};
}

/* The parameter that a piece starts, or is; false if it continues another, or memory is full. */
static bool make_param(const struct piece *pieces, size_t n, const struct piece *piece,
	struct arena *arena, struct mime_param *out)
{
	bool is_extended = piece->is_extended;
	struct slice value = piece->value;

	if (piece->number > 0 && find_piece(pieces, n, piece->base, 0))
		return false;
	if (piece->number == 0) {
		struct buf joined AUTO(buf_done);

		buf_init(&joined, SIZE_MAX / 2);
		if (find_piece(pieces, n, piece->base, 0) != piece)
			return false;
		is_extended = join_pieces(pieces, n, piece, &joined);
		value = arena_dup(arena, buf_slice(&joined));
	} else {
		value = mime_param_line(value, arena);
	}
	out->name = make_name(piece->base, is_extended, arena);
	out->value = value;
	out->text = decode_value(value, is_extended, arena);
	return out->name.ptr && out->value.ptr;
}

struct mime_params mime_params_parse(struct slice rest, struct arena *arena)
{
	struct piece pieces[MIME_PARAMS_MAX];
	struct mime_params params = {0};
	size_t n = 0;

	while (n < MIME_PARAMS_MAX && next_piece(&rest, arena, &pieces[n]))
		n++;
	if (n == 0)
		return params;
	params.list = arena_array(arena, struct mime_param, n);
	for (size_t i = 0; params.list && i < n; i++) {
		if (make_param(pieces, n, &pieces[i], arena, &params.list[params.count]))
			params.count++;
	}
	return params;
}

struct slice mime_param_text(const struct mime_params *params, struct slice name)
{
	struct slice found = {NULL, 0};

	for (size_t i = 0; i < params->count; i++) {
		const struct mime_param *param = &params->list[i];

		if (!slice_starts(param->name, name))
			continue;
		if (param->name.len == name.len + 1 && param->name.ptr[name.len] == '*')
			return param->text;
		if (param->name.len == name.len && !found.ptr)
			found = param->text;
	}
	return found;
}
