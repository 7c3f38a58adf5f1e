/*
 * proxy.h - the header of the PROXY protocol, versions 1 and 2: a load balancer tells whom it
 * speaks for.
 *
 * Reads:  proxy-protocol.txt of HAProxy, 2.1 and 2.2. TCP over IPv4 and IPv6, LOCAL and UNKNOWN;
 *         other families and what else a header of version 2 says (TLVs) are passed over.
 * Pure and linear; a header is at most PROXY_MAX bytes.
 */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include "base/ip.h"

enum { PROXY_HEAD = 16, PROXY_MAX = 536, PROXY_LINE_MAX = 107 };

/* proxy_wants - how many bytes more belong to the header for certain, after those that came; 0: in
 * is a whole header; -1: it is none, or too long. */
int proxy_wants(struct slice in);

/* proxy_read - a whole header. False: malformed. has_source_out: it says whose connection this is;
 * else it is the balancer's own. */
bool proxy_read(struct slice header, bool *has_source_out, struct ip *source_out);

#endif
