/* slice.c - see slice.h for the contract. */
#include "base/slice.h"

#include <string.h>

struct slice slice_str(const char *s)
{
	return (struct slice){s, strlen(s)};
}

struct slice slice_from(struct slice s, size_t at)
{
	if (at >= s.len)
		return (struct slice){s.ptr ? s.ptr + s.len : NULL, 0};
	return (struct slice){s.ptr + at, s.len - at};
}

struct slice slice_head(struct slice s, size_t n)
{
	return (struct slice){s.ptr, n < s.len ? n : s.len};
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice slice_trim(struct slice s)
{
	while (s.len && is_space(s.ptr[0]))
		s = slice_from(s, 1);
	while (s.len && is_space(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

bool slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool slice_eq_nocase(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (ascii_lower((unsigned char)a.ptr[i]) != ascii_lower((unsigned char)b.ptr[i]))
			return false;
	}
	return true;
}

bool slice_starts(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len && slice_eq(slice_head(s, prefix.len), prefix);
}

bool slice_starts_nocase(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len && slice_eq_nocase(slice_head(s, prefix.len), prefix);
}

bool slice_ends(struct slice s, struct slice suffix)
{
	return s.len >= suffix.len && slice_eq(slice_from(s, s.len - suffix.len), suffix);
}

int slice_cmp(struct slice a, struct slice b)
{
	const size_t n = a.len < b.len ? a.len : b.len;
	const int c = n ? memcmp(a.ptr, b.ptr, n) : 0;

	if (c)
		return c;
	return a.len < b.len ? -1 : a.len > b.len;
}

size_t slice_chr(struct slice s, char c)
{
	const char *p = s.len ? memchr(s.ptr, c, s.len) : NULL;

	return p ? (size_t)(p - s.ptr) : SIZE_MAX;
}

size_t slice_rchr(struct slice s, char c)
{
	const char *p = s.len ? memrchr(s.ptr, c, s.len) : NULL;

	return p ? (size_t)(p - s.ptr) : SIZE_MAX;
}

size_t slice_find(struct slice s, struct slice needle)
{
	const char *p;

	if (needle.len == 0)
		return 0;
	p = s.len ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;
	return p ? (size_t)(p - s.ptr) : SIZE_MAX;
}

struct slice slice_cut(struct slice s, char sep, struct slice *rest)
{
	const size_t at = slice_chr(s, sep);

	if (at == SIZE_MAX) {
		*rest = (struct slice){NULL, 0};
		return s;
	}
	*rest = slice_from(s, at + 1);
	return slice_head(s, at);
}

bool slice_to_u64(struct slice s, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		const unsigned digit = (unsigned char)s.ptr[i] - (unsigned)'0';

		if (digit > 9 || n > (max - digit) / 10 || max < digit)
			return false;
		n = n * 10 + digit;
	}
	*out = n;
	return true;
}

struct slice slice_next_word(struct slice *line)
{
	struct slice word;
	size_t begin = 0, end;

	while (begin < line->len && (line->ptr[begin] == ' ' || line->ptr[begin] == ','))
		begin++;
	for (end = begin; end < line->len && line->ptr[end] != ' ' && line->ptr[end] != ','; end++)
		;
	word = slice_from(slice_head(*line, end), begin);
	*line = slice_from(*line, end);
	return word;
}
