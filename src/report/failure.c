/*
 * failure.c - single messages that failed DMARC, for domains that ask to be told of them (RFC
 * 9991).
 *
 * A stranger may send as many as they like in anybody's name: what is like one of the same day is
 * counted with it, an organisation is told of REPORT_FAILURES_DAY_MAX a day, and a message that is
 * a report itself, or came from nobody, is never told.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/random.h"
#include "mailauth/domain.h"
#include "report/internal.h"
#include "wire/dns/rdata.h"
#include "wire/mime/write.h"

enum {
	ARENA_MAX = 256 << 10,
	TEXT_MAX = 64 << 10,
	RUF_MAX = 2000,
	GATHER_S = 60, /* so long what is alike is one report */
	NETWORK_V4 = 24,
	NETWORK_V6 = 48,
	PART_MAX = 1024,
	SECOND_MAX = 100,
};

/* ---- whether ---- */

static bool is_wanted(const struct dmarc_outcome *dmarc)
{
	const struct dmarc_record *record = &dmarc->record;
	const bool is_whole = dmarc->result == AUTH_FAIL;
	const bool is_any =
		is_whole ||
		(dmarc->result == AUTH_PASS && (!dmarc->is_dkim_aligned || !dmarc->is_spf_aligned));

	/* RFC 9991 2: a public suffix is not the author's domain. */
	if (record->ruf.len == 0 || record->ruf.len > RUF_MAX || record->psd == 'y')
		return false;
	return (record->tells_whole && is_whole) || (record->tells_any && is_any);
}

static bool is_report(struct slice header)
{
	struct mime_field field;

	return mime_header_find(header, slice_lit("Content-Type"), &field) &&
	       slice_find(field.value, slice_lit("feedback-report")) != SIZE_MAX;
}

/* ---- what ---- */

static struct slice alignment_of(const struct dmarc_outcome *dmarc)
{
	if (dmarc->is_dkim_aligned)
		return dmarc->is_spf_aligned ? slice_lit("none") : slice_lit("spf");
	return dmarc->is_spf_aligned ? slice_lit("dkim") : slice_lit("dkim, spf");
}

static struct slice result_of(enum dmarc_policy done)
{
	return done == DMARC_REJECT       ? slice_lit("reject")
	       : done == DMARC_QUARANTINE ? slice_lit("spam")
					  : slice_lit("delivered");
}

/* A signature that could have stood for the author. */
static void put_dkim(const struct mailauth_verdict *v, struct arena *arena, struct arf *out)
{
	for (size_t i = 0; i < v->dkim.n; i++) {
		const struct dkim_signature *one = &v->dkim.list[i];

		if (one->sig.result == AUTH_PASS || !slice_eq(domain_registrable(one->sig.domain),
							    domain_registrable(v->dmarc.author)))
			continue;
		out->dkim_domain = record_text(one->sig.domain, arena);
		out->dkim_identity = record_text(one->identity, arena);
		out->dkim_selector = record_text(one->sig.selector, arena);
		return;
	}
}

/* RFC 6591 4: the record by which it failed, as far as it can be quoted. */
static struct slice spf_record(const struct report_seen *seen, struct arena *arena)
{
	const struct slice domain = seen->verdict->spf.domain;
	struct buf text AUTO(buf_done);
	struct dns_answer answer;
	struct slice record;

	buf_init(&text, PART_MAX);
	if (!seen->view || seen->verdict->spf.result == AUTH_PASS ||
		dns_view_get(seen->view, domain, DNS_TXT, &answer) != DNS_FOUND)
		return (struct slice){0};
	for (size_t i = 0; i < answer.n; i++) {
		if (!dns_read_txt(answer.rdata[i], arena, &record) ||
			!slice_starts_nocase(record, slice_lit("v=spf1")) ||
			slice_chr(record, '"') != SIZE_MAX || slice_chr(record, '\\') != SIZE_MAX)
			continue;
		buf_printf(&text, "txt : %.*s : \"%.*s\"", SLICE_ARG(domain), SLICE_ARG(record));
		return text.failed ? (struct slice){0} : feedback_text(buf_slice(&text), arena);
	}
	return (struct slice){0};
}

static struct slice results_of(
	const struct reports *r, const struct report_seen *seen, struct arena *arena)
{
	const struct mailauth_verdict *v = seen->verdict;
	struct buf text AUTO(buf_done);

	buf_init(&text, PART_MAX);
	buf_printf(&text, "%.*s; dmarc=%s header.from=%.*s; spf=%s smtp.mailfrom=%.*s",
		SLICE_ARG(r->service->host_name), auth_result_name(v->dmarc.result),
		SLICE_ARG(v->dmarc.author), auth_result_name(v->spf.result),
		SLICE_ARG(v->spf.domain));
	return feedback_text(buf_slice(&text), arena);
}

static void describe(const struct reports *r, const struct report_seen *seen, char *ip,
	struct arena *arena, struct arf *out)
{
	const struct mailauth_verdict *v = seen->verdict;
	struct buf date AUTO(buf_done);

	buf_init(&date, PART_MAX);
	mime_write_date(&date, clock_wall_s());
	ip_write(&seen->ip, ip);
	*out = (struct arf){.failure = slice_lit("dmarc"),
		.alignment = alignment_of(&v->dmarc),
		.result = result_of(seen->done),
		.results = results_of(r, seen, arena),
		.mail_from = record_text(seen->sender, arena),
		.arrival = feedback_text(buf_slice(&date), arena),
		.source = slice_str(ip),
		.domain = record_text(v->dmarc.author, arena),
		.spf_dns = spf_record(seen, arena)};
	put_dkim(v, arena, out);
}

/* ---- noting ---- */

/* What makes one failure like another: the network, the author, what failed and what was done. */
static void put_what(const struct report_seen *seen, const struct arf *arf, struct buf *out)
{
	const struct ip_network network =
		ip_network_of(&seen->ip, seen->ip.len == IP_V4 ? NETWORK_V4 : NETWORK_V6);
	const struct slice domain = slice_from(arf->mail_from, slice_rchr(arf->mail_from, '@') + 1);
	unsigned char sum[SHA256_LEN];
	char ip[IP_TEXT_MAX];
	struct buf text AUTO(buf_done);

	buf_init(&text, TEXT_MAX);
	ip_write(&network.ip, ip);
	buf_printf(&text, "%s %.*s %.*s %.*s %.*s", ip, SLICE_ARG(arf->domain), SLICE_ARG(domain),
		SLICE_ARG(arf->alignment), SLICE_ARG(arf->result));
	sha256(buf_slice(&text), sum);
	hex_encode(out, (struct slice){(const char *)sum, sizeof(sum)});
}

/* What is noted waits in memory, and is large. */
static bool is_too_fast(struct reports *r, int64_t now)
{
	if (atomic_exchange(&r->failing_s, now) != now)
		atomic_store(&r->failing, 0);
	return atomic_fetch_add(&r->failing, 1) >= SECOND_MAX;
}

void failure_seen(struct reports *r, const struct report_seen *seen)
{
	const struct dmarc_outcome *dmarc = &seen->verdict->dmarc;
	const int64_t now = clock_wall_s();
	struct buf text AUTO(buf_done), what AUTO(buf_done);
	struct arena arena AUTO(arena_done);
	struct record_period period;
	char ip[IP_TEXT_MAX];
	struct arf arf;

	arena_init(&arena, ARENA_MAX);
	buf_init(&text, TEXT_MAX);
	buf_init(&what, 2 * SHA256_LEN + 1);
	if (!r->config.tells_failures || !is_wanted(dmarc) || seen->sender.len == 0 ||
		is_report(seen->header) || is_too_fast(r, now))
		return;
	describe(r, seen, ip, &arena, &arf);
	arf_write(&arf, &text);
	if (seen->number)
		buf_printf(&text, "Original-Envelope-Id: %016llx\r\n",
			(unsigned long long)seen->number);
	buf_lit(&text, "\r\n");
	arf_put_header(seen->header, &text);
	put_what(seen, &arf, &what);
	period = (struct record_period){.kind = REPORT_FAILURE,
		.domain = dmarc->found_at,
		.policy = buf_slice(&text),
		.rua = dmarc->record.ruf,
		.begin_s = now - now % DAY_S,
		.end_s = now - now % DAY_S + DAY_S - 1,
		.due_s = now + GATHER_S};
	if (!text.failed)
		record_note(r, &period, buf_slice(&what));
}

/* ---- counting ---- */

static int add_failure(struct db *db, const struct record_period *p, struct slice what,
	struct slice home, struct err *err)
{
	return db_do(db, err,
		"INSERT INTO sending (id, kind, domain, home, begin, until, due, policy, rua, rows,"
		" beyond, attempts, state, what) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 0, 0, 0, ?)",
		db_i((int64_t)random_dated()), db_i(p->kind), db_t(p->domain), db_t(home),
		db_i(p->begin_s), db_i(p->end_s), db_i(p->due_s), db_t(p->policy), db_t(p->rua),
		db_t(what));
}

static int check_room(struct db *db, const struct record_period *p, struct slice home,
	bool *has_room_out, struct err *err)
{
	int64_t all, same;
	int rc = db_get_int(db, &all, err,
		"SELECT count(*) FROM sending WHERE kind = 2 AND begin = ?", db_i(p->begin_s));

	if (rc == 0)
		rc = db_get_int(db, &same, err,
			"SELECT count(*) FROM sending WHERE kind = 2 AND begin = ? AND home = ?",
			db_i(p->begin_s), db_t(home));
	if (rc == 0)
		*has_room_out = all < REPORT_FAILURES_ALL_MAX && same < REPORT_FAILURES_DAY_MAX;
	return rc;
}

int failure_count(struct db *db, const struct record_period *p, struct slice what, struct err *err)
{
	const struct slice registrable = domain_registrable(p->domain);
	const struct slice home = registrable.len ? registrable : p->domain;
	bool has_room = false;
	int rc = db_do(db, err,
		"UPDATE sending SET rows = rows + 1 WHERE kind = 2 AND domain = ? AND begin = ?"
		" AND what = ?",
		db_t(p->domain), db_i(p->begin_s), db_t(what));

	if (rc < 0 || db_changes(db))
		return rc;
	rc = check_room(db, p, home, &has_room, err);
	return rc == 0 && has_room ? add_failure(db, p, what, home, err) : rc;
}
