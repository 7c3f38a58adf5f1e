/*
 * directory.h - who exists: domains, accounts, aliases. directory.db, owned by the server. What
 * they may is in level.h; families and businesses, and the login screens of domains, in group.h.
 *
 * Addresses are given as people write them and kept in normal form: domain in lower-case A-labels,
 * local part compared without ASCII case (and kept in lower case). No secrets are here: passwords
 * are the keeper's, under the account's id. Look-ups are answered from a bounded cache and cost no
 * flush; changes are one transaction each (imports: one for each batch). Any thread.
 */
#ifndef DIRECTORY_DIRECTORY_H
#define DIRECTORY_DIRECTORY_H

#include "base/arena.h"
#include "base/err.h"

struct directory;

/* directory_open - the file is made if it is not there. */
MUST_CHECK int directory_open(const char *path, struct directory **dir_out, struct err *err);
void directory_close(struct directory **dir);

enum {
	DIRECTORY_TARGETS_MAX = 10000,
	DIRECTORY_ADDRESS_MAX = 254,
	DIRECTORY_WILDCARDS_MAX = 200, /* of a domain: all of them are looked at */
};

struct directory_account {
	uint64_t id;          /* random 63 bits; never given twice */
	struct slice address; /* the login name */
	uint64_t quota_bytes; /* its own, else its level's; 0: none */
	int64_t created_s;
	bool is_disabled;
	bool has_own_quota;
	bool is_group_admin;   /* for display: what it may do is decided by the keeper */
	uint64_t group;        /* family or business; 0: none */
	struct slice level;    /* name of its service level */
	struct slice language; /* of mail and pages, as in RFC 5646 ("de"); empty: the service's */
	struct slice name;     /* of the person; may be empty */
	/* How long its mail is kept back, so that it can be taken back; -1: as the service says. */
	int undo_web_s, undo_program_s;
	bool keeps_sent; /* of what its mail programs send */
};

enum { DIRECTORY_UNDO_MAX_S = 60 };

enum directory_kind {
	DIRECTORY_ACCOUNT, /* account is filled in */
	DIRECTORY_ALIAS,   /* targets are: addresses here or elsewhere */
	DIRECTORY_NOBODY,  /* the domain is ours, the address is not */
	DIRECTORY_FOREIGN, /* the domain is not ours */
};

/* What other hosts are told of TLS to ours (RFC 8461 3.2); off: there is no policy. */
enum directory_mta_sts { MTA_STS_OFF, MTA_STS_NONE, MTA_STS_TESTING, MTA_STS_ENFORCE };

/* Whose a domain is: the operator's (group 0) or a customer's. */
struct directory_domain {
	bool is_ours; /* false: no domain of this service, the rest means nothing */
	bool has_screen;
	enum directory_mta_sts mta_sts;
	uint64_t group;
};

/* What an account's level says of sending. */
struct directory_bounds {
	uint64_t message_bytes, sends_hour, sends_day;
	uint64_t stop_points; /* as in level.h */
};

struct directory_entry {
	enum directory_kind kind;
	struct directory_domain domain; /* of an address that was looked up */
	struct directory_account account;
	struct directory_bounds bounds; /* of an account that was asked for them */
	struct slice *targets;
	size_t targets_n;
	bool is_catch_all; /* found by a wildcard alias, or the domain's catch-all */
};

/* directory_set_operator - before others use it: whose postmaster@ and abuse@ of our domains are
 * where nobody has them by name; text of the caller's. Without, they are the first account's. */
void directory_set_operator(struct directory *dir, struct slice address);

/* directory_find - what this very address is: an account, an alias, else the wildcard alias
 * ("sales-*@domain") that fits with the longest text, else the domain's catch-all alias
 * ("@domain"), else for postmaster and abuse an alias of whoever is in charge. One step only:
 * nesting and subaddresses are mail/resolve.h's. What is no address at all is foreign. */
MUST_CHECK int directory_find(struct directory *dir, struct slice address, struct arena *arena,
	struct directory_entry *out, struct err *err);
/* directory_account - by id. -ERR_NOTFOUND. */
MUST_CHECK int directory_account(struct directory *dir, uint64_t id, struct arena *arena,
	struct directory_account *out, struct err *err);
/* directory_bounds - of an account, by id. -ERR_NOTFOUND. */
MUST_CHECK int directory_bounds(
	struct directory *dir, uint64_t account, struct directory_bounds *out, struct err *err);
MUST_CHECK int directory_has_domain(
	struct directory *dir, struct slice domain, bool *out, struct err *err);
/* directory_domain - whose it is. */
MUST_CHECK int directory_domain(
	struct directory *dir, struct slice domain, struct directory_domain *out, struct err *err);
/* directory_may_send_as - the address is the account's own, or an alias that has it as a target. */
MUST_CHECK int directory_may_send_as(
	struct directory *dir, uint64_t account, struct slice address, bool *out, struct err *err);

/* Changes. -ERR_SYNTAX (not a domain, not an address), -ERR_EXISTS, -ERR_NOTFOUND (also: the
 * domain is not ours), -ERR_CONFLICT (the name is taken by an alias or an account). */
MUST_CHECK int directory_domain_add(struct directory *dir, struct slice domain, struct err *err);
/* directory_domain_mta_sts - set it. */
MUST_CHECK int directory_domain_mta_sts(
	struct directory *dir, struct slice domain, enum directory_mta_sts mode, struct err *err);
/* directory_account_new - at an operator's domain if the level may use it (-ERR_DENIED), or at a
 * domain of its group. directory_account_add - the same at the default level. */
struct directory_new {
	struct slice address;
	struct slice level;   /* empty: the group's, else the default one */
	uint64_t quota_bytes; /* 0: the level's */
	uint64_t group;       /* 0: that of the domain, if it is a customer's */
	struct slice language, name;
};
MUST_CHECK int directory_account_new(struct directory *dir, const struct directory_new *account,
	uint64_t *id_out, struct err *err);
MUST_CHECK int directory_account_add(struct directory *dir, struct slice address,
	uint64_t quota_bytes, uint64_t *id_out, struct err *err);
/* directory_account_set - what is not NULL is changed. A level that has fewer aliases or domains
 * takes none away that are there. */
struct directory_change {
	const struct slice *level, *language, *name;
	const uint64_t *quota_bytes; /* of its own, 0: none; DIRECTORY_LEVEL_QUOTA: the level's */
	const bool *is_disabled, *keeps_sent;
	const int *undo_web_s, *undo_program_s; /* at most DIRECTORY_UNDO_MAX_S */
};
#define DIRECTORY_LEVEL_QUOTA UINT64_MAX
MUST_CHECK int directory_account_set(
	struct directory *dir, uint64_t id, const struct directory_change *change, struct err *err);
/* directory_account_delete - its aliases lose it as a target, and end with their last one. */
MUST_CHECK int directory_account_delete(struct directory *dir, uint64_t id, struct err *err);
/* directory_alias_add - add targets to an alias ("@domain": the catch-all; one * in the local part:
 * a wildcard), which is made if it is new. -ERR_EXISTS if it has them all, -ERR_CONFLICT for
 * itself, -ERR_TOOBIG. */
MUST_CHECK int directory_alias_add(struct directory *dir, struct slice address,
	const struct slice *targets, size_t n, struct err *err);
/* directory_alias_delete - one target, or the whole alias (target.len 0). */
MUST_CHECK int directory_alias_delete(
	struct directory *dir, struct slice address, struct slice target, struct err *err);
/* directory_own_alias_add - the same by the account itself: the alias is then its own, counts
 * against its level (-ERR_TOOBIG: it has all that its level allows) and must be at a domain that is
 * open to it (-ERR_DENIED). An own alias is changed and deleted by its account only, or by the
 * operator, and goes with it. No targets: the account. -ERR_EXISTS: somebody else's. */
MUST_CHECK int directory_own_alias_add(struct directory *dir, uint64_t account,
	struct slice address, const struct slice *targets, size_t n, struct err *err);
MUST_CHECK int directory_own_alias_delete(struct directory *dir, uint64_t account,
	struct slice address, struct slice target, struct err *err);

/* One item of a batch: all of them in one transaction and one flush. rc and err are each item's; if
 * the disk fails, the call does, and no item was made. */
struct directory_import {
	struct slice address;
	uint64_t quota_bytes;
	uint64_t id;    /* written; of the existing account where rc is -ERR_EXISTS */
	uint64_t group; /* written; of a new one */
	int rc;
	struct err err;
};
MUST_CHECK int directory_account_import(
	struct directory *dir, struct directory_import *items, size_t n, struct err *err);

/* Lists in pages: what comes after `after` in address order, at most max. */
MUST_CHECK int directory_accounts(struct directory *dir, struct slice after, size_t max,
	struct arena *arena, struct directory_account **list_out, size_t *n_out, struct err *err);
MUST_CHECK int directory_domains(struct directory *dir, struct slice after, size_t max,
	struct arena *arena, struct slice **list_out, size_t *n_out, struct err *err);
struct directory_alias {
	struct slice address, target;
	uint64_t owner; /* account whose own it is; 0: the operator's or the group's */
};
MUST_CHECK int directory_aliases(struct directory *dir, struct directory_alias after, size_t max,
	struct arena *arena, struct directory_alias **list_out, size_t *n_out, struct err *err);
/* directory_account_aliases - its own ones, and others that lead to it, a row for each target. */
MUST_CHECK int directory_account_aliases(struct directory *dir, uint64_t account,
	struct arena *arena, struct directory_alias **list_out, size_t *n_out, struct err *err);
/* directory_open_domains - where the account may have aliases. */
MUST_CHECK int directory_open_domains(struct directory *dir, uint64_t account, struct arena *arena,
	struct slice **list_out, size_t *n_out, struct err *err);

#endif
