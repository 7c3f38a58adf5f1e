/*
 * second_kit.h - for tests: what second factors, programs and resets are asked with, beyond kit.h.
 */
#ifndef KEEPER_SECOND_KIT_H
#define KEEPER_SECOND_KIT_H

#include "keeper/kit.h"
#include "keeper/totp.h"

#define HOME "192.0.2.1"
#define FIRST "three blind snails 77"
#define SECOND "a quiet Tuesday, later"

extern const struct keeper_config kit_cheap;

/* A question of kit.h, as a function. */
#define ASK(name, call_of)                                                                         \
	static void name(const struct keeper_call *call, const struct kit_ask *q)                  \
	{                                                                                          \
		call_of;                                                                           \
	}

/* Asks, and gives out the answer's text, or a struct of that size. */
int kit_ask_text(struct kit *kit, struct kit_ask *q, char *out, size_t size);
int kit_ask_struct(struct kit *kit, struct kit_ask *q, void *out, size_t size);

int kit_factor_begin(struct kit *kit, const char *cookie, enum keeper_factor factor,
	const char *data, char *out, size_t size);
int kit_factor_confirm(struct kit *kit, const char *cookie, enum keeper_factor factor,
	const char *data, char *codes, size_t size);

/* kit_totp_code - the code of so many steps from now; valid until the next call. */
const char *kit_totp_code(const struct totp *totp, int64_t steps);
/* kit_add_totp - give a signed-in account TOTP; codes are the recovery codes. */
void kit_add_totp(struct kit *kit, const char *cookie, struct totp *totp, char *codes, size_t size);
/* kit_set_recovery - give it a recovery address, confirmed. */
void kit_set_recovery(struct kit *kit, const char *cookie, const char *address);

#endif
