/*
 * personality.h - who an account writes as: a name, an address, where replies go, a signature, and
 * for an address elsewhere the server that its mail leaves by.
 *
 * An address of a domain that is ours must be the account's own, and its mail leaves from here. Any
 * other needs an external SMTP server, and may be used only after that server has taken a login
 * (is_proven). The password is the courier's alone (courier/external.h). What was deleted, or went
 * with its account, is remembered until the courier has forgotten the password too. Any thread;
 * errors as in directory.h.
 */
#ifndef DIRECTORY_PERSONALITY_H
#define DIRECTORY_PERSONALITY_H

#include "directory/directory.h"

enum {
	DIRECTORY_PERSONALITIES_MAX = 20, /* of an account */
	DIRECTORY_SIGNATURE_MAX = 4096,
};

struct directory_personality {
	uint64_t id; /* never used again */
	struct slice name, address, reply_to, bcc, signature;
	struct slice host, login; /* of the external server, a name or an IP address; empty: none */
	unsigned port;
	bool is_starttls; /* else TLS from the first byte on */
	bool is_proven;
	uint64_t sent; /* the mailbox for copies of what it sends; 0, or one that is gone: the usual
			*/
};

/* directory_personalities - the account's, by address. directory_personality - one of them;
 * -ERR_NOTFOUND. */
MUST_CHECK int directory_personalities(struct directory *dir, uint64_t account, struct arena *arena,
	struct directory_personality **list_out, size_t *n_out, struct err *err);
MUST_CHECK int directory_personality(struct directory *dir, uint64_t account, uint64_t id,
	struct arena *arena, struct directory_personality *out, struct err *err);
/* directory_personality_of - the one with this address in normal form that may be used;
 * -ERR_NOTFOUND. */
MUST_CHECK int directory_personality_of(struct directory *dir, uint64_t account,
	struct slice address, struct arena *arena, struct directory_personality *out,
	struct err *err);

/* directory_personality_put - make one (id 0) or change it; another address, server or login is not
 * proven. -ERR_SYNTAX (err says what), -ERR_EXISTS (the address), -ERR_QUOTA, -ERR_DENIED (not the
 * account's address), -ERR_NOTFOUND. */
MUST_CHECK int directory_personality_put(struct directory *dir, uint64_t account,
	const struct directory_personality *what, uint64_t *id_out, struct err *err);
/* directory_personality_prove - its server took the login, or refused it; if it still is as given.
 */
MUST_CHECK int directory_personality_prove(struct directory *dir, uint64_t account,
	const struct directory_personality *what, bool is_proven, struct err *err);
MUST_CHECK int directory_personality_delete(
	struct directory *dir, uint64_t account, uint64_t id, struct err *err);

/* directory_personalities_gone - some whose password the courier has still to forget.
 * directory_personality_forgotten - it has. */
MUST_CHECK int directory_personalities_gone(
	struct directory *dir, uint64_t *ids, size_t max, size_t *n_out, struct err *err);
MUST_CHECK int directory_personality_forgotten(struct directory *dir, uint64_t id, struct err *err);

#endif
