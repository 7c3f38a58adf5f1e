/* sent.c - see sent.h for the contract. */
#include "mail/sent.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

enum { ACCOUNT_ARENA = 4096, MAILBOX_ARENA = 4 * MAILBOX_NAME_MAX };

struct sent {
	struct account_write write;
	struct account *account;
	struct incoming *in;
	uint64_t folder;
	struct message_added added;
};

static void sent_free(struct sent *s, int rc, const struct err *err)
{
	if (rc < 0)
		log_warn(NULL, "sent_copy", log_e(err));
	account_free(&s->account);
	incoming_free(&s->in);
	free(s);
}

static int sent_run(struct account_write *write, struct account_tx *tx, struct err *err)
{
	struct sent *s = (struct sent *)write;

	return tx_add(tx, s->folder, s->in, FLAG_SEEN, 0, &s->added, err);
}

static void sent_done(struct account_write *write, int rc, const struct err *err)
{
	sent_free((struct sent *)write, rc, err);
}

static int find_folder(struct sent *s, struct err *err)
{
	struct mailbox_info found;
	struct arena arena AUTO(arena_done);
	int rc;

	arena_init(&arena, MAILBOX_ARENA);
	rc = account_mailbox(s->account, (struct slice){0}, 0, ROLE_SENT, &arena, &found, err);
	s->folder = rc == 0 ? found.id : 0;
	return rc;
}

void mail_keep_sent(struct service *service, uint64_t account, struct incoming *in)
{
	struct directory_account owner;
	struct arena arena AUTO(arena_done);
	struct sent *s;
	struct err err;
	int rc;

	arena_init(&arena, ACCOUNT_ARENA);
	rc = directory_account(service->directory, account, &arena, &owner, &err);
	if (rc == 0 && !owner.keeps_sent)
		return;
	s = mem_new(struct sent);
	*s = (struct sent){.write = {.run = sent_run, .done = sent_done, .is_adding = true},
		.in = incoming_ref(in)};
	if (rc == 0)
		rc = store_account(service->store, account, owner.quota_bytes, &s->account, &err);
	if (rc == 0) /* again: an account that was deleted meanwhile must not come to life */
		rc = directory_account(service->directory, account, &arena, &owner, &err);
	if (rc == 0)
		rc = find_folder(s, &err);
	if (rc < 0)
		sent_free(s, rc, &err);
	else
		account_submit(s->account, &s->write);
}
