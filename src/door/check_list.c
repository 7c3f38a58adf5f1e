/* check_list.c - lists of addresses and names in the DNS (RFC 5782), each with a weight. */
#include <stdio.h>

#include "door/internal.h"
#include "wire/dns/rdata.h"

enum { SHOWN = 90, NAMES = 2 };

/* What a list answers is an address of 127/8; the last network of it means that we may not ask. */
static bool is_listed(const struct door_list *list, const struct dns_answer *answer)
{
	static const struct ip_network good = {{IP_V4, {127}}, 8},
				       error = {{IP_V4, {127, 255, 255}}, 24};
	struct ip ip;

	for (size_t i = 0; i < answer->n; i++) {
		if (dns_read_address(answer->rdata[i], &ip) && ip_is_in(&ip, &good) &&
			!ip_is_in(&ip, &error) && (!list->has_only || ip_is_in(&ip, &list->only)))
			return true;
	}
	return false;
}

/* What the list says about it, or nothing. */
static struct slice ask_reason(struct door_visit *visit, struct slice name)
{
	struct slice text = {0};
	struct dns_answer answer;

	if (dns_view_get(&visit->view, name, DNS_TXT, &answer) != DNS_FOUND ||
		!dns_read_txt(answer.rdata[0], &visit->arena, &text))
		return (struct slice){0};
	return slice_head(text, SHOWN);
}

/* Adds the list's points if `what` is on it; the reason is that of the heaviest list. */
static void ask_list(struct door_visit *visit, const struct door_list *list, struct slice name,
	const char *what, int weight, int *heaviest, struct door_verdict *verdict)
{
	const int before = verdict->weight;
	struct dns_answer answer;
	struct slice why = {0};

	dns_view_get(&visit->view, name, DNS_A, &answer);
	if (!is_listed(list, &answer))
		return;
	if (list->weight > 0)
		why = ask_reason(visit, name);
	if (list->weight > *heaviest) {
		*heaviest = list->weight;
		door_say(verdict, 0, "%s is listed by %.*s%s%.*s", what,
			SLICE_ARG(slice_head(list->zone, SHOWN)), why.len ? ": " : "",
			SLICE_ARG(why));
	}
	verdict->weight = before + list->weight * weight;
}

static void ask_names(struct door_visit *visit, const struct door_list *list, int weight,
	int *heaviest, struct door_verdict *verdict)
{
	const struct slice names[NAMES] = {visit->helo, door_domain_of(visit->sender)};

	for (size_t i = 0; i < NAMES; i++) {
		struct buf name AUTO(buf_done);
		char what[SHOWN];

		buf_init(&name, DNS_NAME_MAX);
		buf_append(&name, names[i]);
		buf_byte(&name, '.');
		buf_append(&name, list->zone);
		if (name.failed || slice_chr(names[i], '.') == SIZE_MAX ||
			(i > 0 && slice_eq_nocase(names[0], names[i])))
			continue;
		snprintf(what, sizeof(what), "%.*s", SLICE_ARG(names[i]));
		ask_list(visit, list, buf_slice(&name), what, weight, heaviest, verdict);
	}
}

void door_check_list(
	struct door *door, struct door_visit *visit, int weight, struct door_verdict *verdict_out)
{
	char address[IP_TEXT_MAX];
	int heaviest = 0;

	ip_write(&visit->ip, address);
	for (size_t i = 0; i < door->lists_n; i++) {
		const struct door_list *list = &door->lists[i];
		struct buf name AUTO(buf_done);

		buf_init(&name, DNS_NAME_MAX);
		if (list->is_domain) {
			ask_names(visit, list, weight, &heaviest, verdict_out);
			continue;
		}
		dns_reverse_name(&visit->ip, list->zone, &name);
		if (!name.failed)
			ask_list(visit, list, buf_slice(&name), address, weight, &heaviest,
				verdict_out);
	}
}
