/* check_helo.c - what the client calls itself (RFC 5321 4.1.1.1, 4.1.4). */
#include "door/internal.h"

enum { SHOWN = 80 };

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]". */
static bool read_literal(struct slice helo, struct ip *out)
{
	const struct slice v6 = slice_lit("IPv6:");

	if (helo.len < 2 || helo.ptr[0] != '[' || helo.ptr[helo.len - 1] != ']')
		return false;
	helo = slice_from(slice_head(helo, helo.len - 1), 1);
	return ip_parse(slice_starts_nocase(helo, v6) ? slice_from(helo, v6.len) : helo, out);
}

/* The name has an address; what cannot be told now counts as if it had. */
static bool has_address(struct door_visit *visit)
{
	struct dns_answer v4, v6;

	dns_view_get(&visit->view, visit->helo, DNS_A, &v4);
	dns_view_get(&visit->view, visit->helo, DNS_AAAA, &v6);
	return (v4.status != DNS_NONE && v4.status != DNS_NXDOMAIN) ||
	       (v6.status != DNS_NONE && v6.status != DNS_NXDOMAIN);
}

void door_check_helo(
	struct door *door, struct door_visit *visit, int weight, struct door_verdict *verdict_out)
{
	const struct slice helo = slice_head(visit->helo, SHOWN);
	struct ip ip;

	if (slice_eq_nocase(visit->helo, door->host_name))
		door_say(verdict_out, 2 * weight, "Your server calls itself %.*s, which is us",
			SLICE_ARG(helo));
	else if (read_literal(visit->helo, &ip)) {
		if (!ip_eq(&ip, &visit->ip))
			door_say(verdict_out, weight,
				"Your server calls itself %.*s, which is not its address",
				SLICE_ARG(helo));
	} else if (ip_parse(visit->helo, &ip) || slice_chr(visit->helo, '.') == SIZE_MAX) {
		door_say(verdict_out, weight, "Your server calls itself %.*s, which is no name",
			SLICE_ARG(helo));
	} else if (!has_address(visit)) {
		door_say(verdict_out, weight,
			"Your server calls itself %.*s, which has no address in the DNS",
			SLICE_ARG(helo));
	}
}
