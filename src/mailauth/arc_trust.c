/* arc_trust.c - see arc_trust.h for the contract. */
#include "mailauth/arc_trust.h"

#include "mailauth/authres_read.h"
#include "mailauth/domain.h"

static bool is_trusted(struct slice sealer, struct slice trusted)
{
	struct slice domain;

	while ((domain = slice_next_word(&trusted)).len > 0)
		if (domain_is_within(sealer, domain))
			return true;
	return false;
}

static struct slice domain_of(struct slice address)
{
	const size_t at = slice_rchr(address, '@');

	return at == SIZE_MAX ? address : slice_from(address, at + 1);
}

/* The domain that a method is about; empty: none. */
static struct slice subject_of(const struct authres_said *said)
{
	if (slice_eq_nocase(said->method, slice_lit("dmarc")))
		return authres_said_get(said, "header.from");
	if (slice_eq_nocase(said->method, slice_lit("spf")))
		return domain_of(authres_said_get(said, "smtp.mailfrom"));
	if (!slice_eq_nocase(said->method, slice_lit("dkim")))
		return (struct slice){0};
	return authres_said_get(said, "header.d").len
		       ? authres_said_get(said, "header.d")
		       : domain_of(authres_said_get(said, "header.i"));
}

/* i=1; the name of who says it; its methods. */
static bool speaks_for(const struct mime_field *results, struct slice author, struct arena *arena)
{
	bool has_dmarc = false, is_good = false, is_dmarc_good = false;
	struct authres_said said;
	struct slice rest;

	slice_cut(results->value, ';', &rest);
	while (authres_read_next(&rest, arena, &said)) {
		const bool is_dmarc = slice_eq_nocase(said.method, slice_lit("dmarc"));
		const bool is_pass = slice_eq_nocase(said.result, slice_lit("pass")) &&
				     slice_eq_nocase(subject_of(&said), author);

		has_dmarc = has_dmarc || is_dmarc;
		is_dmarc_good = is_dmarc_good || (is_dmarc && is_pass);
		is_good = is_good || is_pass;
	}
	return has_dmarc ? is_dmarc_good : is_good;
}

size_t arc_trust_voucher(
	const struct arc *arc, struct slice trusted, struct slice author, struct arena *arena)
{
	if (arc->result != AUTH_PASS || author.len == 0)
		return 0;
	for (size_t i = arc->n; i > 0 && is_trusted(arc->sets[i - 1].seal_sig.domain, trusted); i--)
		if (speaks_for(arc->sets[i - 1].results, author, arena))
			return i;
	return 0;
}
