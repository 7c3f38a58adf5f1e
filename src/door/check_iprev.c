/* check_iprev.c - has the address a name, and does the name lead back (RFC 8601 3)? */
#include "door/internal.h"
#include "wire/dns/rdata.h"

enum { NAMES_MAX = 10 }; /* an address may have many names, of which one will do */

/* One of the name's addresses is the visitor's. */
static enum door_iprev confirm(struct door_visit *visit, struct slice name)
{
	struct dns_answer answer;
	struct ip ip;

	dns_view_get(&visit->view, name, visit->ip.len == IP_V4 ? DNS_A : DNS_AAAA, &answer);
	if (answer.status == DNS_FAILED)
		return IPREV_TEMPERROR;
	for (size_t i = 0; i < answer.n; i++) {
		if (dns_read_address(answer.rdata[i], &ip) && ip_eq(&ip, &visit->ip))
			return IPREV_PASS;
	}
	return IPREV_FAIL;
}

static enum door_iprev look(struct door_visit *visit, struct slice *name_out)
{
	struct buf reverse AUTO(buf_done);
	enum door_iprev result = IPREV_FAIL;
	struct dns_answer answer;

	buf_init(&reverse, DNS_NAME_MAX);
	dns_reverse_name(&visit->ip, slice_lit(""), &reverse);
	switch (dns_view_get(&visit->view, buf_slice(&reverse), DNS_PTR, &answer)) {
	case DNS_UNKNOWN:
	case DNS_FAILED:
		return IPREV_TEMPERROR;
	case DNS_NONE:
	case DNS_NXDOMAIN:
		return IPREV_PERMERROR;
	case DNS_FOUND:
		break;
	}
	for (size_t i = 0; i < answer.n && i < NAMES_MAX; i++) {
		enum door_iprev one;

		if (!dns_read_host(answer.rdata[i], &visit->arena, name_out))
			continue;
		one = confirm(visit, *name_out);
		if (one == IPREV_PASS)
			return IPREV_PASS;
		result = one == IPREV_TEMPERROR ? one : result;
	}
	return result;
}

void door_check_iprev(
	struct door *door, struct door_visit *visit, int weight, struct door_verdict *verdict_out)
{
	char address[IP_TEXT_MAX];

	(void)door;
	ip_write(&visit->ip, address);
	if (!visit->is_told) {
		visit->name = (struct slice){0};
		visit->iprev = look(visit, &visit->name);
	}
	if (visit->iprev == IPREV_PERMERROR)
		door_say(verdict_out, weight, "The address %s has no name in the DNS", address);
	else if (visit->iprev == IPREV_FAIL)
		door_say(verdict_out, weight, "The name of %s in the DNS does not lead back to it",
			address);
}
