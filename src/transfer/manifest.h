/*
 * manifest.h - "posthouse.json", the first file of an account's archive: who it was, its settings,
 * its mailboxes. doc/archive.md tells the format.
 *
 * Bounds: MANIFEST_MAX bytes. Errors: -ERR_SYNTAX: it is none, or of a later version.
 * One thread at a time.
 */
#ifndef TRANSFER_MANIFEST_H
#define TRANSFER_MANIFEST_H

#include <jansson.h>

#include "base/buf.h"

#define MANIFEST_FORMAT "posthouse-account"
#define MANIFEST_FILE "posthouse.json"
#define MANIFEST_MAIL "mail"

enum { MANIFEST_VERSION = 1, MANIFEST_MAX = 16 << 20 };

struct manifest;

struct manifest_mailbox {
	struct slice name, role; /* role: empty, or a special use in lower case: "sent" */
	bool is_subscribed;
};

/* manifest_read - copies what it needs. */
MUST_CHECK int manifest_read(struct slice text, struct manifest **out, struct err *err);
void manifest_free(struct manifest **manifest);
/* manifest_json - the whole of it, the manifest's. */
const json_t *manifest_json(const struct manifest *manifest);
/* manifest_mailbox - the one that is kept in this folder below "mail"; false: there is none. */
bool manifest_mailbox(
	const struct manifest *manifest, struct slice folder, struct manifest_mailbox *out);
/* manifest_keyword - by its number; empty: there is none. */
struct slice manifest_keyword(const struct manifest *manifest, unsigned number);

#endif
