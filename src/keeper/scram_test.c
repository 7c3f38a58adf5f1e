/* scram_test.c - RFC 7677's example, channel binding, many verifiers, and messages that lie. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "keeper/scram.h"

/* RFC 7677 3. */
#define FIRST "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
#define NONCE "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define SERVER_FIRST "r=" NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define FINAL "c=biws,r=" NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

static const unsigned char *example_salt(void)
{
	static unsigned char salt[SCRAM_SALT_LEN];
	struct buf b AUTO(buf_done);
	struct err err;

	buf_init(&b, 64);
	assert_int_equal(base64_decode(&b, slice_lit("W22ZaJ0SNY7soEsUEjb6gQ=="), &err), 0);
	assert_int_equal(b.len, SCRAM_SALT_LEN);
	memcpy(salt, b.ptr, b.len);
	return salt;
}

static void test_example(void **state)
{
	struct scram_verifier list[3] = {{{1}, {2}}, {{3}, {4}}};
	const struct scram_exchange exchange = {slice_lit(FIRST), slice_lit(SERVER_FIRST), {0}};
	struct buf out AUTO(buf_done);
	size_t which = 9;
	struct err err;

	(void)state;
	buf_init(&out, 256);
	scram_make_verifier(slice_lit("pencil"), example_salt(), 4096, &list[2]);
	assert_int_equal(scram_check(&exchange, slice_lit(FINAL), list, 3, &which, &out, &err), 0);
	assert_int_equal(which, 2);
	assert_true(slice_eq(
		buf_slice(&out), slice_lit("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")));
	which = 9;
	assert_int_equal(
		scram_check(&exchange, slice_lit(FINAL), list, 2, &which, &out, &err), -ERR_DENIED);
	assert_int_equal(
		scram_check(&exchange, slice_lit(FINAL), NULL, 0, &which, &out, &err), -ERR_DENIED);
	assert_int_equal(which, 9);
}

static void test_first(void **state)
{
	static const struct {
		const char *message;
		int rc;
		const char *name, *nonce, *binding, *authzid;
	} rows[] = {
		{FIRST, 0, "user", "rOprNGfwEbeRWgbNEkqO", "", ""},
		{"n,a=boss,n=u=2Cv,r=x", 0, "u=2Cv", "x", "", "boss"},
		{"p=tls-exporter,,n=u,r=x,z=any,y=b=c", 0, "u", "x", "tls-exporter", ""},
		{"y,,n=u,r=x", -ERR_DENIED, "", "", "", ""},
		{"n,,m=ext,n=u,r=x", -ERR_DENIED, "", "", "", ""},
		{"", -ERR_SYNTAX, "", "", "", ""},
		{"n", -ERR_SYNTAX, "", "", "", ""},
		{"n,", -ERR_SYNTAX, "", "", "", ""},
		{"n,,", -ERR_SYNTAX, "", "", "", ""},
		{"x,,n=u,r=x", -ERR_SYNTAX, "", "", "", ""},
		{"p=,,n=u,r=x", -ERR_SYNTAX, "", "", "", ""},
		{"p=tls exporter,,n=u,r=x", -ERR_SYNTAX, "", "", "", ""},
		{"n,boss,n=u,r=x", -ERR_SYNTAX, "", "", "", ""},
		{"n,,n=,r=x", -ERR_SYNTAX, "", "", "", ""},
		{"n,,n=u", -ERR_SYNTAX, "", "", "", ""},
		{"n,,n=u,r=", -ERR_SYNTAX, "", "", "", ""},
		{"n,,r=x,n=u", -ERR_SYNTAX, "", "", "", ""},
		{"n,,n=u,r=a b", -ERR_SYNTAX, "", "", "", ""},
		{"n,,n=u,r=x,", -ERR_SYNTAX, "", "", "", ""},
		{"n,,n=u,r=x,z", -ERR_SYNTAX, "", "", "", ""},
		{"n,,n=u,r=x,1=z", -ERR_SYNTAX, "", "", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scram_first first = {0};
		struct err err;

		if (scram_read_first(slice_str(rows[i].message), &first, &err) != rows[i].rc)
			fail_msg("<%s>", rows[i].message);
		assert_true(slice_eq(first.name, slice_str(rows[i].name)));
		assert_true(slice_eq(first.nonce, slice_str(rows[i].nonce)));
		assert_true(slice_eq(first.binding, slice_str(rows[i].binding)));
		assert_true(slice_eq(first.authzid, slice_str(rows[i].authzid)));
	}
}

/* ---- a client of our own ---- */

static void client_hmac(const unsigned char *key, size_t key_len, const char *text,
	unsigned char out[SCRAM_KEY_LEN])
{
	unsigned n;

	assert_non_null(HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text,
		strlen(text), out, &n));
}

static void put_base64(struct buf *out, const void *bytes, size_t n)
{
	base64_encode(out, (struct slice){bytes, n});
}

/* client-final-message for this password over what was said before. */
static void client_final(struct buf *out, const char *password, const unsigned char *salt,
	const char *header_and_binding, const char *first_bare, const char *server_first)
{
	unsigned char salted[32], key[32], stored[32], signature[32];
	struct buf auth AUTO(buf_done);
	const char *nonce_end = strchr(server_first, ',');

	buf_init(&auth, 4096);
	buf_lit(out, "c=");
	put_base64(out, header_and_binding, strlen(header_and_binding));
	buf_byte(out, ',');
	buf_append(out, (struct slice){server_first, (size_t)(nonce_end - server_first)});
	buf_printf(&auth, "%s,%s,%.*s", first_bare, server_first, SLICE_ARG(buf_slice(out)));
	buf_byte(&auth, '\0');
	PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, SCRAM_SALT_LEN, SCRAM_ITERATIONS,
		EVP_sha256(), 32, salted);
	client_hmac(salted, 32, "Client Key", key);
	sha256((struct slice){(const char *)key, 32}, stored);
	client_hmac(stored, 32, auth.ptr, signature);
	for (size_t i = 0; i < 32; i++)
		key[i] ^= signature[i];
	buf_lit(out, ",p=");
	put_base64(out, key, 32);
}

struct talk {
	struct buf server_first, final, reply;
	struct scram_verifier verifier;
	size_t which;
	int rc;
	struct err err;
};

static void talk_done(struct talk *t)
{
	buf_done(&t->server_first);
	buf_done(&t->final);
	buf_done(&t->reply);
}

/* One whole exchange; the client's binding and the server's may differ. */
static void talk(struct talk *t, const char *header, const char *client_binding,
	const char *server_binding, const char *password)
{
	struct buf first AUTO(buf_done), cbind AUTO(buf_done);
	const unsigned char *salt = example_salt();
	struct scram_exchange exchange;
	struct scram_first read;

	buf_init(&first, 1024);
	buf_init(&cbind, 1024);
	buf_init(&t->server_first, 1024);
	buf_init(&t->final, 1024);
	buf_init(&t->reply, 1024);
	buf_printf(&first, "%sn=u,r=clientnonce", header);
	buf_printf(&cbind, "%s%s", header, client_binding);
	buf_byte(&cbind, '\0');
	assert_int_equal(scram_read_first(buf_slice(&first), &read, &t->err), 0);
	scram_write_first(&read, slice_lit("servernonceservernonce00"), salt, &t->server_first);
	buf_byte(&t->server_first, '\0');
	t->server_first.len--;
	scram_make_verifier(slice_lit("pencil"), salt, SCRAM_ITERATIONS, &t->verifier);
	client_final(
		&t->final, password, salt, cbind.ptr, "n=u,r=clientnonce", t->server_first.ptr);
	exchange = (struct scram_exchange){
		buf_slice(&first), buf_slice(&t->server_first), slice_str(server_binding)};
	t->rc = scram_check(
		&exchange, buf_slice(&t->final), &t->verifier, 1, &t->which, &t->reply, &t->err);
}

static void test_exchange(void **state)
{
	static const struct {
		const char *header, *client, *server, *password;
		int rc;
	} rows[] = {
		{"n,,", "", "", "pencil", 0},
		{"n,,", "", "", "Pencil", -ERR_DENIED},
		{"n,a=other,", "", "", "pencil", 0},
		{"p=tls-exporter,,", "channel", "channel", "pencil", 0},
		{"p=tls-exporter,,", "channel", "another", "pencil", -ERR_DENIED},
		{"p=tls-exporter,,", "channel", "", "pencil", -ERR_DENIED},
		{"p=tls-exporter,,", "", "", "pencil", -ERR_DENIED},
		/* Data that no flag announces. */
		{"n,,", "channel", "channel", "pencil", -ERR_DENIED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct talk t AUTO(talk_done) = {0};

		talk(&t, rows[i].header, rows[i].client, rows[i].server, rows[i].password);
		if (t.rc != rows[i].rc)
			fail_msg("row %zu: %d %s", i, t.rc, t.err.msg);
		assert_int_equal(t.reply.len > 0, t.rc == 0);
	}
}

/* Every byte of the last message counts, and every prefix is refused without a read past its end.
 */
static void test_final_is_checked_whole(void **state)
{
	struct scram_verifier verifier;
	const struct scram_exchange exchange = {slice_lit(FIRST), slice_lit(SERVER_FIRST), {0}};
	const struct slice final = slice_lit(FINAL);
	struct buf out AUTO(buf_done);
	struct err err;
	size_t which;

	(void)state;
	buf_init(&out, 256);
	scram_make_verifier(slice_lit("pencil"), example_salt(), 4096, &verifier);
	for (size_t i = 0; i < final.len; i++) {
		char *copy = malloc(final.len);

		memcpy(copy, final.ptr, final.len);
		copy[i] = (char)(copy[i] ^ 1);
		assert_true(scram_check(&exchange, (struct slice){copy, final.len}, &verifier, 1,
				    &which, &out, &err) < 0);
		free(copy);
		copy = malloc(i + 1);
		memcpy(copy, final.ptr, i);
		assert_true(scram_check(&exchange, (struct slice){copy, i}, &verifier, 1, &which,
				    &out, &err) < 0);
		free(copy);
	}
	assert_int_equal(out.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_exchange),
		cmocka_unit_test(test_final_is_checked_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
