/* test_rig.c - see test_rig.h. */
#include "store/test_rig.h"

struct rig rig;

int rig_set_up(void **state)
{
	(void)state;
	help_enter();
	rig.store = help_store((struct store_config){.past_days = 7});
	rig.account = help_account(rig.store, 1);
	rig.inbox = help_mailbox(rig.account, "INBOX");
	return 0;
}

int rig_tear_down(void **state)
{
	(void)state;
	account_free(&rig.account);
	store_free(&rig.store);
	help_leave();
	return 0;
}

void rig_reopen(void)
{
	account_free(&rig.account);
	store_free(&rig.store);
	rig.store = help_store((struct store_config){.past_days = 7});
	rig.account = help_account(rig.store, 1);
}

struct mailbox_info rig_info(const char *name)
{
	struct mailbox_info info = {0};
	struct err err;

	if (account_mailbox(rig.account, slice_str(name), 0, ROLE_NONE, help_arena(), &info, &err) <
		0)
		fail_msg("%s: %s", name, err.msg);
	return info;
}

const char *rig_dump(struct view *view)
{
	static char out[2000];
	struct view_entry e;
	size_t n = 0;

	out[0] = '\0';
	for (uint32_t seq = 1; view_entry(view, seq, &e); seq++)
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%u:%llu%s", seq > 1 ? " " : "",
			e.uid, (unsigned long long)e.flags, e.is_gone ? "x" : "");
	return out;
}

struct view *rig_view(uint64_t mailbox, bool is_examine)
{
	struct view *view;
	struct err err;

	if (view_open(rig.account, mailbox, (struct conn_ref){1, 1}, is_examine, &view, &err) < 0)
		fail_msg("view: %s", err.msg);
	return view;
}

void rig_expect(uint64_t mailbox, const char *want)
{
	struct view *view AUTO(view_free) = rig_view(mailbox, true);

	assert_string_equal(rig_dump(view), want);
}

bool rig_has(const char *name)
{
	return help_mailbox(rig.account, name) != 0;
}
