/* test_scenario.h - a row of changes that touches every kind of write, and what is there after
 * each: for the tests that break a write, a sync, or the power. */
#ifndef STORE_TEST_SCENARIO_H
#define STORE_TEST_SCENARIO_H

#include "store/test_help.h"

enum { SCENARIO_STEPS = 16, SCENARIO_DUMP_MAX = 4000 };

/* scenario_run - step number n (0..SCENARIO_STEPS-1) on account 1. */
MUST_CHECK int scenario_run(struct account *account, int n, struct err *err);
/* scenario_dump - all mailboxes with their uids and flags. */
void scenario_dump(struct account *account, char out[SCENARIO_DUMP_MAX]);
/* scenario_expect - after this many steps without any fault. */
const char *scenario_expect(int steps);
/* scenario_verify - open the store anew: all of the acknowledged steps are there, perhaps the one
 * after them, and nothing else; and the file is sound. */
void scenario_verify(int acknowledged);

#endif
