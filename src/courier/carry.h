/*
 * carry.h - mail from elsewhere is carried into an account here, over the server's LMTP socket for
 * us: whole batches, one reply each (wire/smtp/import.h).
 *
 * Blocks its thread. Errors: -ERR_NOTFOUND (the account is gone), -ERR_BUSY (worth another time),
 * -ERR_IO (lost). After an error the connection is of no use any more, and nothing of the batch may
 * be taken for stored: each message's `once` keeps it from being there twice.
 */
#ifndef COURIER_CARRY_H
#define COURIER_CARRY_H

#include "base/spool.h"
#include "wire/smtp/import.h"

struct carry;

/* carry_open - path: of the socket, below the current directory. */
MUST_CHECK int carry_open(
	const char *path, struct slice host_name, int stop_fd, struct carry **out, struct err *err);
void carry_close(struct carry **carry);

/* carry_folder - what follows goes there; also an empty batch, which makes the folder. */
MUST_CHECK int carry_folder(
	struct carry *carry, const struct smtp_import_folder *folder, struct err *err);
/* carry_message - one more of the batch, of at most SMTP_IMPORT_BATCH; size is the text's. */
MUST_CHECK int carry_message(struct carry *carry, const struct smtp_import_message *message,
	struct spool *text, struct err *err);
/* carry_store - results_out: for each message of the batch a letter of enum smtp_import_result. */
MUST_CHECK int carry_store(
	struct carry *carry, char results_out[SMTP_IMPORT_BATCH], struct err *err);

#endif
