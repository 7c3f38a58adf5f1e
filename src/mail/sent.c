/* sent.c - see sent.h for the contract. */
#include "mail/sent.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum { ACCOUNT_ARENA = 64 << 10, MAILBOX_ARENA = 4 * MAILBOX_NAME_MAX, SEEN_MAX = 4096 };

/* ---- copies that were seen a moment ago ---- */

struct seen {
	uint64_t account, mailbox, id, subject;
	int64_t at_ms;
	uint32_t uid;
};

/* A place each, by what they are looked for: a later one may take it. */
struct mail_sent {
	pthread_mutex_t lock; /* guards both */
	struct seen ours[SEEN_MAX], programs[SEEN_MAX];
};

void mail_sent_open(struct service *service)
{
	service->sent = mem_new(struct mail_sent);
	pthread_mutex_init(&service->sent->lock, NULL);
}

void mail_sent_close(struct service *service)
{
	if (service->sent)
		pthread_mutex_destroy(&service->sent->lock);
	free(service->sent);
	service->sent = NULL;
}

static struct seen seen_of(uint64_t account, uint64_t mailbox, const struct incoming *in)
{
	return (struct seen){.account = account,
		.mailbox = mailbox,
		.id = in->refs[0],
		.subject = in->subject,
		.at_ms = clock_mono_ms()};
}

static bool is_same(const struct seen *a, const struct seen *b)
{
	return a->account == b->account && a->mailbox == b->mailbox && a->id == b->id &&
	       a->subject == b->subject && b->at_ms - a->at_ms < SENT_NEAR_MS;
}

/* The place of it in such a list; without Message-ID: none. Under the lock. */
static struct seen *place_of(struct seen *list, const struct seen *what)
{
	return what->id ? &list[(what->id ^ what->account) % SEEN_MAX] : NULL;
}

static void note(struct mail_sent *sent, struct seen *list, const struct seen *what)
{
	struct seen *place;

	pthread_mutex_lock(&sent->lock);
	place = place_of(list, what);
	if (place)
		*place = *what;
	pthread_mutex_unlock(&sent->lock);
}

/* Found once only: it is forgotten then. */
static bool take(
	struct mail_sent *sent, struct seen *list, const struct seen *what, uint32_t *uid_out)
{
	struct seen *place;
	bool is;

	pthread_mutex_lock(&sent->lock);
	place = place_of(list, what);
	is = place && is_same(place, what);
	if (is) {
		*uid_out = place->uid;
		*place = (struct seen){0};
	}
	pthread_mutex_unlock(&sent->lock);
	return is;
}

uint32_t mail_sent_by_program(
	struct service *service, uint64_t account, uint64_t mailbox, const struct incoming *in)
{
	const struct seen what = seen_of(account, mailbox, in);
	uint32_t uid = 0;

	if (service->sent)
		take(service->sent, service->sent->ours, &what, &uid);
	return uid;
}

void mail_sent_has_program(
	struct service *service, uint64_t account, uint64_t mailbox, const struct incoming *in)
{
	const struct seen what = seen_of(account, mailbox, in);

	/* What comes with an old date is being moved here. */
	if (service->sent && clock_wall_s() - in->received_s < SENT_NEAR_MS / 1000)
		note(service->sent, service->sent->programs, &what);
}

/* ---- keeping ---- */

struct sent {
	struct account_write write;
	struct service *service;
	struct account *account;
	struct incoming *in;
	uint64_t owner, folder, otherwise;
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
	struct seen what = seen_of(s->owner, s->folder, s->in);
	uint32_t uid;
	int rc;

	if (take(s->service->sent, s->service->sent->programs, &what, &uid))
		return 0;
	rc = tx_add(tx, s->folder, s->in, FLAG_SEEN, 0, &s->added, err);
	if (rc == -ERR_NOTFOUND && s->otherwise)
		rc = tx_add(tx, s->otherwise, s->in, FLAG_SEEN, 0, &s->added, err);
	if (rc < 0)
		return rc;
	what.mailbox = s->added.mailbox;
	what.uid = s->added.uid;
	note(s->service->sent, s->service->sent->ours, &what);
	return 0;
}

static void sent_done(struct account_write *write, int rc, const struct err *err)
{
	struct sent *s = (struct sent *)write;
	const struct seen what = seen_of(s->owner, s->added.mailbox, s->in);
	uint32_t uid;

	if (rc < 0) /* what was not written has no uid */
		take(s->service->sent, s->service->sent->ours, &what, &uid);
	sent_free(s, rc, err);
}

uint64_t mail_sent_folder(struct account *account, uint64_t wanted, uint64_t otherwise)
{
	struct mailbox_info found;
	struct arena arena AUTO(arena_done);
	struct err err;

	arena_init(&arena, MAILBOX_ARENA);
	if (wanted &&
		account_mailbox(
			account, (struct slice){0}, wanted, ROLE_NONE, &arena, &found, &err) == 0 &&
		!found.is_noselect)
		return wanted;
	return otherwise;
}

static int find_folder(struct sent *s, struct slice sender, struct err *err)
{
	struct directory_personality personality = {.sent = 0};
	struct mailbox_info found;
	struct arena arena AUTO(arena_done);
	struct err ignored;
	int rc;

	arena_init(&arena, ACCOUNT_ARENA);
	if (mail_personality_of(
		    s->service->directory, s->owner, sender, &arena, &personality, &ignored) < 0)
		personality.sent = 0;
	rc = account_mailbox(s->account, (struct slice){0}, 0, ROLE_SENT, &arena, &found, err);
	s->otherwise = rc == 0 ? found.id : 0;
	s->folder = mail_sent_folder(s->account, personality.sent, s->otherwise);
	return s->folder ? 0 : rc;
}

bool mail_keeps_sent(struct service *service, uint64_t account)
{
	struct directory_account owner;
	struct arena arena AUTO(arena_done);
	struct err err;

	arena_init(&arena, ACCOUNT_ARENA);
	return directory_account(service->directory, account, &arena, &owner, &err) < 0 ||
	       owner.keeps_sent;
}

void mail_keep_sent(
	struct service *service, uint64_t account, struct slice sender, struct incoming *in)
{
	struct directory_account owner;
	struct arena arena AUTO(arena_done);
	struct sent *s;
	struct err err;
	int rc;

	arena_init(&arena, ACCOUNT_ARENA);
	/* The account wanted no copy when the message began, or wants none any more. */
	if (in->is_passed_on)
		return;
	rc = directory_account(service->directory, account, &arena, &owner, &err);
	if (rc == 0 && !owner.keeps_sent)
		return;
	s = mem_new(struct sent);
	*s = (struct sent){.write = {.run = sent_run, .done = sent_done, .is_adding = true},
		.service = service,
		.owner = account,
		.in = incoming_ref(in)};
	if (rc == 0)
		rc = store_account(service->store, account, owner.quota_bytes, &s->account, &err);
	if (rc == 0) /* again: an account that was deleted meanwhile must not come to life */
		rc = directory_account(service->directory, account, &arena, &owner, &err);
	if (rc == 0)
		rc = find_folder(s, sender, &err);
	if (rc < 0)
		sent_free(s, rc, &err);
	else
		account_submit(s->account, &s->write);
}
