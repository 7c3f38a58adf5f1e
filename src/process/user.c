/* user.c - see sandbox.h for the contract. */
#include <grp.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process/sandbox.h"

static bool is_user(uid_t uid, gid_t gid)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	return getresuid(&r, &e, &s) == 0 && getresgid(&rg, &eg, &sg) == 0 && r == uid &&
	       e == uid && s == uid && rg == gid && eg == gid && sg == gid;
}

static bool has_capability(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2];
	uint32_t any = 0;

	if (syscall(SYS_capget, &head, sets) < 0)
		return true;
	for (int i = 0; i < 2; i++)
		any |= sets[i].effective | sets[i].permitted | sets[i].inheritable;
	return any != 0;
}

int user_drop(unsigned uid, unsigned gid, struct err *err)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[2] = {{0}};

	if (uid == 0 || gid == 0)
		return err_set(err, ERR_DENIED, "a process of ours does not stay root");
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return err_errno(err, "cannot become user %u, group %u", uid, gid);
	/* A change of user empties the sets but the inheritable one. */
	if (syscall(SYS_capset, &head, none) < 0)
		return err_errno(err, "cannot drop capabilities");
	if (!is_user(uid, gid) || getgroups(0, NULL) != 0 || has_capability() ||
		setresuid(-1, 0, -1) == 0)
		return err_set(err, ERR_DENIED, "privileges came back after dropping them");
	return 0;
}

void process_title(int argc, char **argv, const char *role)
{
	static const char prefix[] = "posthouse: ";
	char *end = argv[0];
	size_t room, n;

	/* ps shows the bytes from argv[0] to the end of the last argument. */
	for (int i = 0; i < argc && argv[i] == end; i++)
		end += strlen(argv[i]) + 1;
	room = (size_t)(end - argv[0]);
	if (room == 0)
		return;
	memset(argv[0], 0, room);
	n = sizeof(prefix) - 1 < room ? sizeof(prefix) - 1 : room - 1;
	memcpy(argv[0], prefix, n);
	strncpy(argv[0] + n, role, room - 1 - n);
	prctl(PR_SET_NAME, "posthouse", 0, 0, 0);
}
