/*
 * gateway.h - text messages from the keeper to the operator's gateway, by HTTP.
 *
 * The settings say how: URL, method, one header, type and text of the body. {number} and {text}
 * stand for the message, {secret}
 * (there and in the header) for what courier/sms.secret holds. In a URL they are percent-encoded,
 * in a body as its type wants it (JSON strings, forms, else as they are). A message is tried
 * GATEWAY_TRIES times within a minute and then given up: whoever waits for the code asks for
 * another. Only the end of a number is logged, never a text.
 */
#ifndef COURIER_GATEWAY_H
#define COURIER_GATEWAY_H

#include "base/buf.h"

struct courier;
struct gateway;

enum { GATEWAY_TRIES = 3, GATEWAY_WAIT_MS = 10000, GATEWAY_THREADS = 2, GATEWAY_TEXT_MAX = 4096 };

/* gateway_new - before the sandbox; NULL in *out when no gateway is set. */
MUST_CHECK int gateway_new(struct courier *courier, struct gateway **out, struct err *err);
void gateway_start(struct gateway *gateway); /* its threads, when the pool runs */
void gateway_free(struct gateway **gateway); /* waits for them */

/* How a value is written where it stands. */
enum gateway_coding { GATEWAY_PLAIN, GATEWAY_PERCENT, GATEWAY_JSON };

struct gateway_values {
	struct slice number, text, secret;
};

/* gateway_coding_of - for a body of that media type. */
enum gateway_coding gateway_coding_of(struct slice type);
/* gateway_fill - append the template with its values; what is no name of ours stays as it is. */
void gateway_fill(struct slice template, const struct gateway_values *values,
	enum gateway_coding coding, struct buf *out);

#endif
