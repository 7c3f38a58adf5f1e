/* tx_mailbox.c - making, deleting, renaming mailboxes; subscriptions; keywords; the list. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/internal.h"

/* ---- names ---- */

/* Length of the UTF-8 sequence at p (RFC 3629), 0 if it is none. */
static size_t utf8_len(const unsigned char *p, size_t n)
{
	const size_t len = p[0] < 0x80                   ? 1
			   : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
			   : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
			   : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
							 : 0;

	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0) ||
		(p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90))
		return 0;
	return len;
}

static bool is_clean_text(struct slice name)
{
	for (size_t i = 0, len; i < name.len; i += len) {
		const unsigned char *p = (const unsigned char *)name.ptr + i;

		len = utf8_len(p, name.len - i);
		/* Control characters, also those of C1. */
		if (len == 0 || p[0] < 0x20 || p[0] == 0x7f || (p[0] == 0xc2 && p[1] < 0xa0))
			return false;
	}
	return true;
}

static int check_name(struct slice name, struct err *err)
{
	unsigned depth = 1;

	if (name.len > MAILBOX_NAME_MAX)
		return err_set(
			err, ERR_TOOBIG, "mailbox name longer than %d bytes", MAILBOX_NAME_MAX);
	if (name.len == 0 || name.ptr[0] == '/' || name.ptr[name.len - 1] == '/' ||
		slice_find(name, slice_lit("//")) != SIZE_MAX)
		return err_set(err, ERR_SYNTAX, "a level of the mailbox name is empty");
	if (!is_clean_text(name))
		return err_set(err, ERR_SYNTAX, "mailbox name is not clean UTF-8");
	for (size_t i = 0; i < name.len; i++)
		depth += name.ptr[i] == '/';
	if (depth > MAILBOX_DEPTH_MAX)
		return err_set(err, ERR_TOOBIG, "mailbox deeper than %d levels", MAILBOX_DEPTH_MAX);
	return 0;
}

/* A copy that outlives the caller's, INBOX as first level in capitals. */
static int take_name(struct account_tx *tx, struct slice name, struct slice *out, struct err *err)
{
	static const struct slice inbox = slice_lit("INBOX");
	struct slice rest, first = slice_cut(name, '/', &rest);
	int rc = check_name(name, err);
	char *copy;

	if (rc < 0)
		return rc;
	copy = arena_alloc(&tx->arena, name.len);
	if (!copy)
		return err_set(err, ERR_TOOBIG, "the change is too large");
	memcpy(copy, name.ptr, name.len);
	if (slice_eq_nocase(first, inbox))
		memcpy(copy, inbox.ptr, inbox.len);
	*out = (struct slice){copy, name.len};
	return 0;
}

static bool is_below(struct slice name, struct slice parent)
{
	return name.len > parent.len && slice_starts(name, parent) && name.ptr[parent.len] == '/';
}

static struct box *living(struct account_tx *tx, struct slice name)
{
	struct box *box = tx_box_named(tx, name);

	return box && !(box->row.flags & MAILBOX_ABSENT) ? box : NULL;
}

static bool has_children(const struct account_tx *tx, struct slice name)
{
	for (size_t i = 0; i < tx->boxes_n; i++) {
		const struct box *box = tx->boxes[i];

		if (!box->is_gone && !(box->row.flags & MAILBOX_ABSENT) &&
			is_below(box->name, name))
			return true;
	}
	return false;
}

/* ---- making ---- */

/* Higher than any before, and than any of a file that stood here before this one. */
static uint32_t next_uidvalidity(struct account_tx *tx)
{
	const uint64_t now = (uint64_t)tx->now_s;

	tx->row.uidvalidity = tx->row.uidvalidity + 1 > now ? tx->row.uidvalidity + 1 : now;
	return (uint32_t)tx->row.uidvalidity;
}

static int make(struct account_tx *tx, struct slice name, enum mailbox_role role, uint64_t flags,
	struct box **box_out, struct err *err)
{
	struct box *old = tx_box_named(tx, name), *box;
	size_t count = 0;

	for (size_t i = 0; i < tx->boxes_n; i++)
		count += !tx->boxes[i]->is_gone;
	if (count >= MAILBOX_COUNT_MAX)
		return err_set(err, ERR_TOOBIG, "more than %d mailboxes", MAILBOX_COUNT_MAX);
	if (old) {
		flags |= old->row.flags & MAILBOX_SUBSCRIBED;
		old->is_gone = true;
	}
	box = tx_box_add(tx);
	if (!box)
		return err_set(err, ERR_TOOBIG, "the change is too large");
	box->name = name;
	box->row.role = role;
	box->row.flags = flags;
	box->row.uidvalidity = next_uidvalidity(tx);
	box->row.modseq = tx_modseq(tx);
	*box_out = box;
	return 0;
}

static int make_parents(struct account_tx *tx, struct slice name, struct err *err)
{
	struct box *box;

	for (size_t i = 0; i < name.len; i++) {
		const struct slice parent = slice_head(name, i);
		int rc;

		if (name.ptr[i] != '/' || living(tx, parent))
			continue;
		rc = make(tx, parent, ROLE_NONE, 0, &box, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int tx_mailbox_create(struct account_tx *tx, struct slice name, enum mailbox_role role,
	uint64_t *id_out, struct err *err)
{
	struct slice copy;
	struct box *box;
	int rc = take_name(tx, name, &copy, err);

	if (rc == 0)
		rc = tx_box_all(tx, err);
	if (rc < 0)
		return rc;
	box = living(tx, copy);
	if (box && !(box->row.flags & MAILBOX_NOSELECT))
		return err_set(err, ERR_EXISTS, "the mailbox exists already");
	for (size_t i = 0; role != ROLE_NONE && i < tx->boxes_n; i++) {
		if (!tx->boxes[i]->is_gone && tx->boxes[i]->row.role == role)
			return err_set(err, ERR_EXISTS, "another mailbox has this role");
	}
	rc = make_parents(tx, copy, err);
	if (rc == 0)
		rc = make(tx, copy, role, 0, &box, err);
	if (rc == 0)
		*id_out = box->row.id;
	return rc;
}

int tx_mailbox_need(struct account_tx *tx, struct slice name, enum mailbox_role role,
	uint64_t *id_out, bool *is_new_out, struct err *err)
{
	struct slice copy;
	struct box *box;
	int rc = take_name(tx, name, &copy, err);

	if (rc == 0)
		rc = tx_box_all(tx, err);
	if (rc < 0)
		return rc;
	box = living(tx, copy);
	*is_new_out = !box || box->row.flags & MAILBOX_NOSELECT;
	if (!*is_new_out) {
		*id_out = box->row.id;
		return 0;
	}
	for (size_t i = 0; i < tx->boxes_n; i++) {
		if (!tx->boxes[i]->is_gone && tx->boxes[i]->row.role == role)
			role = ROLE_NONE;
	}
	return tx_mailbox_create(tx, name, role, id_out, err);
}

/* ---- deleting ---- */

static int expunge_all(struct account_tx *tx, struct box *box, struct err *err)
{
	uint32_t *uids;
	size_t n = 0;
	int rc;

	if (box->row.messages == 0)
		return 0;
	rc = tx_index(tx, box, err);
	if (rc < 0)
		return rc;
	uids = calloc(box->work->total + 1, sizeof(*uids));
	if (!uids)
		abort();
	for (uint32_t i = 0; i < box->work->blocks_n; i++) {
		for (uint32_t k = 0; k < box->work->b[i].count; k++)
			uids[n++] = box->work->b[i].num->e[k].uid;
	}
	rc = box_remove(tx, box, uids, n, true, err);
	free(uids);
	return rc;
}

/* Somebody may stay subscribed to a name that is gone (RFC 9051 6.3.5). */
static int leave_subscription(struct account_tx *tx, const struct box *was, struct err *err)
{
	struct box *box;

	if (!(was->row.flags & MAILBOX_SUBSCRIBED))
		return 0;
	return make(tx, was->name, ROLE_NONE, MAILBOX_SUBSCRIBED | MAILBOX_ABSENT, &box, err);
}

static int drop_box(struct account_tx *tx, struct box *box, struct err *err)
{
	tx_modseq(tx);
	box->is_gone = true;
	return leave_subscription(tx, box, err);
}

/* Levels that exist only for what is below them go with the last of it. */
static int drop_empty_parents(struct account_tx *tx, struct slice name, struct err *err)
{
	size_t at;
	int rc = 0;

	while (rc == 0 && (at = slice_rchr(name, '/')) != SIZE_MAX) {
		struct box *parent;

		name = slice_head(name, at);
		parent = living(tx, name);
		if (!parent || !(parent->row.flags & MAILBOX_NOSELECT) || has_children(tx, name))
			break;
		rc = drop_box(tx, parent, err);
	}
	return rc;
}

int tx_mailbox_delete(struct account_tx *tx, struct slice name, struct err *err)
{
	struct slice copy;
	struct box *box;
	bool is_parent;
	int rc = take_name(tx, name, &copy, err);

	if (rc == 0)
		rc = tx_box_all(tx, err);
	if (rc < 0)
		return rc;
	box = living(tx, copy);
	if (!box)
		return err_set(err, ERR_NOTFOUND, "no such mailbox");
	if (box->row.role == ROLE_INBOX)
		return err_set(err, ERR_DENIED, "INBOX cannot be deleted");
	is_parent = has_children(tx, copy);
	if (is_parent && box->row.flags & MAILBOX_NOSELECT)
		return err_set(err, ERR_CONFLICT, "the mailbox has others below it");
	rc = expunge_all(tx, box, err);
	if (rc == 0 && is_parent) {
		const uint64_t flags = box->row.flags & MAILBOX_SUBSCRIBED;

		/* Who has the old one selected must see that it is gone: the level is another. */
		box->is_gone = true;
		rc = make(tx, copy, ROLE_NONE, flags | MAILBOX_NOSELECT, &box, err);
	} else if (rc == 0) {
		rc = drop_box(tx, box, err);
		if (rc == 0)
			rc = drop_empty_parents(tx, copy, err);
	}
	return rc;
}

/* ---- renaming ---- */

static int rename_inbox(struct account_tx *tx, struct box *inbox, struct slice to, struct err *err)
{
	uint32_t *uids, *new_uids;
	struct box *box;
	size_t n = 0;
	int rc = make(tx, to, ROLE_NONE, 0, &box, err);

	if (rc == 0)
		rc = tx_index(tx, inbox, err);
	if (rc < 0 || inbox->work->total == 0)
		return rc;
	uids = calloc(inbox->work->total, 2 * sizeof(*uids));
	if (!uids)
		abort();
	new_uids = uids + inbox->work->total;
	for (uint32_t i = 0; i < inbox->work->blocks_n; i++) {
		for (uint32_t k = 0; k < inbox->work->b[i].count; k++)
			uids[n++] = inbox->work->b[i].num->e[k].uid;
	}
	rc = tx_copy(tx, inbox->row.id, uids, n, box->row.id, true, new_uids, err);
	free(uids);
	return rc;
}

static int rename_one(
	struct account_tx *tx, struct box *box, struct slice from, struct slice to, struct err *err)
{
	const struct slice tail = slice_from(box->name, from.len);
	struct slice name = {NULL, to.len + tail.len};
	struct box *absent;
	char *p = arena_alloc(&tx->arena, name.len);
	int rc;

	if (!p)
		return err_set(err, ERR_TOOBIG, "the change is too large");
	memcpy(p, to.ptr, to.len);
	if (tail.len)
		memcpy(p + to.len, tail.ptr, tail.len);
	name.ptr = p;
	rc = check_name(name, err);
	if (rc < 0)
		return rc;
	absent = tx_box_named(tx, name);
	if (absent) {
		box->row.flags |= absent->row.flags & MAILBOX_SUBSCRIBED;
		absent->is_gone = true;
	}
	box->name = name;
	box->is_named = true;
	return 0;
}

int tx_mailbox_rename(struct account_tx *tx, struct slice from, struct slice to, struct err *err)
{
	struct slice old, new;
	struct box *box;
	size_t n;
	int rc = take_name(tx, from, &old, err);

	if (rc == 0)
		rc = take_name(tx, to, &new, err);
	if (rc == 0)
		rc = tx_box_all(tx, err);
	if (rc < 0)
		return rc;
	box = living(tx, old);
	if (!box)
		return err_set(err, ERR_NOTFOUND, "no such mailbox");
	if (living(tx, new))
		return err_set(err, ERR_EXISTS, "the mailbox exists already");
	if (is_below(new, old) && box->row.role != ROLE_INBOX)
		return err_set(err, ERR_SYNTAX, "a mailbox cannot move below itself");
	tx_modseq(tx);
	rc = make_parents(tx, new, err);
	if (rc == 0 && box->row.role == ROLE_INBOX)
		return rename_inbox(tx, box, new, err);
	n = tx->boxes_n;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct box *b = tx->boxes[i];

		if (!b->is_gone && !(b->row.flags & MAILBOX_ABSENT) &&
			(b == box || is_below(b->name, old)))
			rc = rename_one(tx, b, old, new, err);
	}
	return rc < 0 ? rc : drop_empty_parents(tx, old, err);
}

int tx_mailbox_subscribe(
	struct account_tx *tx, struct slice name, bool is_subscribed, struct err *err)
{
	struct slice copy;
	struct box *box;
	int rc = take_name(tx, name, &copy, err);

	if (rc == 0)
		rc = tx_box_all(tx, err);
	if (rc < 0)
		return rc;
	box = tx_box_named(tx, copy);
	if (!box && !is_subscribed)
		return 0;
	if (!box)
		return make(tx, copy, ROLE_NONE, MAILBOX_SUBSCRIBED | MAILBOX_ABSENT, &box, err);
	if (is_subscribed == !!(box->row.flags & MAILBOX_SUBSCRIBED))
		return 0;
	tx_modseq(tx);
	box->row.flags ^= MAILBOX_SUBSCRIBED;
	box->is_named = true;
	if (box->row.flags == MAILBOX_ABSENT)
		box->is_gone = true;
	return 0;
}

/* ---- keywords ---- */

static int keyword_bit(struct account_tx *tx, struct slice name, unsigned *bit_out, struct err *err)
{
	char *copy;

	for (size_t i = 0; i < tx->keywords_n; i++) {
		if (slice_eq_nocase(slice_str(tx->keywords[i]), name)) {
			*bit_out = KEYWORD_BIT + (unsigned)i;
			return 0;
		}
	}
	if (name.len == 0 || name.len > KEYWORD_LEN_MAX)
		return err_set(err, ERR_TOOBIG, "a keyword has 1 to %d bytes", KEYWORD_LEN_MAX);
	if (tx->keywords_n == KEYWORD_COUNT_MAX)
		return err_set(
			err, ERR_TOOBIG, "the account has %d keywords already", KEYWORD_COUNT_MAX);
	copy = arena_str(&tx->arena, name);
	if (!copy)
		return err_set(err, ERR_TOOBIG, "the change is too large");
	*bit_out = KEYWORD_BIT + (unsigned)tx->keywords_n;
	tx->keywords[tx->keywords_n++] = copy;
	tx_modseq(tx);
	return 0;
}

int tx_keywords(struct account_tx *tx, const struct slice *names, size_t n, uint64_t *bits_out,
	struct err *err)
{
	uint64_t bits = 0;
	unsigned bit = 0;

	for (size_t i = 0; i < n; i++) {
		const int rc = keyword_bit(tx, names[i], &bit, err);

		if (rc < 0)
			return rc;
		bits |= 1ull << bit;
	}
	*bits_out = bits;
	return 0;
}
