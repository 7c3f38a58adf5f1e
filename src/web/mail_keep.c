/* mail_keep.c - what stays of a message in the user's folders: the copy in Sent, the draft. */
#include <stdio.h>

#include "mail/sent.h"
#include "web/pages.h"
#include "web/send.h"

struct keep {
	struct visit_write w;
	struct incoming *copy;
	uint64_t folder;    /* Sent, or a personality's, or Drafts */
	uint64_t otherwise; /* when that is gone; 0: none */
	uint64_t flags, once;
	struct write_ref draft, source;
	bool is_forward;
	struct message_added added;
};

static int run_keep(struct account_write *item, struct account_tx *tx, struct err *err)
{
	static const struct slice forwarded = {"$Forwarded", 10};
	struct keep *k = (struct keep *)item;
	uint64_t mark = FLAG_ANSWERED;
	int rc = 0;

	if (k->copy)
		rc = tx_add(tx, k->folder, k->copy, k->flags, k->once, &k->added, err);
	if (rc == -ERR_NOTFOUND && k->copy && k->otherwise)
		rc = tx_add(tx, k->otherwise, k->copy, k->flags, k->once, &k->added, err);
	if (rc == 0 && k->source.uid && k->is_forward)
		rc = tx_keywords(tx, &forwarded, 1, &mark, err);
	if (rc == 0 && k->source.uid)
		rc = tx_flags(tx, k->source.folder, &k->source.uid, 1, FLAGS_ADD, mark, UINT64_MAX,
			NULL, err);
	if (rc == 0 && k->draft.uid)
		rc = tx_expunge(tx, k->draft.folder, &k->draft.uid, 1, err);
	/* Its folder may have been deleted meanwhile: nothing is left to be done there. */
	return rc == -ERR_NOTFOUND && !k->copy ? 0 : rc;
}

static void free_keep(struct visit_write *w)
{
	struct keep *k = (struct keep *)w;

	if (k->copy)
		incoming_free(&k->copy);
}

/* A draft is only ever one of the Drafts folder: another message cannot be made to vanish. */
static struct write_ref own_draft(const struct write *w, uint64_t drafts)
{
	return w->draft.folder == drafts ? w->draft : (struct write_ref){0};
}

bool send_find_role(struct http *x, enum mailbox_role role, uint64_t *id_out)
{
	struct mailbox_info found;
	struct err err;
	const int rc = account_mailbox(
		visit_of(x)->store, (struct slice){0}, 0, role, http_arena(x), &found, &err);

	*id_out = rc == 0 ? found.id : 0;
	if (rc < 0 && rc != -ERR_NOTFOUND)
		visit_fail(x, rc, &err);
	return rc == 0 || rc == -ERR_NOTFOUND;
}

/* With what the next page's button needs: seconds (none: it waits for longer), and its id. */
static void say_held(struct http *x, const struct sending *s)
{
	char said[64];

	if (s->is_later)
		snprintf(said, sizeof(said), "later..%llx", (unsigned long long)s->once);
	else
		snprintf(said, sizeof(said), "held.%lld.%llx", (long long)s->held_s,
			(unsigned long long)s->once);
	visit_say(x, said);
}

static void on_sent_kept(struct http *x, struct answer *answer)
{
	const struct sending *s = visit_of(x)->more;

	if (answer->rc < 0)
		log_warn(http_log(x), "sent_copy", log_e(&answer->err));
	if (answer->rc == 0 && s->env.wishes.not_before_s)
		say_held(x, s);
	else
		visit_say(x, answer->rc < 0 ? "sent_no_copy" : "sent");
	visit_answer_done(answer);
	visit_go(x, "/mail");
}

void send_keep_sent(struct http *x, struct sending *s)
{
	struct keep *k;
	uint64_t sent, drafts;

	if (!send_find_role(x, ROLE_SENT, &sent) || !send_find_role(x, ROLE_DRAFTS, &drafts))
		return;
	k = visit_write_new(x, sizeof(*k), run_keep);
	k->w.free_kind = free_keep;
	k->folder = mail_sent_folder(visit_of(x)->store, s->w.sent, sent);
	k->copy = k->folder ? incoming_ref(s->copy) : NULL;
	k->otherwise = sent;
	k->flags = FLAG_SEEN;
	k->once = s->once_kept;
	k->draft = own_draft(&s->w, drafts);
	k->source = s->w.source;
	k->is_forward = s->w.is_forward;
	visit_write(x, &k->w, on_sent_kept);
}

static void on_draft_kept(struct http *x, struct answer *answer)
{
	const struct keep *k = answer->data;

	if (answer->rc < 0) {
		visit_fail(x, answer->rc, &answer->err);
	} else {
		visit_say(x, "draft");
		visit_go(x, "/mail/write?draft=%llx-%u&source=%.*s&kind=%.*s",
			(unsigned long long)k->folder, k->added.uid,
			SLICE_ARG(k->source.uid ? http_form(x, "source") : (struct slice){0}),
			SLICE_ARG(k->is_forward ? slice_lit("forward") : slice_lit("reply")));
	}
	visit_answer_done(answer);
}

static int run_draft(struct account_write *item, struct account_tx *tx, struct err *err)
{
	struct keep *k = (struct keep *)item;
	int rc = tx_add(tx, k->folder, k->copy, k->flags, 0, &k->added, err);

	if (rc == 0 && k->draft.uid)
		rc = tx_expunge(tx, k->draft.folder, &k->draft.uid, 1, err);
	return rc;
}

void send_keep_draft(struct http *x, struct sending *s)
{
	struct keep *k;
	uint64_t drafts;

	if (!send_find_role(x, ROLE_DRAFTS, &drafts))
		return;
	if (!drafts) {
		form_error(s->w.values, "body", "There is no folder for drafts.");
		write_show(x, &s->w);
		return;
	}
	k = visit_write_new(x, sizeof(*k), run_draft);
	k->w.item.is_adding = true;
	k->w.free_kind = free_keep;
	k->copy = incoming_ref(s->copy);
	k->folder = drafts;
	k->flags = FLAG_SEEN | FLAG_DRAFT;
	k->draft = own_draft(&s->w, drafts);
	k->source = s->w.source;
	k->is_forward = s->w.is_forward;
	visit_write(x, &k->w, on_draft_kept);
}

static void on_discarded(struct http *x, struct answer *answer)
{
	if (answer->rc < 0) {
		visit_fail(x, answer->rc, &answer->err);
	} else {
		visit_say(x, "discarded");
		visit_go(x, "/mail");
	}
	visit_answer_done(answer);
}

void send_discard(struct http *x, const struct write *w)
{
	struct keep *k;
	uint64_t drafts;

	if (!send_find_role(x, ROLE_DRAFTS, &drafts))
		return;
	k = visit_write_new(x, sizeof(*k), run_keep);
	k->draft = own_draft(w, drafts);
	visit_write(x, &k->w, on_discarded);
}
