/* mail.h - the mail pages' common parts: folders, lines of lists, parts of messages. For this room
 * only. */
#ifndef WEB_MAIL_H
#define WEB_MAIL_H

#include "store/view.h"
#include "web/visit.h"

enum {
	MAIL_HEADER_MAX = 256 << 10, /* bytes of a header that are read */
	MAIL_PICTURE_MAX = 1 << 20,  /* of a picture within HTML mail */
	MAIL_UIDS_MAX = 1000,        /* messages of one form */
};

/* ---- folders ---- */

/* mail_folder_name - as people see it. */
struct slice mail_folder_name(const struct mailbox_info *folder);

/* mail_folders - values.folders, with `current` marked; values.title is its name. False: it has
 * answered. */
bool mail_folders(struct http *x, json_t *values, uint64_t current);
/* mail_folder - the row's :folder, or the field `folder`. False: it has answered. */
bool mail_folder(struct http *x, struct mailbox_info *out);

/* ---- a message that a path names: /mail/f/:folder/:uid ---- */

struct mail_message {
	struct mailbox_info folder;
	struct view *view;
	struct view_entry entry;
	struct message_row row;
	struct buf blob; /* prepared, copied */
	struct mime_prepared prepared;
	struct buf header;
};

/* mail_open - the folder's view and the entry. False: it has answered. */
bool mail_open(struct http *x, struct mail_message *m);
/* mail_load - what was prepared of it, and its header. */
MUST_CHECK int mail_load(struct mail_message *m, struct account_reader *reader, struct err *err);
void mail_message_done(struct mail_message *m);

/* mail_body - the bytes of a part as UTF-8 text (is_text) or decoded; what is over out's maximum is
 * left out and *is_cut_out set. */
MUST_CHECK int mail_body(struct account_reader *reader, uint64_t message,
	const struct mime_section *part, bool is_text, struct buf *out, bool *is_cut_out,
	struct err *err);

/* What a part's own header says. Free with mime_message_free(&message). */
struct mail_part {
	struct mime_message *message;
	struct slice type, subtype, id, name; /* id without brackets; name may be empty */
};
MUST_CHECK int mail_part_read(struct account_reader *reader, uint64_t message,
	const struct mime_section *section, struct mail_part *out, struct err *err);

/* The parts that a reader is shown, in order: leaves, and whole messages within it. */
struct mail_walk {
	const struct mime_prepared *prepared;
	size_t at;
	unsigned number;     /* of the last one, from 1, containers counted */
	uint64_t inside_end; /* of a message within: its parts are not shown by themselves */
};
/* mail_walk_next - 1, 0 at the end, or an error. */
MUST_CHECK int mail_walk_next(struct mail_walk *walk, struct mime_section *out, struct err *err);
/* mail_find_part - the part of that number. -ERR_NOTFOUND. */
MUST_CHECK int mail_find_part(const struct mime_prepared *prepared, unsigned number,
	struct mime_section *out, struct err *err);

/* ---- what lists and pages show ---- */

/* mail_set_line - subject, when, flags of one message, and the people of one of its fields, "From"
 * or "To", by their names. */
void mail_set_line(json_t *row, const struct mime_prepared *prepared,
	const struct view_entry *entry, const char *people);
/* mail_set_addresses - values[key] as readable text: names and addresses. */
void mail_set_addresses(json_t *values, const char *key, struct slice header, const char *field);
/* mail_set_field - values[key] as the decoded field. */
void mail_set_field(json_t *values, const char *key, struct slice header, const char *field);

/* unsubscribe_put - how one leaves the list of a message with this header. */
void unsubscribe_put(struct http *x, json_t *values, struct slice header);

/* mail_uids - the field `uid`, as often as it comes, ascending; NULL: none. From http_arena(). */
uint32_t *mail_uids(struct http *x, size_t *n_out);

#endif
