/* hash.c - see hash.h for the contract. */
#include "keeper/hash.h"

#include <crypt.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "keeper/frame.h"

/* What a hash from elsewhere may ask of us: about a second of one core, 256 MiB. */
enum {
	ARGON2_MEMORY_KIB_MAX = 1 << 18,
	ARGON2_PASSES_MAX = 16,
	SHA_ROUNDS_MAX = 1000000,
	BCRYPT_COST_MIN = 4,
	BCRYPT_COST_MAX = 14,
	BCRYPT_LEN = 60,
};

static const struct slice argon2id = {"$argon2id$", 10};

struct hash_cost hash_cost_least(void)
{
	return (struct hash_cost){.memory_kib = crypto_pwhash_argon2id_MEMLIMIT_MIN / 1024,
		.passes = crypto_pwhash_argon2id_OPSLIMIT_MIN};
}

int hash_make(struct slice password, struct hash_cost cost, char out[HASH_MAX], struct err *err)
{
	memset(out, 0, HASH_MAX);
	if (crypto_pwhash_str_alg(out, password.len ? password.ptr : "", password.len, cost.passes,
		    (size_t)cost.memory_kib * 1024, crypto_pwhash_ALG_ARGON2ID13) != 0)
		return err_set(err, ERR_BUSY, "no memory for hashing a password");
	return 0;
}

/* Takes "key=number" and what ends it from the front. */
static bool take_setting(struct slice *s, struct slice key, char end, uint64_t max, uint64_t *out)
{
	struct slice rest, text;

	if (!slice_starts(*s, key) || slice_chr(*s, end) == SIZE_MAX)
		return false;
	text = slice_cut(slice_from(*s, key.len), end, &rest);
	*s = rest;
	return slice_to_u64(text, max, out);
}

/* libsodium checks the rest; what it would obey is how much memory and time to spend. */
static int check_argon2id(struct slice hash, struct err *err)
{
	uint64_t n, memory, passes, lanes;
	struct slice s = slice_from(hash, argon2id.len);

	if (hash.len >= crypto_pwhash_STRBYTES ||
		!take_setting(&s, slice_lit("v="), '$', UINT32_MAX, &n) ||
		!take_setting(&s, slice_lit("m="), ',', UINT32_MAX, &memory) ||
		!take_setting(&s, slice_lit("t="), ',', UINT32_MAX, &passes) ||
		!take_setting(&s, slice_lit("p="), '$', UINT8_MAX, &lanes))
		return err_set(err, ERR_SYNTAX, "not an argon2id hash");
	if (memory > ARGON2_MEMORY_KIB_MAX || passes > ARGON2_PASSES_MAX)
		return err_set(err, ERR_TOOBIG, "the argon2id hash asks for too much");
	return 0;
}

static int check_sha_crypt(struct slice hash, struct err *err)
{
	struct slice s = slice_from(hash, 3);
	uint64_t rounds;

	if (slice_starts(s, slice_lit("rounds=")) &&
		!take_setting(&s, slice_lit("rounds="), '$', SHA_ROUNDS_MAX, &rounds))
		return err_set(err, ERR_TOOBIG, "the hash asks for too many rounds");
	if (slice_chr(s, '$') == SIZE_MAX)
		return err_set(err, ERR_SYNTAX, "not a crypt hash");
	return 0;
}

static int check_bcrypt(struct slice hash, struct err *err)
{
	uint64_t cost;

	if (hash.len != BCRYPT_LEN || hash.ptr[6] != '$' ||
		!slice_to_u64(slice_head(slice_from(hash, 4), 2), 99, &cost) ||
		cost < BCRYPT_COST_MIN)
		return err_set(err, ERR_SYNTAX, "not a bcrypt hash");
	if (cost > BCRYPT_COST_MAX)
		return err_set(err, ERR_TOOBIG, "the bcrypt hash asks for too much");
	return 0;
}

int hash_check(struct slice hash, struct err *err)
{
	static const struct {
		const char *prefix;
		int (*check)(struct slice hash, struct err *err);
	} schemes[] = {{"$argon2id$", check_argon2id}, {"$6$", check_sha_crypt},
		{"$5$", check_sha_crypt}, {"$2b$", check_bcrypt}, {"$2a$", check_bcrypt},
		{"$2y$", check_bcrypt}};

	if (hash.len >= HASH_MAX)
		return err_set(err, ERR_TOOBIG, "a hash has at most %d bytes", HASH_MAX - 1);
	for (size_t i = 0; i < hash.len; i++) {
		if (hash.ptr[i] <= ' ' || hash.ptr[i] > '~' || hash.ptr[i] == ':')
			return err_set(err, ERR_SYNTAX, "not a password hash");
	}
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (slice_starts(hash, slice_str(schemes[i].prefix)))
			return schemes[i].check(hash, err);
	}
	return err_set(err, ERR_SYNTAX, "not a password hash of a known kind");
}

static bool is_foreign(const char *hash)
{
	return !slice_starts(slice_str(hash), argon2id);
}

bool hash_is_weaker(const char *hash, struct hash_cost cost)
{
	uint64_t version, memory, passes;
	struct slice s = slice_from(slice_str(hash), argon2id.len);

	if (is_foreign(hash) || !take_setting(&s, slice_lit("v="), '$', UINT32_MAX, &version) ||
		!take_setting(&s, slice_lit("m="), ',', UINT32_MAX, &memory) ||
		!take_setting(&s, slice_lit("t="), ',', UINT32_MAX, &passes))
		return true;
	return memory * passes < (uint64_t)cost.memory_kib * cost.passes;
}

/* crypt(3) takes text with a NUL at its end, so one inside cannot be right. */
static int verify_crypt(const char *hash, struct slice password, struct err *err)
{
	struct crypt_data *data = mem_new(struct crypt_data);
	char text[FRAME_PASSWORD_MAX + 1] = "";
	const char *got = NULL;
	int rc = 0;

	if (password.len && password.len < sizeof(text))
		memcpy(text, password.ptr, password.len);
	got = crypt_r(text, hash, data);
	if (!got && errno == ENOMEM)
		rc = err_set(err, ERR_BUSY, "no memory for checking a password");
	else if (!got || strlen(got) != strlen(hash) || strlen(text) != password.len ||
		 sodium_memcmp(got, hash, strlen(hash)) != 0)
		rc = err_set(err, ERR_DENIED, "wrong password");
	mem_wipe(text, sizeof(text));
	mem_wipe(data, sizeof(*data));
	free(data);
	return rc;
}

int hash_verify(const char *hash, struct slice password, struct err *err)
{
	if (is_foreign(hash))
		return verify_crypt(hash, password, err);
	errno = 0;
	if (crypto_pwhash_str_verify(hash, password.len ? password.ptr : "", password.len) == 0)
		return 0;
	if (errno == ENOMEM)
		return err_set(err, ERR_BUSY, "no memory for checking a password");
	return err_set(err, ERR_DENIED, "wrong password");
}
