/* dns_fuzz.c - any RDATA and any packed answer: must end, stay in bounds, and read back. */
#include <stdlib.h>

#include "wire/dns/pack.h"
#include "wire/dns/rdata.h"

enum { ARENA_CAP = 1 << 17, OUT_MAX = 1 << 18 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A host that was read is a name, and its normal form is a fixed point. */
static void check_host(struct slice host, struct arena *arena)
{
	struct slice again;

	if (!dns_name_parse(host, arena, &again) || !slice_eq(host, again))
		abort();
}

static void read_record(enum dns_type type, struct slice rdata, struct arena *arena)
{
	struct slice text;
	struct dns_mx mx;
	struct dns_srv srv;
	struct dns_tlsa tlsa;
	struct dns_soa soa;
	struct ip ip;

	if ((type == DNS_A || type == DNS_AAAA) && dns_read_address(rdata, &ip) &&
		ip.len != IP_V4 && ip.len != IP_V6)
		abort();
	if (type == DNS_PTR && dns_read_host(rdata, arena, &text))
		check_host(text, arena);
	if (type == DNS_MX && dns_read_mx(rdata, arena, &mx))
		check_host(mx.host, arena);
	if (type == DNS_SRV && dns_read_srv(rdata, arena, &srv))
		check_host(srv.host, arena);
	if (type == DNS_SOA && dns_read_soa(rdata, arena, &soa))
		check_host(soa.contact, arena);
	if (type == DNS_TXT && dns_read_txt(rdata, arena, &text) && text.len >= rdata.len)
		abort();
	if (type == DNS_TLSA && dns_read_tlsa(rdata, &tlsa) && tlsa.data.len == 0)
		abort();
}

/* What is unpacked packs to something that unpacks to the same. */
static void read_packed(struct slice in, struct arena *arena)
{
	struct buf packed AUTO(buf_done);
	struct dns_answer answer, again;
	struct dns_question question;
	struct slice rest;

	buf_init(&packed, OUT_MAX);
	if (!dns_unpack_question(&in, &question) || !dns_unpack_answer(&in, arena, &answer))
		return;
	dns_pack_answer(&packed, &answer);
	rest = buf_slice(&packed);
	if (!dns_unpack_answer(&rest, arena, &again) || rest.len || again.n != answer.n ||
		!slice_eq(again.canonical, answer.canonical))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena AUTO(arena_done);
	struct slice in = {(const char *)data, size};

	arena_init(&arena, ARENA_CAP);
	if (size == 0)
		return 0;
	read_record((enum dns_type)data[0], slice_from(in, 1), &arena);
	read_packed(slice_from(in, 1), &arena);
	return 0;
}
