/*
 * cmd.h - one SMTP or LMTP command line into a struct.
 *
 * Reads:  RFC 5321 4.1 (commands), RFC 1870 (SIZE), RFC 6152 and 3030 (BODY, BDAT), RFC 3461
 *         (RET, ENVID, NOTIFY, ORCPT, xtext), RFC 4954 (AUTH), RFC 6531 (SMTPUTF8), RFC 2033
 *         (LHLO), RFC 4865 (HOLDFOR, HOLDUNTIL), RFC 2852 (BY), RFC 6710 (MT-PRIORITY), RFC 8689
 *         (REQUIRETLS), XCLIENT as Postfix has it.
 * Does:   no I/O and no knowledge of sessions: order, limits by policy and whether a command is
 *         offered at all are the caller's. The caller has the whole line, without its CRLF.
 * Bounds: SMTP_LINE_MAX for the line, the others below; linear time; memory from the arena.
 * Errors: -ERR_SYNTAX, -ERR_TOOBIG; smtp_cmd.say then names the reply, err->msg is its text.
 *
 * Lenient where all the world is: space after "FROM:" and "TO:", and at the end of a line.
 */
#ifndef WIRE_SMTP_CMD_H
#define WIRE_SMTP_CMD_H

#include "base/ip.h"
#include "wire/smtp/addr.h"
#include "wire/smtp/reply.h"

enum {
	SMTP_LINE_MAX = 12288, /* RFC 4954 4: the longest AUTH line; all others are far shorter */
	SMTP_ENVID_MAX = 100,  /* RFC 3461 4.4, as sent */
	SMTP_ORCPT_MAX = 500,  /* RFC 3461 4.2, as sent */
};

enum smtp_verb {
	SMTP_EHLO,
	SMTP_HELO,
	SMTP_LHLO,
	SMTP_MAIL,
	SMTP_RCPT,
	SMTP_DATA,
	SMTP_BDAT,
	SMTP_RSET,
	SMTP_NOOP,
	SMTP_QUIT,
	SMTP_VRFY,
	SMTP_EXPN,
	SMTP_HELP,
	SMTP_STARTTLS,
	SMTP_AUTH,
	SMTP_XCLIENT,
	SMTP_XIMPORT, /* of our own courier: wire/smtp/import.h */
	SMTP_XMESSAGE,
	SMTP_XSTORE,
	SMTP_VERB_COUNT, /* also: no verb that we know */
};

/* Parameters of MAIL that are not for everybody; bits. To others they are unknown. */
enum smtp_may {
	SMTP_MAY_ORIGIN = 1,      /* XORIGIN and XDELIVERY, which only our own courier may say */
	SMTP_MAY_HOLD = 2,        /* HOLDFOR, HOLDUNTIL */
	SMTP_MAY_BY = 4,          /* BY */
	SMTP_MAY_PRIORITY = 8,    /* MT-PRIORITY */
	SMTP_MAY_REQUIRETLS = 16, /* REQUIRETLS */
};

/* What the parsers work with. One per command. */
struct smtp_cmd {
	struct arena *arena;
	bool may_utf8;     /* RCPT: MAIL had SMTPUTF8 */
	unsigned may;      /* MAIL: bits of enum smtp_may */
	enum smtp_say say; /* after an error: the reply to give */
};

enum smtp_ret { SMTP_RET_NONE, SMTP_RET_FULL, SMTP_RET_HDRS };

enum smtp_notify { /* bits; 0: the parameter was not given */
	SMTP_NOTIFY_NEVER = 1,
	SMTP_NOTIFY_SUCCESS = 2,
	SMTP_NOTIFY_FAILURE = 4,
	SMTP_NOTIFY_DELAY = 8,
};

struct smtp_mail {
	struct smtp_addr from; /* empty text: the null path */
	uint64_t size;         /* 0: not told */
	enum smtp_ret ret;
	struct slice envid; /* decoded; ptr NULL if not given */
	bool has_utf8;      /* SMTPUTF8 */
	bool is_8bit;       /* BODY=8BITMIME */
	bool is_binary;     /* BODY=BINARYMIME */
	bool is_report;     /* XORIGIN=report: what becomes of it is told to nobody */
	uint64_t delivery;  /* XDELIVERY: the same one again is the same message; 0: not given */
	/* RFC 4865: at most one of the two; 0: not given */
	int64_t hold_for_s, hold_until_s;
	/* RFC 2852: seconds from now; may be past where by_mode is 'N'. 0: not given */
	char by_mode; /* 'N'otify, 'R'eturn */
	int64_t by_s;
	bool is_by_traced;
	bool has_priority;
	int priority; /* RFC 6710: -9 to 9 */
	bool requires_tls;
};

struct smtp_rcpt {
	struct smtp_addr to;
	unsigned notify;         /* bits of enum smtp_notify */
	struct slice orcpt_type; /* "rfc822"; ptr NULL if ORCPT was not given */
	struct slice orcpt;      /* decoded */
};

struct smtp_bdat {
	uint64_t size;
	bool is_last;
};

struct smtp_auth {
	struct slice mechanism;
	struct slice initial; /* base64 as sent, empty for "="; ptr NULL if there is none */
};

/* smtp_verb_take - the command of a line; *args_out is what follows, trimmed. SMTP_VERB_COUNT if
 * it is none that we know. */
enum smtp_verb smtp_verb_take(struct slice line, struct slice *args_out);

/* smtp_hello_parse - the name a client gives itself: a domain, an address literal, or one of the
 * many things that clients say instead, as long as it can stand in a Received line. */
MUST_CHECK int smtp_hello_parse(
	struct smtp_cmd *cmd, struct slice args, struct slice *name_out, struct err *err);

MUST_CHECK int smtp_mail_parse(
	struct smtp_cmd *cmd, struct slice args, struct smtp_mail *mail_out, struct err *err);
MUST_CHECK int smtp_rcpt_parse(
	struct smtp_cmd *cmd, struct slice args, struct smtp_rcpt *rcpt_out, struct err *err);
MUST_CHECK int smtp_bdat_parse(
	struct smtp_cmd *cmd, struct slice args, struct smtp_bdat *bdat_out, struct err *err);
MUST_CHECK int smtp_auth_parse(
	struct smtp_cmd *cmd, struct slice args, struct smtp_auth *auth_out, struct err *err);

/* The attributes that XCLIENT may have, as EHLO lists them. */
#define SMTP_XCLIENT_NAMES "NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT REVERSE_NAME"

enum smtp_xclient_attribute {
	XCLIENT_NAME,
	XCLIENT_ADDR,
	XCLIENT_PORT,
	XCLIENT_PROTO,
	XCLIENT_HELO,
	XCLIENT_LOGIN,
	XCLIENT_DESTADDR,
	XCLIENT_DESTPORT,
	XCLIENT_REVERSE_NAME,
	XCLIENT_COUNT,
};

enum smtp_told {
	SMTP_TOLD_NOTHING, /* the attribute was not given */
	SMTP_TOLD_VALUE,
	SMTP_TOLD_NONE,    /* [UNAVAILABLE]: there is none */
	SMTP_TOLD_UNKNOWN, /* [TEMPUNAVAIL]: it could not be found out */
};

/* Whom a proxy speaks for. */
struct smtp_xclient {
	enum smtp_told told[XCLIENT_COUNT];
	struct slice values[XCLIENT_COUNT]; /* decoded, and what its attribute may be, if told */
	struct ip address;                  /* of ADDR */
	bool is_extended;                   /* of PROTO */
};

MUST_CHECK int smtp_xclient_parse(
	struct smtp_cmd *cmd, struct slice args, struct smtp_xclient *out, struct err *err);

/* smtp_none_parse - for commands that take no argument. */
MUST_CHECK int smtp_none_parse(struct smtp_cmd *cmd, struct slice args, struct err *err);

#endif
