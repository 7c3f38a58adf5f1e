/* tls_provider.c - see tls_provider.h for what it is. Shapes: provider-keymgmt(7),
 * provider-signature(7). */
#include "net/tls_provider.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define PROVIDER_NAME "posthouse"
#define PREFER_OURS "provider=posthouse"
#define PREFER_DEFAULT "provider=default"
#define PARAM_KEY_NAME "posthouse-key-name"
#define PARAM_SIGNER "posthouse-signer" /* the pointer itself: it never leaves this process */

enum { KEY_NAME_MAX = 255, SIGNATURE_MAX = 1024 };

struct provider {
	OSSL_LIB_CTX *libctx;
};

/* A key: its public half is an ordinary key of the default provider, which answers all that is
 * asked about it. */
struct key {
	OSSL_LIB_CTX *libctx;
	bool is_rsa;
	EVP_PKEY *public_half;
	const struct tls_signer *signer; /* NULL: a public key only */
	size_t name_len;
	char name[KEY_NAME_MAX];
};

static struct key *key_new(struct provider *provider, bool is_rsa)
{
	struct key *key = mem_new(struct key);

	key->libctx = provider->libctx;
	key->is_rsa = is_rsa;
	return key;
}

static void *key_new_ec(void *provider)
{
	return key_new(provider, false);
}

static void *key_new_rsa(void *provider)
{
	return key_new(provider, true);
}

static void key_free(void *data)
{
	struct key *key = data;

	if (key) {
		EVP_PKEY_free(key->public_half);
		free(key);
	}
}

static int key_has(const void *data, int selection)
{
	const struct key *key = data;

	if (!key || !key->public_half)
		return 0;
	return key->signer != NULL || !(selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY);
}

static int key_match(const void *a, const void *b, int selection)
{
	const struct key *x = a, *y = b;

	if (!x->public_half || !y->public_half)
		return 0;
	if (!(selection & OSSL_KEYMGMT_SELECT_KEYPAIR))
		return EVP_PKEY_parameters_eq(x->public_half, y->public_half) == 1;
	return EVP_PKEY_eq(x->public_half, y->public_half) == 1;
}

static int import_public(struct key *key, const OSSL_PARAM params[])
{
	EVP_PKEY_CTX *ctx =
		EVP_PKEY_CTX_new_from_name(key->libctx, key->is_rsa ? "RSA" : "EC", PREFER_DEFAULT);
	int ok = ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
		 EVP_PKEY_fromdata(
			 ctx, &key->public_half, EVP_PKEY_PUBLIC_KEY, (OSSL_PARAM *)params) == 1;

	EVP_PKEY_CTX_free(ctx);
	return ok;
}

/* Parameters of other origin are refused a private half: it has no place here. */
static int key_import(void *data, int selection, const OSSL_PARAM params[])
{
	struct key *key = data;
	const OSSL_PARAM *name = OSSL_PARAM_locate_const(params, PARAM_KEY_NAME);
	const OSSL_PARAM *signer = OSSL_PARAM_locate_const(params, PARAM_SIGNER);

	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) && (!name || !signer))
		return 0;
	if (!import_public(key, params))
		return 0;
	if (!name || !signer)
		return 1;
	if (name->data_size > KEY_NAME_MAX || signer->data_size != sizeof(key->signer))
		return 0;
	memcpy(key->name, name->data, name->data_size);
	key->name_len = name->data_size;
	memcpy(&key->signer, signer->data, sizeof(key->signer));
	return 1;
}

static const OSSL_PARAM *key_import_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_octet_string(PARAM_KEY_NAME, NULL, 0),
		OSSL_PARAM_octet_string(PARAM_SIGNER, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)selection;
	return types;
}

/* Only what is public, and nothing at all to who wants the private half too: so another
 * provider never takes such a key for one that it could sign with. */
static int key_export(void *data, int selection, OSSL_CALLBACK *take, void *arg)
{
	struct key *key = data;

	if (!key->public_half || (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY))
		return 0;
	return EVP_PKEY_export(key->public_half, selection, take, arg);
}

static int key_get_params(void *data, OSSL_PARAM params[])
{
	struct key *key = data;

	return key->public_half && EVP_PKEY_get_params(key->public_half, params);
}

static const OSSL_PARAM *key_gettable_params(void *provider)
{
	static const OSSL_PARAM known[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)provider;
	return known;
}

static const char *operation_ec(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? "ECDSA" : "EC";
}

static const char *operation_rsa(int operation)
{
	(void)operation;
	return "RSA";
}

/* One signature being made. */
struct sign_ctx {
	OSSL_LIB_CTX *libctx;
	const struct key *key; /* held by the EVP_PKEY that libssl holds */
	EVP_MD_CTX *digest;
	enum tls_hash hash;
	bool is_pss;
};

static void *sign_new(void *provider, const char *properties)
{
	struct sign_ctx *ctx = mem_new(struct sign_ctx);

	(void)properties;
	ctx->libctx = ((struct provider *)provider)->libctx;
	return ctx;
}

static void sign_free(void *data)
{
	struct sign_ctx *ctx = data;

	EVP_MD_CTX_free(ctx->digest);
	free(ctx);
}

/* What is signed in pieces is finished in a copy. */
static void *sign_dup(void *data)
{
	const struct sign_ctx *from = data;
	struct sign_ctx *ctx = mem_new(struct sign_ctx);

	*ctx = *from;
	ctx->digest = from->digest ? EVP_MD_CTX_new() : NULL;
	if (ctx->digest && EVP_MD_CTX_copy_ex(ctx->digest, from->digest) == 1)
		return ctx;
	sign_free(ctx);
	return NULL;
}

static const struct {
	const char *names[2];
	enum tls_hash hash;
} hashes[] = {
	{{"SHA256", "SHA2-256"}, TLS_SHA256},
	{{"SHA384", "SHA2-384"}, TLS_SHA384},
	{{"SHA512", "SHA2-512"}, TLS_SHA512},
	{{"SHA1", "SHA-1"}, TLS_SHA1},
	{{"MD5-SHA1", "MD5-SHA1"}, TLS_MD5_SHA1},
};

/* The last two are asked for only where tls.c lowered the security level. */
static bool find_hash(const char *name, enum tls_hash *out)
{
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		if (OPENSSL_strcasecmp(name, hashes[i].names[0]) == 0 ||
			OPENSSL_strcasecmp(name, hashes[i].names[1]) == 0) {
			*out = hashes[i].hash;
			return true;
		}
	}
	return false;
}

static int set_padding(struct sign_ctx *ctx, const OSSL_PARAM *p)
{
	int mode = 0;

	if (p->data_type == OSSL_PARAM_UTF8_STRING) {
		ctx->is_pss = strcmp(p->data, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0;
		return ctx->is_pss || strcmp(p->data, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) == 0;
	}
	if (!OSSL_PARAM_get_int(p, &mode))
		return 0;
	ctx->is_pss = mode == RSA_PKCS1_PSS_PADDING;
	return ctx->is_pss || mode == RSA_PKCS1_PADDING;
}

/* The signer's salt is always as long as the hash, and TLS asks for nothing else. */
static int check_salt(const OSSL_PARAM *p)
{
	int len = 0;

	if (p->data_type == OSSL_PARAM_UTF8_STRING)
		return strcmp(p->data, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) == 0;
	return OSSL_PARAM_get_int(p, &len) && len == RSA_PSS_SALTLEN_DIGEST;
}

static int sign_set_params(void *data, const OSSL_PARAM params[])
{
	struct sign_ctx *ctx = data;
	const OSSL_PARAM *p;

	if (!params)
		return 1;
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	if (p && !set_padding(ctx, p))
		return 0;
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
	return !p || check_salt(p);
}

static const OSSL_PARAM *sign_settable_params(void *data, void *provider)
{
	static const OSSL_PARAM known[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)data;
	(void)provider;
	return known;
}

static int sign_init(void *data, const char *hash_name, void *key_data, const OSSL_PARAM params[])
{
	struct sign_ctx *ctx = data;
	EVP_MD *md;
	int ok;

	ctx->key = key_data;
	if (!ctx->key || !ctx->key->signer || !hash_name || !find_hash(hash_name, &ctx->hash))
		return 0;
	md = EVP_MD_fetch(ctx->libctx, hash_name, PREFER_DEFAULT);
	if (!ctx->digest)
		ctx->digest = EVP_MD_CTX_new();
	ok = md && ctx->digest && EVP_DigestInit_ex2(ctx->digest, md, NULL) == 1;
	EVP_MD_free(md); /* the context holds it */
	return ok && sign_set_params(ctx, params);
}

static int ask_signer(const struct sign_ctx *ctx, struct slice digest, unsigned char *sig,
	size_t *len, size_t max)
{
	const struct key *key = ctx->key;
	enum tls_algorithm algorithm = TLS_ECDSA;
	struct buf out AUTO(buf_done);
	struct err err;
	int rc;

	if (key->is_rsa)
		algorithm = ctx->is_pss ? TLS_RSA_PSS : TLS_RSA_PKCS1;
	buf_init(&out, SIGNATURE_MAX);
	rc = key->signer->sign(key->signer->arg, (struct slice){key->name, key->name_len},
		algorithm, ctx->hash, digest, &out, &err);
	if (rc < 0 || out.failed || out.len == 0 || out.len > max) {
		ERR_raise_data(ERR_LIB_PROV, ERR_R_OPERATION_FAIL, TLS_SIGNER_FAILED "%s",
			rc < 0 ? err.msg : "signature of a wrong size");
		return 0;
	}
	memcpy(sig, out.ptr, out.len);
	*len = out.len;
	return 1;
}

static int sign_update(void *data, const unsigned char *text, size_t text_len)
{
	struct sign_ctx *ctx = data;

	return EVP_DigestUpdate(ctx->digest, text, text_len);
}

static int sign_final(void *data, unsigned char *sig, size_t *len, size_t max)
{
	struct sign_ctx *ctx = data;
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!sig) {
		*len = (size_t)EVP_PKEY_get_size(ctx->key->public_half);
		return 1;
	}
	return EVP_DigestFinal_ex(ctx->digest, digest, &n) == 1 &&
	       ask_signer(ctx, (struct slice){(const char *)digest, n}, sig, len, max);
}

/* The whole of it in one call, as libssl does; CMS does it in pieces. */
static int sign_all(void *data, unsigned char *sig, size_t *len, size_t max,
	const unsigned char *text, size_t text_len)
{
	return (!sig || sign_update(data, text, text_len) == 1) && sign_final(data, sig, len, max);
}

typedef void (*fn)(void);

static const OSSL_DISPATCH keymgmt_ec[] = {
	{OSSL_FUNC_KEYMGMT_NEW, (fn)key_new_ec},
	{OSSL_FUNC_KEYMGMT_FREE, (fn)key_free},
	{OSSL_FUNC_KEYMGMT_HAS, (fn)key_has},
	{OSSL_FUNC_KEYMGMT_MATCH, (fn)key_match},
	{OSSL_FUNC_KEYMGMT_IMPORT, (fn)key_import},
	{OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (fn)key_import_types},
	{OSSL_FUNC_KEYMGMT_EXPORT, (fn)key_export},
	{OSSL_FUNC_KEYMGMT_EXPORT_TYPES, (fn)key_import_types},
	{OSSL_FUNC_KEYMGMT_GET_PARAMS, (fn)key_get_params},
	{OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (fn)key_gettable_params},
	{OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (fn)operation_ec},
	{0, NULL},
};

static const OSSL_DISPATCH keymgmt_rsa[] = {
	{OSSL_FUNC_KEYMGMT_NEW, (fn)key_new_rsa},
	{OSSL_FUNC_KEYMGMT_FREE, (fn)key_free},
	{OSSL_FUNC_KEYMGMT_HAS, (fn)key_has},
	{OSSL_FUNC_KEYMGMT_MATCH, (fn)key_match},
	{OSSL_FUNC_KEYMGMT_IMPORT, (fn)key_import},
	{OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (fn)key_import_types},
	{OSSL_FUNC_KEYMGMT_EXPORT, (fn)key_export},
	{OSSL_FUNC_KEYMGMT_EXPORT_TYPES, (fn)key_import_types},
	{OSSL_FUNC_KEYMGMT_GET_PARAMS, (fn)key_get_params},
	{OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (fn)key_gettable_params},
	{OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (fn)operation_rsa},
	{0, NULL},
};

static const OSSL_DISPATCH signature[] = {
	{OSSL_FUNC_SIGNATURE_NEWCTX, (fn)sign_new},
	{OSSL_FUNC_SIGNATURE_DUPCTX, (fn)sign_dup},
	{OSSL_FUNC_SIGNATURE_FREECTX, (fn)sign_free},
	{OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (fn)sign_init},
	{OSSL_FUNC_SIGNATURE_DIGEST_SIGN, (fn)sign_all},
	{OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, (fn)sign_update},
	{OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, (fn)sign_final},
	{OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, (fn)sign_set_params},
	{OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, (fn)sign_settable_params},
	{0, NULL},
};

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
	static const OSSL_ALGORITHM keymgmts[] = {
		{"EC:id-ecPublicKey:1.2.840.10045.2.1", PREFER_OURS, keymgmt_ec, NULL},
		{"RSA:rsaEncryption:1.2.840.113549.1.1.1", PREFER_OURS, keymgmt_rsa, NULL},
		{NULL, NULL, NULL, NULL},
	};
	static const OSSL_ALGORITHM signatures[] = {
		{"ECDSA", PREFER_OURS, signature, NULL},
		{"RSA:rsaEncryption:1.2.840.113549.1.1.1", PREFER_OURS, signature, NULL},
		{NULL, NULL, NULL, NULL},
	};

	(void)provider;
	*no_cache = 0;
	if (operation == OSSL_OP_KEYMGMT)
		return keymgmts;
	return operation == OSSL_OP_SIGNATURE ? signatures : NULL;
}

static void teardown(void *provider)
{
	free(provider);
}

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
	const OSSL_DISPATCH **out, void **provider_out)
{
	static const OSSL_DISPATCH functions[] = {
		{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (fn)query},
		{OSSL_FUNC_PROVIDER_TEARDOWN, (fn)teardown},
		{0, NULL},
	};
	OSSL_FUNC_core_get_libctx_fn *get_libctx = NULL;
	struct provider *provider;

	for (; in->function_id; in++) {
		if (in->function_id == OSSL_FUNC_CORE_GET_LIBCTX)
			get_libctx = OSSL_FUNC_core_get_libctx(in);
	}
	if (!get_libctx)
		return 0;
	provider = mem_new(struct provider);
	provider->libctx = (OSSL_LIB_CTX *)get_libctx(handle);
	*provider_out = provider;
	*out = functions;
	return 1;
}

OSSL_PROVIDER *tls_provider_load(OSSL_LIB_CTX *libctx)
{
	if (OSSL_PROVIDER_add_builtin(libctx, PROVIDER_NAME, provider_init) != 1)
		return NULL;
	return OSSL_PROVIDER_load(libctx, PROVIDER_NAME);
}

EVP_PKEY *tls_provider_key(OSSL_LIB_CTX *libctx, EVP_PKEY *public_half, struct slice key_name,
	const struct tls_signer *signer)
{
	const char *type = EVP_PKEY_is_a(public_half, "RSA") ? "RSA" : "EC";
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(libctx, type, PREFER_OURS);
	OSSL_PARAM ours[] = {
		OSSL_PARAM_construct_octet_string(
			PARAM_KEY_NAME, (char *)key_name.ptr, key_name.len),
		OSSL_PARAM_construct_octet_string(PARAM_SIGNER, &signer, sizeof(signer)),
		OSSL_PARAM_construct_end(),
	};
	OSSL_PARAM *theirs = NULL, *all = NULL;
	EVP_PKEY *key = NULL;

	if (ctx && EVP_PKEY_todata(public_half, EVP_PKEY_PUBLIC_KEY, &theirs) == 1)
		all = OSSL_PARAM_merge(theirs, ours);
	if (all && EVP_PKEY_fromdata_init(ctx) == 1 &&
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, all) != 1)
		key = NULL;
	OSSL_PARAM_free(all);
	OSSL_PARAM_free(theirs);
	EVP_PKEY_CTX_free(ctx);
	return key;
}
