/* bring_run.c - one turn of bringing a mailbox: its connections, its folders, and what comes next.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "courier/bring_run.h"

enum {
	ARENA_MAX = 16 << 20,
	TRIES_MAX = 15,
	TRIES_TLS = 3,
	AGAIN_S = 20, /* when it is our own server that is away */
};

static const int64_t waits_s[] = {5, 15, 60, 300, 900, 3600};

/* ---- connections ---- */

static int find_addresses(
	const struct bring_turn *t, struct ip *out, size_t *n_out, struct err *err)
{
	char texts[PEER_ADDRESSES_MAX][DNS_ADDRESS_MAX];
	size_t n = 0, good = 0;
	int rc = dns_addresses(t->dns, t->job.server.host, texts, PEER_ADDRESSES_MAX, &n, err);

	for (size_t i = 0; i < n && rc == 0; i++)
		good += ip_parse(slice_str(texts[i]), &out[good]);
	if (rc == 0 && !external_may_reach(t->settings, out, good))
		rc = err_set(err, ERR_CONFLICT, "%s has no public address", t->job.server.host);
	*n_out = good;
	return rc;
}

static int open_there(struct bring_run *r, struct err *err)
{
	const struct bring_turn *t = r->turn;
	struct ip addresses[PEER_ADDRESSES_MAX];
	struct imap_host host = {.name = t->job.server.host,
		.addresses = addresses,
		.port = t->job.server.port,
		.is_starttls = t->job.server.is_starttls,
		.login = slice_str(t->job.server.login),
		.password = slice_str(t->job.server.password)};
	int rc = find_addresses(t, addresses, &host.addresses_n, err);

	if (rc == -ERR_NOTFOUND)
		rc = err_set(err, ERR_CONFLICT, "there is no server %s", t->job.server.host);
	return rc < 0 ? rc : imap_client_open(&t->imap, &host, &r->imap, err);
}

int bring_run_here(struct bring_run *r, int rc)
{
	r->is_here |= rc < 0;
	return rc;
}

int bring_run_carry(struct bring_run *r, struct err *err)
{
	const struct bring_turn *t = r->turn;

	if (r->carry)
		return 0;
	return bring_run_here(
		r, carry_open(t->socket_path, t->settings->host_name, t->stop_fd, &r->carry, err));
}

/* ---- folders ---- */

static int list(struct bring_run *r, struct err *err)
{
	const int rc = imap_client_folders(r->imap, &r->arena, &r->folders, err);

	for (size_t i = 0; i < r->folders.n && rc == 0; i++) {
		r->has_uses |= (r->folders.list[i].attributes & ~(unsigned)IMAP_NOSELECT) != 0;
		r->has_all |= (r->folders.list[i].attributes & IMAP_USE_ALL) != 0;
	}
	return rc;
}

static int refuse(struct bring_run *r, const struct imap_listed *f, const struct bring_place *place,
	const char *why, struct err *err)
{
	return bring_run_here(r,
		bring_book_refuse(r->turn->book, r->turn->job.id, f->name, place->path, why, err));
}

/* A folder that cannot be read does not keep the others from being brought. */
static int after_folder(struct bring_run *r, const struct imap_listed *f,
	const struct bring_place *place, int rc, struct err *err)
{
	char why[sizeof(err->msg)];
	struct err ignored;

	if (rc >= 0 || r->is_here || r->is_over || r->is_full || rc == -ERR_BUSY)
		return rc;
	snprintf(why, sizeof(why), "%s", err->msg);
	if (rc == -ERR_CONFLICT) /* the connection is as good as before */
		return refuse(r, f, place, why, err);
	if (r->folder.id && bring_book_failed(r->turn->book, r->folder.id, &ignored) < 0)
		log_error(NULL, "bring-book", log_e(&ignored));
	return rc;
}

static int bring_one(
	struct bring_run *r, const struct imap_listed *f, bool is_last, struct err *err)
{
	struct bring_place place = {.path = f->name};
	int rc = bring_place(&r->arena, f, r->folders.prefix, r->has_uses, &place, err);

	r->folder = (struct bring_folder){.id = 0};
	if (rc < 0)
		return is_last ? 0 : refuse(r, f, &place, "its name is too long", err);
	if (place.is_level || place.is_all != is_last)
		return 0;
	if (place.is_view && (!place.is_all || !imap_client_knows_objects(r->imap)))
		return refuse(r, f, &place, "it shows messages of other folders", err);
	rc = bring_run_folder(r, f, &place, err);
	return after_folder(r, f, &place, rc, err);
}

/* How much there is, before the first of it comes: for who looks on. */
static int count(struct bring_run *r, const struct imap_listed *f, struct err *err)
{
	const struct bring_turn *t = r->turn;
	struct bring_place place;
	uint64_t messages = 0;
	int rc;

	if (bring_place(&r->arena, f, r->folders.prefix, r->has_uses, &place, err) < 0 ||
		place.is_level || place.is_view || bring_book_knows(t->book, t->job.id, f->name))
		return 0;
	rc = imap_client_count(r->imap, f->name, &messages, err);
	if (rc < 0)
		return rc == -ERR_CONFLICT ? 0 : rc;
	return bring_run_here(
		r, bring_book_expect(t->book, t->job.id, f->name, place.path, messages, err));
}

/* What is only in the folder of all messages comes last, when the others are known. */
static int bring_all(struct bring_run *r, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < r->folders.n && rc == 0; i++)
		rc = count(r, &r->folders.list[i], err);
	for (unsigned last = 0; last < 2; last++) {
		for (size_t i = 0; i < r->folders.n && rc == 0; i++)
			rc = bring_one(r, &r->folders.list[i], last, err);
	}
	return rc;
}

/* ---- what comes next ---- */

static int end(struct bring_turn *t, enum bring_state state, const char *why, struct err *err)
{
	log_info(NULL, "bring-end", log_n("job", (int64_t)t->job.id),
		log_n("account", (int64_t)t->job.account), log_n("state", state),
		log_c("why", why));
	return bring_book_end(t->book, t->job.id, state, why, err);
}

static int again(struct bring_turn *t, const char *why, struct err *err)
{
	const size_t last = sizeof(waits_s) / sizeof(waits_s[0]) - 1;
	const unsigned tries = t->job.tries;

	log_info(NULL, "bring-again", log_n("job", (int64_t)t->job.id), log_c("why", why));
	if (tries + 1 >= TRIES_MAX)
		return end(t, BRING_FAILED, why, err);
	return bring_book_put_off(
		t->book, t->job.id, waits_s[tries < last ? tries : last], true, why, err);
}

static int settle(struct bring_run *r, int rc, const char *why, struct err *err)
{
	struct bring_turn *t = r->turn;

	if (rc == 0)
		return end(t, BRING_DONE, "", err);
	if (r->is_over)
		return bring_book_put_off(t->book, t->job.id, 0, false, "", err);
	if (r->is_full)
		return end(t, BRING_FAILED,
			"The account is full: make room in it, then bring the rest", err);
	if (r->is_here && rc == -ERR_NOTFOUND) /* whose it was is gone */
		return bring_book_forget(t->book, 0, t->job.id, err);
	if (r->is_here)
		return bring_book_put_off(t->book, t->job.id, AGAIN_S, false, "", err);
	if (!r->imap &&
		(rc == -ERR_CONFLICT || (rc == -ERR_DENIED && t->job.tries + 1 >= TRIES_TLS)))
		return end(t, BRING_FAILED, why, err);
	return again(t, why, err);
}

void bring_run(struct bring_turn *turn)
{
	struct bring_run r = {.turn = turn};
	struct err err, failed;
	int rc;

	arena_init(&r.arena, ARENA_MAX);
	rc = open_there(&r, &err);
	if (rc == 0)
		rc = list(&r, &err);
	if (rc == 0)
		rc = bring_all(&r, &err);
	/* Who stopped it has written that down. */
	if (bring_book_is_running(turn->book, turn->job.id) && !bring_turn_is_stopped(turn) &&
		settle(&r, rc, rc < 0 ? err.msg : "", &failed) < 0)
		log_error(NULL, "bring-book", log_e(&failed));
	imap_client_close(&r.imap);
	carry_close(&r.carry);
	arena_done(&r.arena);
}
