/*
 * pack.h - questions and answers as bytes, for the connection between server and courier.
 *
 * Pure; what the other process sent is read as strictly as what comes from outside. A question is
 * varint type, varint length, name. An answer is status, secure, ttl, canonical, count, records.
 * Errors: false for anything that is not exactly one such item at the front of *in.
 */
#ifndef WIRE_DNS_PACK_H
#define WIRE_DNS_PACK_H

#include "base/buf.h"
#include "wire/dns/dns.h"

void dns_pack_question(struct buf *out, const struct dns_question *question);
bool dns_unpack_question(struct slice *in, struct dns_question *out); /* points into *in */

void dns_pack_answer(struct buf *out, const struct dns_answer *answer);
/* dns_unpack_answer - bytes point into *in, the list of records is the arena's. */
bool dns_unpack_answer(struct slice *in, struct arena *arena, struct dns_answer *out);

#endif
