/* export_internal.h - what the files of the export share. */
#ifndef MAIL_EXPORT_INTERNAL_H
#define MAIL_EXPORT_INTERNAL_H

#include "mail/export.h"
#include "store/view.h"
#include "transfer/mbox.h"
#include "transfer/pack.h"

enum { EXPORT_PATH_MAX = 16 * MAILBOX_NAME_MAX };

struct mail_export {
	struct service *service;
	uint64_t id;
	struct account *account;
	enum mail_export_format format;
	bool is_plain; /* one mbox, in nothing */
	struct arena arena;
	struct mailbox_info *boxes;
	size_t boxes_n, at;
	struct slice *keywords;
	size_t keywords_n;
	struct pack *pack;
	struct buf plain; /* what is_plain has made */
	struct buf name, root, path;
	bool has_begun, is_over;

	/* the mailbox at hand */
	struct view_snap *snap; /* NULL: none */
	uint32_t seq;           /* of the message that comes next, or is being read */
	uint64_t offset;        /* in its body; 0: not begun */
	bool is_inside;
	struct view_entry entry;
	struct mbox_quote quote;
	struct buf piece;
	struct mail_export_counts counts;
};

/* How a format has it: what comes before everything, before a mailbox, and a message; each appends
 * to the pack. */
struct export_form {
	enum pack_kind kind;
	const char *suffix, *type;
	int (*begin)(struct mail_export *export, struct err *err);
	int (*mailbox)(struct mail_export *export, const struct mailbox_info *box, struct err *err);
	int (*message)(struct mail_export *export, const struct mailbox_info *box, struct err *err);
	/* bytes - of a message; message_end - behind it. NULL: as they are; nothing. */
	int (*bytes)(struct mail_export *export, struct slice bytes, struct err *err);
	int (*message_end)(struct mail_export *export, struct err *err);
};

extern const struct export_form export_forms[];

#endif
