/* vault.c - see vault.h for the contract. */
#include "keeper/vault.h"

#include <sodium.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/random.h"

static const char name[] = "mac.key";

static int make_key(int dirfd, unsigned char *key, struct err *err)
{
	random_bytes(key, MINT_KEY_LEN);
	return io_replace_file(
		dirfd, name, (struct slice){(const char *)key, MINT_KEY_LEN}, 0600, err);
}

int vault_open(int dirfd, unsigned char **key_out, struct err *err)
{
	unsigned char *key AUTO(vault_close) = sodium_malloc(MINT_KEY_LEN);
	struct buf file AUTO(buf_done);
	int rc;

	buf_init(&file, MINT_KEY_LEN);
	if (!key)
		return err_set(err, ERR_IO, "no memory that can be locked");
	rc = io_read_file(dirfd, name, &file, err);
	if (rc == 0 && file.len != MINT_KEY_LEN)
		return err_set(err, ERR_CORRUPT, "%s is not a key", name);
	if (rc == 0)
		memcpy(key, file.ptr, MINT_KEY_LEN);
	else if (rc == -ERR_NOTFOUND)
		rc = make_key(dirfd, key, err);
	mem_wipe(file.ptr, file.cap);
	if (rc < 0)
		return rc;
	*key_out = key;
	key = NULL;
	return 0;
}

void vault_close(unsigned char **key)
{
	sodium_free(*key);
	*key = NULL;
}
