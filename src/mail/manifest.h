/*
 * manifest.h - the head of an account's archive (transfer/manifest.h): what an account is, its
 * settings and mailboxes, as JSON; and back.
 */
#ifndef MAIL_MANIFEST_H
#define MAIL_MANIFEST_H

#include <jansson.h>

#include "mail/mail.h"

/* mail_manifest_make - of the account as it is now; the mailboxes are those given. The caller's. */
MUST_CHECK int mail_manifest_make(struct service *service, uint64_t id, struct account *account,
	const struct mailbox_info *mailboxes, size_t n, json_t **out, struct err *err);

struct mail_manifest_result {
	unsigned personalities, left_out; /* left_out: what this account may not have */
};

/* mail_manifest_apply - settings and personalities become as the manifest says; personalities whose
 * address is there already stay as they are. An external server has to be proven again. */
MUST_CHECK int mail_manifest_apply(struct service *service, uint64_t id, const json_t *manifest,
	struct mail_manifest_result *out, struct err *err);

#endif
