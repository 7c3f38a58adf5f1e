/* proxy.c - see proxy.h for the contract. */
#include "net/proxy.h"

enum {
	VERSION_AT = 12,
	FAMILY_AT = 13,
	LENGTH_AT = 14,
	VERSION_2 = 0x20,
	LOCAL = 0,
	PROXY = 1,
	TCP_V4 = 0x11,
	TCP_V6 = 0x21,
	PORTS = 4,
	PORT_MAX = 65535,
	HIGH = 0xf0,
	LOW = 0x0f,
	BITS = 8,
};

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define LINE "PROXY "
#define LEAST_LINE LINE "UNKNOWN\r\n"

static bool begins(struct slice in, struct slice with)
{
	return slice_eq(slice_head(in, with.len), slice_head(with, in.len));
}

/* ---- version 1: a line ---- */

/* The shortest line at once, then byte by byte, since what follows it is not the header's. */
static int line_wants(struct slice in)
{
	const size_t least = sizeof(LEAST_LINE) - 1;

	if (in.len < least)
		return (int)(least - in.len);
	if (slice_ends(in, slice_lit("\r\n")))
		return 0;
	return in.len < PROXY_LINE_MAX ? 1 : -1;
}

/* "192.0.2.1 192.0.2.2 56324 443": one blank between, nothing else. */
static bool read_addresses(struct slice text, bool is_six, struct ip *source_out)
{
	struct slice from, to, port;
	struct ip source, target;
	uint64_t number;

	from = slice_cut(text, ' ', &text);
	to = slice_cut(text, ' ', &text);
	port = slice_cut(text, ' ', &text);
	if ((slice_chr(from, ':') != SIZE_MAX) != is_six ||
		(slice_chr(to, ':') != SIZE_MAX) != is_six || !ip_parse(from, &source) ||
		!ip_parse(to, &target) || !slice_to_u64(port, PORT_MAX, &number) ||
		!slice_to_u64(text, PORT_MAX, &number))
		return false;
	*source_out = source;
	return true;
}

static bool read_line(struct slice line, bool *has_source_out, struct ip *source_out)
{
	struct slice rest = slice_from(slice_head(line, line.len - 2), sizeof(LINE) - 1), family;

	if (slice_chr(rest, '\r') != SIZE_MAX || slice_chr(rest, '\n') != SIZE_MAX)
		return false;
	family = slice_cut(rest, ' ', &rest);
	*has_source_out = !slice_eq(family, slice_lit("UNKNOWN"));
	if (!*has_source_out)
		return true;
	if (slice_eq(family, slice_lit("TCP4")))
		return read_addresses(rest, false, source_out);
	return slice_eq(family, slice_lit("TCP6")) && read_addresses(rest, true, source_out);
}

/* ---- version 2 ---- */

static int binary_wants(struct slice in)
{
	const unsigned char *p = (const unsigned char *)in.ptr;
	int length;

	if (in.len < PROXY_HEAD)
		return PROXY_HEAD - (int)in.len;
	length = PROXY_HEAD + (p[LENGTH_AT] << BITS | p[LENGTH_AT + 1]);
	return length > PROXY_MAX || in.len > (size_t)length ? -1 : length - (int)in.len;
}

static bool read_binary(struct slice header, bool *has_source_out, struct ip *source_out)
{
	const unsigned char *p = (const unsigned char *)header.ptr;
	const struct slice body = slice_from(header, PROXY_HEAD);
	size_t len = 0;

	if ((p[VERSION_AT] & HIGH) != VERSION_2)
		return false;
	*has_source_out = false;
	if ((p[VERSION_AT] & LOW) == LOCAL)
		return true;
	if ((p[VERSION_AT] & LOW) != PROXY)
		return false;
	if (p[FAMILY_AT] == TCP_V4)
		len = IP_V4;
	else if (p[FAMILY_AT] == TCP_V6)
		len = IP_V6;
	if (len == 0)
		return true;
	if (body.len < 2 * len + PORTS)
		return false;
	*has_source_out = true;
	return ip_from_bytes(slice_head(body, len), source_out);
}

/* ---- both ---- */

int proxy_wants(struct slice in)
{
	if (in.len == 0) /* the least that both have */
		return sizeof(LEAST_LINE) - 1;
	if (begins(in, slice_lit(LINE)))
		return line_wants(in);
	return begins(in, slice_lit(SIGNATURE)) ? binary_wants(in) : -1;
}

bool proxy_read(struct slice header, bool *has_source_out, struct ip *source_out)
{
	if (proxy_wants(header) != 0)
		return false;
	if (begins(header, slice_lit(LINE)))
		return read_line(header, has_source_out, source_out);
	return read_binary(header, has_source_out, source_out);
}
