/*
 * write.h - a message that is being written: the form, the draft it is kept in, sending. For this
 * room only.
 *
 * The draft in the Drafts folder is the only memory between two posts of the form: files that were
 * attached are parts of it, and the form names them by folder, message and part ("keep"). Files of
 * a message that is forwarded are named in the same way.
 */
#ifndef WEB_WRITE_H
#define WEB_WRITE_H

#include "web/mail.h"

enum { WRITE_ADDRESSES_MAX = 500, WRITE_FIELD_MAX = 32 << 10 };

/* A message of the account, as forms name it: "FOLDER-UID", with "-PART" for one of its parts. */
struct write_ref {
	uint64_t folder;
	uint32_t uid;
	unsigned part;
};
/* write_ref_parse - false if it is none (ref_out is then zero). */
bool write_ref_parse(struct slice text, bool has_part, struct write_ref *ref_out);

struct write_kept {
	struct write_ref ref;
	uint64_t message;
	struct mime_section section;
};

/* What the form said. Slices live as long as the request. */
struct write {
	struct slice from, to, cc, bcc, subject, body;
	struct slice name;                        /* of the person */
	struct slice reply_to, signature, copies; /* of the personality; empty: none */
	uint64_t sent;                            /* where its copies go; 0: as usual */
	struct mime_address *to_list, *cc_list, *bcc_list, *reply_list;
	struct write_ref draft, source; /* source: what is answered or forwarded; uid 0: none */
	bool is_forward;
	struct slice id; /* Message-ID: of what is sent and of the copy that is kept */
	int64_t date_s;
	struct slice in_reply_to, references; /* of the source, filled in when it is read */
	struct write_kept kept[WEB_ATTACHMENTS_MAX];
	size_t kept_n;
	json_t *values; /* errors */
};

/* write_addresses - each must be one that mail can be sent to; what is wrong is in values. */
void write_addresses(struct http *x, json_t *values, const char *field, struct slice text,
	struct mime_address **list_out);

/* mail_from.c. write_take_from - the sender that the form chose, if it is the account's, with what
 * its personality has; write_add_copies - and whom that has copies sent to, to bcc.
 * write_begin_from - the one that a new form begins with; write_draft_from - that of a draft with
 * this header, if it still is the account's. write_put_from - the list of all.
 * write_put_signed - the form's text: a signature, and what follows it. */
void write_take_from(struct http *x, struct write *w);
void write_add_copies(struct http *x, struct write *w);
void write_begin_from(struct http *x, struct write *w);
void write_draft_from(struct http *x, struct write *w, struct slice header);
void write_put_from(struct http *x, json_t *values, struct slice chosen);
void write_put_signed(json_t *values, const struct write *w, struct slice after);

/* write_take - read the form; mistakes are in values. is_sent: recipients are demanded. */
void write_take(struct http *x, struct write *w, bool is_sent);
/* write_find - look up what source and kept name. -ERR_NOTFOUND: a part is no longer there. */
MUST_CHECK int write_find(
	struct http *x, struct write *w, struct account_reader *reader, struct err *err);

/* compose.c: the message as bytes. append() takes them in pieces. */
struct write_sink {
	int (*append)(struct write_sink *sink, struct slice bytes, struct err *err);
};
MUST_CHECK int write_compose(struct http *x, const struct write *w, struct account_reader *reader,
	bool has_bcc, struct write_sink *sink, struct err *err);

/* mail_write.c: the form again, with what was typed and what was wrong. */
void write_show(struct http *x, struct write *w);

#endif
