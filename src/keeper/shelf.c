/* shelf.c - see shelf.h for the contract. */
#include "keeper/shelf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "chain/chain.h"

enum { PATH_BYTES = FRAME_KEY_NAME_MAX + 16, DAY_S = 86400 };

static void path_of(struct slice name, const char *suffix, char path[PATH_BYTES])
{
	snprintf(path, PATH_BYTES, "%.*s%s", SLICE_ARG(name), suffix);
}

static int check_hosts(const struct chain *chain, const struct order *order, struct err *err)
{
	for (size_t i = 0; i < order->n; i++) {
		if (!chain_has_host(chain, order->hosts[i]))
			return err_set(err, ERR_CONFLICT, "the certificate is not for %.*s",
				SLICE_ARG(slice_head(order->hosts[i], 80)));
	}
	return 0;
}

static int check_key(const struct chain *chain, struct keys *keys, struct err *err)
{
	char name[CHAIN_KEY_NAME_MAX];
	EVP_PKEY *pkey = NULL;
	int rc = chain_key_name(CHAIN_KEY_TLS, X509_get0_pubkey(chain->leaf), name, err);

	if (rc == 0)
		rc = keys_get(keys, CHAIN_KEY_TLS, slice_str(name), &pkey, err);
	EVP_PKEY_free(pkey);
	return rc == -ERR_NOTFOUND ? err_set(err, ERR_NOTFOUND, "no key belongs to the certificate")
				   : rc;
}

int shelf_put_chain(int dirfd, struct keys *keys, struct slice name, struct slice pem,
	const struct order *order, struct err *err)
{
	struct chain chain AUTO(chain_done) = {0};
	char path[PATH_BYTES];
	int rc = chain_read(NULL, pem, &chain, err);

	if (rc == 0)
		rc = chain_check(&chain, err);
	if (rc == 0 && order)
		rc = check_hosts(&chain, order, err);
	if (rc == 0)
		rc = check_key(&chain, keys, err);
	if (rc < 0)
		return rc;
	path_of(name, ".pem", path);
	return io_replace_file(dirfd, path, pem, 0644, err);
}

int shelf_put_order(int dirfd, struct slice name, const struct order *order, struct err *err)
{
	struct buf text AUTO(buf_done);
	char path[PATH_BYTES];
	int rc;

	buf_init(&text, ORDER_TEXT_MAX);
	order_write(order, &text);
	rc = buf_check(&text, "an order", err);
	path_of(name, ".order", path);
	return rc < 0 ? rc : io_replace_file(dirfd, path, buf_slice(&text), 0644, err);
}

int shelf_get_order(
	int dirfd, struct slice name, struct buf *text, struct order *out, struct err *err)
{
	char path[PATH_BYTES];
	int rc;

	path_of(name, ".order", path);
	rc = io_read_file(dirfd, path, text, err);
	if (rc == -ERR_NOTFOUND)
		return err_set(err, ERR_NOTFOUND, "there is no order %.*s", SLICE_ARG(name));
	return rc < 0 ? rc : order_read(buf_slice(text), out, err);
}

int shelf_drop_order(int dirfd, struct slice name, struct err *err)
{
	char path[PATH_BYTES];

	path_of(name, ".order", path);
	if (unlinkat(dirfd, path, 0) == 0)
		return io_sync_dir(dirfd, err);
	return errno == ENOENT
		       ? err_set(err, ERR_NOTFOUND, "there is no order %.*s", SLICE_ARG(name))
		       : err_errno(err, "cannot delete %s", path);
}

/* Calls `take` with the name of each file of that kind. */
static void each_file(int dirfd, const char *suffix,
	void (*take)(void *context, int dirfd, struct slice name), void *context)
{
	const int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		const struct slice file = slice_str(entry->d_name), end = slice_str(suffix);

		if (slice_ends(file, end) && file.ptr[0] != '.' &&
			file.len - end.len <= FRAME_KEY_NAME_MAX)
			take(context, dirfd, slice_head(file, file.len - end.len));
	}
	if (folder)
		closedir(folder);
}

static void count_customer(void *context, int dirfd, struct slice name)
{
	struct buf text AUTO(buf_done);
	struct order order;
	struct err err;

	buf_init(&text, ORDER_TEXT_MAX);
	if (shelf_get_order(dirfd, name, &text, &order, &err) == 0 && order.is_customer)
		++*(size_t *)context;
}

size_t shelf_count_customers(int dirfd)
{
	size_t n = 0;

	each_file(dirfd, ".order", count_customer, &n);
	return n;
}

/* The keys of all chains. */
struct wanted {
	char (*names)[CHAIN_KEY_NAME_MAX];
	size_t n;
	bool is_unknown; /* a chain could not be read: then nothing is deleted */
};

static void note_key(void *context, int dirfd, struct slice name)
{
	struct wanted *wanted = context;
	struct chain chain AUTO(chain_done) = {0};
	struct buf pem AUTO(buf_done);
	char path[PATH_BYTES];
	struct err err;
	int rc;

	buf_init(&pem, SHELF_CHAIN_MAX);
	path_of(name, ".pem", path);
	rc = io_read_file(dirfd, path, &pem, &err);
	if (rc == 0)
		rc = chain_read(NULL, buf_slice(&pem), &chain, &err);
	wanted->names = mem_realloc(wanted->names, (wanted->n + 1) * sizeof(*wanted->names));
	if (rc == 0)
		rc = chain_key_name(CHAIN_KEY_TLS, X509_get0_pubkey(chain.leaf),
			wanted->names[wanted->n], &err);
	if (rc == 0)
		wanted->n++;
	else
		wanted->is_unknown = true;
}

static bool is_wanted(void *context, struct slice name)
{
	const struct wanted *wanted = context;

	for (size_t i = 0; i < wanted->n; i++) {
		if (slice_eq(name, slice_str(wanted->names[i])))
			return true;
	}
	return wanted->is_unknown;
}

void shelf_prune(int dirfd, struct keys *keys)
{
	struct wanted wanted = {0};

	each_file(dirfd, ".pem", note_key, &wanted);
	keys_prune(keys, (int64_t)SHELF_KEY_DAYS * DAY_S, is_wanted, &wanted);
	free(wanted.names);
}
