/* selection.c - see selection.h for the contract. */
#include "imap/selection.h"

#include "base/mem.h"

static void add_uid_range(struct command *cmd, struct imap_range uids, struct selection *sel)
{
	struct view *view = cmd->s->view;
	const uint32_t first = view_floor(view, uids.first);
	const uint32_t end =
		uids.last == UINT32_MAX ? view_count(view) + 1 : view_floor(view, uids.last + 1);

	if (first < end) {
		sel->ranges[sel->n++] = (struct imap_range){first, end - 1};
		sel->count += end - first;
	}
}

static int add_uids(struct command *cmd, const struct imap_range *uids, size_t n,
	struct selection *sel, struct err *err)
{
	sel->ranges = arena_array(conn_arena(cmd->c), struct imap_range, n + 1);
	if (!sel->ranges)
		return err_set(err, ERR_TOOBIG, "command needs too much memory");
	for (size_t i = 0; i < n; i++)
		add_uid_range(cmd, uids[i], sel);
	return 0;
}

static bool has_star(const struct imap_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		if (set->ranges[i].first == IMAP_STAR || set->ranges[i].last == IMAP_STAR)
			return true;
	}
	return false;
}

/* "*" in an empty mailbox is nothing, rather than the error it might be (RFC 9051 9, seq-number):
 * clients ask for 1:* before they know. */
static int add_numbers(
	struct command *cmd, struct imap_set *set, struct selection *sel, struct err *err)
{
	const uint32_t count = view_count(cmd->s->view);

	if (count == 0 && has_star(set))
		return 0;
	imap_set_resolve(set, count);
	if (imap_set_last(set) > count)
		return err_set(err, ERR_SYNTAX, "There are %u messages only", count);
	sel->ranges = set->ranges;
	sel->n = set->n;
	for (size_t i = 0; i < set->n; i++)
		sel->count += set->ranges[i].last - set->ranges[i].first + 1;
	return 0;
}

static uint32_t last_uid(struct view *view)
{
	struct view_entry entry;

	return view_count(view) && view_entry(view, view_count(view), &entry) ? entry.uid : 0;
}

int selection_make(struct command *cmd, struct imap_set *set, bool is_uid, struct selection *out,
	struct err *err)
{
	struct session *s = cmd->s;
	struct selection sel = {0};
	int rc;

	if (set->is_saved) {
		rc = add_uids(cmd, s->saved, s->saved_n, &sel, err);
	} else if (is_uid) {
		imap_set_resolve(set, last_uid(s->view));
		rc = add_uids(cmd, set->ranges, set->n, &sel, err);
	} else {
		rc = add_numbers(cmd, set, &sel, err);
	}
	if (rc == 0)
		*out = sel;
	return rc;
}

uint32_t selection_next(struct selection_walk *walk)
{
	const struct imap_range *range;

	if (walk->range == walk->sel->n)
		return 0;
	range = &walk->sel->ranges[walk->range];
	if (walk->seq == 0)
		walk->seq = range->first;
	if (walk->seq == range->last) {
		walk->range++;
		walk->seq = 0;
		return range->last;
	}
	return walk->seq++;
}

uint32_t *selection_uids(struct command *cmd, const struct selection *sel, uint64_t mask,
	uint64_t flags, size_t *n_out)
{
	uint32_t *uids = mem_zalloc_array(sel->count + 1, sizeof(*uids));
	struct view_snap *snap = view_snap(cmd->s->view);
	struct selection_walk walk = {.sel = sel};
	struct view_entry entry;
	size_t n = 0;
	uint32_t seq;

	while ((seq = selection_next(&walk))) {
		if (snap_entry(snap, seq, &entry) && !entry.is_gone &&
			(entry.flags & mask) == flags)
			uids[n++] = entry.uid;
	}
	view_snap_free(&snap);
	*n_out = n;
	return uids;
}
