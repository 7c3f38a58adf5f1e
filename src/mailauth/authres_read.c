/* authres_read.c - see authres_read.h for the contract. */
#include "mailauth/authres_read.h"

enum { COMMENT_DEPTH_MAX = 100, VALUE_MAX = 1024 };

bool authres_skip_cfws(struct slice *text)
{
	unsigned depth = 0;
	size_t i = 0;

	for (; i < text->len; i++) {
		const char c = text->ptr[i];

		if (c == '(' && ++depth > COMMENT_DEPTH_MAX)
			return false;
		if (depth == 0 && c != ' ' && c != '\t' && c != '\r' && c != '\n')
			break;
		if (c == '\\')
			i++;
		else if (c == ')')
			depth--;
	}
	*text = slice_from(*text, i < text->len ? i : text->len);
	return depth == 0;
}

static bool is_word_byte(char c)
{
	return c != '"' && c != '(' && c != ')' && c != ';' && c != '=' &&
	       ((unsigned char)c > ' ' && c != 0x7f);
}

static bool take_quoted(struct slice *rest, struct arena *arena, struct slice *out)
{
	struct buf text AUTO(buf_done);
	size_t i = 1;

	buf_init(&text, VALUE_MAX);
	for (; i < rest->len && rest->ptr[i] != '"'; i++) {
		if (rest->ptr[i] == '\\' && i + 1 < rest->len)
			i++;
		buf_byte(&text, rest->ptr[i]);
	}
	if (i >= rest->len || text.failed)
		return false;
	*rest = slice_from(*rest, i + 1);
	*out = arena_dup(arena, buf_slice(&text));
	return out->ptr != NULL;
}

/* A word or a quoted string; what goes on with "@domain" behind the quotes is taken, too. */
static bool take_value(struct slice *rest, struct arena *arena, struct slice *out)
{
	struct buf text AUTO(buf_done);
	struct slice quoted = {0};
	size_t i = 0;

	buf_init(&text, VALUE_MAX);
	if (!authres_skip_cfws(rest))
		return false;
	if (rest->len && rest->ptr[0] == '"' && !take_quoted(rest, arena, &quoted))
		return false;
	while (i < rest->len && (is_word_byte(rest->ptr[i]) || rest->ptr[i] == '='))
		i++;
	buf_append(&text, quoted);
	buf_append(&text, slice_head(*rest, i));
	*rest = slice_from(*rest, i);
	if (text.failed || text.len == 0)
		return false;
	*out = arena_dup(arena, buf_slice(&text));
	return out->ptr != NULL;
}

/* name "=" value; white space and comments may stand around the "=". */
static bool take_pair(
	struct slice *rest, struct arena *arena, struct slice *name, struct slice *value)
{
	size_t i = 0;

	if (!authres_skip_cfws(rest))
		return false;
	while (i < rest->len && is_word_byte(rest->ptr[i]))
		i++;
	*name = slice_head(*rest, i);
	*rest = slice_from(*rest, i);
	if (i == 0 || !authres_skip_cfws(rest) || rest->len == 0 || rest->ptr[0] != '=')
		return false;
	*rest = slice_from(*rest, 1);
	return take_value(rest, arena, value);
}

/* Where the next method begins: behind a ";" that is in no comment and no quotes. */
static bool skip_to_method(struct slice *rest)
{
	while (rest->len > 0) {
		const char c = rest->ptr[0];

		if (c == '(') {
			if (!authres_skip_cfws(rest))
				break;
			continue;
		}
		if (c == '"') {
			size_t i = 1;

			for (; i < rest->len && rest->ptr[i] != '"'; i++)
				i += rest->ptr[i] == '\\';
			*rest = slice_from(*rest, i + 1 < rest->len ? i + 1 : rest->len);
			continue;
		}
		*rest = slice_from(*rest, 1);
		if (c == ';')
			return true;
	}
	*rest = (struct slice){0};
	return false;
}

bool authres_read_next(struct slice *rest, struct arena *arena, struct authres_said *out)
{
	while (skip_to_method(rest)) {
		struct slice name, value, version;

		*out = (struct authres_said){.n = 0};
		if (!take_pair(rest, arena, &name, &value) || name.ptr[0] == '/')
			continue;
		out->method = slice_cut(name, '/', &version);
		out->result = value;
		while (out->n < AUTHRES_PROPERTIES_MAX && take_pair(rest, arena, &name, &value)) {
			out->properties[out->n].name = name;
			out->properties[out->n++].value = value;
		}
		return true;
	}
	return false;
}

struct slice authres_said_get(const struct authres_said *said, const char *name)
{
	for (size_t i = 0; i < said->n; i++)
		if (slice_eq_nocase(said->properties[i].name, slice_str(name)))
			return said->properties[i].value;
	return (struct slice){0};
}
