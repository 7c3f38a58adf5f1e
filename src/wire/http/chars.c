/* chars.c - see chars.h. */
#include "wire/http/chars.h"

#include <string.h>

bool http_is_token_byte(unsigned char c)
{
	const unsigned char lower = ascii_lower(c);

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

bool http_is_token(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!http_is_token_byte((unsigned char)s.ptr[i]))
			return false;
	}
	return s.len > 0;
}

bool http_is_value(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		const unsigned char c = (unsigned char)s.ptr[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

int http_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)ascii_lower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct slice http_trim(struct slice s)
{
	while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
		s = slice_from(s, 1);
	while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
		s.len--;
	return s;
}

bool http_list_next(struct slice *rest, struct slice *element_out)
{
	while (rest->len) {
		const struct slice element = http_trim(slice_cut(*rest, ',', rest));

		if (element.len) {
			*element_out = element;
			return true;
		}
	}
	return false;
}
