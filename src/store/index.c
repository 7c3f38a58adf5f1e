/* index.c - generations of a mailbox's index, see index.h. */
#include "store/index.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { CAP_FIRST = 8 };

static struct num *num_new(uint32_t cap)
{
	struct num *num = mem_alloc(sizeof(*num) + cap * sizeof(num->e[0]));

	num->refs = 1;
	num->cap = cap;
	return num;
}

static struct attrs *attrs_new(uint32_t cap)
{
	struct attrs *attrs = mem_alloc(sizeof(*attrs) + cap * sizeof(attrs->a[0]));

	attrs->refs = 1;
	attrs->cap = cap;
	return attrs;
}

static struct index *index_alloc(uint32_t blocks)
{
	struct index *ix = mem_zalloc(sizeof(*ix) + blocks * sizeof(ix->b[0]));

	ix->refs = 1;
	return ix;
}

struct index *index_new(void)
{
	return index_alloc(0);
}

struct index *index_ref(struct index *ix)
{
	ix->refs++;
	return ix;
}

static void block_unref(struct index_block *b)
{
	if (--b->num->refs == 0)
		free(b->num);
	if (--b->attrs->refs == 0)
		free(b->attrs);
}

void index_free(struct index **ix)
{
	if (*ix && --(*ix)->refs == 0) {
		for (uint32_t i = 0; i < (*ix)->blocks_n; i++)
			block_unref(&(*ix)->b[i]);
		free(*ix);
	}
	*ix = NULL;
}

size_t index_bytes(const struct index *ix)
{
	size_t n = sizeof(*ix) + ix->blocks_n * sizeof(ix->b[0]);

	for (uint32_t i = 0; i < ix->blocks_n; i++)
		n += ix->b[i].num->cap * sizeof(struct entry) +
		     ix->b[i].attrs->cap * sizeof(struct attr);
	return n;
}

uint32_t index_block_find(const struct index *ix, uint32_t no)
{
	uint32_t low = 0, high = ix->blocks_n;

	while (low < high) {
		const uint32_t mid = (low + high) / 2;

		if (ix->b[mid].no < no)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

uint32_t block_place(const struct index_block *b, uint32_t uid)
{
	uint32_t low = 0, high = b->count;

	/* Without gaps the place is known. */
	if (b->count && uid >= b->num->e[0].uid && uid - b->num->e[0].uid < b->count &&
		b->num->e[uid - b->num->e[0].uid].uid == uid)
		return uid - b->num->e[0].uid;
	while (low < high) {
		const uint32_t mid = (low + high) / 2;

		if (b->num->e[mid].uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool index_at(const struct index *ix, uint32_t seq, uint32_t *block_out, uint32_t *place_out)
{
	uint32_t low, high = ix->blocks_n;

	if (seq == 0 || seq > ix->total)
		return false;
	/* No block holds more than it has UIDs: it cannot be earlier, and without gaps it is this.
	 */
	low = (seq - 1) >> BLOCK_BITS;
	if (low + 1 < high && ix->b[low + 1].before >= seq)
		high = low + 1;
	while (high - low > 1) {
		const uint32_t mid = (low + high) / 2;

		if (ix->b[mid].before < seq)
			low = mid;
		else
			high = mid;
	}
	*block_out = low;
	*place_out = seq - 1 - ix->b[low].before;
	return true;
}

bool index_find(const struct index *ix, uint32_t uid, uint32_t *block_out, uint32_t *place_out)
{
	uint32_t at, place;

	if (uid == 0)
		return false;
	at = index_block_find(ix, block_of(uid));
	if (at == ix->blocks_n || ix->b[at].no != block_of(uid))
		return false;
	place = block_place(&ix->b[at], uid);
	if (place == ix->b[at].count || ix->b[at].num->e[place].uid != uid)
		return false;
	*block_out = at;
	*place_out = place;
	return true;
}

uint32_t index_floor(const struct index *ix, uint32_t uid)
{
	const uint32_t at = uid ? index_block_find(ix, block_of(uid)) : 0;

	if (at == ix->blocks_n)
		return ix->total + 1;
	if (uid == 0 || ix->b[at].no != block_of(uid))
		return ix->b[at].before + 1;
	return ix->b[at].before + block_place(&ix->b[at], uid) + 1;
}

void maker_init(struct index_maker *m, uint32_t blocks)
{
	m->cap = blocks ? blocks : 1;
	m->ix = index_alloc(m->cap);
}

static struct index_block *maker_next(struct index_maker *m, uint32_t no, uint32_t count)
{
	struct index_block *b;

	if (m->ix->blocks_n == m->cap) {
		m->cap *= 2;
		m->ix = mem_realloc(m->ix, sizeof(*m->ix) + m->cap * sizeof(m->ix->b[0]));
	}
	b = &m->ix->b[m->ix->blocks_n++];
	*b = (struct index_block){.no = no, .count = count, .before = m->ix->total};
	m->ix->total += count;
	return b;
}

void maker_share(struct index_maker *m, const struct index_block *from)
{
	struct index_block *b = maker_next(m, from->no, from->count);

	b->num = from->num;
	b->num->refs++;
	b->attrs = from->attrs;
	b->attrs->refs++;
}

void maker_put(struct index_maker *m, uint32_t no, const struct entry *entries,
	const struct attr *attrs, uint32_t n, const struct index_block *like)
{
	struct index_block *b;

	if (n == 0)
		return;
	b = maker_next(m, no, n);
	if (entries) {
		b->num = num_new(n);
		memcpy(b->num->e, entries, n * sizeof(entries[0]));
	} else {
		b->num = like->num;
		b->num->refs++;
	}
	if (attrs) {
		b->attrs = attrs_new(n);
		memcpy(b->attrs->a, attrs, n * sizeof(attrs[0]));
	} else {
		b->attrs = like->attrs;
		b->attrs->refs++;
	}
}

struct index *maker_done(struct index_maker *m)
{
	struct index *ix = m->ix;

	m->ix = NULL;
	if (ix->blocks_n < m->cap)
		ix = mem_realloc(ix, sizeof(*ix) + ix->blocks_n * sizeof(ix->b[0]));
	return ix;
}

static uint32_t grown(uint32_t count)
{
	if (count >= BLOCK_ENTRIES / 2)
		return BLOCK_ENTRIES;
	return count < CAP_FIRST / 2 ? CAP_FIRST : count * 2;
}

static void block_make_room(struct index_block *b)
{
	if (b->count == b->num->cap) {
		struct num *num = num_new(grown(b->count));

		memcpy(num->e, b->num->e, b->count * sizeof(num->e[0]));
		if (--b->num->refs == 0)
			free(b->num);
		b->num = num;
	}
	if (b->count == b->attrs->cap) {
		struct attrs *attrs = attrs_new(grown(b->count));

		memcpy(attrs->a, b->attrs->a, b->count * sizeof(attrs->a[0]));
		if (--b->attrs->refs == 0)
			free(b->attrs);
		b->attrs = attrs;
	}
}

static void append_one(struct index_maker *m, const struct entry *e, const struct attr *a)
{
	const uint32_t no = block_of(e->uid), blocks = m->ix->blocks_n;
	struct index_block *b;

	if (blocks == 0 || m->ix->b[blocks - 1].no != no) {
		b = maker_next(m, no, 0);
		b->num = num_new(CAP_FIRST);
		b->attrs = attrs_new(CAP_FIRST);
	} else {
		b = &m->ix->b[blocks - 1];
		block_make_room(b);
	}
	b->num->e[b->count] = *e;
	b->attrs->a[b->count] = *a;
	b->count++;
	m->ix->total++;
}

struct index *index_append(
	const struct index *ix, const struct entry *e, const struct attr *a, size_t n)
{
	struct index_maker m;

	maker_init(&m, ix->blocks_n + 1);
	for (uint32_t i = 0; i < ix->blocks_n; i++)
		maker_share(&m, &ix->b[i]);
	m.ix->modseq = ix->modseq;
	m.ix->is_tail = ix->is_tail;
	for (size_t i = 0; i < n; i++)
		append_one(&m, &e[i], &a[i]);
	return maker_done(&m);
}
