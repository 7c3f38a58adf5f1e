/*
 * frame.h - what is said on the keeper's sockets: its verbs, and their fields in frames
 * (frame/frame.h).
 *
 * Pure and linear; slices point into the given bytes. What does not parse to its last byte is bad,
 * and whoever receives it closes the connection.
 */
#ifndef KEEPER_FRAME_H
#define KEEPER_FRAME_H

#include "frame/frame.h"

/* What each does and who may ask it: verbs.c. */
enum frame_verb {
	FRAME_SIGN = 1,
	FRAME_ENTER,
	FRAME_TICKET_KEYS,
	FRAME_SET_PASSWORDS,
	FRAME_DELETE_ACCOUNT,

	FRAME_SUBSCRIBE = 16, /* the server wants to be told what is revoked */
	FRAME_REVOKED,        /* from the keeper, unasked: id 0 */
	FRAME_CLOSED,         /* the server has closed those; not answered */
	FRAME_LIVE,           /* which sessions a server has: those that are no more are told */

	FRAME_SMS_TAKE = 64, /* the courier waits for a text message: number and text, or nothing */
	FRAME_FACTOR_BEGIN,
	FRAME_FACTOR_CONFIRM,
	FRAME_FACTOR_REMOVE,
	FRAME_RECOVERY_CODES,
	FRAME_LIST_FACTORS,
	FRAME_WEB_CHALLENGE,
	FRAME_WEB_PASSKEY,
	FRAME_SCRAM_BEGIN,
	FRAME_SCRAM_END,
	FRAME_GRANT_CODE,
	FRAME_GRANT_EXCHANGE,
	FRAME_GRANT_REFRESH,
	FRAME_DEVICE_BEGIN,
	FRAME_DEVICE_FIND,
	FRAME_DEVICE_DECIDE,
	FRAME_DEVICE_POLL,
	FRAME_TOKEN_REVOKE,
	FRAME_TOKEN_REMOVE,
	FRAME_LIST_TOKENS,
	FRAME_RECOVERY_SET,
	FRAME_RECOVERY_CONFIRM,
	FRAME_RECOVERY_CANCEL,
	FRAME_RECOVERY_BY_MAIL,
	FRAME_RESET_BEGIN,
	FRAME_RESET_CHALLENGE,
	FRAME_RESET_END,
	FRAME_CASE_OPEN, /* of recovery cases: the staff's */
	FRAME_CASE_EVIDENCE,
	FRAME_CASE_APPROVE,
	FRAME_CASE_CLOSE,
	FRAME_CASE_LIST,
	FRAME_CASE_SHOW,
	FRAME_CASE_FLAGS, /* resets that were asked for without the second factor */
	FRAME_WEB_BEGIN = 24,
	FRAME_WEB_CHECK,
	FRAME_WEB_FACTOR,
	FRAME_WEB_END,
	FRAME_WEB_END_ALL,
	FRAME_LIST_SESSIONS,
	FRAME_LIST_APPS,
	FRAME_APP_ADD,
	FRAME_APP_REMOVE,
	FRAME_SET_SCOPES,
	FRAME_GET_SETTINGS,
	FRAME_CHANGE_PASSWORD,
	FRAME_RESET_PASSWORD,
	FRAME_ACCOUNT_NEW,
	FRAME_ACCOUNT_GONE,

	FRAME_SET_ROLE = 48, /* the operator's */
	FRAME_LOG_OUT,
	FRAME_ASK_PASSWORD,
	FRAME_LIST_PENDING,
	FRAME_OPERATOR_APPS,
	FRAME_OPERATOR_APP_REMOVE,
	FRAME_OPERATOR_SCOPES,

	/* certificates: what is in each frame stands in certify.c and certify_acme.c */
	FRAME_CERTIFICATE_MAKE = 128, /* signed by itself, with a new key */
	FRAME_CERTIFICATE_IMPORT,     /* one from elsewhere, with its key */
	FRAME_CERTIFICATE_ORDER,      /* the courier shall have one from the CA */
	FRAME_CERTIFICATE_DROP,       /* no more of that */
	FRAME_CERTIFICATE_BIND,       /* the account that the CA knows the operator by */
	FRAME_CERTIFICATE_WANT,       /* a server orders for a customer's domain */
	FRAME_CERTIFICATE_UNWANT,     /* and no more */
	FRAME_HAS_KEY,
	FRAME_ACME_KEY,
	FRAME_ACME_SIGN,
	FRAME_ACME_BIND,
	FRAME_ACME_ROLL,
	FRAME_ACME_REQUEST,
	FRAME_ACME_ANSWER,
	FRAME_ACME_STORE,

	/* keys for DKIM: dkim.c */
	FRAME_DKIM_ADD = 144,
	FRAME_DKIM_LIST,
	FRAME_DKIM_REMOVE,
	FRAME_DKIM_KEYS, /* a server asks which ones sign for a domain */

	FRAME_RECOVERY_ADDRESS, /* a server has something to tell an account's owner */
	FRAME_APP_CERTIFICATE,  /* an alternative login by a client's certificate */
	FRAME_OPERATOR_APP_CERTIFICATE,

	FRAME_VERB_END = 160,
};

enum {
	FRAME_SERVER_MAX = 1 << 16, /* longest request on the server's socket */
	FRAME_CLI_MAX = 1 << 16,    /* and on the operator's */
	FRAME_ANSWER_MAX = 1 << 18, /* longest answer on either */
	FRAME_FIELDS_MAX = 12,      /* of a request that a grammar describes */
	FRAME_TEXT_MAX = 256,
	FRAME_DATA_MAX = 40000,
	FRAME_SESSION_LEN = 32,    /* a session in FRAME_REVOKED and FRAME_LIVE */
	FRAME_SECRETS_MAX = 512,   /* passwords in one FRAME_SET_PASSWORDS */
	FRAME_NAMES_MAX = 32,      /* names in one certificate */
	FRAME_PASSWORD_MAX = 1000, /* bytes */
	FRAME_KEY_NAME_MAX = 64,   /* bytes of [a-zA-Z0-9_-.], no dot first */
	FRAME_PEM_MAX = 16384,     /* bytes of a private key */
	FRAME_TICKET_KEY = 48,     /* bytes of a ticket key */
};

/* What a signature is for. One for DKIM is by TLS_RSA_PKCS1 or FRAME_ED25519, over SHA-256. */
enum { FRAME_PURPOSE_TLS = 1, FRAME_PURPOSE_DKIM = 2 };
enum { FRAME_ED25519 = 3 }; /* behind those of enum tls_algorithm */

/* ---- requests, read to the last byte ---- */

/*
 * A grammar has a letter for each field:
 *   n  a number            i  a number that is not 0     b  0 or 1
 *   t  at most FRAME_TEXT_MAX bytes                      p  at most FRAME_PASSWORD_MAX
 *   d  at most FRAME_DATA_MAX                            l  numbers of 8 bytes, packed, at least
 * one
 */
struct frame_field {
	uint64_t n;
	struct slice s;
};
/* frame_read_fields - false for anything else. */
bool frame_read_fields(
	struct frame *f, const char *grammar, struct frame_field out[FRAME_FIELDS_MAX]);

/* One session, or one revocation, FRAME_SESSION_LEN bytes. */
struct frame_session {
	uint64_t account, seq, credential, scopes;
};
void frame_put_session(unsigned char out[FRAME_SESSION_LEN], const struct frame_session *session);
/* frame_take_session - from the front of what is left; false at its end. */
bool frame_take_session(struct slice *rest, struct frame_session *out);

struct frame_sign {
	struct slice key_name;
	unsigned purpose, algorithm, hash; /* enum tls_algorithm, enum tls_hash, FRAME_PURPOSE_ */
	struct slice digest;
};

struct frame_secret {
	uint64_t account;
	bool is_hash;
	struct slice secret;
};

struct frame_secrets {
	bool is_fast;
	size_t n;
	struct frame_secret items[FRAME_SECRETS_MAX];
};

enum {
	FRAME_CERTIFICATE_RSA = 1,       /* an RSA key, not EC */
	FRAME_CERTIFICATE_UNCHECKED = 2, /* do not look whether the hosts are ours */
	FRAME_CERTIFICATE_RENEW = 4,     /* whatever there is shall be replaced */
};

/* FRAME_CERTIFICATE_MAKE, _ORDER, _WANT. */
struct frame_certificate {
	struct slice name;
	unsigned days, flags;
	size_t n;
	struct slice names[FRAME_NAMES_MAX];
};

/* Each returns false for a frame that is not exactly that. */
bool frame_read_sign(struct frame *f, struct frame_sign *out);
bool frame_read_secrets(struct frame *f, struct frame_secrets *out);
bool frame_read_account(struct frame *f, uint64_t *account_out);
bool frame_read_certificate(struct frame *f, struct frame_certificate *out);

/* frame_is_name - of a key or a certificate: it becomes a file's, and leads nowhere else. */
bool frame_is_name(struct slice name);

#endif
