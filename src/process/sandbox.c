/* sandbox.c - see sandbox.h for the contract. */
#include "process/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/io.h"
#include "process/filter.h"

/*
 * Debian 12's headers are older than the kernels we may run on: what they lack stands here. The
 * kernel ignores nothing: a right or field that its version does not know must be zero.
 */
enum { ABI_TRUNCATE = 3, ABI_NET = 4, ABI_IOCTL = 5, ABI_SCOPE = 6, ABI_REFER = 2 };

static const uint64_t fs_truncate = UINT64_C(1) << 14, fs_ioctl_dev = UINT64_C(1) << 15;
/* Bind, and connect; abstract sockets, and signals. */
static const uint64_t net_bind = 1, net_connect = 2, scope_all = 3;

struct ruleset_attr {
	uint64_t handled_fs, handled_net, scoped;
};

static const uint64_t fs_read = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t fs_write = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
				 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
				 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
				 LANDLOCK_ACCESS_FS_REFER | (UINT64_C(1) << 14);
static const uint64_t fs_of_files =
	LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | (UINT64_C(1) << 14);

/* All rights that this version of Landlock can refuse, and that are not ours. */
static struct ruleset_attr handled_by(int abi, bool may_call_out)
{
	struct ruleset_attr all = {.handled_fs = LANDLOCK_ACCESS_FS_REFER - 1};

	if (abi >= ABI_REFER)
		all.handled_fs |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= ABI_TRUNCATE)
		all.handled_fs |= fs_truncate;
	if (abi >= ABI_NET)
		all.handled_net = net_bind | (may_call_out ? 0 : net_connect);
	if (abi >= ABI_IOCTL)
		all.handled_fs |= fs_ioctl_dev;
	if (abi >= ABI_SCOPE)
		all.scoped = scope_all;
	return all;
}

static int allow_path(
	int ruleset, const struct sandbox_path *path, uint64_t handled, struct err *err)
{
	int fd AUTO(io_close) = io_open(AT_FDCWD, path->path, O_PATH, 0, err);
	struct landlock_path_beneath_attr rule = {.parent_fd = fd};
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return err_errno(err, "cannot look at %s", path->path);
	rule.allowed_access = (fs_read | (path->may_write ? fs_write : 0)) & handled;
	if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= fs_of_files;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		return err_errno(err, "cannot allow %s in the sandbox", path->path);
	return 0;
}

/* What a sanitizer reads to print where it happened. */
static int allow_sanitizer(int ruleset, uint64_t handled, struct err *err)
{
	static const struct sandbox_path paths[] = {{"/proc", false}, {"/usr", false}};
	int rc = 0;

	for (size_t i = 0; PROCESS_SANITIZED && i < sizeof(paths) / sizeof(paths[0]) && rc == 0;
		i++)
		rc = allow_path(ruleset, &paths[i], handled, err);
	return rc;
}

/* Returns the version in *abi_out, 0 where the kernel has none or it is switched off. */
static int landlock_enter(const struct sandbox_config *config, int *abi_out, struct err *err)
{
	const int abi =
		(int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	const struct ruleset_attr handled = handled_by(abi, config->may_call_out);
	int fd AUTO(io_close) = -1;
	int rc = 0;

	if (abi < 0 && errno != ENOSYS && errno != EOPNOTSUPP)
		return err_errno(err, "cannot ask for Landlock");
	*abi_out = abi < 0 ? 0 : abi;
	if (abi <= 0)
		return 0;
	fd = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);
	if (fd < 0)
		return err_errno(err, "cannot make a Landlock ruleset");
	for (size_t i = 0; i < config->paths_n && rc == 0; i++)
		rc = allow_path(fd, &config->paths[i], handled.handled_fs, err);
	if (rc == 0)
		rc = allow_sanitizer(fd, handled.handled_fs, err);
	if (rc == 0 && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		rc = err_errno(err, "cannot enter the Landlock sandbox");
	return rc;
}

int sandbox_enter(
	const struct sandbox_config *config, struct sandbox_result *result_out, struct err *err)
{
	struct sandbox_result result = {0};
	int rc;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_errno(err, "cannot give up privileges");
	rc = landlock_enter(config, &result.landlock_abi, err);
	if (rc == 0)
		rc = filter_load(config, &result.has_seccomp, err);
	if (rc == 0)
		*result_out = result;
	return rc;
}
