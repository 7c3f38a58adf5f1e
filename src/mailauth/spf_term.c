/* spf_term.c - see spf_term.h. */
#include "mailauth/spf_term.h"

#include "base/ip.h"

static bool is_alpha(char c)
{
	unsigned char low = ascii_lower((unsigned char)c);

	return low >= 'a' && low <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool spf_term_asks(enum spf_kind kind)
{
	return kind == SPF_INCLUDE || kind == SPF_A || kind == SPF_MX || kind == SPF_PTR ||
	       kind == SPF_EXISTS || kind == SPF_REDIRECT;
}

/* The macro at the front of text, which starts with "%": its length, or 0 if it is none. */
static size_t macro_len(struct slice text, bool is_spec)
{
	const struct slice letters = is_spec ? slice_lit("slodipvh") : slice_lit("slodipvhcrt");
	size_t n = 2, digits;

	if (text.len < 2)
		return 0;
	if (text.ptr[1] == '%' || text.ptr[1] == '_' || text.ptr[1] == '-')
		return 2;
	if (text.ptr[1] != '{' || text.len < 4 ||
		slice_chr(letters, (char)ascii_lower((unsigned char)text.ptr[2])) == SIZE_MAX)
		return 0;
	for (n = 3, digits = 0; n < text.len && is_digit(text.ptr[n]); n++)
		digits += text.ptr[n] != '0' || digits > 0;
	if (n > 3 && digits == 0)
		return 0; /* RFC 7208 7.3: keeping none of the parts is an error */
	if (n < text.len && ascii_lower((unsigned char)text.ptr[n]) == 'r')
		n++;
	while (n < text.len && slice_chr(slice_lit(".-+,/_="), text.ptr[n]) != SIZE_MAX)
		n++;
	return n < text.len && text.ptr[n] == '}' ? n + 1 : 0;
}

/* RFC 7208 7.1: toplabel. */
static bool is_top_label(struct slice s)
{
	bool has_other = false;

	if (s.len == 0 || s.ptr[0] == '-' || s.ptr[s.len - 1] == '-')
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (!is_alpha(s.ptr[i]) && !is_digit(s.ptr[i]) && s.ptr[i] != '-')
			return false;
		has_other = has_other || !is_digit(s.ptr[i]);
	}
	return has_other;
}

bool spf_macro_is_good(struct slice text, bool is_spec)
{
	size_t tail = 0; /* what follows the last macro */

	for (size_t i = 0; i < text.len;) {
		const char c = text.ptr[i];
		size_t n = 1;

		if (c == '%') {
			n = macro_len(slice_from(text, i), is_spec);
			if (n == 0)
				return false;
			/* "%%", "%_" and "%-" are letters, not the end of a name. */
			if (n > 2)
				tail = i + n;
		} else if (c < 0x21 || c > 0x7e) {
			if (is_spec || c != ' ')
				return false;
		}
		i += n;
	}
	if (!is_spec)
		return true;
	if (text.len > 0 && tail == text.len)
		return true;
	text = slice_from(text, tail);
	if (text.len > 0 && text.ptr[text.len - 1] == '.')
		text.len--;
	return slice_rchr(text, '.') != SIZE_MAX &&
	       is_top_label(slice_from(text, slice_rchr(text, '.') + 1));
}

/* "/24" at the end of *text, without leading zeros; false if there is one but it is no good. */
static bool take_bits(struct slice *text, struct slice mark, unsigned max, unsigned *out)
{
	size_t n = text->len;
	uint64_t bits;

	while (n > 0 && is_digit(text->ptr[n - 1]))
		n--;
	if (n < mark.len || n == text->len || !slice_ends(slice_head(*text, n), mark))
		return true;
	if (!slice_to_u64(slice_from(*text, n), max, &bits) ||
		(text->ptr[n] == '0' && text->len - n > 1))
		return false;
	*out = (unsigned)bits;
	*text = slice_head(*text, n - mark.len);
	return true;
}

static bool read_dual_bits(struct slice *text, struct spf_term *term)
{
	const struct slice all = *text;

	if (!take_bits(text, slice_lit("//"), 128, &term->bits6))
		return false;
	/* "//" that is no length for IPv6 is not one for IPv4 after a "/" either. */
	if (text->len == all.len && slice_find(*text, slice_lit("//")) != SIZE_MAX)
		return false;
	return take_bits(text, slice_lit("/"), 32, &term->bits4);
}

static bool read_address(struct slice text, struct spf_term *term)
{
	const bool is_4 = term->kind == SPF_IP4;
	struct ip ip;

	if (!take_bits(&text, slice_lit("/"), is_4 ? 32 : 128, is_4 ? &term->bits4 : &term->bits6))
		return false;
	term->domain = text;
	return ip_parse(text, &ip) && (slice_chr(text, ':') == SIZE_MAX) == is_4;
}

/* What stands behind the name of a mechanism. */
static bool read_arguments(struct slice text, struct spf_term *term)
{
	const bool has_domain = text.len > 0 && text.ptr[0] == ':';

	switch (term->kind) {
	case SPF_ALL:
		return text.len == 0;
	case SPF_IP4:
	case SPF_IP6:
		return has_domain && read_address(slice_from(text, 1), term);
	case SPF_A:
	case SPF_MX:
		if (!read_dual_bits(&text, term))
			return false;
		break;
	case SPF_PTR:
		break;
	default:
		if (!has_domain)
			return false;
	}
	if (text.len == 0)
		return true;
	term->domain = slice_from(text, 1);
	return has_domain && spf_macro_is_good(term->domain, true);
}

static bool read_mechanism(struct slice text, struct spf_term *term)
{
	static const struct {
		const char *name;
		enum spf_kind kind;
	} names[] = {{"all", SPF_ALL}, {"include", SPF_INCLUDE}, {"a", SPF_A}, {"mx", SPF_MX},
		{"ptr", SPF_PTR}, {"ip4", SPF_IP4}, {"ip6", SPF_IP6}, {"exists", SPF_EXISTS}};
	static const struct {
		char sign;
		enum auth_result result;
	} signs[] = {{'+', AUTH_PASS}, {'-', AUTH_FAIL}, {'~', AUTH_SOFTFAIL}, {'?', AUTH_NEUTRAL}};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
		if (text.len > 0 && text.ptr[0] == signs[i].sign) {
			term->qualifier = signs[i].result;
			text = slice_from(text, 1);
			break;
		}
	}
	while (n < text.len && text.ptr[n] != ':' && text.ptr[n] != '/')
		n++;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (slice_eq_nocase(slice_head(text, n), slice_str(names[i].name))) {
			term->kind = names[i].kind;
			return read_arguments(slice_from(text, n), term);
		}
	}
	return false;
}

static size_t modifier_name_len(struct slice text)
{
	size_t n = 0;

	while (n < text.len &&
		(is_alpha(text.ptr[n]) ||
			(n > 0 && (is_digit(text.ptr[n]) || text.ptr[n] == '-' ||
					  text.ptr[n] == '_' || text.ptr[n] == '.'))))
		n++;
	return n < text.len && text.ptr[n] == '=' ? n : 0;
}

static bool read_modifier(struct slice name, struct slice value, struct spf_term *term)
{
	term->domain = value;
	if (slice_eq_nocase(name, slice_lit("redirect")))
		term->kind = SPF_REDIRECT;
	else if (slice_eq_nocase(name, slice_lit("exp")))
		term->kind = SPF_EXP;
	else
		term->kind = SPF_OTHER;
	if (term->kind != SPF_OTHER)
		return spf_macro_is_good(value, true);
	return spf_macro_is_good(value, false) && slice_chr(value, ' ') == SIZE_MAX;
}

bool spf_term_next(struct slice *rest, struct spf_term *out, bool *is_good_out)
{
	size_t n = 0;
	struct slice text;

	while (rest->len > 0 && rest->ptr[0] == ' ')
		*rest = slice_from(*rest, 1);
	if (rest->len == 0)
		return false;
	text = slice_cut(*rest, ' ', rest);
	*out = (struct spf_term){
		.kind = SPF_OTHER, .qualifier = AUTH_PASS, .bits4 = 32, .bits6 = 128};
	n = modifier_name_len(text);
	*is_good_out = n > 0 ? read_modifier(slice_head(text, n), slice_from(text, n + 1), out)
			     : read_mechanism(text, out);
	return true;
}
