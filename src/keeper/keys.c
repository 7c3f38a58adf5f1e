/* keys.c - see keys.h for the contract. */
#include "keeper/keys.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"

enum {
	KEYS_MAX = 4096,
	PATH_BYTES = FRAME_KEY_NAME_MAX + 16,
	RSA_BITS = 2048,
	RSA_BITS_MIN = 2048,
	RSA_BITS_MAX = 4096
};

struct key {
	struct slice name;
	EVP_PKEY *pkey;
	char space[FRAME_KEY_NAME_MAX];
};

struct keys {
	pthread_mutex_t lock; /* guards the map, not the keys in it */
	struct map map;
	int dirfd;
	bool allows_old;
};

static void pkey_auto(EVP_PKEY **pkey)
{
	EVP_PKEY_free(*pkey);
}

static void pkey_ctx_auto(EVP_PKEY_CTX **ctx)
{
	EVP_PKEY_CTX_free(*ctx);
}

static void md_ctx_auto(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

static void bio_auto(BIO **bio)
{
	BIO_free(*bio);
}

int keys_open(int dirfd, bool allows_old, struct keys **out, struct err *err)
{
	struct keys *keys;

	if (mkdirat(dirfd, "keys", 0700) < 0) {
		struct stat st;

		if (fstatat(dirfd, "keys", &st, 0) < 0 || !S_ISDIR(st.st_mode))
			return err_errno(err, "cannot make the directory of keys");
	}
	keys = mem_new(struct keys);
	pthread_mutex_init(&keys->lock, NULL);
	keys->dirfd = dirfd;
	keys->allows_old = allows_old;
	*out = keys;
	return 0;
}

static void key_free(struct key *key)
{
	if (key)
		EVP_PKEY_free(key->pkey);
	free(key);
}

static void forget_all(struct keys *keys)
{
	struct key *key;

	for (size_t at = 0; (key = map_next(&keys->map, &at));)
		key_free(key);
	map_done(&keys->map);
	keys->map = (struct map){0};
}

void keys_close(struct keys **keys)
{
	if (!*keys)
		return;
	forget_all(*keys);
	pthread_mutex_destroy(&(*keys)->lock);
	free(*keys);
	*keys = NULL;
}

static void path_of(struct slice name, char path[PATH_BYTES])
{
	snprintf(path, PATH_BYTES, "keys/%.*s.pem", SLICE_ARG(name));
}

static bool is_for_dkim(struct slice name)
{
	return slice_starts(name, slice_lit(CHAIN_KEY_DKIM));
}

/* A key that we are able and willing to use for TLS. */
static int check_kind(EVP_PKEY *pkey, struct err *err)
{
	const int bits = EVP_PKEY_get_bits(pkey);

	if (EVP_PKEY_is_a(pkey, "EC") ||
		(EVP_PKEY_is_a(pkey, "RSA") && bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX))
		return 0;
	return err_set(err, ERR_SYNTAX, "neither an EC key nor an RSA key of %d to %d bits",
		RSA_BITS_MIN, RSA_BITS_MAX);
}

static int parse(struct slice pem, EVP_PKEY **out, struct err *err)
{
	BIO *bio AUTO(bio_auto) = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	/* No password callback: an encrypted key must not make us ask on a terminal. */
	EVP_PKEY *pkey =
		bio ? PEM_read_bio_PrivateKey_ex(bio, NULL, NULL, (void *)"", NULL, NULL) : NULL;

	if (!pkey)
		return err_set(err, ERR_SYNTAX, "not a private key in PEM");
	*out = pkey;
	return 0;
}

int keys_parse(struct slice pem, EVP_PKEY **out, struct err *err)
{
	EVP_PKEY *pkey AUTO(pkey_auto) = NULL;
	int rc = parse(pem, &pkey, err);

	if (rc == 0)
		rc = check_kind(pkey, err);
	if (rc < 0)
		return rc;
	*out = pkey;
	pkey = NULL;
	return 0;
}

static int read_key(struct keys *keys, struct slice name, EVP_PKEY **out, struct err *err)
{
	struct buf pem AUTO(buf_done);
	char path[PATH_BYTES];
	int rc;

	path_of(name, path);
	buf_init(&pem, FRAME_PEM_MAX);
	/* All at once, so that growing leaves no copies behind. */
	buf_reserve(&pem, FRAME_PEM_MAX);
	rc = io_read_file(keys->dirfd, path, &pem, err);
	if (rc == 0 && (is_for_dkim(name) ? parse(buf_slice(&pem), out, err)
					  : keys_parse(buf_slice(&pem), out, err)) < 0)
		rc = err_set(err, ERR_CORRUPT, "%s holds no key we can use", path);
	mem_wipe(pem.ptr, pem.cap);
	return rc;
}

/* Puts a key into the map; what stood there is freed. The caller holds the lock. */
static void remember(struct keys *keys, struct slice name, EVP_PKEY *pkey)
{
	struct key *key = mem_new(struct key), *before = map_get(&keys->map, name);

	if (before) {
		map_del(&keys->map, name);
		key_free(before);
	}
	if (keys->map.count >= KEYS_MAX)
		forget_all(keys);
	memcpy(key->space, name.ptr, name.len);
	key->name = (struct slice){key->space, name.len};
	EVP_PKEY_up_ref(pkey);
	key->pkey = pkey;
	map_put(&keys->map, key->name, key);
}

/* The key of that name, to be freed by the caller. */
static int get_key(struct keys *keys, struct slice name, EVP_PKEY **out, struct err *err)
{
	struct key *key;
	int rc = 0;

	pthread_mutex_lock(&keys->lock);
	key = map_get(&keys->map, name);
	if (key) {
		EVP_PKEY_up_ref(key->pkey);
		*out = key->pkey;
	} else {
		rc = read_key(keys, name, out, err);
		if (rc == 0)
			remember(keys, name, *out);
	}
	pthread_mutex_unlock(&keys->lock);
	return rc;
}

/* The numbers are those of net/tls.h. */
static const struct {
	const char *name;
	size_t length;
} hashes[] = {{"SHA256", 32}, {"SHA384", 48}, {"SHA512", 64}, {"SHA1", 20}, {"MD5-SHA1", 36}};

enum { FIRST_OLD_HASH = 3 };

static const struct {
	const char *type;
	int padding;
} algorithms[] = {{"EC", 0}, {"RSA", RSA_PKCS1_PADDING},
	{"RSA", RSA_PKCS1_PSS_PADDING}, [FRAME_ED25519] = {"ED25519", 0}};

enum { PKCS1 = 1 };

static int check_dkim(const struct frame_sign *what, struct err *err)
{
	if (!is_for_dkim(what->key_name))
		return err_set(err, ERR_DENIED, "the key is not for that purpose");
	if ((what->algorithm != PKCS1 && what->algorithm != FRAME_ED25519) || what->hash != 0)
		return err_set(err, ERR_DENIED, "an algorithm that is not offered");
	if (what->digest.len != hashes[0].length)
		return err_set(err, ERR_SYNTAX, "a digest of %zu bytes", what->digest.len);
	return 0;
}

static int check_request(const struct keys *keys, const struct frame_sign *what, struct err *err)
{
	if (what->purpose == FRAME_PURPOSE_DKIM)
		return check_dkim(what, err);
	if (what->purpose != FRAME_PURPOSE_TLS || what->algorithm == FRAME_ED25519 ||
		!slice_starts(what->key_name, slice_lit(CHAIN_KEY_TLS)))
		return err_set(err, ERR_DENIED, "the key is not for that purpose");
	if (what->algorithm >= sizeof(algorithms) / sizeof(algorithms[0]) ||
		what->hash >= sizeof(hashes) / sizeof(hashes[0]) ||
		(what->hash >= FIRST_OLD_HASH && !keys->allows_old))
		return err_set(err, ERR_DENIED, "an algorithm that is not offered");
	if (what->digest.len != hashes[what->hash].length)
		return err_set(err, ERR_SYNTAX, "a digest of %zu bytes", what->digest.len);
	return 0;
}

static bool set_up_signing(EVP_PKEY_CTX *ctx, const struct frame_sign *what)
{
	const int padding = algorithms[what->algorithm].padding;
	const EVP_MD *md = EVP_get_digestbyname(hashes[what->hash].name);

	if (EVP_PKEY_sign_init(ctx) <= 0)
		return false;
	if (padding && EVP_PKEY_CTX_set_rsa_padding(ctx, padding) <= 0)
		return false;
	if (EVP_PKEY_CTX_set_signature_md(ctx, md) <= 0)
		return false;
	return padding != RSA_PKCS1_PSS_PADDING ||
	       (EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) > 0 &&
		       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0);
}

static bool sign_by_padding(
	EVP_PKEY *pkey, const struct frame_sign *what, unsigned char *signature, size_t *n)
{
	EVP_PKEY_CTX *ctx AUTO(pkey_ctx_auto) = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);

	return ctx && set_up_signing(ctx, what) &&
	       EVP_PKEY_sign(ctx, signature, n, (const unsigned char *)what->digest.ptr,
		       what->digest.len) > 0;
}

/* RFC 8463 3: the digest is the message. */
static bool sign_by_ed25519(
	EVP_PKEY *pkey, const struct frame_sign *what, unsigned char *signature, size_t *n)
{
	EVP_MD_CTX *ctx AUTO(md_ctx_auto) = EVP_MD_CTX_new();

	return ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
	       EVP_DigestSign(ctx, signature, n, (const unsigned char *)what->digest.ptr,
		       what->digest.len) == 1;
}

int keys_sign(struct keys *keys, const struct frame_sign *what, struct buf *out, struct err *err)
{
	EVP_PKEY *pkey AUTO(pkey_auto) = NULL;
	unsigned char signature[RSA_BITS_MAX / 8];
	size_t n = sizeof(signature);
	int rc = check_request(keys, what, err);

	if (rc == 0)
		rc = get_key(keys, what->key_name, &pkey, err);
	if (rc < 0)
		return rc;
	if (!EVP_PKEY_is_a(pkey, algorithms[what->algorithm].type))
		return err_set(err, ERR_DENIED, "the key is not for that algorithm");
	if (!(what->algorithm == FRAME_ED25519 ? sign_by_ed25519(pkey, what, signature, &n)
					       : sign_by_padding(pkey, what, signature, &n)))
		return err_set(err, ERR_IO, "signing failed");
	buf_append(out, (struct slice){(const char *)signature, n});
	return buf_check(out, "a signature", err);
}

/* The key goes to disk as PKCS #8, readable by the keeper alone, before anybody may use it. */
static int write_key(struct keys *keys, struct slice name, EVP_PKEY *pkey, struct err *err)
{
	BIO *bio AUTO(bio_auto) = BIO_new(BIO_s_secmem());
	char path[PATH_BYTES], *pem = NULL;
	long n;
	int rc;

	if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) != 1)
		return err_set(err, ERR_IO, "cannot write a key as PEM");
	n = BIO_get_mem_data(bio, &pem);
	path_of(name, path);
	rc = io_replace_file(keys->dirfd, path, (struct slice){pem, (size_t)n}, 0600, err);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&keys->lock);
	remember(keys, name, pkey);
	pthread_mutex_unlock(&keys->lock);
	return 0;
}

/* A folder that grows without end would only be noticed when the disk is full. */
static int check_room(struct keys *keys, struct err *err)
{
	const int fd = openat(keys->dirfd, "keys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	size_t n = 0;

	if (!folder)
		return err_errno(err, "cannot read the directory of keys");
	while (readdir(folder))
		n++;
	closedir(folder);
	return n < KEYS_MAX ? 0 : err_set(err, ERR_QUOTA, "there are too many keys");
}

int keys_add(struct keys *keys, const char *purpose, EVP_PKEY *pkey, struct err *err)
{
	char name[CHAIN_KEY_NAME_MAX];
	int rc = chain_key_name(purpose, pkey, name, err);

	return rc < 0 ? rc : write_key(keys, slice_str(name), pkey, err);
}

int keys_make(struct keys *keys, const char *purpose, enum keys_kind kind,
	char name_out[CHAIN_KEY_NAME_MAX], EVP_PKEY **out, struct err *err)
{
	EVP_PKEY *pkey AUTO(pkey_auto) = NULL;
	int rc = check_room(keys, err);

	if (rc < 0)
		return rc;
	if (kind == KEYS_ED25519)
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else
		pkey = kind == KEYS_RSA ? EVP_RSA_gen(RSA_BITS) : EVP_EC_gen("P-256");
	if (!pkey)
		return err_set(err, ERR_IO, "cannot make a key");
	rc = keys_add(keys, purpose, pkey, err);
	if (rc == 0)
		rc = chain_key_name(purpose, pkey, name_out, err);
	if (rc < 0)
		return rc;
	*out = pkey;
	pkey = NULL;
	return 0;
}

int keys_get(
	struct keys *keys, const char *purpose, struct slice name, EVP_PKEY **out, struct err *err)
{
	if (!slice_starts(name, slice_str(purpose)))
		return err_set(err, ERR_DENIED, "the key is not for that purpose");
	return get_key(keys, name, out, err);
}

/* ---- what is not used any more ---- */

static bool is_old_key(int folder_fd, const char *file, int64_t age_s, struct slice *name_out)
{
	const struct slice name = slice_str(file), suffix = slice_lit(".pem");
	struct stat st;

	if (!slice_starts(name, slice_lit(CHAIN_KEY_TLS)) || !slice_ends(name, suffix))
		return false;
	*name_out = slice_head(name, name.len - suffix.len);
	return fstatat(folder_fd, file, &st, 0) == 0 && st.st_mtime + age_s < clock_wall_s();
}

static void delete_key(struct keys *keys, int folder_fd, const char *file, struct slice name)
{
	struct key *key;

	pthread_mutex_lock(&keys->lock);
	key = map_del(&keys->map, name);
	key_free(key);
	if (unlinkat(folder_fd, file, 0) == 0)
		log_info(NULL, "key_deleted", log_s("key", name));
	pthread_mutex_unlock(&keys->lock);
}

void keys_prune(struct keys *keys, int64_t age_s, keys_wanted_fn *is_wanted, void *context)
{
	const int fd = openat(keys->dirfd, "keys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	struct slice name;

	while (folder && (entry = readdir(folder))) {
		if (is_old_key(dirfd(folder), entry->d_name, age_s, &name) &&
			!is_wanted(context, name))
			delete_key(keys, dirfd(folder), entry->d_name, name);
	}
	if (folder)
		closedir(folder);
}

int keys_delete(struct keys *keys, const char *purpose, struct slice name, struct err *err)
{
	char file[PATH_BYTES];
	int fd;

	if (!slice_starts(name, slice_str(purpose)) || name.len > FRAME_KEY_NAME_MAX)
		return err_set(err, ERR_DENIED, "the key is not for that purpose");
	fd = openat(keys->dirfd, "keys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "cannot open the directory of keys");
	snprintf(file, sizeof(file), "%.*s.pem", SLICE_ARG(name));
	delete_key(keys, fd, file, name);
	close(fd);
	return 0;
}
