/* external_kit.h - for tests: the verbs of external.h run at once, and what they answer is kept. */
#ifndef COURIER_EXTERNAL_KIT_H
#define COURIER_EXTERNAL_KIT_H

#include "base/temp.h"
#include "courier/external.h"

enum { EXTERNAL_KIT_PATH = TEMP_MAX + 32 };

struct external_kit {
	struct courier courier;
	unsigned answers; /* so far */
	int rc;           /* of the last one */
	struct err err;
	int test_rc; /* what a login shall come to */
	unsigned tests;
	char folder[TEMP_MAX];
};

/* external_kit_open - with a database in a folder of its own, which is gone afterwards. */
void external_kit_open(struct external_kit *kit);
void external_kit_close(struct external_kit *kit);
/* external_kit_path - of its file, and of those that SQLite puts beside it. */
char *external_kit_path(
	const struct external_kit *kit, const char *end, char out[EXTERNAL_KIT_PATH]);
/* external_kit_ask - a request with these fields, as they stand in a frame; its result. */
int external_kit_ask(struct external_kit *kit, desk_fn *verb, struct slice fields);

#endif
