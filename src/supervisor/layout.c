/* layout.c - see layout.h for the contract. */
#include "supervisor/layout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "admin/instance.h"
#include "base/io.h"

int layout_enter(const char *dir, struct layout *out, struct err *err)
{
	struct layout layout = {.dir_fd = -1, .lock_fd = -1};
	struct stat st;
	int rc;

	if (mkdir(dir, 0711) < 0 && errno != EEXIST)
		return err_errno(err, "cannot make %s", dir);
	layout.dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (layout.dir_fd < 0 || fchdir(layout.dir_fd) < 0 || fstat(layout.dir_fd, &st) < 0)
		return err_errno(err, "cannot enter %s", dir);
	if (mkdir("run", 0711) < 0 && errno != EEXIST)
		return err_errno(err, "cannot write to %s", dir);
	layout.is_separate = geteuid() == 0;
	layout.owner = st.st_uid;
	rc = instance_lock(dir, &layout.lock_fd, &layout.was_interrupted, err);
	if (rc == 0)
		*out = layout;
	return rc;
}

void layout_leave(struct layout *layout)
{
	instance_unlock(&layout->lock_fd);
	io_close(&layout->dir_fd);
}

static int find_user(
	struct slice name, const char *setting, uid_t *uid_out, gid_t *gid_out, struct err *err)
{
	char text[80] = "";
	const struct passwd *user;

	memcpy(text, name.ptr, name.len < sizeof(text) ? name.len : sizeof(text) - 1);
	user = getpwnam(text);
	if (!user)
		return err_set(err, ERR_NOTFOUND,
			"there is no user %s: run script/bootstrap, or set %s", text, setting);
	if (user->pw_uid == 0 || user->pw_gid == 0)
		return err_set(err, ERR_DENIED, "%s must not be root", setting);
	*uid_out = user->pw_uid;
	*gid_out = user->pw_gid;
	return 0;
}

int layout_users(struct layout *layout, const struct config *config, struct err *err)
{
	int rc;

	layout->server_uid = layout->keeper_uid = layout->courier_uid = geteuid();
	layout->server_gid = layout->keeper_gid = layout->courier_gid = getegid();
	if (!layout->is_separate)
		return 0;
	rc = find_user(
		config->user_server, "users.server", &layout->server_uid, &layout->server_gid, err);
	if (rc == 0)
		rc = find_user(config->user_keeper, "users.keeper", &layout->keeper_uid,
			&layout->keeper_gid, err);
	return rc ? rc
		  : find_user(config->user_courier, "users.courier", &layout->courier_uid,
			    &layout->courier_gid, err);
}

/* A folder of this owner and mode; what is in it stays as it is. */
static int make_folder(const struct layout *layout, const char *name, uid_t uid, gid_t gid,
	mode_t mode, struct err *err)
{
	int fd AUTO(io_close) = -1;

	if (mkdir(name, mode) < 0 && errno != EEXIST)
		return err_errno(err, "cannot make %s", name);
	fd = io_open(AT_FDCWD, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, err);
	if (fd < 0)
		return fd;
	if ((layout->is_separate && fchown(fd, uid, gid) < 0) || fchmod(fd, mode) < 0)
		return err_errno(err, "cannot set owner and mode of %s", name);
	return 0;
}

int layout_make(const struct layout *layout, struct err *err)
{
	const struct {
		const char *name;
		uid_t uid;
		gid_t gid;
		mode_t mode;
	} folders[] = {
		{"run", geteuid(), getegid(), 0711},
		{"tls", layout->keeper_uid, layout->keeper_gid, 0755},
		{"mail", layout->server_uid, layout->server_gid, 0700},
		{"keeper", layout->keeper_uid, layout->keeper_gid, 0700},
		{"courier", layout->courier_uid, layout->courier_gid, 0700},
	};
	struct stat st;
	int rc = 0;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && rc == 0; i++)
		rc = make_folder(layout, folders[i].name, folders[i].uid, folders[i].gid,
			folders[i].mode, err);
	if (rc < 0 || !layout->is_separate)
		return rc;
	/* The processes walk through DIR, and may not list it. */
	if (fstat(layout->dir_fd, &st) < 0 ||
		((st.st_mode & 0011) != 0011 &&
			fchmod(layout->dir_fd, (st.st_mode & 07777) | 0011) < 0))
		return err_errno(err, "cannot open the directory to its processes");
	return 0;
}

int layout_limit(const struct layout *layout, struct err *err)
{
	static const int kept[] = {
		CAP_SETUID, CAP_SETGID, CAP_KILL, CAP_NET_BIND_SERVICE, CAP_CHOWN};
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2] = {{0}};
	bool is_kept[64] = {false};

	if (!layout->is_separate)
		return 0;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		is_kept[kept[i]] = true;
		sets[0].effective |= 1u << kept[i];
	}
	sets[0].permitted = sets[0].effective;
	for (int cap = 0; cap < 64 && prctl(PR_CAPBSET_READ, cap) >= 0; cap++) {
		if (!is_kept[cap] && prctl(PR_CAPBSET_DROP, cap) < 0 && errno != EPERM)
			return err_errno(err, "cannot drop a capability");
	}
	if (syscall(SYS_capset, &head, sets) < 0)
		return err_errno(err, "cannot limit capabilities");
	return 0;
}

int layout_config(struct buf *text_out, struct config **config_out, struct err *err)
{
	const int rc = io_read_file(AT_FDCWD, "posthouse.conf", text_out, err);

	if (rc < 0 && rc != -ERR_NOTFOUND)
		return rc;
	return config_parse(buf_slice(text_out), "posthouse.conf", config_out, err);
}

bool layout_has_certificate(void)
{
	DIR *folder = opendir("tls");
	const struct dirent *entry;
	bool has = false;

	while (folder && !has && (entry = readdir(folder)))
		has = slice_ends(slice_str(entry->d_name), slice_lit(".pem"));
	if (folder)
		closedir(folder);
	return has;
}
