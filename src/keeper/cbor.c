/* cbor.c - see cbor.h for the contract. */
#include "keeper/cbor.h"

enum { INFO_MASK = 31, INFO_ONE_BYTE = 24, INFO_EIGHT_BYTES = 27, TYPE_SHIFT = 5 };

bool cbor_take_head(struct slice *in, struct cbor_head *out)
{
	const unsigned char *p = (const unsigned char *)in->ptr;
	unsigned info;
	uint64_t n;
	size_t extra;

	if (in->len == 0)
		return false;
	info = p[0] & INFO_MASK;
	if (info > INFO_EIGHT_BYTES) /* reserved, and lengths that are told at the end */
		return false;
	extra = info < INFO_ONE_BYTE ? 0 : (size_t)1 << (info - INFO_ONE_BYTE);
	if (in->len < 1 + extra)
		return false;
	n = extra ? 0 : info;
	for (size_t i = 1; i <= extra; i++)
		n = n << 8 | p[i];
	*out = (struct cbor_head){(enum cbor_type)(p[0] >> TYPE_SHIFT), n};
	*in = slice_from(*in, 1 + extra);
	return true;
}

bool cbor_take_string(struct slice *in, enum cbor_type type, struct slice *out)
{
	struct slice rest = *in;
	struct cbor_head head;

	if (!cbor_take_head(&rest, &head) || head.type != type || head.n > rest.len)
		return false;
	*out = slice_head(rest, (size_t)head.n);
	*in = slice_from(rest, (size_t)head.n);
	return true;
}

/* How many items follow a head as its contents; false if they cannot be in what is left. */
static bool count_contents(const struct cbor_head *head, struct slice *rest, uint64_t *n_out)
{
	*n_out = 0;
	switch (head->type) {
	case CBOR_BYTES:
	case CBOR_TEXT:
		if (head->n > rest->len)
			return false;
		*rest = slice_from(*rest, (size_t)head->n);
		return true;
	case CBOR_ARRAY:
	case CBOR_MAP:
		if (head->n > rest->len)
			return false;
		*n_out = head->type == CBOR_MAP ? 2 * head->n : head->n;
		return true;
	case CBOR_TAG:
		*n_out = 1;
		return true;
	default:
		return true;
	}
}

bool cbor_skip(struct slice *in, struct slice *item_out)
{
	uint64_t left[CBOR_DEPTH_MAX + 1] = {1}; /* items to come at each depth */
	struct slice rest = *in;
	struct cbor_head head;
	size_t depth = 0;

	for (;;) {
		while (left[depth] == 0) {
			if (depth-- > 0)
				continue;
			*item_out = slice_head(*in, in->len - rest.len);
			*in = rest;
			return true;
		}
		left[depth]--;
		if (depth == CBOR_DEPTH_MAX || !cbor_take_head(&rest, &head) ||
			!count_contents(&head, &rest, &left[depth + 1]))
			return false;
		depth++;
	}
}
