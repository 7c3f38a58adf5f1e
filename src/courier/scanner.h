/*
 * scanner.h - the verb `scan`: messages are shown to Rspamd, then to each milter, by threads that
 * may wait for them.
 *
 * The first one that will not have a message has the last word; what one changed the next one is
 * shown. One that gives no answer is passed over, or is why the message must come again, as the
 * settings say.
 *
 * Nothing is started where no scanner is set. What waits is bounded (SCANNER_WAITING_MAX; then
 * -ERR_BUSY at once), and so is each scan, by what the server said it waits.
 */
#ifndef COURIER_SCANNER_H
#define COURIER_SCANNER_H

#include "ask/scan.h"
#include "courier/desk.h"
#include "courier/fetch.h"
#include "courier/milter.h"

enum { SCANNER_THREADS = 8, SCANNER_WAITING_MAX = 512, SCANNER_MILTERS_MAX = 16 };

/* scanner_new - NULL: none is set. -ERR_SYNTAX: scan.milters. */
MUST_CHECK int scanner_new(struct courier *courier, struct scanner **out, struct err *err);
void scanner_start(struct scanner *scanner);
/* scanner_stop - what waits is answered, nothing more is taken; scanner_free after pool_stop(). */
void scanner_stop(struct scanner *scanner);
void scanner_free(struct scanner **scanner);

desk_fn desk_scan;

/* rspamd.c: one message, by Rspamd's HTTP interface; its fields go on top of the mail. The
 * result's text is put into `texts`. */
MUST_CHECK int rspamd_scan(struct fetch *fetch, struct slice url, const struct scan *scan,
	struct scan_mail *mail, int64_t wait_ms, struct buf *texts, struct scan_result *out,
	struct err *err);
/* rspamd_read - its answer (JSON), and the fields that it wants added; pure. -ERR_SYNTAX. */
MUST_CHECK int rspamd_read(struct slice json, struct buf *texts, struct buf *fields,
	struct scan_result *out, struct err *err);

#endif
