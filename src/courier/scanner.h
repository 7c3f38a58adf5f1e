/*
 * scanner.h - the verb `scan`: messages are shown to Rspamd, by threads that may wait for it.
 *
 * Nothing is started where no scanner is set. What waits is bounded (SCANNER_WAITING_MAX; then
 * -ERR_BUSY at once), and so is each scan, by what the server said it waits.
 */
#ifndef COURIER_SCANNER_H
#define COURIER_SCANNER_H

#include "ask/scan.h"
#include "courier/desk.h"
#include "courier/fetch.h"

enum { SCANNER_THREADS = 8, SCANNER_WAITING_MAX = 512 };

MUST_CHECK int scanner_new(struct courier *courier, struct scanner **out, struct err *err);
void scanner_start(struct scanner *scanner);
/* scanner_stop - what waits is answered, nothing more is taken; scanner_free after pool_stop(). */
void scanner_stop(struct scanner *scanner);
void scanner_free(struct scanner **scanner);

desk_fn desk_scan;

/* rspamd.c: one message, by Rspamd's HTTP interface. The result's texts are put into `texts`. */
MUST_CHECK int rspamd_scan(struct fetch *fetch, struct slice url, const struct scan *scan,
	struct slice message, int64_t wait_ms, struct buf *texts, struct scan_result *out,
	struct err *err);
/* rspamd_read - its answer (JSON); pure. -ERR_SYNTAX. */
MUST_CHECK int rspamd_read(
	struct slice json, struct buf *texts, struct scan_result *out, struct err *err);

#endif
