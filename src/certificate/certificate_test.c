/* certificate_test.c - a folder of chains: what is used, what is refused, what is told. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/temp.h"
#include "certificate/certificate.h"
#include "net/net_kit.h"

enum { DAY = 86400 };

struct world {
	char dir[TEMP_MAX];
	struct kit kit;
	struct kit_ring ring;
	struct tls *tls;
	struct certificates *certificates;
	char told[8][200]; /* newest last */
	_Atomic size_t told_n;
	int has_key; /* what the keeper says */
};

static int has_key(void *context, struct slice name, struct err *err)
{
	const struct world *w = context;

	assert_true(slice_starts(name, slice_lit("tls-")));
	return w->has_key ? err_set(err, (enum err_code) - w->has_key, "no") : 0;
}

static void news(void *context, const struct certificate_news *what)
{
	struct world *w = context;

	assert_true(w->told_n < 8);
	snprintf(w->told[w->told_n], sizeof(w->told[0]), "%.*s %u %s", SLICE_ARG(what->name),
		what->days, what->error ? what->error : "");
	w->told_n++;
}

static void put(struct world *w, const char *name, const char *text)
{
	char path[200], temporary[220];
	struct err err;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_int_equal(io_write_all(fd, slice_str(text), &err), 0);
	io_close(&fd);
	assert_int_equal(rename(temporary, path), 0);
}

static int open_world(struct world *w, const char *is_default)
{
	const struct certificates_config config = {.folder = w->dir,
		.tls = w->tls,
		.pool = w->kit.pool,
		.is_default = slice_str(is_default),
		.has_key = has_key,
		.news = news,
		.context = w};
	struct err err;

	return certificates_open(&config, &w->certificates, &err);
}

static void start(struct world *w)
{
	struct err err;

	memset(w, 0, sizeof(*w));
	log_open("test", LOG_ERROR + 1);
	assert_non_null(mkdtemp(temp_path(w->dir, "certificate-test-XXXXXX")));
	assert_int_equal(tls_new(kit_sign, &w->ring, &w->tls, &err), 0);
	assert_int_equal(pool_new(&(struct pool_config){.threads = 4, .connections_max = 10},
				 &w->kit.pool, &err),
		0);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void stop(struct world *w)
{
	pool_stop(&w->kit.pool);
	certificates_close(&w->certificates);
	tls_free(&w->tls);
	for (size_t i = 0; i < 4; i++)
		kit_key_done(&w->ring.keys[i]);
	nftw(w->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* "name:used:error" of each, in order. */
static const char *state(struct world *w, char *out, size_t size)
{
	json_t *rows = certificates_describe(w->certificates);
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);

		n += (size_t)snprintf(out + n, size - n, "%s%s:%d:%.12s", i ? " " : "",
			json_string_value(json_object_get(row, "name")),
			json_is_true(json_object_get(row, "is_used")),
			json_string_value(json_object_get(row, "error")));
	}
	json_decref(rows);
	return out;
}

static void look(struct world *w)
{
	certificates_set_default(w->certificates, slice_lit("main"));
}

static void test_files(void **unused)
{
	struct world w;
	char text[500];

	(void)unused;
	start(&w);
	assert_int_equal(open_world(&w, "main"), -ERR_NOTFOUND);
	w.ring.keys[0] = kit_key_ec("P-256", "a.example", 90 * DAY);
	w.ring.keys[1] = kit_key_ec("P-256", "b.example", 90 * DAY);
	put(&w, "main.pem", w.ring.keys[0].pem);
	put(&w, "other.pem", "junk");
	put(&w, ".hidden.pem", "junk");
	put(&w, "notes.txt", "junk");
	assert_int_equal(open_world(&w, "main"), 0);
	assert_string_equal(state(&w, text, sizeof(text)), "main:1: other:0:no certifica");
	/* A good one comes, a bad one does not take its place, nor does one without a key. */
	put(&w, "other.pem", w.ring.keys[1].pem);
	look(&w);
	assert_string_equal(state(&w, text, sizeof(text)), "main:1: other:1:");
	put(&w, "other.pem", "junk again");
	look(&w);
	assert_string_equal(state(&w, text, sizeof(text)), "main:1: other:1:no certifica");
	w.has_key = -ERR_NOTFOUND;
	put(&w, "other.pem", w.ring.keys[0].pem);
	look(&w);
	assert_string_equal(state(&w, text, sizeof(text)), "main:1: other:1:the keeper h");
	/* The key comes later: the file is looked at again as it is. */
	w.has_key = 0;
	look(&w);
	assert_string_equal(state(&w, text, sizeof(text)), "main:1: other:1:");
	/* A keeper that is away is no reason to refuse what is new, nor to drop what is there. */
	w.has_key = -ERR_BUSY;
	put(&w, "new.pem", w.ring.keys[1].pem);
	look(&w);
	assert_string_equal(state(&w, text, sizeof(text)), "main:1: new:1: other:1:");
	snprintf(text, sizeof(text), "%s/other.pem", w.dir);
	assert_int_equal(unlink(text), 0);
	look(&w);
	assert_string_equal(state(&w, text, sizeof(text)), "main:1: new:1:");
	stop(&w);
}

/* A warning when the first of the named days is near, and again at each that follows. */
static void test_expiry(void **unused)
{
	static const struct {
		long days_left;
		const char *told;
	} cases[] = {{31, NULL}, {29, "main 30 "}, {20, NULL}, {13, "main 14 "}, {6, "main 7 "},
		{2, "main 3 "}, {1, "main 1 "}, {-1, "main 0 "}};
	struct world w;
	struct err err;
	long now = 60;

	(void)unused;
	start(&w);
	w.ring.keys[0] = kit_key_ec("P-256", "a.example", now * DAY - 60);
	put(&w, "main.pem", w.ring.keys[0].pem);
	assert_int_equal(open_world(&w, "main"), 0);
	assert_int_equal(pool_start(w.kit.pool, &err), 0);
	certificates_start(w.certificates);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const size_t before = w.told_n;

		clock_shift((int64_t)(now - cases[i].days_left) * DAY * 1000000);
		now = cases[i].days_left;
		look(&w);
		assert_int_equal(w.told_n, before + (cases[i].told ? 1 : 0));
		if (cases[i].told)
			assert_string_equal(w.told[before], cases[i].told);
		look(&w); /* once is enough */
		assert_int_equal(w.told_n, before + (cases[i].told ? 1 : 0));
	}
	stop(&w);
	clock_shift((int64_t)(now - 60) * DAY * 1000000);
}

static bool answers(struct world *w, const char *host, const char *path, const char *want)
{
	struct buf out AUTO(buf_done);
	bool is_one;

	buf_init(&out, 1000);
	is_one = certificates_answer(w->certificates, slice_str(host), slice_str(path), &out);
	return is_one && slice_eq(buf_slice(&out), slice_str(want));
}

static void test_answers(void **unused)
{
	static const char path[] = "/.well-known/acme-challenge/token-1";
	struct world w;
	struct err err;

	(void)unused;
	start(&w);
	w.ring.keys[0] = kit_key_ec("P-256", "a.example", 90 * DAY);
	put(&w, "main.pem", w.ring.keys[0].pem);
	assert_int_equal(open_world(&w, "main"), 0);
	certificates_add_answer(w.certificates, slice_lit("a.example"), slice_lit("token-1"),
		slice_lit("token-1.print"));
	certificates_add_answer(w.certificates, slice_lit("b.example"), slice_lit("token-2"),
		slice_lit("token-2.print"));
	assert_int_equal(certificates_add_tls_answer(w.certificates, slice_lit("a.example"),
				 slice_str(w.ring.keys[0].pem), &err),
		0);
	assert_int_equal(certificates_add_tls_answer(
				 w.certificates, slice_lit("a.example"), slice_lit("x"), &err),
		-ERR_SYNTAX);
	assert_true(answers(&w, "a.example", path, "token-1.print"));
	assert_false(answers(&w, "b.example", path, "token-1.print"));
	assert_false(answers(&w, "a.example", "/.well-known/acme-challenge/", ""));
	assert_false(answers(&w, "a.example", "/.well-known/acme-challenge/token-2", ""));
	assert_false(answers(&w, "a.example", "/.well-known/acme-challenge/a.example", ""));
	assert_false(answers(&w, "a.example", "/token-1", ""));
	certificates_drop_answers(w.certificates, slice_lit("a.example"));
	assert_false(answers(&w, "a.example", path, "token-1.print"));
	clock_shift((int64_t)2 * 3600 * 1000000); /* nobody dropped it: it is forgotten */
	certificates_add_answer(
		w.certificates, slice_lit("c.example"), slice_lit("token-3"), slice_lit("x"));
	assert_false(
		answers(&w, "b.example", "/.well-known/acme-challenge/token-2", "token-2.print"));
	clock_shift((int64_t)-2 * 3600 * 1000000);
	stop(&w);
}

static void test_orders(void **unused)
{
	struct world w;
	char text[500];
	json_t *rows;

	(void)unused;
	start(&w);
	w.ring.keys[0] = kit_key_ec("P-256", "a.example", 90 * DAY);
	put(&w, "main.pem", w.ring.keys[0].pem);
	assert_int_equal(open_world(&w, "main"), 0);
	certificates_set_order(
		w.certificates, slice_lit("main"), json_pack("{s:s}", "state", "done"));
	certificates_set_order(
		w.certificates, slice_lit("shop"), json_pack("{s:s}", "state", "failed"));
	assert_string_equal(state(&w, text, sizeof(text)), "main:1: shop:0:");
	rows = certificates_describe(w.certificates);
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(json_array_get(rows, 0), "order"), "state")),
		"done");
	json_decref(rows);
	certificates_set_order(w.certificates, slice_lit("shop"), NULL);
	assert_string_equal(state(&w, text, sizeof(text)), "main:1:");
	stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_orders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
