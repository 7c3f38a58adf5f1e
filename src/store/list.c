/* list.c - the mailboxes of an account, as anybody may ask for them. */
#include <stdlib.h>

#include "store/internal.h"

static int compare(const void *a, const void *b)
{
	const struct mailbox_info *x = a, *y = b;

	if ((x->role == ROLE_INBOX) != (y->role == ROLE_INBOX))
		return x->role == ROLE_INBOX ? -1 : 1;
	return slice_cmp(x->name, y->name);
}

static bool fill(const struct mailbox *mb, struct arena *arena, struct mailbox_info *out)
{
	const bool is_absent = mb->row.flags & MAILBOX_ABSENT;

	*out = (struct mailbox_info){
		.id = is_absent ? 0 : mb->row.id,
		.name = arena_dup(arena, slice_str(mb->name)),
		.role = mb->row.role,
		.is_subscribed = mb->row.flags & MAILBOX_SUBSCRIBED,
		.is_noselect = mb->row.flags & MAILBOX_NOSELECT,
		.uidvalidity = mb->row.uidvalidity,
		.uidnext = mb->row.uidnext,
		.messages = mb->row.messages,
		.unseen = mb->row.unseen,
		.deleted = mb->row.deleted,
		.bytes = mb->row.bytes,
		.modseq = mb->row.modseq,
	};
	return out->name.ptr != NULL;
}

static int no_memory(struct err *err)
{
	return err_set(err, ERR_TOOBIG, "too little memory for the list of mailboxes");
}

int account_mailboxes(struct account *account, struct arena *arena, struct mailbox_info **list_out,
	size_t *n_out, struct err *err)
{
	struct mailbox_info *list;
	size_t n, i = 0;
	int rc = account_wait_loaded(account, err);

	if (rc < 0)
		return rc;
	pthread_mutex_lock(&account->lock);
	n = account->list_n;
	list = arena_array(arena, struct mailbox_info, n + 1);
	while (list && i < n && fill(account->list[i], arena, &list[i]))
		i++;
	pthread_mutex_unlock(&account->lock);
	if (!list || i < n)
		return no_memory(err);
	qsort(list, n, sizeof(*list), compare);
	*list_out = list;
	*n_out = n;
	return 0;
}

static bool is_wanted(
	const struct mailbox *mb, struct slice name, uint64_t id, enum mailbox_role role)
{
	if (mb->row.flags & MAILBOX_ABSENT)
		return false;
	if (name.len) {
		/* INBOX is the one name without case (RFC 9051 5.1), also as a first level. */
		const struct slice own = slice_str(mb->name), inbox = slice_lit("INBOX");
		const bool is_inbox = slice_starts(own, inbox) &&
				      (own.len == inbox.len || own.ptr[inbox.len] == '/');

		if (is_inbox && slice_starts_nocase(name, inbox))
			return slice_eq(slice_from(name, inbox.len), slice_from(own, inbox.len));
		return slice_eq(own, name);
	}
	return id ? mb->row.id == id : mb->row.role == role;
}

int account_mailbox(struct account *account, struct slice name, uint64_t id, enum mailbox_role role,
	struct arena *arena, struct mailbox_info *out, struct err *err)
{
	bool is_found = false, is_copied = false;
	struct mailbox_info info;
	int rc = account_wait_loaded(account, err);

	if (rc < 0)
		return rc;
	pthread_mutex_lock(&account->lock);
	for (size_t i = 0; !is_found && i < account->list_n; i++) {
		is_found = is_wanted(account->list[i], name, id, role);
		if (is_found)
			is_copied = fill(account->list[i], arena, &info);
	}
	pthread_mutex_unlock(&account->lock);
	if (!is_found)
		return err_set(err, ERR_NOTFOUND, "no such mailbox");
	if (!is_copied)
		return no_memory(err);
	*out = info;
	return 0;
}
