/* instance.c - see instance.h for the contract. */
#include "admin/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <unistd.h>

#include "base/io.h"
#include "keeper/keeper.h"

/* What stands in run/lock while an instance runs, and stays there when it is killed. */
static const char lock_mark[] = "running\n";

enum { CERTIFICATE_DAYS = 3650, CERTIFICATE_MAX = 64 << 10 };

int instance_lock(const char *shown_dir, int *fd_out, bool *was_interrupted_out, struct err *err)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd AUTO(io_close) = io_open(AT_FDCWD, "run/lock", O_RDWR | O_CREAT, 0644, err);
	char mark;

	if (fd < 0)
		return fd;
	if (fcntl(fd, F_SETLK, &lock) < 0) {
		if (errno != EAGAIN && errno != EACCES)
			return err_errno(err, "cannot lock %s/run/lock", shown_dir);
		if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
			lock.l_pid = 0;
		return err_set(err, ERR_BUSY, "%.80s is in use by another posthouse (process %d)",
			shown_dir, (int)lock.l_pid);
	}
	*was_interrupted_out = pread(fd, &mark, 1, 0) == 1;
	if (pwrite(fd, lock_mark, sizeof(lock_mark) - 1, 0) < 0)
		return err_errno(err, "cannot write %s/run/lock", shown_dir);
	*fd_out = fd;
	fd = -1;
	return 0;
}

void instance_unlock(int *fd)
{
	if (*fd >= 0 && ftruncate(*fd, 0) < 0)
		perror("posthouse: run/lock"); /* only makes the next start more patient */
	io_close(fd);
}

int instance_process(const char *shown_dir, pid_t *out, struct err *err)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd AUTO(io_close) = io_open(AT_FDCWD, "run/lock", O_RDONLY, 0, err);

	if (fd < 0 && fd != -ERR_NOTFOUND)
		return fd;
	if (fd >= 0 && fcntl(fd, F_GETLK, &lock) < 0)
		return err_errno(err, "cannot ask for the lock of %s", shown_dir);
	if (fd < 0 || lock.l_type == F_UNLCK)
		return err_set(err, ERR_NOTFOUND, "nothing is running in %.100s", shown_dir);
	*out = lock.l_pid;
	return 0;
}

static int write_chain(struct slice name, struct slice chain, struct err *err)
{
	char path[128];

	if (name.len == 0 || name.len > 64 || slice_chr(name, '/') != SIZE_MAX ||
		name.ptr[0] == '.')
		return err_set(err, ERR_SYNTAX, "%.*s is no name for a certificate",
			SLICE_ARG(slice_head(name, 64)));
	snprintf(path, sizeof(path), "tls/%.*s.pem", SLICE_ARG(name));
	return io_replace_file(AT_FDCWD, path, chain, 0644, err);
}

int instance_make_certificate(struct slice name, struct err *err)
{
	const struct slice names[] = {
		slice_lit("localhost"), slice_lit("127.0.0.1"), slice_lit("::1")};
	struct buf chain AUTO(buf_done);
	int rc;

	buf_init(&chain, CERTIFICATE_MAX);
	rc = keeper_make_key(INSTANCE_KEEPER_CLI, name, names, sizeof(names) / sizeof(names[0]),
		CERTIFICATE_DAYS, &chain, err);
	return rc < 0 ? rc : write_chain(name, buf_slice(&chain), err);
}

/* Nobody is asked: a key with a passphrase is not one for us. */
static int no_passphrase(char *out, int size, int is_writing, void *context)
{
	(void)out;
	(void)size;
	(void)is_writing;
	(void)context;
	return -1;
}

/* A chain that does not belong to the key would only be noticed by clients. */
static int check_pair(struct slice chain_pem, struct slice key_pem, struct err *err)
{
	BIO *chain = BIO_new_mem_buf(chain_pem.ptr, (int)chain_pem.len);
	BIO *key = BIO_new_mem_buf(key_pem.ptr, (int)key_pem.len);
	X509 *leaf = chain ? PEM_read_bio_X509(chain, NULL, NULL, NULL) : NULL;
	EVP_PKEY *pair = key ? PEM_read_bio_PrivateKey(key, NULL, no_passphrase, NULL) : NULL;
	int rc = 0;

	if (!leaf)
		rc = err_set(err, ERR_SYNTAX, "the chain is not a certificate in PEM");
	else if (!pair)
		rc = err_set(err, ERR_SYNTAX, "the key is not a private key in PEM");
	else if (X509_check_private_key(leaf, pair) != 1)
		rc = err_set(err, ERR_CONFLICT, "the key does not belong to the certificate");
	ERR_clear_error();
	EVP_PKEY_free(pair);
	X509_free(leaf);
	BIO_free(key);
	BIO_free(chain);
	return rc;
}

int instance_add_certificate(
	struct slice name, struct slice chain_pem, struct slice key_pem, struct err *err)
{
	int rc = check_pair(chain_pem, key_pem, err);

	if (rc == 0)
		rc = keeper_import_key(INSTANCE_KEEPER_CLI, name, key_pem, err);
	return rc < 0 ? rc : write_chain(name, chain_pem, err);
}
