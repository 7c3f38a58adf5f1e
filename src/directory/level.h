/*
 * level.h - service levels: the operator's table of what an account may.
 *
 * A new directory.db has a starting set: guest, member, ad-free, full (the default), enhanced,
 * family, business. Each row may be changed, and more be added. Any thread; errors as in
 * directory.h.
 */
#ifndef DIRECTORY_LEVEL_H
#define DIRECTORY_LEVEL_H

#include "directory/directory.h"

/* A number of a level that is no bound. 0 is none at all: no aliases, nothing may be sent. */
#define DIRECTORY_UNLIMITED ((uint64_t)INT64_MAX)

/* Services that are open; the same bits as enum keeper_scope. */
enum directory_service {
	DIRECTORY_IMAP = 1,
	DIRECTORY_IMAP_READ = 2,
	DIRECTORY_POP = 4,
	DIRECTORY_SMTP = 8, /* submission */
	DIRECTORY_DAV = 16,
	DIRECTORY_LDAP = 32,
	DIRECTORY_XMPP = 64,
	DIRECTORY_WEB = 128,
	DIRECTORY_JMAP = 256,
	DIRECTORY_SIEVE = 512,
	DIRECTORY_SERVICES_ALL = 1023,
};

/* Levels of spam protection that may be chosen; bits. */
enum directory_spam {
	DIRECTORY_SPAM_OFF = 1,
	DIRECTORY_SPAM_BASIC = 2,
	DIRECTORY_SPAM_NORMAL = 4,
	DIRECTORY_SPAM_AGGRESSIVE = 8,
	DIRECTORY_SPAM_CUSTOM = 16,
	DIRECTORY_SPAM_ALL = 31,
};

enum { DIRECTORY_LEVEL_NAME_MAX = 40, DIRECTORY_LEVEL_DOMAINS_MAX = 1000 };

struct directory_level {
	struct slice name;      /* letters, digits, '-' */
	uint64_t storage_bytes; /* of mail */
	uint64_t message_bytes; /* the largest message that may be sent */
	uint64_t sends_hour;    /* recipients of sent mail */
	uint64_t sends_day;
	uint64_t aliases;     /* of its own */
	uint64_t stop_points; /* mail/judge.h: from so many on sending is stopped; 0: as the
				 setting says */
	uint64_t pop_links;
	uint64_t file_bytes;
	unsigned services;    /* enum directory_service */
	unsigned spam;        /* enum directory_spam */
	bool has_all_domains; /* of the operator's; else only those of the list */
	struct slice *domains;
	size_t domains_n;
	bool is_default; /* what a new account gets */
};

/* directory_level - by name. directory_level_of - an account's. -ERR_NOTFOUND. */
MUST_CHECK int directory_level(struct directory *dir, struct slice name, struct arena *arena,
	struct directory_level *out, struct err *err);
MUST_CHECK int directory_level_of(struct directory *dir, uint64_t account, struct arena *arena,
	struct directory_level *out, struct err *err);
/* directory_may_use - the account's level has all of these services (bits). */
MUST_CHECK int directory_may_use(
	struct directory *dir, uint64_t account, unsigned services, bool *out, struct err *err);
/* directory_levels - all of them, by name. */
MUST_CHECK int directory_levels(struct directory *dir, struct arena *arena,
	struct directory_level **list_out, size_t *n_out, struct err *err);

/* directory_level_set - make or replace the level of this name; is_default takes it from the one
 * that was. -ERR_SYNTAX (the name, an unknown bit), -ERR_NOTFOUND (a domain is not ours),
 * -ERR_CONFLICT (a customer's domain). */
MUST_CHECK int directory_level_set(
	struct directory *dir, const struct directory_level *level, struct err *err);
/* directory_level_delete - -ERR_CONFLICT while an account or a group has it, or it is the default.
 */
MUST_CHECK int directory_level_delete(struct directory *dir, struct slice name, struct err *err);

#endif
