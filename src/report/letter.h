/*
 * letter.h - the mail that a report travels in: RFC 7489 7.2.1.1 (of DMARC), RFC 8460 5 (of TLS),
 * RFC 5965 2 (of single failures).
 *
 * Pure; the same letter gives the same bytes, so that a report that is sent again is known.
 */
#ifndef REPORT_LETTER_H
#define REPORT_LETTER_H

#include "base/buf.h"

enum { LETTER_MAX = 16 << 20, LETTER_NAME_MAX = 600 };

enum letter_kind { LETTER_DMARC, LETTER_TLS, LETTER_FAILURE };

struct letter_of {
	enum letter_kind kind;
	struct slice domain, submitter; /* whom it is about; our host's name */
	struct slice from, from_name, to;
	uint64_t id;
	int64_t begin_s, end_s, now_s; /* end_s: the last second */
	struct slice packed;           /* gzip */
	struct slice
		failure; /* of one: the fields of the report, a blank line, those of the header */
	int64_t incidents;
};

/* letter_put - append it; own_bytes_out: our Return-Path in front. */
MUST_CHECK int letter_put(
	const struct letter_of *letter, struct buf *out, uint64_t *own_bytes_out, struct err *err);

/* letter_file - name of the file, without "gz" and what is before it: of the report itself. */
void letter_file(const struct letter_of *letter, struct buf *out);
/* letter_travels - bytes of the report with the encoding that mail needs. */
uint64_t letter_travels(const struct letter_of *letter);

#endif
