/* spf_macro.c - macros of SPF (RFC 7208 7), and the names of the client (5.5). */
#include "mailauth/spf_check.h"

#include "mailauth/domain.h"
#include "wire/dns/rdata.h"

enum { PARTS_MAX = 128 }; /* of a value that is taken apart; a name has no more */

/* One macro, taken apart: letter, how many parts are kept (0: all), delimiters. */
struct macro {
	char letter;
	bool is_reversed, is_escaped;
	uint64_t keep;
	struct slice delimiters;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "%{letter digits r delimiters}", whose form has been checked. */
static struct macro macro_read(struct slice text)
{
	struct macro macro = {.letter = (char)ascii_lower((unsigned char)text.ptr[2])};
	size_t n = 3;

	macro.is_escaped = text.ptr[2] != macro.letter;
	for (; is_digit(text.ptr[n]); n++)
		if (macro.keep < PARTS_MAX)
			macro.keep = macro.keep * 10 + (uint64_t)(text.ptr[n] - '0');
	if (ascii_lower((unsigned char)text.ptr[n]) == 'r') {
		macro.is_reversed = true;
		n++;
	}
	macro.delimiters = slice_head(slice_from(text, n), text.len - n - 1);
	if (macro.delimiters.len == 0)
		macro.delimiters = slice_lit(".");
	return macro;
}

/* RFC 7208 7.3: %{i} of IPv6 is 32 nibbles with dots. */
static void put_address(const struct ip *ip, bool is_readable, struct buf *out)
{
	char text[IP_TEXT_MAX];

	ip_write(ip, text);
	if (ip->len == IP_V4 || is_readable) {
		buf_str(out, text);
		return;
	}
	for (size_t i = 0; i < ip->len; i++)
		buf_printf(out, "%s%x.%x", i ? "." : "", ip->bytes[i] >> 4, ip->bytes[i] & 15);
}

/* RFC 7208 7.3: the domain itself is best, then one below it, then any. */
static bool put_validated(struct spf_check *check, struct slice domain, struct buf *out)
{
	struct slice names[SPF_HOSTS_MAX], best = slice_lit("unknown");
	size_t n = 0;
	bool is_below = false;

	if (!spf_names_of_client(check, names, &n))
		return false;
	if (n > 0)
		best = names[0];
	for (size_t i = 0; i < n; i++) {
		if (slice_eq_nocase(names[i], domain)) {
			best = names[i];
			break;
		}
		if (!is_below && domain_is_within(names[i], domain)) {
			best = names[i];
			is_below = true;
		}
	}
	buf_append(out, best);
	return true;
}

static bool put_value(struct spf_check *check, char letter, struct slice domain, struct buf *out)
{
	const struct spf_request *request = check->request;

	switch (letter) {
	case 's':
		buf_append(out, check->local);
		buf_byte(out, '@');
		buf_append(out, check->domain);
		break;
	case 'l':
		buf_append(out, check->local);
		break;
	case 'o':
		buf_append(out, check->domain);
		break;
	case 'd':
		buf_append(out, domain);
		break;
	case 'h':
		buf_append(out, request->helo);
		break;
	case 'v':
		buf_str(out, request->ip.len == IP_V4 ? "in-addr" : "ip6");
		break;
	case 'r':
		buf_append(out, request->receiver);
		break;
	case 't':
		buf_u64(out, (uint64_t)request->now);
		break;
	case 'p':
		return put_validated(check, domain, out);
	default:
		put_address(&request->ip, letter == 'c', out);
	}
	return true;
}

/* Cut at the delimiters; what is beyond PARTS_MAX stays together. */
static size_t cut(struct slice value, struct slice delimiters, struct slice parts[PARTS_MAX])
{
	size_t n = 0, start = 0;

	for (size_t i = 0; i < value.len && n < PARTS_MAX - 1; i++) {
		if (slice_chr(delimiters, value.ptr[i]) == SIZE_MAX)
			continue;
		parts[n++] = slice_head(slice_from(value, start), i - start);
		start = i + 1;
	}
	parts[n++] = slice_from(value, start);
	return n;
}

static void put_escaped(struct slice text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		const char c = text.ptr[i];
		const unsigned char low = ascii_lower((unsigned char)c);

		if ((low >= 'a' && low <= 'z') || is_digit(c) ||
			slice_chr(slice_lit("-._~"), c) != SIZE_MAX)
			buf_byte(out, c);
		else
			buf_printf(out, "%%%02X", (unsigned char)c);
	}
}

static bool put_macro(
	struct spf_check *check, struct slice text, struct slice domain, struct buf *out)
{
	const struct macro macro = macro_read(text);
	struct slice parts[PARTS_MAX];
	struct buf value AUTO(buf_done);
	size_t n, skip;

	buf_init(&value, out->max);
	if (!put_value(check, macro.letter, domain, &value))
		return false;
	n = cut(buf_slice(&value), macro.delimiters, parts);
	skip = macro.keep > 0 && macro.keep < n ? n - macro.keep : 0;
	for (size_t i = skip; i < n; i++) {
		struct slice part = macro.is_reversed ? parts[n - 1 - i] : parts[i];

		if (i > skip)
			buf_byte(out, '.');
		if (macro.is_escaped)
			put_escaped(part, out);
		else
			buf_append(out, part);
	}
	return !value.failed;
}

bool spf_expand(struct spf_check *check, struct slice text, struct slice domain, struct buf *out)
{
	for (size_t i = 0; i < text.len;) {
		const struct slice rest = slice_from(text, i);

		if (rest.ptr[0] != '%') {
			buf_byte(out, rest.ptr[0]);
			i++;
		} else if (rest.ptr[1] == '{') {
			const size_t n = slice_chr(rest, '}') + 1;

			if (!put_macro(check, slice_head(rest, n), domain, out))
				return false;
			i += n;
		} else {
			buf_str(out, rest.ptr[1] == '%' ? "%" : rest.ptr[1] == '_' ? " " : "%20");
			i += 2;
		}
	}
	return !out->failed;
}

bool spf_domain(struct spf_check *check, struct slice spec, struct slice domain, struct slice *out)
{
	enum { EXPANDED_MAX = 8192 };
	struct buf text AUTO(buf_done);
	struct slice name;

	buf_init(&text, EXPANDED_MAX);
	if (!spf_expand(check, spec, domain, &text))
		return false;
	name = buf_slice(&text);
	if (name.len > 0 && name.ptr[name.len - 1] == '.')
		name.len--;
	while (name.len > DNS_NAME_MAX && slice_chr(name, '.') != SIZE_MAX)
		name = slice_from(name, slice_chr(name, '.') + 1);
	return dns_name_parse(name, &check->scratch, out) && out->len > 0;
}

enum spf_match spf_ask(struct spf_check *check, struct slice name, enum dns_type type,
	struct dns_answer *answer_out)
{
	switch (dns_view_get(check->view, name, type, answer_out)) {
	case DNS_UNKNOWN:
		check->is_pending = true;
		return SPF_WAIT;
	case DNS_FAILED:
		return SPF_TEMPERROR;
	case DNS_FOUND:
		return SPF_YES;
	default:
		return ++check->voids > SPF_VOID_MAX ? SPF_PERMERROR : SPF_NO;
	}
}

enum spf_match spf_has_address(
	struct spf_check *check, struct slice host, unsigned bits4, unsigned bits6)
{
	const struct ip *client = &check->request->ip;
	const bool is_4 = client->len == IP_V4;
	const struct ip_network network = ip_network_of(client, is_4 ? bits4 : bits6);
	struct dns_answer answer;
	const enum spf_match match = spf_ask(check, host, is_4 ? DNS_A : DNS_AAAA, &answer);

	if (match != SPF_YES)
		return match;
	for (size_t i = 0; i < answer.n; i++) {
		struct ip ip;

		if (dns_read_address(answer.rdata[i], &ip) && ip_is_in(&ip, &network))
			return SPF_YES;
	}
	return SPF_NO;
}

/* A name that cannot be looked up is passed over (RFC 7208 5.5); too many empty answers are left to
 * the limit that the next mechanism meets. */
bool spf_names_of_client(struct spf_check *check, struct slice *names, size_t *n_out)
{
	struct buf name AUTO(buf_done);
	struct dns_answer answer;
	enum dns_status status;
	bool is_known = true;
	size_t n = 0;

	buf_init(&name, DNS_NAME_MAX);
	dns_reverse_name(&check->request->ip, slice_lit(""), &name);
	status = dns_view_get(check->view, buf_slice(&name), DNS_PTR, &answer);
	if (status == DNS_UNKNOWN) {
		check->is_pending = true;
		return false;
	}
	if (status != DNS_FOUND && status != DNS_FAILED)
		check->voids++;
	for (size_t i = 0; status == DNS_FOUND && i < answer.n && i < SPF_HOSTS_MAX; i++) {
		struct slice host;
		enum spf_match match;

		if (!dns_read_host(answer.rdata[i], &check->scratch, &host))
			continue;
		match = spf_has_address(check, host, 32, 128);
		is_known = is_known && match != SPF_WAIT;
		if (match == SPF_YES)
			names[n++] = host;
	}
	*n_out = n;
	return is_known;
}
