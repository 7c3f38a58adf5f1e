/* factor_kit.h - for tests: a new database with accounts 7 and 8, and what factors work with. */
#ifndef KEEPER_FACTOR_KIT_H
#define KEEPER_FACTOR_KIT_H

#include "keeper/factor.h"
#include "keeper/secrets.h"

struct kit_world {
	struct secrets *secrets;
	struct factors *factors;
	char dir[64];
};

/* For cmocka; *state is a struct kit_world. */
int kit_set_up(void **state);
int kit_tear_down(void **state);

/* kit_change - begin one; end it with secrets_change_end(). */
struct db *kit_change(struct kit_world *w);

#endif
