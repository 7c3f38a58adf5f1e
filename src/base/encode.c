/* encode.c - see encode.h for the contract. */
#include "base/encode.h"

#include <openssl/sha.h>
#include <string.h>

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char base64_digit(uint32_t value, bool is_url)
{
	const char c = base64_digits[value & 63];

	if (is_url && c == '+')
		return '-';
	return is_url && c == '/' ? '_' : c;
}

static void encode(struct buf *out, struct slice in, bool is_url)
{
	const unsigned char *p = (const unsigned char *)in.ptr;
	const size_t n = is_url ? (in.len * 4 + 2) / 3 : (in.len + 2) / 3 * 4;
	char *to = buf_reserve(out, n);
	const char *end;

	if (!to)
		return;
	end = to + n;
	out->len += n;
	for (size_t i = 0; i < in.len; i += 3) {
		const size_t left = in.len - i;
		const uint32_t word = (uint32_t)p[i] << 16 |
				      (uint32_t)(left > 1 ? p[i + 1] : 0) << 8 |
				      (left > 2 ? p[i + 2] : 0);

		for (size_t k = 0; k < 4 && to < end; k++)
			*to++ = k > left ? '=' : base64_digit(word >> (18 - 6 * k), is_url);
	}
}

void base64_encode(struct buf *out, struct slice in)
{
	encode(out, in, false);
}

void base64url_encode(struct buf *out, struct slice in)
{
	encode(out, in, true);
}

static int base64_value(char c, bool is_url)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == (is_url ? '-' : '+'))
		return 62;
	return c == (is_url ? '_' : '/') ? 63 : -1;
}

/* in is without its padding. */
static int decode(struct buf *out, struct slice in, bool is_url, struct err *err)
{
	const size_t tail = in.len % 4;
	uint32_t word = 0;

	if (tail == 1)
		return err_set(err, ERR_SYNTAX, "base64 of %zu characters is cut short", in.len);
	for (size_t i = 0; i < in.len; i++) {
		const int v = base64_value(in.ptr[i], is_url);

		if (v < 0)
			return err_set(err, ERR_SYNTAX, "byte 0x%02x at %zu is not base64",
				(unsigned char)in.ptr[i], i);
		word = word << 6 | (uint32_t)v;
		if (i % 4 == 3) {
			buf_byte(out, (char)(word >> 16));
			buf_byte(out, (char)(word >> 8));
			buf_byte(out, (char)word);
			word = 0;
		}
	}
	if (word & (tail == 3 ? 3u : tail == 2 ? 15u : 0u))
		return err_set(err, ERR_SYNTAX, "base64 ends within a byte");
	if (tail)
		buf_byte(out, (char)(word >> (tail == 3 ? 10 : 4)));
	if (tail == 3)
		buf_byte(out, (char)(word >> 2));
	return 0;
}

int base64_decode(struct buf *out, struct slice in, struct err *err)
{
	size_t pad = 0;

	if (in.len % 4)
		return err_set(err, ERR_SYNTAX, "base64 of %zu characters is cut short", in.len);
	while (pad < 2 && pad < in.len && in.ptr[in.len - 1 - pad] == '=')
		pad++;
	return decode(out, slice_head(in, in.len - pad), false, err);
}

int base64url_decode(struct buf *out, struct slice in, struct err *err)
{
	return decode(out, in, true, err);
}

void hex_encode(struct buf *out, struct slice in)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < in.len; i++) {
		buf_byte(out, digits[(unsigned char)in.ptr[i] >> 4]);
		buf_byte(out, digits[in.ptr[i] & 15]);
	}
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)ascii_lower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_decode(struct slice s, void *out, size_t n)
{
	unsigned char *p = out;

	if (s.len != n * 2)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (hex_value(s.ptr[i]) < 0)
			return false;
	}
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)(hex_value(s.ptr[i * 2]) << 4 | hex_value(s.ptr[i * 2 + 1]));
	return true;
}

void varint_put(struct buf *out, uint64_t n)
{
	char bytes[10];
	size_t len = 0;

	for (; n >= 0x80; n >>= 7)
		bytes[len++] = (char)(n | 0x80);
	bytes[len++] = (char)n;
	buf_append(out, (struct slice){bytes, len});
}

bool varint_take(struct slice *in, uint64_t *out)
{
	uint64_t n = 0;

	for (size_t i = 0; i < in->len && i < 10; i++) {
		const unsigned char c = (unsigned char)in->ptr[i];

		if (i == 9 && c > 1)
			return false;
		n |= (uint64_t)(c & 0x7f) << (7 * i);
		if (c < 0x80) {
			*in = slice_from(*in, i + 1);
			*out = n;
			return true;
		}
	}
	return false;
}

void be32_put(unsigned char *p, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(n >> (24 - 8 * i));
}

uint32_t be32_get(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

void be64_put(unsigned char *p, uint64_t n)
{
	be32_put(p, (uint32_t)(n >> 32));
	be32_put(p + 4, (uint32_t)n);
}

uint64_t be64_get(const unsigned char *p)
{
	return (uint64_t)be32_get(p) << 32 | be32_get(p + 4);
}

void sha256(struct slice in, unsigned char out[SHA256_LEN])
{
	SHA256((const unsigned char *)in.ptr, in.len, out);
}
