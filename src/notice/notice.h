/*
 * notice.h - mail from the service itself to its users, its operator, and addresses elsewhere that
 * belong to a user.
 *
 * A notice is a template (notice/texts.h), a language and values. It is recorded before anything is
 * sent and crossed off after it is stored or in the queue, so that a restart neither repeats nor
 * forgets one; what was written is a multipart/alternative of text and HTML, From the setting
 * `service.address`, with Auto-Submitted and an empty return path. An account's quota does not hold
 * it back. Batches are sent at NOTICE_RATE a second.
 *
 * Bounds: NOTICE_VALUES_MAX of values; a value's control characters become spaces. Any thread.
 */
#ifndef NOTICE_NOTICE_H
#define NOTICE_NOTICE_H

#include <jansson.h>

#include "mail/mail.h"

enum { NOTICE_VALUES_MAX = 16 << 10, NOTICE_RATE = 50, NOTICE_KEEP_DAYS = 90 };

struct notice_config {
	struct slice address;          /* empty: postmaster@ the host's name */
	struct slice name;             /* of the service */
	struct slice operator_address; /* empty: as address */
	struct slice language;         /* of who has chosen none */
	struct slice home;             /* URL of the web pages, without a slash at its end */
	struct slice help;             /* URL of the help page about connections */
};

/* notice_open - notice.db in the current directory; sets service->notices. What an earlier run left
 * is sent once the pool runs. notice_close - after the pool has stopped. */
MUST_CHECK int notice_open(
	struct service *service, const struct notice_config *config, struct err *err);
void notice_close(struct service *service);

/*
 * notice_send - to the account's INBOX, or to the address `to` if it is not empty, in the account's
 * language (account 0: the service's). values is a JSON object, given away (NULL: none); templates
 * are also given service, address (the account's), name (of the person), host, home, help, and
 * when (now). An error is logged: nobody who causes a notice can do anything about it.
 *
 *   notice_send(service, id, "new-place", json_pack("{s:s}", "peer", peer), (struct slice){0});
 */
void notice_send(struct service *service, uint64_t account, const char *template, json_t *values,
	struct slice to);
/* notice_send_once - the same, but never again for the same key, restarts included. */
void notice_send_once(struct service *service, uint64_t account, const char *template,
	json_t *values, struct slice to, struct slice key);
/* notice_operator - to the operator. key may be empty. */
void notice_operator(
	struct service *service, const char *template, json_t *values, struct slice key);

/* notice_quota - the account is so full, 90 or 100 %: service.tell_quota. */
void notice_quota(struct service *service, uint64_t account, unsigned percent);

/* notice_text - JSON text of these bytes; what is not UTF-8 becomes '?'. */
json_t *notice_text(struct slice text);

/* notice_flood - sign-up mail in large numbers is gathered in that folder: service.tell_flood. */
void notice_flood(struct service *service, uint64_t account, struct slice folder);
/* notice_stopped - sending was stopped; told in the mailbox, at the recovery address and to the
 * operator: service.tell_stopped. */
void notice_stopped(struct service *service, uint64_t account, const char *why);
/* notice_help - the address of the page that explains how to set up mail programs. */
struct slice notice_help(const struct service *service);

/* How many wait, and how many were sent in the last day. */
struct notice_status {
	uint64_t waiting, sent_day;
};
MUST_CHECK int notice_status(struct service *service, struct notice_status *out, struct err *err);

/*
 * The templates, and the values each wants besides the common ones:
 *
 *   quota-90, quota-100   used, quota (sizes as text)
 *   flood                 folder
 *   new-place             peer, program, protocol
 *   password-changed      peer, program
 *   password-by-operator  -
 *   app-password-added    app, peer
 *   factor-added, factor-removed   factor, peer
 *   recovery-confirm      link (below home), recovery        (to the new address)
 *   recovery-cancel       link (below home), recovery        (to the old one)
 *   recovery-changed      recovery
 *   reset-link            link (below home), peer
 *   reset-flagged         peer, account         (to the operator)
 *   recovery-case         link (below home), text
 *   must-change, must-change-last   by, reason
 *   cleartext             program, protocol, why, server, port, security, by (may be empty)
 *   cleartext-last        the same
 *   certificate-expiry    certificate, days, until    (to the operator)
 *   certificate-failed    certificate, error          (to the operator)
 *   sending-stopped       -
 *   sending-stopped-operator   account, why           (to the operator)
 */

#endif
