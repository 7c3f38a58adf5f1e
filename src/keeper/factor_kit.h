/* factor_kit.h - for tests: a new database with accounts 7 and 8, and what factors work with. */
#ifndef KEEPER_FACTOR_KIT_H
#define KEEPER_FACTOR_KIT_H

#include "base/temp.h"
#include "keeper/factor.h"
#include "keeper/secrets.h"

struct factor_kit {
	struct secrets *secrets;
	struct factors *factors;
	char dir[TEMP_MAX];
};

/* For cmocka; *state is a struct factor_kit. */
int factor_kit_set_up(void **state);
int factor_kit_tear_down(void **state);

/* factor_kit_change - begin one; end it with secrets_change_end(). */
struct db *factor_kit_change(struct factor_kit *w);

#endif
