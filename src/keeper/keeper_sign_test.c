/* keeper_sign_test.c - the keeper as a process of its own: keys, certificates, signatures. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "keeper/certificate.h"
#include "keeper/channel.h"
#include "keeper/fixture.h"

enum { WAIT_MS = 20000 };

static const struct keeper_config cheap = {
	.argon2_memory_kib = 8, .argon2_passes = 1, .cache_s = 60, .owner_uid = 12345};
static const struct keeper_config slow = {
	.argon2_memory_kib = 65536, .argon2_passes = 3, .cache_s = 60, .owner_uid = 12345};

static int sign_with(int fd, const struct frame_sign *what, struct buf *out, struct err *err)
{
	struct buf request AUTO(buf_done), reply AUTO(buf_done);
	struct frame f;
	bool answered;
	size_t begin;
	int rc;

	buf_init(&request, FRAME_SERVER_MAX);
	buf_init(&reply, FRAME_SERVER_MAX);
	begin = frame_begin(&request, 3, FRAME_SIGN);
	frame_put(&request, what->key_name);
	frame_put_u64(&request, what->purpose);
	frame_put_u64(&request, what->algorithm);
	frame_put_u64(&request, what->hash);
	frame_put(&request, what->digest);
	frame_finish(&request, begin);
	rc = channel_ask(
		fd, buf_slice(&request), clock_mono_ms() + WAIT_MS, &reply, &f, &answered, err);
	if (rc < 0)
		return rc;
	buf_clear(out);
	buf_append(out, frame_bytes(&f));
	assert_true(frame_end(&f));
	return 0;
}

/* Is it a signature over the digest by that key, padded as asked for? */
static bool is_signature(EVP_PKEY *pkey, const struct frame_sign *what, const struct buf *signature)
{
	static const char *const hashes[] = {"SHA256", "SHA384", "SHA512"};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	bool ok = EVP_PKEY_verify_init(ctx) == 1;

	if (what->algorithm == 1)
		ok = ok && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
	if (what->algorithm == 2)
		ok = ok && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
	ok = ok && EVP_PKEY_CTX_set_signature_md(ctx, EVP_get_digestbyname(hashes[what->hash])) > 0;
	ok = ok && EVP_PKEY_verify(ctx, (const unsigned char *)signature->ptr, signature->len,
			   (const unsigned char *)what->digest.ptr, what->digest.len) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static X509 *parse_certificate(const struct buf *pem)
{
	BIO *bio = BIO_new_mem_buf(pem->ptr, (int)pem->len);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(x);
	return x;
}

static const char digest[64] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde";

static struct keeper_certificate wish(const char *name, const struct slice *names, size_t n)
{
	return (struct keeper_certificate){
		.name = slice_str(name), .names = names, .n = n, .days = 365};
}

static void key_of(X509 *x, char out[CHAIN_KEY_NAME_MAX])
{
	struct err err;

	assert_int_equal(chain_key_name(CHAIN_KEY_TLS, X509_get0_pubkey(x), out, &err), 0);
}

static void check_hosts(X509 *x)
{
	assert_int_equal(X509_check_host(x, "localhost", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(x, "mail.example.org", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(x, "example.org", 0, 0, NULL), 0);
	assert_int_equal(X509_check_ip_asc(x, "127.0.0.1", 0), 1);
	assert_int_equal(X509_check_ip_asc(x, "::1", 0), 1);
	assert_int_equal(X509_check_ip_asc(x, "127.0.0.2", 0), 0);
	assert_int_equal(X509_verify(x, X509_get0_pubkey(x)), 1);
}

/* Only what the key is for. */
static void check_refusals(int fd, struct frame_sign what)
{
	struct buf signature AUTO(buf_done);
	struct err err;

	buf_init(&signature, 4096);
	what.purpose = FRAME_PURPOSE_TLS + 1;
	assert_int_equal(sign_with(fd, &what, &signature, &err), -ERR_DENIED);
	what.purpose = FRAME_PURPOSE_TLS;
	what.algorithm = 1;
	assert_int_equal(sign_with(fd, &what, &signature, &err), -ERR_DENIED);
	what.algorithm = 3;
	assert_int_equal(sign_with(fd, &what, &signature, &err), -ERR_DENIED);
	what.algorithm = 0;
	what.hash = 3; /* SHA-1, which is not allowed here */
	what.digest = (struct slice){digest, 20};
	assert_int_equal(sign_with(fd, &what, &signature, &err), -ERR_DENIED);
	what.hash = 1;
	assert_int_equal(sign_with(fd, &what, &signature, &err), -ERR_SYNTAX);
	what.key_name = slice_lit("acme-0123456789abcdef0123456789abcdef");
	what.hash = 2;
	what.digest = (struct slice){digest, 64};
	assert_int_equal(sign_with(fd, &what, &signature, &err), -ERR_DENIED);
	what.key_name = slice_lit("../secrets");
	assert_int_equal(sign_with(fd, &what, &signature, &err), -ERR_IO); /* closed */
}

static void test_make(void **state)
{
	static const struct slice names[] = {
		{"mail.example.org", 16}, {"localhost", 9}, {"127.0.0.1", 9}, {"::1", 3}};
	const struct keeper_certificate four = wish("main", names, 4);
	const struct keeper_certificate bad[] = {
		wish("../x", names, 1), wish("x", &slice_lit("a.example,IP:1.2.3.4"), 1)};
	char key[CHAIN_KEY_NAME_MAX], other[CHAIN_KEY_NAME_MAX];
	struct frame_sign what = {{0}, FRAME_PURPOSE_TLS, 0, 0, {digest, 32}};
	struct buf pem AUTO(buf_done), again AUTO(buf_done), signature AUTO(buf_done);
	struct fixture f;
	struct err err;
	X509 *x, *y;
	int fd;

	(void)state;
	buf_init(&pem, 1 << 16);
	buf_init(&again, 1 << 16);
	buf_init(&signature, 4096);
	fixture_start(&f, &cheap);
	assert_int_equal(keeper_certificate_make(FIXTURE_CLI, &four, &pem, &err), 0);
	x = parse_certificate(&pem);
	check_hosts(x);
	key_of(x, key);
	what.key_name = slice_str(key);
	fd = fixture_open();
	assert_int_equal(sign_with(fd, &what, &signature, &err), 0);
	assert_true(is_signature(X509_get0_pubkey(x), &what, &signature));
	close(fd);

	/* Once more: another key, and the one before is there still, also over a restart. */
	fixture_stop(&f);
	fixture_run(&f);
	fd = fixture_open();
	assert_int_equal(keeper_certificate_make(FIXTURE_CLI, &four, &again, &err), 0);
	y = parse_certificate(&again);
	key_of(y, other);
	assert_string_not_equal(key, other);
	buf_clear(&pem);
	assert_int_equal(io_read_file(AT_FDCWD, "tls/main.pem", &pem, &err), 0);
	assert_true(slice_eq(buf_slice(&pem), buf_slice(&again)));
	assert_int_equal(sign_with(fd, &what, &signature, &err), 0);
	assert_true(is_signature(X509_get0_pubkey(x), &what, &signature));
	X509_free(x);
	X509_free(y);
	check_refusals(fd, what);
	close(fd);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(
			keeper_certificate_make(FIXTURE_CLI, &bad[i], &again, &err), -ERR_SYNTAX);
	fixture_done(&f);
}

static struct slice pem_of(BIO *bio)
{
	char *text;
	const long n = BIO_get_mem_data(bio, &text);

	return (struct slice){text, (size_t)n};
}

static BIO *key_pem(EVP_PKEY *pkey)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
	return bio;
}

static int import(const char *name, BIO *key, const struct buf *chain, struct err *err)
{
	return keeper_certificate_import(
		FIXTURE_CLI, slice_str(name), pem_of(key), buf_slice(chain), err);
}

static void test_import(void **state)
{
	static const size_t lengths[] = {32, 48, 64};
	EVP_PKEY *pkey = EVP_RSA_gen(2048), *weak = EVP_RSA_gen(1024);
	BIO *bio = key_pem(pkey), *weak_bio = key_pem(weak);
	struct buf signature AUTO(buf_done), chain AUTO(buf_done), other AUTO(buf_done);
	char key[CHAIN_KEY_NAME_MAX];
	struct fixture f;
	struct err err;
	int fd;

	(void)state;
	buf_init(&signature, 4096);
	buf_init(&chain, 1 << 16);
	buf_init(&other, 1 << 16);
	assert_int_equal(certificate_make(pkey, &slice_lit("a.example"), 1, 9, &chain, &err), 0);
	assert_int_equal(certificate_make(weak, &slice_lit("a.example"), 1, 9, &other, &err), 0);
	assert_int_equal(chain_key_name(CHAIN_KEY_TLS, pkey, key, &err), 0);
	fixture_start(&f, &cheap);
	assert_int_equal(import("rsa", bio, &other, &err), -ERR_CONFLICT);
	assert_int_equal(import("../x", bio, &chain, &err), -ERR_SYNTAX);
	assert_int_equal(access("tls/rsa.pem", F_OK), -1);
	assert_int_equal(import("rsa", bio, &chain, &err), 0);
	assert_int_equal(access("tls/rsa.pem", F_OK), 0);
	fd = fixture_open();
	for (unsigned i = 0; i < 6; i++) {
		const struct frame_sign what = {slice_str(key), FRAME_PURPOSE_TLS, 1 + i % 2, i / 2,
			{digest, lengths[i / 2]}};

		assert_int_equal(sign_with(fd, &what, &signature, &err), 0);
		assert_true(is_signature(pkey, &what, &signature));
	}
	close(fd);
	assert_int_equal(import("weak", weak_bio, &other, &err), -ERR_SYNTAX);
	buf_clear(&other);
	buf_str(&other, "no chain");
	assert_int_equal(import("rsa", bio, &other, &err), -ERR_SYNTAX);
	BIO_free(bio);
	BIO_free(weak_bio);
	EVP_PKEY_free(pkey);
	EVP_PKEY_free(weak);
	fixture_done(&f);
}

/* A storm of logins, each a second of work and none ever done: signatures come at once. */
static void test_sign_under_storm(void **state)
{
	enum { STORM = 500, SIGNATURES = 50 };
	struct frame_sign what = {{0}, FRAME_PURPOSE_TLS, 0, 0, {digest, 32}};
	struct buf requests AUTO(buf_done), signature AUTO(buf_done);
	char key[CHAIN_KEY_NAME_MAX];
	struct fixture f;
	struct err err;
	int64_t start, worst = 0;
	int storm, fd;

	(void)state;
	buf_init(&requests, 1 << 20);
	buf_init(&signature, 4096);
	fixture_start(&f, &slow);
	fixture_make_key("main", key);
	what.key_name = slice_str(key);
	for (uint32_t i = 0; i < STORM; i++)
		fixture_put_enter(&requests, i, i + 1, "wrong", "192.0.2.1");
	storm = fixture_open();
	assert_int_equal(io_write_all(storm, buf_slice(&requests), &err), 0);
	fd = fixture_open();
	for (int i = 0; i < SIGNATURES; i++) {
		start = clock_mono_us();
		assert_int_equal(sign_with(fd, &what, &signature, &err), 0);
		if (clock_mono_us() - start > worst)
			worst = clock_mono_us() - start;
	}
	print_message("slowest signature: %lld us\n", (long long)worst);
	assert_true(worst < 5000000);
	close(fd);
	close(storm);
	fixture_done(&f); /* and it ends although the storm is not over */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_make),
		cmocka_unit_test(test_import),
		cmocka_unit_test(test_sign_under_storm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
