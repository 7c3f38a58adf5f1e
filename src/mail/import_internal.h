/* import_internal.h - what the files of the import share. */
#ifndef MAIL_IMPORT_INTERNAL_H
#define MAIL_IMPORT_INTERNAL_H

#include "mail/import.h"

enum { IMPORT_PATH_MAX = 4 * MAILBOX_NAME_MAX };

/* import_path - path as a mailbox's name may be, appended to out. */
MUST_CHECK int import_path(struct slice path, struct buf *out, struct err *err);

#endif
