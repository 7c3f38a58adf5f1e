/*
 * answers.h - what a CA is to find when it asks whether a host is ours (RFC 8555 8.3); only for
 * src/certificate, whose lock guards it.
 */
#ifndef CERTIFICATE_ANSWERS_H
#define CERTIFICATE_ANSWERS_H

#include "base/buf.h"
#include "base/map.h"
#include "net/tls.h"

enum { ANSWERS_MAX = 1000, ANSWERS_KEEP_MS = 3600000 };

struct answers {
	struct map map; /* by token; those for TLS by their host */
};

void answers_add(struct answers *a, struct slice host, struct slice token, struct slice text);
/* answers_add_chain - for TLS; held. answers_list - those, at most ANSWERS_MAX: how many. */
void answers_add_chain(struct answers *a, struct slice host, struct tls_chain *chain);
size_t answers_list(const struct answers *a, struct tls_use *out);
void answers_drop(struct answers *a, struct slice host); /* all of that host */
void answers_forget(struct answers *a, int64_t now_ms);  /* those nobody dropped */
bool answers_find(const struct answers *a, struct slice host, struct slice path, struct buf *out);
void answers_done(struct answers *a);

#endif
