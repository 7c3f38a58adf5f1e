/*
 * dns.h - names looked up by libunbound: cached, validated by DNSSEC, with a deadline, never
 * through the system's resolver library.
 *
 * The questions go to the resolver that the settings name, or to those of /etc/resolv.conf, which
 * is read when the process starts; so are /etc/hosts and the trust anchors. With dnssec.validate =
 * "auto" nothing is validated until the resolver has shown that it passes signatures on: then
 * is_secure is false everywhere, and a resolver that strips them does not stop all mail.
 *
 * Any thread. Bounds: DNS_OPEN_MAX questions at once, beyond that the answer is DNS_FAILED.
 */
#ifndef COURIER_DNS_H
#define COURIER_DNS_H

#include "base/config.h"
#include "wire/dns/dns.h"

enum { DNS_WAIT_MS = 10000, DNS_OPEN_MAX = 1 << 15 };

struct dns;

/* dns_new - before the sandbox and the first thread; of the settings: resolver ("ADDRESS" or
 * "ADDRESS:PORT", an IPv6 address in brackets; empty: the system's) and dnssec. -ERR_SYNTAX. */
MUST_CHECK int dns_new(const struct config *settings, struct dns **out, struct err *err);
/* dns_start - its thread, after the sandbox. */
MUST_CHECK int dns_start(struct dns *dns, struct err *err);
/* dns_stop - whoever waits is answered now, and whoever asks from now on: with DNS_FAILED. */
void dns_stop(struct dns *dns);
/* dns_free - nobody asks any more. */
void dns_free(struct dns **dns);

/* What was asked at once. */
struct dns_batch;

/* dns_done_fn - all are answered, or the time is over. Called once, on the thread of the answers or
 * within dns_ask(); it does not wait for anything. */
typedef void dns_done_fn(void *context, const struct dns_batch *batch);

/* dns_ask - the pending questions of the view, at most for wait_ms (to a tenth of a second). */
void dns_ask(struct dns *dns, const struct dns_view *view, int64_t wait_ms, dns_done_fn *done,
	void *context);
/* dns_batch_take - only in done(): the answers into a view; what has none is DNS_FAILED. */
void dns_batch_take(const struct dns_batch *batch, struct dns_view *view);

/* dns_fill - ask and wait: afterwards nothing in the view is pending. For straight-line code on a
 * thread that may wait. */
void dns_fill(struct dns *dns, struct dns_view *view, int64_t wait_ms);

/* dns_addresses - IPv6 and IPv4 addresses of a host, as text, at most max. -ERR_NOTFOUND: there is
 * no such name, or it has none; -ERR_BUSY: cannot be told now. */
enum { DNS_ADDRESS_MAX = 46 };
MUST_CHECK int dns_addresses(struct dns *dns, const char *host, char (*out)[DNS_ADDRESS_MAX],
	size_t max, size_t *n_out, struct err *err);

#endif
