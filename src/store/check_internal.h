/* check_internal.h - what check.c and check_rows.c share. */
#ifndef STORE_CHECK_INTERNAL_H
#define STORE_CHECK_INTERNAL_H

#include "store/check.h"
#include "store/internal.h"

struct check {
	struct account *account;
	bool is_repair, has_lost; /* has_lost: a repair dropped what somebody may have seen */
	void (*found)(void *context, struct slice line);
	void *context;
	struct check_result result;
};

/* check_problem - tell of one; true if it should be repaired (and is counted as that). */
PRINTF_LIKE(2, 3)
bool check_problem(struct check *c, const char *fmt, ...);
/* check_lasting - tell of one that no repair helps. */
PRINTF_LIKE(2, 3)
void check_lasting(struct check *c, const char *fmt, ...);

/* check_rows - everything but pages and bodies, in one transaction. */
MUST_CHECK int check_rows(struct account_tx *tx, struct check *c, struct err *err);

#endif
