/*
 * html.h - HTML mail made harmless, and as plain text.
 *
 * What comes out is written anew from libxml2's tree: elements, attributes, URL schemes and CSS
 * properties are those of a list, everything else is left out or unwrapped; all text is escaped.
 * It is shown in a frame of its own whose policy forbids scripts, forms and anything from outside,
 * so this is the first of two fences. Pictures from outside are not loaded: they are counted.
 *
 * Bounds: HTML_INPUT_MAX bytes are read, the rest is left out; libxml2 stops at its own depth;
 * work is linear; output as the buffer's maximum. Nothing fails: every byte sequence is shown
 * somehow. Input is UTF-8. Any thread, after html_init().
 */
#ifndef WEB_HTML_H
#define WEB_HTML_H

#include "base/buf.h"

enum { HTML_INPUT_MAX = 2 << 20 };

struct html_options {
	/* picture - append the src for "cid:ID" (a data: URL); false: there is no such picture. */
	bool (*picture)(void *context, struct slice id, struct buf *out);
	void *context;
};

struct html_result {
	size_t outside; /* pictures that were left out */
	bool is_cut;    /* the input was larger */
};

/* html_init - once, before the sandbox and the threads. */
void html_init(void);

void html_clean(struct slice html, const struct html_options *options, struct buf *out,
	struct html_result *result_out);
/* html_to_text - lines end in LF; links are followed by their target in angle brackets. */
void html_to_text(struct slice html, struct buf *out);

#endif
