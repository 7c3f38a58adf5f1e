/* block_test.c - blocks and runs packed and unpacked; generations of an index. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "store/index.h"

static struct entry entries[BLOCK_ENTRIES], got[BLOCK_ENTRIES];
static struct attr attrs[BLOCK_ENTRIES], got_attrs[BLOCK_ENTRIES];

static size_t fill(uint32_t no, unsigned step)
{
	size_t n = 0;

	memset(entries, 0, sizeof(entries));
	for (unsigned i = 0; i < BLOCK_ENTRIES; i += step) {
		entries[n] = (struct entry){.message = (uint64_t)rand() << 30 ^ (uint64_t)rand(),
			.received_s = (int64_t)rand() - RAND_MAX / 2,
			.uid = block_first_uid(no) + i,
			.size = i % 7 ? (uint32_t)rand() : UINT32_MAX,
			.saved_s = i % 5 ? (uint32_t)rand() : UINT32_MAX,
			.zone_min = (int16_t)(rand() % (2 * ZONE_MAX + 1) - ZONE_MAX)};
		attrs[n].flags = i % 3 ? (uint64_t)rand() : UINT64_MAX;
		attrs[n++].modseq = (uint64_t)rand();
	}
	return n;
}

static void test_round_trip(void **state)
{
	static const uint32_t nos[] = {0, 1, 1000, (UINT32_MAX >> BLOCK_BITS) - 1};
	struct err err;
	size_t n, m;

	(void)state;
	for (int i = 0; i < 4; i++) {
		for (unsigned step = 1; step <= BLOCK_ENTRIES; step *= 8) {
			struct buf packed AUTO(buf_done) = {.max = BLOCK_PACKED_MAX};

			n = fill(nos[i], step);
			block_pack(&packed, nos[i], entries, attrs, n);
			assert_false(packed.failed);
			if (block_unpack(buf_slice(&packed), nos[i], got, got_attrs, &m, &err) < 0)
				fail_msg("%s", err.msg);
			assert_int_equal(m, n);
			for (size_t k = 0; k < n; k++) {
				assert_int_equal(got[k].uid, entries[k].uid);
				assert_true(got[k].message == entries[k].message &&
					    got[k].received_s == entries[k].received_s &&
					    got[k].size == entries[k].size &&
					    got[k].saved_s == entries[k].saved_s &&
					    got[k].zone_min == entries[k].zone_min);
				assert_true(got_attrs[k].flags == attrs[k].flags &&
					    got_attrs[k].modseq == attrs[k].modseq);
			}
		}
	}
}

/* Each prefix, each in a heap block of its size, is refused. */
static void test_cut(void **state)
{
	struct buf packed AUTO(buf_done) = {.max = BLOCK_PACKED_MAX};
	size_t n = 77;
	struct err err;

	(void)state;
	block_pack(&packed, 3, entries, attrs, fill(3, 64));
	for (size_t len = 0; len < packed.len; len++) {
		char *copy = malloc(len + 1);

		memcpy(copy, packed.ptr, len);
		assert_int_equal(
			block_unpack((struct slice){copy, len}, 3, got, got_attrs, &n, &err),
			-ERR_CORRUPT);
		assert_int_equal(n, 77);
		free(copy);
	}
	buf_byte(&packed, 0);
	assert_int_equal(
		block_unpack(buf_slice(&packed), 3, got, got_attrs, &n, &err), -ERR_CORRUPT);
}

static void test_wrong(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = {
		{"\2\0", 2},                                    /* another format */
		{"\1\x81\x04", 3},                              /* 513 entries */
		{"\1\1\0\0\0\0\0\0\0\0", 10},                   /* uid 0 apart */
		{"\1\1\x81\x04\0\0\0\0\0\0\0", 11},             /* uid outside of the block */
		{"\1\1\1\0\0\0\1\0\0\0", 10},                   /* saved before 1970 */
		{"\1\1\1\0\0\0\0\xff\x7f\0\0", 11},             /* zone of days */
		{"\1\1\1\0\x80\x80\x80\x80\x10\0\0\0\0\0", 14}, /* size over 32 bits */
		{"\1\1\1\x80\x80\x80\x80\x80\x80\x80\x80\x80\2\0\0\0\0\0\0", 19}, /* 65 bits */
	};
	struct err err;
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (block_unpack((struct slice){cases[i].bytes, cases[i].len}, 0, got, got_attrs,
			    &n, &err) != -ERR_CORRUPT)
			fail_msg("case %zu is taken", i);
	}
}

static void test_runs(void **state)
{
	static const uint32_t uids[] = {1, 2, 3, 7, 8, 100};
	static const uint64_t flags[] = {1, 1, 2, 2, 2, 0};
	struct buf b AUTO(buf_done) = {.max = 1000};

	(void)state;
	runs_pack(&b, uids, NULL, 6);
	assert_true(slice_eq(buf_slice(&b), slice_lit("\1\2\4\1\x5c\0")));
	buf_clear(&b);
	runs_pack(&b, uids, flags, 6);
	assert_true(slice_eq(buf_slice(&b), slice_lit("\1\1\1\1\0\2\4\1\2\x5c\0\0")));
}

/* One by one as deliveries do, with generations kept as views keep them. */
static void test_append(void **state)
{
	enum { N = 1500 };
	struct index *kept[N / 100], *ix = index_new();

	(void)state;
	for (uint32_t i = 0; i < N; i++) {
		const struct entry e = {.uid = 2 * i + 1, .message = i};
		const struct attr a = {.modseq = i};
		struct index *next = index_append(ix, &e, &a, 1);

		if (i % 100 == 0)
			kept[i / 100] = index_ref(ix);
		index_free(&ix);
		ix = next;
	}
	for (uint32_t i = 0; i < N / 100; i++) {
		uint32_t block, place;

		assert_int_equal(kept[i]->total, i * 100);
		for (uint32_t seq = 1; seq <= kept[i]->total; seq++) {
			assert_true(index_at(kept[i], seq, &block, &place));
			assert_int_equal(kept[i]->b[block].num->e[place].uid, 2 * seq - 1);
			assert_int_equal(index_floor(kept[i], 2 * seq - 1), seq);
			assert_int_equal(index_floor(kept[i], 2 * seq), seq + 1);
			assert_true(index_find(kept[i], 2 * seq - 1, &block, &place));
			assert_false(index_find(kept[i], 2 * seq, &block, &place));
		}
		assert_false(index_at(kept[i], 0, &block, &place));
		assert_false(index_at(kept[i], kept[i]->total + 1, &block, &place));
		assert_false(index_find(kept[i], 0, &block, &place));
		index_free(&kept[i]);
	}
	index_free(&ix);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_append),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
