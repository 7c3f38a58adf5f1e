/*
 * bounce.c - what comes back to return paths of ours (mail/return_paths.h).
 *
 * A bounce to an address of SRS goes to where the forwarded message came from. A tag is taken off
 * before the recipient is looked up. What comes by the null path to an address of ours without a
 * good tag answers nothing that was sent from there: a report of delivery is filed as spam, and so
 * is anything else that nobody stands behind. Other reports (that something was read, of abuse) are
 * sent to addresses of the header, and pass.
 */
#include "base/clock.h"
#include "mail/return_paths.h"
#include "mailauth/check.h"
#include "smtp/session.h"

enum { HEADER_MAX = 64 * 1024 };

/* RFC 2142: whoever writes there may have got the address anywhere. */
static bool is_role(struct slice local)
{
	return slice_eq_nocase(local, slice_lit("postmaster")) ||
	       slice_eq_nocase(local, slice_lit("abuse"));
}

int smtp_bounce_restore(struct conn *c, const struct smtp_addr *to, struct mail_recipient *r,
	bool *elsewhere_out, struct err *err)
{
	struct service *service = session_service(c);
	const struct session *s = session_of(c);
	const bool is_null = s->tx->env.sender.len == 0;
	enum return_verdict srs, tag;
	struct return_keys keys;
	struct slice address;
	bool is_ours = false;
	int rc;

	if (!service->return_paths)
		return 0;
	rc = mail_serves_domain(service->directory, to->domain, &is_ours, err);
	if (rc < 0 || !is_ours)
		return rc;
	return_paths_keys(service, &keys);
	srs = srs_read(&keys, to->local, clock_wall_s(), &s->tx->arena, &address);
	if (srs == RETURN_GOOD && is_null) {
		r->address = address;
		*elsewhere_out = true;
		return 0;
	}
	if (srs != RETURN_PLAIN)
		return err_set(err, ERR_NOTFOUND, "%s",
			srs == RETURN_GOOD      ? "a forwarder's address takes bounces alone"
			: srs == RETURN_EXPIRED ? "the address for bounces has expired"
						: "the address for bounces is forged");
	tag = prvs_read(&keys, to->text, clock_wall_s(), &address);
	if (tag != RETURN_PLAIN)
		r->address = address;
	r->is_unasked = is_null && s->kind == KIND_MX && tag != RETURN_GOOD &&
			!is_role(to->local) && return_paths_is_sure(service);
	return 0;
}

/* ---- the message ---- */

/* The report-type of a multipart/report (RFC 6522), or empty. */
static struct slice report_type(struct slice line)
{
	struct slice rest;

	if (!slice_eq_nocase(
		    slice_trim(slice_cut(line, ';', &rest)), slice_lit("multipart/report")))
		return (struct slice){0};
	while (rest.len) {
		struct slice value, name;

		name = slice_trim(slice_cut(slice_cut(rest, ';', &rest), '=', &value));
		value = slice_trim(value);
		if (!slice_eq_nocase(name, slice_lit("report-type")))
			continue;
		if (value.len >= 2 && value.ptr[0] == '"')
			value = (struct slice){value.ptr + 1, value.len - 2};
		return value;
	}
	return (struct slice){0};
}

/* Nobody stands behind a message that was not checked, nor is that held against it. */
static bool has_author(const struct session_tx *tx)
{
	return !tx->check || mailauth_check_verdict(tx->check)->dmarc.result == AUTH_PASS;
}

static bool is_bounce(struct conn *c)
{
	const struct session_tx *tx = session_of(c)->tx;
	struct buf header AUTO(buf_done), line AUTO(buf_done);
	struct mime_field field;
	struct slice type;
	struct err err;

	buf_init(&header, HEADER_MAX);
	buf_init(&line, HEADER_MAX);
	if (spool_read(tx->in->spool, 0, HEADER_MAX, &header, &err) < 0) {
		log_error(conn_log(c), "bounce", log_e(&err));
		return false;
	}
	if (mime_header_find(buf_slice(&header), slice_lit("Content-Type"), &field))
		mime_header_unfold(field.value, &line);
	type = report_type(buf_slice(&line));
	if (type.len)
		return slice_eq_nocase(type, slice_lit("delivery-status"));
	return !has_author(tx);
}

static void set_apart(struct mail_recipient *r)
{
	for (size_t i = 0; i < r->resolved.n; i++)
		r->resolved.targets[i].is_suspect = true;
}

void smtp_bounce_judge(struct conn *c, smtp_session_fn *then)
{
	struct session_tx *tx = session_of(c)->tx;
	size_t n = 0;

	for (size_t i = 0; i < tx->env.recipients_n; i++)
		n += tx->env.recipients[i].is_unasked;
	if (n == 0 || !is_bounce(c)) {
		then(c);
		return;
	}
	for (size_t i = 0; i < tx->env.recipients_n; i++) {
		struct mail_recipient *r = &tx->env.recipients[i];

		if (!r->is_unasked)
			continue;
		set_apart(r);
		track_event(session_service(c)->track, tx->id, "backscatter",
			log_s("to", r->address), log_c("why", "answers nothing that was sent"));
	}
	log_info(conn_log(c), "backscatter", log_n("recipients", (int64_t)n));
	smtp_session_replace(c, 0,
		slice_lit("X-Posthouse-Backscatter: yes; this came to an address without the "
			  "mark\r\n\tthat is in the sender's address of each message sent from "
			  "here\r\n"),
		then);
}
