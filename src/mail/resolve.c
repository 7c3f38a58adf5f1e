/* resolve.c - see resolve.h for the contract. */
#include "mail/resolve.h"

#include <string.h>

#include "base/map.h"

enum { NESTING_MAX = 10, SENDER_ARENA_MAX = 8 * 1024 * 1024 };

/* One address on the way, so that loops and repeats are seen. */
struct visit {
	struct slice address;
};

struct walk {
	struct directory *dir;
	struct arena *arena;
	struct mail_target *targets;
	size_t n, cap;
	struct map seen;    /* struct visit by address */
	struct map results; /* struct visit by account or remote address */
};

/* The local part in lower case: so it stands in the directory. */
static int address_fold(
	struct slice address, struct arena *arena, struct slice *out, struct err *err)
{
	const size_t at = slice_rchr(address, '@');
	char *p;

	if (at == SIZE_MAX || address.len > DIRECTORY_ADDRESS_MAX)
		return err_set(err, ERR_NOTFOUND, "no such address");
	p = arena_alloc(arena, address.len);
	if (!p)
		return err_set(err, ERR_TOOBIG, "too many addresses");
	for (size_t i = 0; i < address.len; i++)
		p[i] = (char)ascii_lower((unsigned char)address.ptr[i]);
	*out = (struct slice){p, address.len};
	return 0;
}

static bool join(struct slice user, struct slice domain, struct arena *arena, struct slice *out)
{
	char *p = arena_alloc(arena, user.len + 1 + domain.len);

	if (!p)
		return false;
	memcpy(p, user.ptr, user.len);
	p[user.len] = '@';
	memcpy(p + user.len + 1, domain.ptr, domain.len);
	*out = (struct slice){p, user.len + 1 + domain.len};
	return true;
}

/* user+tag@domain, or tag@user.domain: the user's address and the tag. The user is tried, not
 * known; false if the address has not this form. */
static bool subaddress(struct slice address, bool by_domain, struct arena *arena,
	struct slice *base_out, struct slice *detail_out)
{
	const size_t at = slice_rchr(address, '@');
	const struct slice local = slice_head(address, at), domain = slice_from(address, at + 1);
	struct slice user, rest;

	if (local.len == 0 || local.ptr[0] == '"')
		return false;
	user = slice_cut(by_domain ? domain : local, by_domain ? '.' : '+', &rest);
	if (!rest.ptr || user.len == 0 || (by_domain && rest.len == 0))
		return false;
	*detail_out = by_domain ? local : rest;
	return join(user, by_domain ? rest : domain, arena, base_out);
}

static bool is_somebody(const struct directory_entry *entry)
{
	return (entry->kind == DIRECTORY_ACCOUNT || entry->kind == DIRECTORY_ALIAS) &&
	       !entry->is_catch_all;
}

/* The exact address, then as a subaddress, then the wildcard or catch-all that the first look
 * found. *address becomes the one that was found. */
static int look_up(struct directory *dir, struct slice *address, struct arena *arena,
	struct directory_entry *out, struct slice *detail, struct err *err)
{
	int rc = directory_find(dir, *address, arena, out, err);

	if (rc < 0 || is_somebody(out))
		return rc;
	for (int by_domain = 0; by_domain < 2; by_domain++) {
		struct directory_entry entry;
		struct slice base, tag;

		if (!subaddress(*address, by_domain, arena, &base, &tag))
			continue;
		rc = directory_find(dir, base, arena, &entry, err);
		if (rc < 0)
			return rc;
		if (is_somebody(&entry)) {
			*out = entry;
			*address = base;
			*detail = tag;
			return 0;
		}
	}
	return 0;
}

/* True if this is new in the set. */
static bool remember(struct map *set, struct slice key, struct visit *visit)
{
	if (map_get(set, key))
		return false;
	visit->address = key;
	map_put(set, visit->address, visit);
	return true;
}

static int grow_targets(struct walk *w, struct err *err)
{
	const size_t cap = w->cap ? w->cap * 2 : 1;
	struct mail_target *grown;

	if (w->n < w->cap)
		return 0;
	if (w->n == DIRECTORY_TARGETS_MAX)
		return err_set(err, ERR_TOOBIG, "more than %d targets", DIRECTORY_TARGETS_MAX);
	grown = arena_array(w->arena, struct mail_target, cap);
	if (!grown)
		return err_set(err, ERR_TOOBIG, "too many addresses");
	if (w->n)
		memcpy(grown, w->targets, w->n * sizeof(*grown));
	w->targets = grown;
	w->cap = cap;
	return 0;
}

static int add_target(struct walk *w, const struct mail_target *target, struct err *err)
{
	struct visit *visit = arena_alloc(w->arena, sizeof(*visit));
	int rc;

	if (!visit)
		return err_set(err, ERR_TOOBIG, "too many addresses");
	/* An account's login name and an address elsewhere are never the same. */
	if (!remember(&w->results, target->address, visit))
		return 0;
	rc = grow_targets(w, err);
	if (rc == 0)
		w->targets[w->n++] = *target;
	return rc;
}

static int walk_address(
	struct walk *w, struct slice address, struct slice detail, unsigned depth, struct err *err);

static int walk_alias(struct walk *w, const struct directory_entry *entry, struct slice detail,
	unsigned depth, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < entry->targets_n; i++) {
		rc = walk_address(w, entry->targets[i], detail, depth + 1, err);
		/* What one target lacks is not the others' fault. */
		if (rc == -ERR_NOTFOUND)
			rc = 0;
	}
	return rc;
}

static int walk_address(
	struct walk *w, struct slice address, struct slice detail, unsigned depth, struct err *err)
{
	struct visit *visit = arena_alloc(w->arena, sizeof(*visit));
	struct mail_target target = {.detail = detail};
	struct directory_entry entry;
	int rc;

	if (depth > NESTING_MAX)
		return 0;
	rc = address_fold(address, w->arena, &target.address, err);
	if (rc < 0)
		return rc;
	if (!visit)
		return err_set(err, ERR_TOOBIG, "too many addresses");
	if (!remember(&w->seen, target.address, visit))
		return 0;
	rc = look_up(w->dir, &target.address, w->arena, &entry, &target.detail, err);
	if (rc < 0)
		return rc;
	switch (entry.kind) {
	case DIRECTORY_ALIAS:
		return walk_alias(w, &entry, target.detail, depth, err);
	case DIRECTORY_ACCOUNT:
		target.account = entry.account.id;
		target.quota_bytes = entry.account.quota_bytes;
		target.address = entry.account.address;
		return add_target(w, &target, err);
	case DIRECTORY_NOBODY:
		return err_set(err, ERR_NOTFOUND, "no such user here");
	case DIRECTORY_FOREIGN:
		break;
	}
	if (depth == 0)
		return err_set(err, ERR_DENIED, "no mail for that domain here");
	/* The local part of somebody else's address is theirs to read: kept as it was written. */
	target.address = address;
	return add_target(w, &target, err);
}

int mail_resolve(struct directory *dir, struct slice address, struct arena *arena,
	struct mail_resolved *out, struct err *err)
{
	struct walk w = {.dir = dir, .arena = arena};
	int rc = walk_address(&w, address, (struct slice){"", 0}, 0, err);

	map_done(&w.seen);
	map_done(&w.results);
	if (rc < 0)
		return rc;
	if (w.n == 0)
		return err_set(err, ERR_CONFLICT, "alias leads nowhere");
	*out = (struct mail_resolved){.targets = w.targets, .n = w.n};
	return 0;
}

int mail_resolve_anywhere(struct directory *dir, struct slice address, struct arena *arena,
	struct mail_resolved *out, struct err *err)
{
	const int rc = mail_resolve(dir, address, arena, out, err);
	struct mail_target *target;

	if (rc != -ERR_DENIED)
		return rc;
	target = arena_array(arena, struct mail_target, 1);
	if (!target)
		return err_set(err, ERR_TOOBIG, "too many addresses");
	target->address = address;
	*out = (struct mail_resolved){.targets = target, .n = 1};
	return 0;
}

int mail_serves_domain(struct directory *dir, struct slice domain, bool *out, struct err *err)
{
	struct directory_entry entry = {.kind = DIRECTORY_FOREIGN};
	struct slice rest, base, user = slice_cut(domain, '.', &rest);
	struct arena arena AUTO(arena_done);
	bool is_ours = false;
	int rc = directory_has_domain(dir, domain, &is_ours, err);

	arena_init(&arena, SENDER_ARENA_MAX);
	if (rc == 0 && !is_ours && user.len && rest.len && join(user, rest, &arena, &base))
		rc = directory_find(dir, base, &arena, &entry, err);
	if (rc == 0)
		*out = is_ours || is_somebody(&entry);
	return rc;
}

int mail_personality_of(struct directory *dir, uint64_t account, struct slice address,
	struct arena *arena, struct directory_personality *out, struct err *err)
{
	struct slice found;
	int rc = address_fold(address, arena, &found, err);

	return rc < 0 ? rc : directory_personality_of(dir, account, found, arena, out, err);
}

int mail_may_send_as(struct directory *dir, uint64_t account, struct slice address, bool *may_out,
	struct err *err)
{
	struct arena arena AUTO(arena_done);
	struct directory_personality personality;
	struct directory_entry entry = {.kind = DIRECTORY_NOBODY};
	struct slice found, detail;
	int rc;

	arena_init(&arena, SENDER_ARENA_MAX);
	rc = address_fold(address, &arena, &found, err);
	if (rc == 0)
		rc = look_up(dir, &found, &arena, &entry, &detail, err);
	if (rc == 0 && entry.kind == DIRECTORY_FOREIGN) {
		rc = directory_personality_of(dir, account, found, &arena, &personality, err);
		*may_out = rc == 0;
	} else if (rc == 0) {
		rc = directory_may_send_as(dir, account, found, may_out, err);
	}
	if (rc != -ERR_NOTFOUND)
		return rc;
	*may_out = false;
	return 0;
}
