/* pack.c - see pack.h for the contract. */
#include "wire/dns/pack.h"

#include "base/encode.h"

static void put_bytes(struct buf *out, struct slice bytes)
{
	varint_put(out, bytes.len);
	buf_append(out, bytes);
}

static bool take_number(struct slice *in, uint64_t max, uint64_t *out)
{
	return varint_take(in, out) && *out <= max;
}

static bool take_bytes(struct slice *in, size_t max, struct slice *out)
{
	uint64_t len;

	if (!take_number(in, max, &len) || len > in->len)
		return false;
	*out = slice_head(*in, (size_t)len);
	*in = slice_from(*in, (size_t)len);
	return true;
}

void dns_pack_question(struct buf *out, const struct dns_question *question)
{
	varint_put(out, question->type);
	put_bytes(out, question->name);
}

bool dns_unpack_question(struct slice *in, struct dns_question *out)
{
	uint64_t type;

	if (!take_number(in, UINT16_MAX, &type) || !take_bytes(in, DNS_NAME_MAX, &out->name))
		return false;
	out->type = (enum dns_type)type;
	return true;
}

void dns_pack_answer(struct buf *out, const struct dns_answer *answer)
{
	varint_put(out, answer->status);
	varint_put(out, answer->is_secure);
	varint_put(out, answer->ttl);
	put_bytes(out, answer->canonical);
	varint_put(out, answer->n);
	for (size_t i = 0; i < answer->n; i++)
		put_bytes(out, answer->rdata[i]);
}

bool dns_unpack_answer(struct slice *in, struct arena *arena, struct dns_answer *out)
{
	uint64_t status, secure, ttl, n;
	struct slice canonical, *rdata;

	if (!take_number(in, DNS_FAILED, &status) || status == DNS_UNKNOWN ||
		!take_number(in, 1, &secure) || !take_number(in, UINT32_MAX, &ttl) ||
		!take_bytes(in, DNS_NAME_MAX, &canonical) ||
		!take_number(in, DNS_RECORDS_MAX, &n) || (n > 0) != (status == DNS_FOUND))
		return false;
	rdata = arena_array(arena, struct slice, (size_t)n + 1);
	if (!rdata)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!take_bytes(in, DNS_RDATA_MAX, &rdata[i]))
			return false;
	}
	*out = (struct dns_answer){.status = (enum dns_status)status,
		.is_secure = secure,
		.ttl = (uint32_t)ttl,
		.canonical = canonical,
		.n = (size_t)n,
		.rdata = rdata};
	return true;
}
