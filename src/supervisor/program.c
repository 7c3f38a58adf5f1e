/* program.c - see program.h for the contract. */
#include "supervisor/program.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

void program_init(struct program *program)
{
	*program = (struct program){.fd = -1, .before_fd = -1, .folder_fd = -1};
}

int program_open(struct program *program, struct err *err)
{
	char path[PATH_MAX];
	const ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	if (n <= 0)
		return err_errno(err, "cannot find my own program");
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (!slash || strlen(slash + 1) >= sizeof(program->name))
		return err_set(err, ERR_IO, "cannot find my own program");
	memcpy(program->name, slash + 1, strlen(slash + 1) + 1);
	*slash = '\0';
	program->folder_fd = open(*path ? path : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	program->fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	if (program->folder_fd < 0 || program->fd < 0)
		return err_errno(err, "cannot open my own program");
	return 0;
}

int program_reopen(struct program *program, struct err *err)
{
	const int fd = io_open(program->folder_fd, program->name, O_PATH, 0, err);

	if (fd < 0)
		return fd;
	if (program->before_fd < 0) {
		program->before_fd = program->fd;
		program->fd = fd;
	} else { /* two upgrades at once: the first program is what we can go back to */
		io_close(&program->fd);
		program->fd = fd;
	}
	return 0;
}

void program_accept(struct program *program)
{
	io_close(&program->before_fd);
}

void program_revert(struct program *program)
{
	if (program->before_fd < 0)
		return;
	io_close(&program->fd);
	program->fd = program->before_fd;
	program->before_fd = -1;
}

void program_close(struct program *program)
{
	io_close(&program->fd);
	io_close(&program->before_fd);
	io_close(&program->folder_fd);
}
