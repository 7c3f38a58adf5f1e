/*
 * compose.h - from a template and its values to the bytes of a message; only for this room.
 *
 * A template (text/LANGUAGE/NAME.txt) begins with `Subject: …`; paragraphs are separated by empty
 * lines; lines that begin with two spaces stay lines; a line that is nothing but an address of a
 * page becomes a link. It is rendered twice: as it is for the text, and with its values escaped for
 * HTML, where the marks of paragraphs are put around it. So templates hold no & < > themselves.
 *
 * Pure; bounds: NOTICE_TEXT_MAX for each rendering.
 */
#ifndef NOTICE_COMPOSE_H
#define NOTICE_COMPOSE_H

#include "notice/notice.h"
#include "page/page.h"

enum { NOTICE_TEXT_MAX = 256 << 10, NOTICE_MESSAGE_MAX = 2 << 20, NOTICE_VALUE_MAX = 1000 };

struct compose {
	const char *template;
	struct slice language; /* wanted; another one if there is no such text */
	json_t *values;        /* with those common to all; its texts are made clean */
	struct slice from_name, from_address, to;
	struct slice host_name;
	uint64_t id;
	int64_t now_s;
};

/* compose_message - appended to out; own_bytes_out: our Return-Path in front. -ERR_NOTFOUND: no
 * such template. */
MUST_CHECK int compose_message(
	const struct compose *compose, struct buf *out, uint64_t *own_bytes_out, struct err *err);

/* compose_clean - control characters of all texts in the values become spaces, and what is longer
 * than NOTICE_VALUE_MAX is cut. */
void compose_clean(json_t *values);

/* compose_set - all templates as they are embedded; for the test that looks at each. */
const struct page_set *compose_set(void);

#endif
