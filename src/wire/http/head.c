/* head.c - see head.h for the contract. */
#include "wire/http/head.h"

#include <string.h>

#include "wire/http/chars.h"

enum { BAD = 400, URI_TOO_LONG = 414, EXPECTATION = 417, TOO_LARGE = 431, NOT_KNOWN = 501 };

static unsigned refuse(unsigned status, struct err *err, const char *why)
{
	(void)err_set(err, status == TOO_LARGE || status == URI_TOO_LONG ? ERR_TOOBIG : ERR_SYNTAX,
		"%s", why);
	return status;
}

size_t http_head_end(struct slice in, size_t *seen)
{
	while (*seen < in.len) {
		const char *lf = memchr(in.ptr + *seen, '\n', in.len - *seen);
		size_t at;

		if (!lf) {
			*seen = in.len;
			return 0;
		}
		at = (size_t)(lf - in.ptr);
		if (at == 0 || in.ptr[at - 1] != '\r')
			return SIZE_MAX;
		*seen = at + 1;
		if (at == 1 || (at >= 3 && in.ptr[at - 2] == '\n'))
			return at + 1;
	}
	return 0;
}

/* One line without its CRLF. */
static bool take_line(struct slice *rest, struct slice *line_out)
{
	const struct slice line = slice_cut(*rest, '\n', rest);

	if (!rest->ptr || line.len == 0 || line.ptr[line.len - 1] != '\r')
		return false;
	*line_out = slice_head(line, line.len - 1);
	return memchr(line.ptr, '\r', line.len - 1) == NULL;
}

static unsigned parse_version(struct slice version, struct http_head *head, struct err *err)
{
	if (version.len != 8 || !slice_starts(version, slice_lit("HTTP/")) ||
		version.ptr[5] < '0' || version.ptr[5] > '9' || version.ptr[6] != '.' ||
		version.ptr[7] < '0' || version.ptr[7] > '9')
		return refuse(BAD, err, "malformed version");
	if (version.ptr[5] != '1')
		return refuse(505, err, "version is not supported");
	head->minor = version.ptr[7] != '0';
	return 0;
}

/* RFC 9112 3: exactly one space between the parts. */
static unsigned parse_request_line(struct slice line, struct http_head *head, struct err *err)
{
	struct slice rest;

	head->method = slice_cut(line, ' ', &rest);
	head->target = slice_cut(rest, ' ', &rest);
	if (!rest.ptr || !http_is_token(head->method))
		return refuse(BAD, err, "malformed request line");
	return parse_version(rest, head, err);
}

static unsigned parse_field(struct slice line, struct http_field *out, struct err *err)
{
	struct slice rest;
	const struct slice name = slice_cut(line, ':', &rest);

	if (!rest.ptr || !http_is_token(name))
		return refuse(BAD, err, "malformed field name");
	if (!http_is_value(rest))
		return refuse(BAD, err, "control byte in a field");
	*out = (struct http_field){name, http_trim(rest)};
	return 0;
}

static unsigned parse_fields(
	struct slice rest, struct arena *arena, struct http_head *head, struct err *err)
{
	struct http_field *fields = arena_array(arena, struct http_field, HTTP_FIELDS_MAX);
	struct slice line;
	unsigned status = 0;
	size_t n = 0;

	if (!fields)
		return refuse(TOO_LARGE, err, "head needs too much memory");
	while (status == 0) {
		if (!take_line(&rest, &line))
			return refuse(BAD, err, "line does not end with CRLF");
		if (line.len == 0)
			break;
		if (n == HTTP_FIELDS_MAX)
			return refuse(TOO_LARGE, err, "too many fields");
		status = parse_field(line, &fields[n++], err);
	}
	if (status == 0 && rest.len)
		return refuse(BAD, err, "bytes behind the head");
	head->fields = fields;
	head->fields_n = n;
	return status;
}

unsigned http_head_parse(
	struct slice text, struct arena *arena, struct http_head *out, struct err *err)
{
	struct http_head head = {0};
	struct slice rest = text, line;
	unsigned status;

	if (!take_line(&rest, &line))
		return refuse(BAD, err, "request line does not end with CRLF");
	status = parse_request_line(line, &head, err);
	if (status == 0)
		status = parse_fields(rest, arena, &head, err);
	if (status == 0)
		status = http_head_check(&head, (struct slice){NULL, 0}, false, arena, err);
	if (status == 0)
		*out = head;
	return status;
}

struct slice http_head_field(const struct http_head *head, struct slice name)
{
	for (size_t i = 0; i < head->fields_n; i++) {
		if (slice_eq_nocase(head->fields[i].name, name))
			return head->fields[i].value;
	}
	return (struct slice){NULL, 0};
}

static size_t count_fields(const struct http_head *head, struct slice name)
{
	size_t n = 0;

	for (size_t i = 0; i < head->fields_n; i++)
		n += slice_eq_nocase(head->fields[i].name, name);
	return n;
}

/* ---- host ---- */

static bool is_host_byte(unsigned char c, bool is_address)
{
	if (is_address)
		return http_hex((char)c) >= 0 || c == ':' || c == '.';
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

static bool is_port(struct slice s)
{
	uint64_t port;

	return s.len == 0 || (s.len <= 5 && slice_to_u64(s, UINT16_MAX, &port));
}

bool http_host_parse(struct slice text, struct arena *arena, struct slice *host_out)
{
	const bool is_address = text.len && text.ptr[0] == '[';
	const size_t close = is_address ? slice_chr(text, ']') : 0;
	size_t n = is_address ? close + 1 : slice_chr(text, ':');
	char *lower;

	if (close == SIZE_MAX || (is_address && n < text.len && text.ptr[n] != ':'))
		return false;
	n = n < text.len ? n : text.len;
	if (n < text.len && !is_port(slice_from(text, n + 1)))
		return false;
	if (!is_address && n && text.ptr[n - 1] == '.')
		n--;
	if (n == 0 || n > HTTP_HOST_MAX || text.ptr[0] == '.')
		return false;
	lower = arena_alloc(arena, n);
	for (size_t i = 0; lower && i < n; i++) {
		const unsigned char c = (unsigned char)text.ptr[i];

		if (!is_host_byte(c, is_address) && !(is_address && (i == 0 || i == close)))
			return false;
		lower[i] = (char)ascii_lower(c);
	}
	if (!lower || memmem(lower, n, "..", 2))
		return false;
	*host_out = (struct slice){lower, n};
	return true;
}

/* RFC 9112 3.2: one Host, whatever else names the host; the target's own goes before it. */
static unsigned check_host(struct http_head *head, struct slice authority, bool is_version_2,
	struct arena *arena, struct err *err)
{
	const size_t n = count_fields(head, slice_lit("host"));
	struct slice host = {NULL, 0};

	if (n > 1)
		return refuse(BAD, err, "several Host fields");
	if (n == 1 && !http_host_parse(http_head_field(head, slice_lit("host")), arena, &host))
		return refuse(BAD, err, "malformed Host");
	if (authority.ptr && !http_host_parse(authority, arena, &head->host))
		return refuse(BAD, err, "malformed authority");
	if (authority.ptr && is_version_2 && n == 1 && !slice_eq(host, head->host))
		return refuse(BAD, err, "Host differs from :authority");
	if (!authority.ptr)
		head->host = host;
	if (n == 0 && (is_version_2 ? !authority.ptr : head->minor > 0))
		return refuse(BAD, err, "no Host");
	return 0;
}

/* ---- target ---- */

static bool is_target(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		const unsigned char c = (unsigned char)s.ptr[i];

		if (c <= 0x20 || c >= 0x7f || strchr("\"#<>", c))
			return false;
	}
	return s.len > 0;
}

/* RFC 9112 3.2.2: the target may be a whole URI. */
static unsigned cut_authority(struct http_head *head, struct slice *authority, struct err *err)
{
	static const struct slice schemes[] = {{"http://", 7}, {"https://", 8}};

	for (size_t i = 0; i < 2; i++) {
		if (slice_starts_nocase(head->target, schemes[i])) {
			const struct slice rest = slice_from(head->target, schemes[i].len);
			size_t n = 0;

			while (n < rest.len && rest.ptr[n] != '/' && rest.ptr[n] != '?')
				n++;
			*authority = slice_head(rest, n);
			head->target = slice_from(rest, n);
			if (head->target.len == 0)
				head->target = slice_lit("/");
			return 0;
		}
	}
	return refuse(BAD, err, "malformed target");
}

static unsigned check_target(struct http_head *head, struct slice *authority, struct err *err)
{
	unsigned status = 0;

	if (head->target.len > HTTP_TARGET_MAX)
		return refuse(URI_TOO_LONG, err, "target too long");
	if (slice_eq(head->method, slice_lit("CONNECT")))
		return refuse(NOT_KNOWN, err, "no proxy");
	if (!is_target(head->target))
		return refuse(BAD, err, "malformed target");
	if (slice_eq(head->target, slice_lit("*"))) {
		if (!slice_eq(head->method, slice_lit("OPTIONS")))
			return refuse(BAD, err, "malformed target");
	} else if (head->target.ptr[0] != '/') {
		status = cut_authority(head, authority, err);
	}
	if (status == 0)
		head->path = slice_cut(head->target, '?', &head->query);
	if (status == 0 && head->path.len == 0)
		head->path = slice_lit("/"); /* of "http://host?query" */
	if (status == 0 && memchr(head->path.ptr, '\\', head->path.len))
		return refuse(BAD, err, "backslash in the path");
	return status;
}

/* ---- body and connection ---- */

/* RFC 9112 6. Two lengths, even equal ones, are what smuggling is made of. */
static unsigned check_body(struct http_head *head, bool is_version_2, struct err *err)
{
	const size_t lengths = count_fields(head, slice_lit("content-length"));
	const size_t codings = count_fields(head, slice_lit("transfer-encoding"));

	if (lengths + codings > 1)
		return refuse(BAD, err, "several body lengths");
	if (lengths) {
		if (!slice_to_u64(http_head_field(head, slice_lit("content-length")), INT64_MAX,
			    &head->length))
			return refuse(BAD, err, "malformed Content-Length");
		head->body = HTTP_BODY_LENGTH;
	}
	if (codings == 0)
		return 0;
	if (is_version_2 || head->minor == 0)
		return refuse(BAD, err, "Transfer-Encoding in this version");
	if (!slice_eq_nocase(
		    http_head_field(head, slice_lit("transfer-encoding")), slice_lit("chunked")))
		return refuse(NOT_KNOWN, err, "unknown Transfer-Encoding");
	head->body = HTTP_BODY_CHUNKED;
	return 0;
}

static void check_connection(struct http_head *head)
{
	bool is_last = false;

	head->is_keep_alive = head->minor > 0;
	for (size_t i = 0; i < head->fields_n; i++) {
		struct slice rest = head->fields[i].value, option;

		if (!slice_eq_nocase(head->fields[i].name, slice_lit("connection")))
			continue;
		while (http_list_next(&rest, &option)) {
			is_last |= slice_eq_nocase(option, slice_lit("close"));
			head->is_keep_alive |= slice_eq_nocase(option, slice_lit("keep-alive"));
		}
	}
	head->is_keep_alive &= !is_last;
}

static unsigned check_expect(struct http_head *head, bool is_version_2, struct err *err)
{
	const struct slice expect = http_head_field(head, slice_lit("expect"));

	head->is_expecting = expect.ptr && (head->minor > 0 || is_version_2);
	if (expect.ptr && !slice_eq_nocase(expect, slice_lit("100-continue")))
		return refuse(EXPECTATION, err, "unknown expectation");
	return 0;
}

unsigned http_head_check(struct http_head *head, struct slice authority, bool is_version_2,
	struct arena *arena, struct err *err)
{
	unsigned status = check_target(head, &authority, err);

	if (status == 0)
		status = check_host(head, authority, is_version_2, arena, err);
	if (status == 0)
		status = check_body(head, is_version_2, err);
	if (status == 0)
		status = check_expect(head, is_version_2, err);
	if (status == 0 && !is_version_2)
		check_connection(head);
	return status;
}
