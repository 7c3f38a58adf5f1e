/*
 * data.h - the message text after DATA or BDAT, decoded as it arrives.
 *
 * Reads:  RFC 5321 4.5.2 (transparency) and 4.1.1.4, RFC 3030 2 (chunks) and 3 (binary bodies).
 * Does:   takes out the stuffed dots, finds the end wherever the network cut the stream, and
 *         hands back pieces of the input itself: nothing is copied and nothing is held back.
 * Safety: only CRLF is a line end. A CR or LF by itself is a fault, because some server elsewhere
 *         takes it for one and could find a second message there. A fault does not end the
 *         decoding: the rest is swallowed up to the one true end, and the caller then refuses
 *         the whole message.
 * Bounds: size and line length; linear time. The caller bounds the bytes swallowed after a fault.
 */
#ifndef WIRE_SMTP_DATA_H
#define WIRE_SMTP_DATA_H

#include "base/slice.h"

enum smtp_data_fault {
	SMTP_DATA_GOOD,
	SMTP_DATA_BARE_CR,
	SMTP_DATA_BARE_LF,
	SMTP_DATA_LONG_LINE,
	SMTP_DATA_TOO_BIG,
};

struct smtp_data {
	uint64_t size_max;          /* of the decoded message */
	size_t line_max;            /* without CRLF */
	uint64_t size;              /* decoded so far, what was swallowed included */
	size_t line;                /* bytes in the line so far */
	enum smtp_data_fault fault; /* the first one found */
	unsigned char state;
	bool is_counted; /* BDAT: no dots, no end mark */
	bool is_binary;  /* set after init, with is_counted: RFC 3030 3, only the header is lines */
	bool is_blank;   /* the last line was empty */
	bool is_body;    /* of what is binary: only its size is looked at */
};

/* smtp_data_init - before the first byte. is_counted: chunks of BDAT, whose ends the caller knows.
 */
void smtp_data_init(struct smtp_data *d, bool is_counted, uint64_t size_max, size_t line_max);

/* smtp_data_next - the next piece of message text at the front of *in, which moves on. An empty
 * piece: the input is used up, or the end was found (smtp_data_is_done()); what follows the end
 * stays in *in. After a fault no more pieces come. */
struct slice smtp_data_next(struct smtp_data *d, struct slice *in);

/* smtp_data_is_done - the end mark was read. */
bool smtp_data_is_done(const struct smtp_data *d);

/* smtp_data_finish - after the last chunk of BDAT: a CR at the very end is a bare one. */
void smtp_data_finish(struct smtp_data *d);

#endif
