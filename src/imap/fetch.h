/*
 * fetch.h - a FETCH in progress: a source that formats message after message into the output.
 *
 * One pull writes some tens of KiB. Simple items come from the view (no SQL), ENVELOPE and the like
 * from what was prepared on arrival, sections are read chunk by chunk; a reader is borrowed for the
 * length of one pull. Nothing is allocated for a message.
 */
#ifndef IMAP_FETCH_H
#define IMAP_FETCH_H

#include "imap/selection.h"
#include "imap/write.h"
#include "wire/imap/fetch.h"
#include "wire/mime/prepare.h"
#include "wire/mime/text.h"

enum {
	FETCH_PULL_BYTES = 48 * 1024,  /* written by one pull, about */
	FETCH_READ_BYTES = 512 * 1024, /* read by one pull, about */
	FETCH_CHUNK = 64 * 1024,
	FETCH_HEADER_MAX = 16 << 20, /* a header whose fields are picked */
};

/* What is left of the section being written. */
enum section_stage {
	STAGE_NONE,    /* the next section has not begun */
	STAGE_MEASURE, /* decoding to learn the size */
	STAGE_RAW,     /* bytes from `at` to `end` */
	STAGE_DECODED, /* decoding again, writing `left` bytes after `skip` */
};

struct fetch {
	struct source source;
	struct command *cmd;
	struct session *s;
	const struct imap_fetch *args;
	unsigned items;
	struct selection_walk walk;
	struct view_snap *snap;
	struct write_flags *seen; /* what \Seen was set on, owned; NULL: nothing */
	size_t seen_at;
	bool needs_row;
	uint64_t kept_sections; /* bits: header fields that were kept on arrival */

	/* the flags' text of the message before: mostly that of this one too */
	struct buf flags_text;
	uint64_t flags_of;
	bool flags_recent, has_flags_text;

	/* of the message being written */
	bool in_message;
	struct view_entry entry;
	struct account_reader *reader; /* for the length of a pull */
	struct message_row row;
	bool has_row; /* row.prepared is valid: no other read since */
	size_t section_i;
	enum section_stage stage;
	uint64_t at, end; /* of the stored message */
	uint64_t start;   /* where a decoded part begins */
	uint64_t size;    /* measured */
	uint64_t skip, left;
	bool is_text;
	enum mime_encoding encoding;
	struct mime_decoder decoder;
	struct buf scratch, header;
	size_t read; /* bytes read in this pull */
};

/* fetch_section - write the section f->section_i, or as much as one pull may: 1 when it is all
 * there, 0 to go on with the next pull, or a negative error. */
MUST_CHECK int fetch_section(struct fetch *f, struct buf *out, struct err *err);
/* fetch_kept_sections - bits of those whose fields are all among those kept on arrival. */
uint64_t fetch_kept_sections(const struct imap_fetch *args);
/* fetch_row - make f->row valid. */
MUST_CHECK int fetch_row(struct fetch *f, struct err *err);

#endif
