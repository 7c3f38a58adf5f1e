/* utf8.c - see utf8.h for the contract. */
#include "base/utf8.h"

#include <string.h>

bool utf8_take(struct slice *in, uint32_t *out)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *p = (const unsigned char *)in->ptr;
	size_t n;
	uint32_t c;

	if (in->len == 0)
		return false;
	n = p[0] < 0x80   ? 1
	    : p[0] < 0xc2 ? 0
	    : p[0] < 0xe0 ? 2
	    : p[0] < 0xf0 ? 3
	    : p[0] < 0xf5 ? 4
			  : 0;
	if (n == 0 || n > in->len)
		return false;
	c = n == 1 ? p[0] : p[0] & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return false;
		c = c << 6 | (p[i] & 0x3fU);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return false;
	*out = c;
	*in = slice_from(*in, n);
	return true;
}

/* True if the 8 bytes at p are all ASCII. */
static bool is_ascii_word(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return (word & 0x8080808080808080U) == 0;
}

bool utf8_is_valid(struct slice s)
{
	uint32_t c;

	while (s.len) {
		if (s.len >= 8 && is_ascii_word(s.ptr))
			s = slice_from(s, 8);
		else if (!utf8_take(&s, &c))
			return false;
	}
	return true;
}

size_t utf8_put(uint32_t c, char out[4])
{
	const size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = n; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(lead[n] | c);
	return n;
}
