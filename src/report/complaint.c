/*
 * complaint.c - a feedback report about one message (arf.h): whose message it is, by proof, and
 * what follows from that.
 *
 * Anybody may send such reports, so nothing in them is believed but what we signed ourselves: the
 * header by DKIM, or the mark in the envelope's sender (origin.h). A complaint counts against the
 * account that sent the message. Each one of a host that the operator trusts does, and one a day of
 * all others together (told.c), which alone gives no points.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "mail/conduct.h"
#include "mail/return_paths.h"
#include "mail/submitted.h"
#include "mailauth/domain.h"
#include "report/internal.h"
#include "report/origin.h"

enum {
	NAMES_MS = 20000,
	WISH_MS = 30000,
	ROUNDS_MAX = 4,
	ARENA_BYTES = 4 << 20,
	WISH_MAX = 4096,
};

struct complaint {
	struct reports *reports;
	struct arena arena;
	struct dns_view view;
	unsigned rounds;
	struct origin origin;
	struct arf arf;
	struct slice header; /* of the message that it is about */
	struct arf_message message;
	struct told told;
	uint64_t number; /* of the message, in its history; 0: not known */
	report_done_fn *done;
	void *context;
};

static void end(struct complaint *c, int rc, const struct err *err)
{
	c->done(c->context, rc, err);
	origin_done(&c->origin);
	arena_done(&c->arena);
	free(c);
}

/* ---- whose it is ---- */

static bool is_ours(void *context, struct slice domain)
{
	const struct complaint *c = context;
	bool is = false;
	struct err err;

	return directory_has_domain(c->reports->service->directory, domain, &is, &err) == 0 && is;
}

static struct slice domain_of(struct slice address)
{
	const size_t at = slice_rchr(address, '@');

	return at == SIZE_MAX ? (struct slice){0} : slice_from(address, at + 1);
}

static int find_account(struct complaint *c, struct slice author, struct err *err)
{
	struct mail_submitted sent = {.account = 0};
	const int rc = mail_submitted_find(c->reports->service, c->header, author, &sent, err);

	c->told.address = author;
	c->told.account = sent.account;
	c->number = sent.number;
	return rc == -ERR_NOTFOUND ? 0 : rc;
}

/* By the mark in the envelope's sender, as the report or the message's last host has it. */
static enum origin_path find_path(struct complaint *c, struct slice *author)
{
	const struct slice senders[] = {c->arf.mail_from, c->message.sender};
	enum origin_path path = ORIGIN_UNKNOWN;
	struct return_keys keys;

	return_paths_keys(c->reports->service, &keys);
	for (size_t i = 0; i < 2 && path == ORIGIN_UNKNOWN; i++) {
		if (is_ours(c, domain_of(senders[i])))
			path = origin_path_of(&keys, senders[i], clock_wall_s(), &c->arena, author);
	}
	return path;
}

static int prove(struct complaint *c, struct err *err)
{
	const struct slice signer = origin_signer(&c->origin);
	struct slice author = c->message.author;

	if (signer.len && domain_is_within(domain_of(author), signer)) {
		c->told.proof = TOLD_SIGNED;
		c->told.about = signer;
		return find_account(c, author, err);
	}
	switch (find_path(c, &author)) {
	case ORIGIN_SENT:
		c->told.proof = TOLD_MARKED;
		c->told.about = domain_of(author);
		return find_account(c, author, err);
	case ORIGIN_FORWARDED:
		c->told.proof = TOLD_FORWARDED;
		return 0;
	default:
		return 0;
	}
}

/* ---- what follows ---- */

static void on_suppressed(void *context, struct frame *f, int rc, const struct err *err)
{
	(void)context;
	if (f)
		frame_bytes(f);
	if (rc < 0)
		log_warn(&report_log, "suppress", log_e(err));
}

/* Only who had that message: else a list could be made of others' addresses. */
static void suppress(const struct complaint *c)
{
	struct service *service = c->reports->service;
	struct buf pair AUTO(buf_done);

	buf_init(&pair, WISH_MAX);
	if (!c->reports->config.suppresses || !c->told.is_trusted || !service->ask ||
		!mail_submitted_went_to(service, c->number, c->arf.rcpt_to))
		return;
	buf_printf(&pair, "%.*s %.*s", SLICE_ARG(c->told.address), SLICE_ARG(c->arf.rcpt_to));
	reports_wish(c->reports,
		json_pack("{s:s, s:s%, s:s}", "do", "suppress", "address", pair.ptr, pair.len,
			"reason", "550 5.7.1 the recipient complained about mail from this sender"),
		WISH_MS, on_suppressed, NULL);
}

static void follow(const struct complaint *c)
{
	struct service *service = c->reports->service;

	if (!c->told.is_new)
		return;
	log_info(&report_log, "complaint", log_s("via", c->told.via), log_s("type", c->arf.type),
		log_n("account", (int64_t)c->told.account), log_n("counts", c->told.is_counted));
	track_event(service->track, c->number, "complaint", log_s("via", c->told.via),
		log_s("type", c->arf.type), log_s("recipient", c->arf.rcpt_to),
		log_n("counts", c->told.is_counted));
	if (c->told.is_counted)
		conduct_complained(service, c->told.account);
	if (c->told.proof == TOLD_SIGNED && arf_is_complaint(&c->arf))
		suppress(c);
}

static void conclude(struct complaint *c)
{
	struct err err;
	int rc = prove(c, &err);

	if (rc == 0)
		rc = told_keep(c->reports, &c->told, &err);
	if (rc == 0)
		follow(c);
	end(c, rc, &err);
}

static void look(struct complaint *c);

static void on_names(void *context)
{
	struct complaint *c = context;
	struct err err;

	if (reports_are_closing(c->reports)) {
		err_set(&err, ERR_BUSY, "the server ends");
		end(c, -ERR_BUSY, &err);
	} else {
		look(c);
	}
}

static void look(struct complaint *c)
{
	struct ask *ask = c->reports->service->ask;

	if (origin_check(&c->origin, &c->view)) {
		conclude(c);
	} else if (ask && c->rounds++ < ROUNDS_MAX) {
		ask_names(ask, &c->view, NAMES_MS, on_names, c);
	} else {
		dns_view_fail(&c->view);
		origin_check(&c->origin, &c->view);
		conclude(c);
	}
}

/* ---- a report has come ---- */

static bool is_trusted(const struct reports *r, struct slice via)
{
	struct slice rest = r->config.trusted, domain;

	while (via.len && (domain = slice_next_word(&rest)).len) {
		if (domain_is_within(via, domain))
			return true;
	}
	return false;
}

static void describe(struct complaint *c, const struct received *how)
{
	const struct arf *arf = &c->arf;

	c->told = (struct told){.is_failure = arf_is_failure(arf),
		.via = arena_dup(&c->arena, how->via),
		.to = arena_dup(&c->arena, how->to),
		.about = arf->domain.len ? arf->domain : domain_of(c->message.author),
		.type = arf->type,
		.source = arf->source,
		.author = c->message.author,
		.sender = arf->mail_from,
		.recipient = arf->rcpt_to,
		.message = c->message.id,
		.subject = c->message.subject,
		.result = arf->result,
		.failure = arf->failure,
		.alignment = arf->alignment,
		.incidents = arf->incidents,
		.may_count = arf_is_complaint(arf),
		.is_trusted = is_trusted(c->reports, how->via)};
}

void complaint_take(struct reports *r, struct slice fields, struct slice header,
	const struct received *how, report_done_fn *done, void *context)
{
	struct complaint *c = mem_new(struct complaint);
	struct err err;
	int rc;

	*c = (struct complaint){.reports = r, .done = done, .context = context};
	arena_init(&c->arena, ARENA_BYTES);
	dns_view_init(&c->view, &c->arena);
	c->header = arena_dup(&c->arena, header);
	rc = arf_read(fields, &c->arena, &c->arf, &err);
	if (rc == 0) {
		arf_message_read(c->header, &c->arena, &c->message);
		describe(c, how);
		rc = c->told.is_failure ? told_keep(r, &c->told, &err)
					: told_check_room(r, &c->told, &err);
	}
	if (rc < 0 || c->told.is_failure) {
		end(c, rc, &err);
		return;
	}
	origin_read(&c->origin, c->header, clock_wall_s(), &c->arena, is_ours, c);
	look(c);
}
