/*
 * mail.h - what a mail service does between the protocols and the store: the service object that
 * sessions get as conn_context(), delivery, acceptance for many, submission, the queue.
 */
#ifndef MAIL_MAIL_H
#define MAIL_MAIL_H

#include "base/config.h"
#include "directory/directory.h"
#include "keeper/client.h"
#include "mail/import.h"
#include "mail/resolve.h"
#include "mail/security_log.h"
#include "mail/sessions.h"
#include "store/store.h"
#include "track/track.h"

struct ask;
struct door;
struct certificates;
struct country;
struct mail_external;
struct mail_sending;
struct mail_sent;
struct conduct;
struct return_paths;
struct notices;
struct policy;
struct reports;

/* One per server process; everything in it is shared by all threads and outlives all sessions. */
struct service {
	struct pool *pool;
	struct store *store;
	struct directory *directory;
	struct keeper *keeper;
	struct ask *ask;                   /* the courier: ask/ask.h */
	struct door *door;                 /* checks at port 25: door/door.h; NULL: none */
	struct mail_accept *accept;        /* the delivery log */
	struct mail_queue *queue;          /* mail for elsewhere */
	struct mail_external *external;    /* users' own servers elsewhere: external.h */
	struct return_paths *return_paths; /* its senders: return_paths.h; NULL: as they are */
	struct mail_sessions sessions;     /* who is signed in */
	struct mail_imports imports;       /* of mail from elsewhere: import.h */
	struct notices *notices;           /* mail from the service itself: notice/notice.h */
	struct reports *reports;           /* aggregate reports: report/report.h */
	struct policy *policy;             /* logins without TLS: policy/policy.h */
	struct certificates *certificates; /* certificate/certificate.h */
	struct mail_sending *sending;      /* what accounts sent: limits.h; NULL: no limits */
	struct mail_sent *sent;            /* copies of what programs sent: sent.h */
	struct conduct *conduct;           /* how accounts send: conduct.h; NULL: nobody looks */
	/* tell_stopped - the account may not send any more; NULL: nobody is told. */
	void (*tell_stopped)(struct service *service, uint64_t account, const char *why);
	/* tell_quota - the account is so full, 90 or 100 %; NULL: nobody is told. */
	void (*tell_quota)(struct service *service, uint64_t account, unsigned percent);
	/* tell_flood - a flood has begun and is gathered in that folder; NULL: nobody is told. */
	void (*tell_flood)(struct service *service, uint64_t account, struct slice folder);
	struct security_log *security_log;
	struct track *track;     /* what happened to messages; NULL: nobody writes it down */
	struct country *country; /* where addresses are: country.h; NULL: nobody knows */
	bool announces_scram;    /* main passwords have SCRAM verifiers */
	bool takes_certificates; /* IMAP and submission ask clients for one */
	_Atomic int64_t cleartext_until_s[CONFIG_SERVICES]; /* config_cleartext_until() of each */
	/* tell_revoked - the other servers shall close this account's sessions too; NULL: none. */
	void (*tell_revoked)(void *context, uint64_t account);
	void *context;
	/* Mail's senders: strangers' are checked, DMARC's wishes obeyed, our own mail signed. */
	struct {
		bool is_checked, is_dmarc_obeyed, is_signed;
		struct slice arc_trusted; /* whose seals count, with blanks */
	} senders;
	struct slice host_name; /* in greetings, Received, Message-ID */
	struct slice
		home; /* where our pages are, by HTTPS, without a "/" at its end; empty: nowhere */
	struct slice mx_hosts; /* host_name and what else takes our domains' mail, with blanks */
	struct {
		const struct ip_network *list; /* who may say XCLIENT */
		size_t n;
	} xclients;
	struct {
		bool is_on, is_required; /* mail of strangers is shown to the courier's scanners */
		bool has_submission;     /* and that of users */
		uint64_t size_max;
		int64_t wait_ms;
	} scanning;
	struct {
		uint64_t message_max;  /* bytes */
		size_t recipients_max; /* of one SMTP transaction */
		int64_t imap_idle_ms;  /* 30 minutes at least, RFC 9051 5.4 */
		int64_t smtp_idle_ms;  /* RFC 5321 4.5.3.2 */
		int64_t login_ms;      /* an IMAP client that has not logged in */
		unsigned login_failures_max;
		int64_t quota_grace_s; /* how long mail to a full account is deferred */
		uint64_t account_messages, domain_messages, domain_recipients; /* an hour; 0: any */
		int undo_web_s, undo_program_s; /* how long what is sent is kept back */
	} limits;
};

/* The envelope of a message, in normal form; all slices live in the caller's arena. */
struct mail_recipient {
	struct slice address, orcpt;
	unsigned notify;     /* bits of enum mail_notify; 0: not given */
	bool is_for_reports; /* not resolved: report/report.h takes it, alone */
	struct mail_resolved resolved;
	bool is_unasked; /* of the null path, to an address of ours whose tag is not good */
};

enum mail_notify { NOTIFY_NEVER = 1, NOTIFY_SUCCESS = 2, NOTIFY_FAILURE = 4, NOTIFY_DELAY = 8 };

enum { MAIL_HOLD_MAX_S = 365 * 24 * 3600 }; /* held mail is sent within a year */

enum mail_priority { MAIL_NORMAL, MAIL_URGENT, MAIL_BULK };

/* What the sender wishes about its way. All zero: nothing. */
struct mail_wishes {
	int64_t not_before_s; /* wall clock; it is held until then (RFC 4865). 0: not held */
	int64_t by_s;         /* wall clock (RFC 2852); 0: not given */
	bool is_by_notify;    /* late, the sender is told, and it is tried on; else it fails */
	bool is_by_traced;
	bool requires_tls, is_tls_optional; /* RFC 8689 */
	enum mail_priority priority;
};

struct mail_envelope {
	struct slice sender; /* empty: null path */
	struct slice envid;
	char ret; /* 'F'ull, 'H'eaders, 0 */
	bool is_smtputf8, is_8bit;
	struct mail_recipient *recipients;
	size_t recipients_n;
	struct mail_wishes wishes;
	uint64_t submitter;   /* account of a submission; 0 otherwise */
	struct slice peer;    /* where that came from; may be empty */
	uint64_t delivery_id; /* 63 bits; submitting the same one again stores nothing twice. 0: a
				 new one */
	bool is_report;       /* of ours: what becomes of it is told to nobody */
	bool is_own;          /* of the service itself: signed by DKIM when it leaves, as reports */
	bool is_suspect;  /* its author's domain wants it apart (DMARC): to the folder of spam */
	size_t own_bytes; /* of our Return-Path at the front, which mail for elsewhere must not have
			   */
};

/* mail_deliver - one message into one account's INBOX (or the mailbox named by mailbox, or the one
 * of a role), directly: the LMTP way. done is called on the writing thread after the flush. in is
 * referenced. */
struct mail_delivery;
typedef void mail_done_fn(
	void *context, int rc, const struct message_added *added, const struct err *err);
void mail_deliver(struct service *service, const struct mail_target *target, struct slice mailbox,
	struct incoming *in, uint64_t delivery_id, mail_done_fn *done, void *context);

/* mail_revoke - an account's login is no longer good: its sessions here and in the other servers
 * say goodbye and close. */
void mail_revoke(struct service *service, uint64_t account);

/* mail_is_over_quota - the account has no room for so many bytes more. False when that cannot be
 * told now. */
bool mail_is_over_quota(struct service *service, const struct mail_target *target, uint64_t bytes);

/* mail_accept_submit - the SMTP way, one reply for all: a message for one local account goes
 * straight into it; for several, or for elsewhere too, it is written to the delivery log (one
 * flush, shared by those that come together) and done is called; the accounts are filled in the
 * background. The envelope is copied. */
void mail_accept_submit(struct service *service, const struct mail_envelope *envelope,
	struct incoming *in, mail_done_fn *done, void *context);

/* mail_track_addresses - its history is found by sender and recipients. mail_track_received - the
 * same, and the first entry, of a message that came from a part of our own. */
void mail_track_addresses(
	struct service *service, uint64_t number, const struct mail_envelope *envelope);
void mail_track_received(struct service *service, const char *origin,
	const struct mail_envelope *envelope, const struct incoming *in);
/* mail_track_key - the "address" by which the history of what an account sent is found: by the
 * Message-ID in that header. False: it has none. */
bool mail_track_key(uint64_t account, struct slice header, struct buf *out);

/* mail_accept_open - accept.db below the current directory; replays what an earlier run left once
 * the pool runs. */
MUST_CHECK int mail_accept_open(struct service *service, struct mail_accept **out, struct err *err);
void mail_accept_close(struct mail_accept **accept);

/* Mail for elsewhere is the courier's. mail_queue_start - when service->ask is there: what an older
 * version kept in queue.db goes to it, too. */
MUST_CHECK int mail_queue_open(struct service *service, struct mail_queue **out, struct err *err);
void mail_queue_start(struct mail_queue *queue);
void mail_queue_close(struct mail_queue **queue);

#endif
