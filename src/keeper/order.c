/* order.c - see order.h for the contract. */
#include "keeper/order.h"

enum { LABEL_MAX = 63 };

void order_write(const struct order *order, struct buf *out)
{
	for (size_t i = 0; i < order->n; i++)
		buf_printf(out, "host %.*s\n", SLICE_ARG(order->hosts[i]));
	if (order->is_rsa)
		buf_lit(out, "key rsa\n");
	if (order->renew_s)
		buf_printf(out, "renew %lld\n", (long long)order->renew_s);
	if (order->is_customer)
		buf_lit(out, "customer\n");
	if (order->is_unchecked)
		buf_lit(out, "unchecked\n");
}

static bool is_label(struct slice label)
{
	for (size_t i = 0; i < label.len; i++) {
		const unsigned char c = ascii_lower((unsigned char)label.ptr[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-')
			return false;
	}
	return label.len && label.len <= LABEL_MAX && label.ptr[0] != '-' &&
	       label.ptr[label.len - 1] != '-';
}

bool order_is_host(struct slice name)
{
	struct slice rest = name;
	size_t labels = 0;

	if (name.len > ORDER_HOST_MAX)
		return false;
	while (rest.ptr) {
		if (!is_label(slice_cut(rest, '.', &rest)))
			return false;
		labels++;
	}
	return labels > 1;
}

static bool take_line(struct slice line, struct order *order)
{
	struct slice value, word = slice_cut(line, ' ', &value);
	uint64_t n;

	if (slice_eq(word, slice_lit("host")) && order_is_host(value) &&
		order->n < FRAME_NAMES_MAX) {
		order->hosts[order->n++] = value;
	} else if (slice_eq(word, slice_lit("renew")) && slice_to_u64(value, INT64_MAX, &n)) {
		order->renew_s = (int64_t)n;
	} else if (slice_eq(line, slice_lit("key rsa"))) {
		order->is_rsa = true;
	} else if (slice_eq(line, slice_lit("customer"))) {
		order->is_customer = true;
	} else if (slice_eq(line, slice_lit("unchecked"))) {
		order->is_unchecked = true;
	} else {
		return false;
	}
	return true;
}

int order_read(struct slice text, struct order *out, struct err *err)
{
	struct order order = {0};

	while (text.len) {
		const struct slice line = slice_cut(text, '\n', &text);

		if (!take_line(line, &order))
			return err_set(err, ERR_SYNTAX, "an order has a line that makes no sense");
	}
	if (order.n == 0)
		return err_set(err, ERR_SYNTAX, "an order without a host");
	*out = order;
	return 0;
}
