/* target.c - see target.h. */
#include "report/target.h"

#include "base/buf.h"
#include "base/encode.h"
#include "mailauth/domain.h"
#include "mailauth/tags.h"
#include "wire/dns/rdata.h"

enum { HEX_DIGITS = 2 };

#define DMARC_VERSION "DMARC1"
#define TLS_VERSION "TLSRPTv1"

/* ---- one address ---- */

/* RFC 3986 2.1; false where it is malformed, or hides a control character. */
static bool unescape(struct slice text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c == '%') {
			if (!hex_decode(slice_head(slice_from(text, i + 1), HEX_DIGITS), &c, 1))
				return false;
			i += HEX_DIGITS;
		}
		if (c <= ' ' || c >= 0x7f)
			return false;
		buf_byte(out, (char)c);
	}
	return true;
}

/* "!10m" at the end of an address: powers of two. False: no such thing; what then stands there is
 * part of the address. */
static bool take_size(struct slice *uri, uint64_t *out)
{
	static const char units[] = "kmgt";
	const size_t at = slice_rchr(*uri, '!');
	struct slice text;
	unsigned shift = 0;
	uint64_t n;

	*out = 0;
	if (at == SIZE_MAX)
		return false;
	text = slice_from(*uri, at + 1);
	for (unsigned i = 0; text.len && units[i]; i++)
		if (ascii_lower((unsigned char)text.ptr[text.len - 1]) == (unsigned char)units[i])
			shift = 10 * (i + 1);
	if (shift)
		text.len--;
	if (!slice_to_u64(text, UINT32_MAX, &n))
		return false;
	*out = n << shift;
	*uri = slice_head(*uri, at);
	return true;
}

static bool is_address(struct slice text)
{
	const size_t at = slice_rchr(text, '@');

	return at != SIZE_MAX && at > 0 && at + 1 < text.len && slice_chr(text, '<') == SIZE_MAX &&
	       slice_chr(text, '>') == SIZE_MAX && slice_chr(text, ',') == SIZE_MAX;
}

static bool read_target(struct slice uri, bool may_be_url, struct arena *arena, struct target *out)
{
	static const struct slice mailto = {"mailto:", 7}, https = {"https://", 8};
	struct buf text AUTO(buf_done);
	struct slice rest;

	buf_init(&text, TARGET_TEXT_MAX);
	*out = (struct target){0};
	if (may_be_url && slice_starts_nocase(uri, https) && uri.len <= TARGET_TEXT_MAX) {
		out->url = arena_dup(arena, uri);
		return out->url.ptr != NULL;
	}
	if (!slice_starts_nocase(uri, mailto))
		return false;
	uri = slice_from(uri, mailto.len);
	take_size(&uri, &out->bytes_max);
	uri = slice_cut(uri, '?', &rest);
	if (!unescape(uri, &text) || text.failed || !is_address(buf_slice(&text)))
		return false;
	out->address = arena_dup(arena, buf_slice(&text));
	return out->address.ptr != NULL;
}

static void read_list(struct slice rua, bool may_be_url, struct arena *arena, struct targets *out)
{
	while (rua.len && out->n < TARGETS_MAX) {
		const struct slice uri = slice_trim(slice_cut(rua, ',', &rua));

		if (read_target(uri, may_be_url, arena, &out->list[out->n]))
			out->n++;
	}
}

/* ---- others' consent ---- */

enum consent { CONSENT_YES, CONSENT_NO, CONSENT_PENDING, CONSENT_UNKNOWN };

static bool is_same_organisation(struct slice a, struct slice b)
{
	const struct slice home = domain_registrable(a);

	return slice_eq_nocase(a, b) || (home.len && slice_eq_nocase(home, domain_registrable(b)));
}

static bool says_version(struct slice text, const char *version)
{
	struct tags tags;

	tags_parse_loose(text, &tags);
	return tags.n && slice_eq(tags.list[0].name, slice_lit("v")) &&
	       slice_eq(tags.list[0].value, slice_str(version));
}

static enum consent consent_of(struct slice domain, struct slice host, struct dns_view *view)
{
	struct buf name AUTO(buf_done);
	struct dns_answer answer;
	struct slice text;

	buf_init(&name, 2 * DNS_NAME_MAX + 20);
	if (!domain_normal(host, view->arena, &host))
		return CONSENT_NO;
	if (is_same_organisation(domain, host))
		return CONSENT_YES;
	buf_printf(&name, "%.*s._report._dmarc.%.*s", SLICE_ARG(domain), SLICE_ARG(host));
	switch (dns_view_get(view, buf_slice(&name), DNS_TXT, &answer)) {
	case DNS_UNKNOWN:
		return CONSENT_PENDING;
	case DNS_FAILED:
		return CONSENT_UNKNOWN;
	default:
		break;
	}
	for (size_t i = 0; answer.status == DNS_FOUND && i < answer.n; i++) {
		if (dns_read_txt(answer.rdata[i], view->arena, &text) &&
			says_version(text, DMARC_VERSION))
			return CONSENT_YES;
	}
	return CONSENT_NO;
}

bool targets_of_dmarc(
	struct slice domain, struct slice rua, struct dns_view *view, struct targets *out)
{
	struct targets all = {0};
	bool is_pending = false;

	*out = (struct targets){0};
	read_list(rua, false, view->arena, &all);
	for (size_t i = 0; i < all.n; i++) {
		const struct slice address = all.list[i].address;

		switch (consent_of(
			domain, slice_from(address, slice_rchr(address, '@') + 1), view)) {
		case CONSENT_YES:
			out->list[out->n++] = all.list[i];
			break;
		case CONSENT_PENDING:
			is_pending = true;
			break;
		case CONSENT_UNKNOWN:
			out->is_failed = true;
			break;
		case CONSENT_NO:
			break;
		}
	}
	return !is_pending;
}

/* ---- TLS ---- */

bool targets_of_tls(struct slice domain, struct dns_view *view, struct targets *out)
{
	struct buf name AUTO(buf_done);
	struct dns_answer answer;
	struct slice text, rua = {0};
	struct tags tags;
	size_t found = 0;

	*out = (struct targets){0};
	buf_init(&name, DNS_NAME_MAX + 16);
	buf_printf(&name, "_smtp._tls.%.*s", SLICE_ARG(domain));
	switch (dns_view_get(view, buf_slice(&name), DNS_TXT, &answer)) {
	case DNS_UNKNOWN:
		return false;
	case DNS_FAILED:
		out->is_failed = true;
		return true;
	default:
		break;
	}
	for (size_t i = 0; answer.status == DNS_FOUND && i < answer.n; i++) {
		if (!dns_read_txt(answer.rdata[i], view->arena, &text) ||
			!says_version(text, TLS_VERSION))
			continue;
		tags_parse_loose(text, &tags);
		rua = tags_get(&tags, "rua");
		found++;
	}
	/* RFC 8460 3: more than one record is none. */
	if (found == 1)
		read_list(rua, true, view->arena, out);
	return true;
}
