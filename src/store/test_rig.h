/* test_rig.h - a store with one account, whose inbox is empty, for each test; past_days is 7. */
#ifndef STORE_TEST_RIG_H
#define STORE_TEST_RIG_H

#include "store/test_help.h"

extern struct rig {
	struct store *store;
	struct account *account;
	uint64_t inbox;
} rig;

#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
int rig_set_up(void **state);
int rig_tear_down(void **state);
void rig_reopen(void);
struct mailbox_info rig_info(const char *mailbox);
bool rig_has(const char *mailbox);
struct view *rig_view(uint64_t mailbox, bool is_examine);
/* rig_dump - "uid:flags uid:flags" of the whole mailbox, in the view's order. rig_expect - that a
 * new view gives this. */
const char *rig_dump(struct view *view);
void rig_expect(uint64_t mailbox, const char *want);

#endif
