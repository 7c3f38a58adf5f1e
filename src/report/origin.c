/* origin.c - see origin.h. */
#include "report/origin.h"

void origin_read(struct origin *origin, struct slice header, int64_t now_s, struct arena *arena,
	origin_ours_fn *is_ours, void *context)
{
	struct err err;

	*origin = (struct origin){.dkim = {.n = 0}};
	if (header.len > FIELDS_BLOCK_MAX || fields_read(&origin->fields, header, arena, &err) < 0)
		return;
	dkim_read(&origin->dkim, &origin->fields, &origin->bodies, now_s, arena);
	/* The body is not asked for. */
	origin->dkim.is_body_checked = true;
	for (size_t i = 0; i < origin->dkim.n; i++) {
		struct signature *sig = &origin->dkim.list[i].sig;

		if (sig->result == AUTH_PENDING && !is_ours(context, sig->domain))
			sig->result = AUTH_NEUTRAL;
	}
}

void origin_done(struct origin *origin)
{
	fields_done(&origin->fields);
	bodies_done(&origin->bodies);
}

bool origin_check(struct origin *origin, struct dns_view *view)
{
	return dkim_verify(&origin->dkim, &origin->bodies, view);
}

struct slice origin_signer(const struct origin *origin)
{
	for (size_t i = 0; i < origin->dkim.n; i++) {
		if (origin->dkim.list[i].sig.result == AUTH_PASS)
			return origin->dkim.list[i].sig.domain;
	}
	return (struct slice){0};
}

enum origin_path origin_path_of(const struct return_keys *keys, struct slice sender, int64_t now_s,
	struct arena *arena, struct slice *out)
{
	const struct slice local = slice_head(sender, slice_rchr(sender, '@'));
	enum return_verdict verdict = prvs_read(keys, sender, now_s, out);

	if (verdict == RETURN_GOOD || verdict == RETURN_EXPIRED)
		return ORIGIN_SENT;
	return srs_read(keys, local, now_s, arena, out) == RETURN_GOOD ? ORIGIN_FORWARDED
								       : ORIGIN_UNKNOWN;
}
