/* tls_rig.h - a pool that listens with TLS, and clients that trust it, for its tests. */
#ifndef NET_TLS_RIG_H
#define NET_TLS_RIG_H

#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/internal.h"
#include "net/net_kit.h"

enum { KEY_P256, KEY_P384, KEY_RSA, KEYS };

struct tls_rig {
	struct kit kit;
	struct kit_ring ring;
	struct tls *tls;
	uint16_t implicit, clear, old;
	struct tls_use uses[KEYS];
	size_t uses_n;
};

extern const unsigned char tls_rig_ticket_keys[2][48];

void tls_rig_load_as(struct tls_rig *s, size_t key, bool is_default, bool is_old);
void tls_rig_load(struct tls_rig *s, size_t key, bool is_default);
void tls_rig_unload(struct tls_rig *s);
void tls_rig_start(struct tls_rig *s);
void tls_rig_stop(struct tls_rig *s);
/* A client that trusts the test's certificates, of one version and some signature algorithms. */
SSL_CTX *tls_rig_client(struct tls_rig *s, int version, const char *algorithms);
/* Which of our keys the peer was shown. */
size_t tls_rig_shown(struct tls_rig *s, struct peer *p);
/* A reply of many records, and an end that TLS itself confirms. */
void tls_rig_use_and_quit(struct peer *p);

#endif
