/*
 * session.h - what one SMTP, LMTP or submission session knows; for this room only.
 *
 * Everything here is used by the thread that owns the connection. What a delivery needs after the
 * session has gone it has copied or holds references to.
 */
#ifndef SMTP_SESSION_H
#define SMTP_SESSION_H

#include "login/login.h"
#include "mail/mail.h"
#include "mail/submit.h"
#include "mail/trace.h"
#include "mailauth/dmarc.h"
#include "net/conn.h"
#include "wire/dns/dns.h"
#include "wire/smtp/cmd.h"
#include "wire/smtp/data.h"

enum {
	SESSION_ERRORS_MAX = 20,          /* commands that make no sense */
	SESSION_UNKNOWN_MAX = 100,        /* recipients that do not exist, on port 25 */
	SESSION_TX_ARENA_MAX = 32 << 20,  /* envelope with all that its aliases lead to */
	SESSION_LINE_MAX = 64 * 1024,     /* of a message; what is longer is no mail */
	SESSION_UNIT_MAX = 64 * 1024,     /* bytes of a message taken at once */
	SESSION_MESSAGE_MS = 3600 * 1000, /* for one message to arrive */
	SESSION_SWALLOW = 2,              /* of a message too big: so many times the limit */
	SESSION_PARK_MS = 10 * 60 * 1000, /* RFC 5321 4.5.3.2.6: so long a client waits */
	SESSION_TRACE_MAX = 4096,
	SESSION_RESULTS_MAX = 64 * 1024, /* Authentication-Results */
};

enum session_kind { KIND_MX = 1, KIND_LMTP = 2, KIND_SUBMISSION = 4 }; /* bits, for the rows */

enum session_mode {
	MODE_COMMAND,
	MODE_DATA,
	MODE_CHUNK,
	MODE_AUTH, /* the next line answers a challenge */
	MODE_IMPORT,
};

/* One mail transaction, from MAIL to the end of the message. */
struct session_tx {
	struct arena arena;
	struct mail_envelope env;
	size_t recipients_cap, targets_n;
	uint64_t size;  /* SIZE of MAIL, or 0 */
	bool is_binary; /* BODY of MAIL (RFC 3030) */
	/* From the first byte of the message on: */
	struct incoming *in;
	struct smtp_data data;
	struct mail_submit submit;
	struct mailauth_check
		*check;    /* NULL: its sender is not checked; else in is made later, of */
	struct spool *raw; /* what came */
	struct mail_signing *signing;
	struct session_seal *seal;
	struct session_binary *binary;
	struct mail_hops hops;
	struct incoming *made; /* becomes in, when it is whole */
	uint64_t copied;       /* into it, of what came */
	int64_t started_ms;
	uint64_t id; /* in Received, the reply and the log */
	int rc;      /* the first error of the spool or the header; the rest is swallowed */
	struct err err;
};

typedef void smtp_session_fn(struct conn *c);

/* A bounded piece of work on the message; *is_done_out: it was the last one. */
typedef int smtp_step_fn(struct conn *c, bool *is_done_out, struct err *err);
struct session_work {
	smtp_step_fn *step;
	smtp_session_fn *then;
};

/* A function that asks the DNS, and what comes when it has asked all. */
struct session_asking {
	struct dns_view *view;
	smtp_session_fn *run, *then;
	int64_t left_ms; /* of waiting for one message; set by MAIL */
	int64_t since_ms;
};

struct session {
	struct login login; /* must be first */
	enum session_kind kind;
	enum session_mode mode;
	char *helo;        /* what the client calls itself; NULL: nothing said yet */
	bool is_extended;  /* by EHLO or LHLO */
	bool is_helo_told; /* by XCLIENT: it stays through a second one */
	bool may_xclient;  /* the peer may say for whom it speaks */
	bool is_courier;   /* LMTP from our own courier, which tells where mail comes from */
	bool is_skipping;  /* within a line that is too long */
	unsigned errors, unknown, auth_failures;
	struct session_tx *tx;
	struct door_visit *visit; /* of a stranger at port 25; else NULL */
	struct session_asking asking;
	struct session_work work;
	/* The reply that waits in a tarpit; without text: the recipient is taken. */
	bool is_in_tarpit;
	enum smtp_say late_say;
	const char *late_text;
	/* BDAT: bytes of the chunk still to come, and what it is answered with if not with 250. */
	uint64_t chunk_left, chunk_size;
	bool is_last_chunk, is_chunk_refused;
	enum smtp_say chunk_say;
	struct session_import *import; /* what the courier brings from elsewhere; or NULL */
};

static inline struct session *session_of(struct conn *c)
{
	return conn_session(c);
}

static inline struct service *session_service(struct conn *c)
{
	return conn_context(c);
}

/* session.c: replies */
void smtp_session_reply(
	struct conn *c, enum smtp_say say, const char *text); /* NULL: its own text */
void smtp_session_fail(
	struct conn *c, enum smtp_say say, const char *text); /* and count an error */
void smtp_session_tx_free(struct conn *c);

/* commands.c: one line, without its CRLF */
void smtp_session_command(struct conn *c, struct slice line);
void smtp_session_hello_forget(struct session *s);

/* smtp_session_greet - the first line. smtp_session_rcpt_take - the recipient behind the last is
 * one more. */
void smtp_session_greet(struct conn *c);
void smtp_session_rcpt_take(struct conn *c);

/* gate.c: checks of strangers at port 25 (door/door.h) */
/* smtp_session_ask - run() may ask the view; it is run again with the answers, parked meanwhile,
 * until nothing is pending; then() goes on. At the end of the handler that calls it. The view
 * outlives the unit. DOOR_NAMES_MS for one message in all, then what is asked has failed. */
void smtp_session_ask(
	struct conn *c, struct dns_view *view, smtp_session_fn *run, smtp_session_fn *then);
void smtp_gate_open(struct conn *c); /* a connection: greets */
/* smtp_gate_change - it is another's from now on, whom a proxy has told of: greets again. */
void smtp_gate_change(struct conn *c, const struct smtp_xclient *x);
void smtp_gate_rcpt(struct conn *c);   /* takes the recipient behind the last, or says why not */
void smtp_gate_stored(struct conn *c); /* the message of the transaction is kept */
void smtp_gate_close(struct conn *c);
struct slice smtp_gate_name(const struct session *s); /* the peer's confirmed name, or empty */
/* scan.c: shows the message to scanners if there are any; what users send is signed then, what
 * strangers bring is stored. */
void smtp_scan(struct conn *c);
/* turns.c: step() again and again, with others' turns between, then then(); or the message is
 * refused. At the end of the handler that calls it. */
void smtp_session_work(struct conn *c, smtp_step_fn *step, smtp_session_fn *then);
/* smtp_session_replace - head comes in the place of so many bytes behind our Return-Path, in turns.
 */
void smtp_session_replace(struct conn *c, uint64_t cut, struct slice head, smtp_session_fn *then);
/* smtp_session_made - what was made, now whole, is the message. */
MUST_CHECK int smtp_session_made(struct session_tx *tx, struct err *err);
/* smtp_gate_unknown - there is no such recipient; true: the reply comes late. */
bool smtp_gate_unknown(struct conn *c, enum smtp_say say);

/* wishes.c: when and how a message shall travel (RFC 2852, 4865, 6710, 8689) */
/* smtp_wishes_may - bits of enum smtp_may. smtp_wishes_offer - lines of EHLO, each with a line
 * break before it. */
unsigned smtp_wishes_may(struct conn *c);
void smtp_wishes_offer(struct conn *c, struct buf *out);
/* smtp_wishes_take - into the envelope; false: that cannot be, and the reply is given.
 * smtp_wishes_reply - the sender is fine. */
bool smtp_wishes_take(struct conn *c, const struct smtp_mail *mail);
void smtp_wishes_reply(struct conn *c, const struct smtp_mail *mail);
/* Another recipient, and a message of this size, fit the priority; if not, the reply is given, for
 * the message also the end of the transaction. */
bool smtp_wishes_allow_rcpt(struct conn *c);
bool smtp_wishes_allow_size(struct conn *c);
/* smtp_wishes_keep_back - so that it can be taken back, if the account wants that. */
void smtp_wishes_keep_back(struct conn *c);

/* auth.c */
void smtp_session_auth(struct conn *c, struct slice args);
void smtp_session_auth_line(struct conn *c, struct slice line);
bool smtp_session_may_auth(struct conn *c);
/* smtp_session_need_auth - refuse: who is there must sign in first, and if need be in TLS. */
void smtp_session_need_auth(struct conn *c);

/* sender.c: checks of a message's sender, and signatures. begin: with the message; feed: check is
 * set; check, sign: it is whole; end: before the transaction's memory goes. */
void smtp_sender_begin(struct conn *c);
MUST_CHECK int smtp_sender_feed(struct session_tx *tx, struct slice bytes, struct err *err);
void smtp_sender_check(struct conn *c);
void smtp_sender_sign(struct conn *c);
void smtp_sender_end(struct session_tx *tx);
/* smtp_sender_finish - checked, and sealed with these fields (or none): put together, delivered.
 * smtp_sender_park - for a call of the keeper's. */
void smtp_sender_finish(struct conn *c, struct slice seal);
struct keeper_call smtp_sender_park(struct conn *c, conn_resume_fn *resume);

/* reports.c: the message of a checked sender is counted, with what is done with it if it fails; a
 * report to us is kept, and replied to; a message that was stored may be a complaint to abuse@ */
void smtp_reports_seen(struct conn *c, enum dmarc_policy done);
void smtp_reports_receive(struct conn *c);
void smtp_reports_hear(struct conn *c);

/* seal.c: needed: the message goes on elsewhere. smtp_seal - with the results, our name first;
 * ends in smtp_sender_finish(). */
bool smtp_seal_is_needed(struct conn *c);
void smtp_seal(struct conn *c, struct slice results);
void smtp_seal_free(struct session_seal **seal);

/* bounce.c: addresses of our return paths. restore: r->address becomes whom it is about; true in
 * elsewhere_out: it may be elsewhere. -ERR_NOTFOUND: forged, or too old. judge: the message is
 * whole; a bounce of what nobody sent is marked, and goes to the folder of spam. */
MUST_CHECK int smtp_bounce_restore(struct conn *c, const struct smtp_addr *to,
	struct mail_recipient *r, bool *elsewhere_out, struct err *err);
void smtp_bounce_judge(struct conn *c, smtp_session_fn *then);

/* message.c */
/* smtp_session_trace - begin the message with our own lines; results stand behind the first. */
MUST_CHECK int smtp_session_trace(struct conn *c, struct slice results, struct err *err);
void smtp_session_data(struct conn *c, struct slice args);
void smtp_session_bdat(struct conn *c, struct slice args);
void smtp_session_data_bytes(struct conn *c, struct slice bytes);
void smtp_session_chunk_bytes(struct conn *c, struct slice bytes);

/* binary.c: a message that came as BINARYMIME gets bodies that all the rest knows: lines. In turns;
 * then then(), or it is refused. */
void smtp_binary(struct conn *c, smtp_session_fn *then);
void smtp_binary_free(struct session_binary **binary);

/* import.c: XIMPORT, XMESSAGE and its octets, XSTORE (wire/smtp/import.h) */
void smtp_import_folder(struct conn *c, struct slice args);
void smtp_import_message(struct conn *c, struct slice args);
void smtp_import_bytes(struct conn *c, struct slice bytes);
void smtp_import_store(struct conn *c, struct slice args);
void smtp_import_end(struct session *s);

/* deliver.c: the message's history: it comes; a recipient is not taken */
void smtp_session_track_received(struct conn *c);
void smtp_session_track_refused(struct conn *c, struct slice to, int code, const char *why);
/* A full account's mail is deferred or refused. */
void smtp_session_full(struct conn *c, const struct mail_target *target);
/* Submission: the account's level allows it; if not, the reply is given. */
bool smtp_session_may_send(struct conn *c, uint64_t bytes, size_t recipients);
/* Nothing is held against the message any more. */
void smtp_session_store(struct conn *c);
/* The message is whole; replies, now or when it is stored, and ends the transaction */
void smtp_session_deliver(struct conn *c);
/* smtp_session_broken - what we do with it has failed: logged, and refused. */
void smtp_session_broken(struct conn *c, const struct err *err);
/* The same reply to the message for SMTP, or for each recipient for LMTP; ends the transaction. */
void smtp_session_refuse(struct conn *c, enum smtp_say say, const char *text);

#endif
