/*
 * group.h - families and businesses: accounts that belong together, with domains of their own,
 * administrators and shared settings; and the login screens of domains.
 *
 * Whether somebody may change a group is not decided here: an administrator's rights are a role
 * that the keeper holds (keeper/credentials.h). Any thread; errors as in directory.h.
 */
#ifndef DIRECTORY_GROUP_H
#define DIRECTORY_GROUP_H

#include "directory/level.h"

enum { DIRECTORY_GROUP_NAME_MAX = 100, DIRECTORY_GROUP_DOMAINS_MAX = 1000 };

struct directory_group {
	uint64_t id;        /* random 63 bits */
	struct slice name;  /* one group has it; compared as it is written */
	struct slice level; /* of new members; empty: the default one */
	int64_t created_s;
	uint64_t members_max; /* DIRECTORY_UNLIMITED: any number */
	bool shares_contacts, shares_calendars;
	uint64_t members, domains; /* how many there are */
};

/* directory_group_add - id, created_s and the counts are not read. */
MUST_CHECK int directory_group_add(struct directory *dir, const struct directory_group *group,
	uint64_t *id_out, struct err *err);
/* directory_group_set - name, level, members_max and what is shared. */
MUST_CHECK int directory_group_set(
	struct directory *dir, const struct directory_group *group, struct err *err);
/* directory_group_delete - -ERR_CONFLICT while it has members or domains. */
MUST_CHECK int directory_group_delete(struct directory *dir, uint64_t id, struct err *err);
MUST_CHECK int directory_group(struct directory *dir, uint64_t id, struct arena *arena,
	struct directory_group *out, struct err *err);
MUST_CHECK int directory_group_find(struct directory *dir, struct slice name, struct arena *arena,
	struct directory_group *out, struct err *err);
MUST_CHECK int directory_groups(struct directory *dir, struct slice after, size_t max,
	struct arena *arena, struct directory_group **list_out, size_t *n_out, struct err *err);

/* Members. An account is in one group at most (-ERR_CONFLICT: in another; its address is at a
 * domain of the group and cannot leave); -ERR_TOOBIG: the group is full. Leaving ends being an
 * administrator. */
MUST_CHECK int directory_group_join(
	struct directory *dir, uint64_t group, uint64_t account, struct err *err);
MUST_CHECK int directory_group_leave(struct directory *dir, uint64_t account, struct err *err);
/* directory_group_admin - what lists show; the keeper's role must be set with it. -ERR_CONFLICT: in
 * no group. */
MUST_CHECK int directory_group_admin(
	struct directory *dir, uint64_t account, bool is_admin, struct err *err);
MUST_CHECK int directory_group_members(struct directory *dir, uint64_t group, struct slice after,
	size_t max, struct arena *arena, struct directory_account **list_out, size_t *n_out,
	struct err *err);

/* Domains. One that is new is made; an operator's one becomes the group's while it has no account
 * but the group's members, and no alias (-ERR_CONFLICT). Removing gives it back to the operator:
 * not while a member has its address there (-ERR_CONFLICT). */
MUST_CHECK int directory_group_domain_add(
	struct directory *dir, uint64_t group, struct slice domain, struct err *err);
MUST_CHECK int directory_group_domain_remove(
	struct directory *dir, uint64_t group, struct slice domain, struct err *err);
MUST_CHECK int directory_group_domains(struct directory *dir, uint64_t group, struct arena *arena,
	struct slice **list_out, size_t *n_out, struct err *err);
/* directory_group_aliases - all at its domains. */
MUST_CHECK int directory_group_aliases(struct directory *dir, uint64_t group, struct arena *arena,
	struct directory_alias **list_out, size_t *n_out, struct err *err);

/* ---- the login screen of a domain ---- */

enum { DIRECTORY_LOGO_MAX = 64 << 10, DIRECTORY_SCREEN_TEXT_MAX = 2000 };

struct directory_screen {
	struct slice name;       /* what the page is headed with */
	struct slice text;       /* plain text under it; lines end in LF */
	struct slice background; /* colours: "#rrggbb", or empty */
	struct slice foreground;
	struct slice accent;    /* of buttons and links */
	struct slice logo;      /* a PNG or JPEG file; empty: none */
	struct slice logo_type; /* "image/png"; found out when it is set */
	uint64_t version;       /* other after each change: for ETags and links to the logo */
};

/* directory_screen - -ERR_NOTFOUND: the domain has none, or is not ours. directory_screen_set -
 * -ERR_SYNTAX says what cannot be; an empty logo takes the logo away. */
MUST_CHECK int directory_screen(struct directory *dir, struct slice domain, struct arena *arena,
	struct directory_screen *out, struct err *err);
MUST_CHECK int directory_screen_set(struct directory *dir, struct slice domain,
	const struct directory_screen *screen, struct err *err);
MUST_CHECK int directory_screen_delete(struct directory *dir, struct slice domain, struct err *err);

#endif
