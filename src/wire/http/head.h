/*
 * head.h - the head of a request, strictly.
 *
 * Reads:  RFC 9112 2 to 6 (request line, fields, body length) and RFC 9110 7.2 (Host); for HTTP/2
 *         the same checks over fields that came in another form (RFC 9113 8.3).
 * Does:   no I/O. Everything two programs could read in two ways is refused: bare CR or LF,
 *         white space before a colon, folded lines, several lengths, a length beside chunks,
 *         codings other than chunked, several Hosts.
 * Bounds: HTTP_FIELDS_MAX fields, HTTP_TARGET_MAX bytes of target; the head's own length is the
 *         caller's bound. Memory for the fields' table comes from the arena; texts are slices of
 * the head, except the host, which is in lower case. Errors: the status to answer with.
 */
#ifndef WIRE_HTTP_HEAD_H
#define WIRE_HTTP_HEAD_H

#include "base/arena.h"
#include "base/err.h"

enum { HTTP_FIELDS_MAX = 100, HTTP_TARGET_MAX = 8000, HTTP_HOST_MAX = 255 };

struct http_field {
	struct slice name, value; /* the value without white space around it */
};

enum http_body_kind { HTTP_BODY_NONE, HTTP_BODY_LENGTH, HTTP_BODY_CHUNKED };

struct http_head {
	struct slice method;
	struct slice target;      /* path and query as sent, without scheme and host; or "*" */
	struct slice path, query; /* of the target, as sent; query without "?" */
	struct slice host; /* lower case, without port and dot at the end; empty: none (1.0) */
	struct http_field *fields;
	size_t fields_n;
	unsigned minor; /* of HTTP/1: 0 or 1 */
	enum http_body_kind body;
	uint64_t length;    /* HTTP_BODY_LENGTH */
	bool is_keep_alive; /* the client would send another request */
	bool is_expecting;  /* 100-continue */
};

/* http_head_parse - a head of HTTP/1 with its empty line. 0, or 400, 414, 417, 431, 501, 505. */
MUST_CHECK unsigned http_head_parse(
	struct slice head, struct arena *arena, struct http_head *out, struct err *err);

/* http_head_check - method, target (also as a whole URI), and fields are filled in by the caller:
 * checks them and sets the rest. authority is :authority of HTTP/2, ptr NULL if there was none. */
MUST_CHECK unsigned http_head_check(struct http_head *head, struct slice authority,
	bool is_version_2, struct arena *arena, struct err *err);

/* http_head_field - the value; ptr NULL: not there. Of several the first. */
struct slice http_head_field(const struct http_head *head, struct slice name);

/* http_head_end - looks for the end of a head in bytes that come bit by bit: *seen bytes were
 * looked at before (0 first). The length with the empty line; SIZE_MAX: a line ends without CR, it
 * cannot become a head; 0: not there yet. */
size_t http_head_end(struct slice in, size_t *seen);

/* http_host_parse - "Name.Example.:8080" to "name.example" in the arena; false if it is not a
 * host name, an address, or a port. */
bool http_host_parse(struct slice text, struct arena *arena, struct slice *host_out);

#endif
