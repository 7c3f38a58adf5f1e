/* block.c - packing and unpacking, see block.h. */
#include "store/block.h"

#include "base/encode.h"

enum { FORMAT = 1 };

static uint64_t zigzag(int64_t n)
{
	return (uint64_t)n << 1 ^ (uint64_t)(n >> 63);
}

static int64_t unzigzag(uint64_t n)
{
	return (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
}

/* Differences wrap around: any two numbers have one, and it leads back. */
static uint64_t delta(uint64_t now, uint64_t before)
{
	return zigzag((int64_t)(now - before));
}

static unsigned char *put(unsigned char *p, uint64_t n)
{
	for (; n >= 0x80; n >>= 7)
		*p++ = (unsigned char)(n | 0x80);
	*p++ = (unsigned char)n;
	return p;
}

void block_pack(struct buf *out, uint32_t no, const struct entry *entries, const struct attr *attrs,
	size_t n)
{
	uint64_t message = 0, modseq = 0, received = 0;
	uint32_t uid = block_first_uid(no) - 1;
	unsigned char *p = (unsigned char *)buf_reserve(out, 11 + n * 80);
	unsigned char *start = p;

	if (!p)
		return;
	*p++ = FORMAT;
	p = put(p, n);
	for (size_t i = 0; i < n; i++) {
		const struct entry *e = &entries[i];

		p = put(p, e->uid - uid);
		p = put(p, delta(e->message, message));
		p = put(p, e->size);
		p = put(p, delta((uint64_t)e->received_s, received));
		p = put(p, delta(e->saved_s, (uint64_t)e->received_s));
		p = put(p, zigzag(e->zone_min));
		p = put(p, attrs[i].flags);
		p = put(p, delta(attrs[i].modseq, modseq));
		uid = e->uid;
		message = e->message;
		received = (uint64_t)e->received_s;
		modseq = attrs[i].modseq;
	}
	out->len += (size_t)(p - start);
}

static bool take(const unsigned char **p, const unsigned char *end, uint64_t *out)
{
	uint64_t n = 0;

	for (unsigned shift = 0; shift < 64 && *p < end; shift += 7) {
		const unsigned char c = *(*p)++;

		if (shift == 63 && c > 1)
			return false;
		n |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80) {
			*out = n;
			return true;
		}
	}
	return false;
}

/* The eight numbers of one entry; false when they are cut short or out of their ranges. */
static bool take_entry(const unsigned char **p, const unsigned char *end, const struct entry *was,
	uint64_t modseq, struct entry *e, struct attr *a)
{
	uint64_t v[8], saved;
	int64_t zone;

	for (int i = 0; i < 8; i++) {
		if (!take(p, end, &v[i]))
			return false;
	}
	if (v[0] == 0 || v[0] > BLOCK_ENTRIES || v[2] > UINT32_MAX)
		return false;
	e->uid = was->uid + (uint32_t)v[0];
	e->message = was->message + (uint64_t)unzigzag(v[1]);
	e->size = (uint32_t)v[2];
	e->received_s = (int64_t)((uint64_t)was->received_s + (uint64_t)unzigzag(v[3]));
	saved = (uint64_t)e->received_s + (uint64_t)unzigzag(v[4]);
	zone = unzigzag(v[5]);
	if (saved > UINT32_MAX || zone < -ZONE_MAX || zone > ZONE_MAX)
		return false;
	e->saved_s = (uint32_t)saved;
	e->zone_min = (int16_t)zone;
	a->flags = v[6];
	a->modseq = modseq + (uint64_t)unzigzag(v[7]);
	return true;
}

int block_unpack(struct slice in, uint32_t no, struct entry *entries, struct attr *attrs,
	size_t *n_out, struct err *err)
{
	const unsigned char *p = (const unsigned char *)in.ptr, *end = p + in.len;
	struct entry was = {.uid = block_first_uid(no) - 1};
	uint64_t n, modseq = 0;

	if (in.len < 2 || *p++ != FORMAT || !take(&p, end, &n) || n > BLOCK_ENTRIES)
		return err_set(err, ERR_CORRUPT, "index block %u has no readable head", no);
	for (size_t i = 0; i < n; i++) {
		if (!take_entry(&p, end, &was, modseq, &entries[i], &attrs[i]) ||
			entries[i].uid <= was.uid ||
			entries[i].uid - block_first_uid(no) >= BLOCK_ENTRIES)
			return err_set(err, ERR_CORRUPT, "index block %u is damaged", no);
		was = entries[i];
		modseq = attrs[i].modseq;
	}
	if (p != end)
		return err_set(err, ERR_CORRUPT, "index block %u has bytes left over", no);
	*n_out = n;
	return 0;
}

void runs_pack(struct buf *out, const uint32_t *uids, const uint64_t *flags, size_t n)
{
	uint32_t last = 0;

	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && uids[end] == uids[end - 1] + 1 &&
				  (!flags || flags[end] == flags[i]);)
			end++;
		varint_put(out, uids[i] - last);
		varint_put(out, end - i - 1);
		if (flags)
			varint_put(out, flags[i]);
		last = uids[end - 1];
	}
}
