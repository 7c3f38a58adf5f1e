/* map.c - see map.h for the contract. */
#include "base/map.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"

enum { SIZE_FIRST = 16 };

struct map_slot {
	struct slice key;
	void *value; /* NULL: never used; tombstone: deleted */
	uint64_t hash;
};

static char tombstone;
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;
static uint64_t seed[2];

static void make_seed(void)
{
	random_bytes(seed, sizeof(seed));
}

static uint64_t rotl(uint64_t x, int b)
{
	return x << b | x >> (64 - b);
}

struct sip {
	uint64_t a, b, c, d;
};

static void sip_round(struct sip *v)
{
	v->a += v->b;
	v->b = rotl(v->b, 13) ^ v->a;
	v->a = rotl(v->a, 32);
	v->c += v->d;
	v->d = rotl(v->d, 16) ^ v->c;
	v->a += v->d;
	v->d = rotl(v->d, 21) ^ v->a;
	v->c += v->b;
	v->b = rotl(v->b, 17) ^ v->c;
	v->c = rotl(v->c, 32);
}

/* SipHash-1-3: enough against chosen keys in a table. */
uint64_t bytes_hash(struct slice s)
{
	struct sip v;
	uint64_t word, last = (uint64_t)s.len << 56;
	size_t i;

	pthread_once(&seed_once, make_seed);
	v.a = seed[0] ^ 0x736f6d6570736575;
	v.b = seed[1] ^ 0x646f72616e646f6d;
	v.c = seed[0] ^ 0x6c7967656e657261;
	v.d = seed[1] ^ 0x7465646279746573;
	for (i = 0; i + 8 <= s.len; i += 8) {
		memcpy(&word, s.ptr + i, 8);
		v.d ^= word;
		sip_round(&v);
		v.a ^= word;
	}
	for (int shift = 0; i < s.len; i++, shift += 8)
		last |= (uint64_t)(unsigned char)s.ptr[i] << shift;
	v.d ^= last;
	sip_round(&v);
	v.a ^= last;
	v.c ^= 0xff;
	for (int n = 0; n < 3; n++)
		sip_round(&v);
	return v.a ^ v.b ^ v.c ^ v.d;
}

/* The slot of key, or the one to put it into; the table is never full. */
static struct map_slot *find(const struct map *m, struct slice key, uint64_t hash)
{
	struct map_slot *grave = NULL;

	for (size_t i = hash & (m->size - 1);; i = (i + 1) & (m->size - 1)) {
		struct map_slot *slot = &m->slots[i];

		if (!slot->value)
			return grave ? grave : slot;
		if (slot->value == &tombstone) {
			if (!grave)
				grave = slot;
		} else if (slot->hash == hash && slice_eq(slot->key, key)) {
			return slot;
		}
	}
}

static bool is_live(const struct map_slot *slot)
{
	return slot->value && slot->value != &tombstone;
}

void *map_get(const struct map *m, struct slice key)
{
	struct map_slot *slot;

	if (m->count == 0)
		return NULL;
	slot = find(m, key, bytes_hash(key));
	return is_live(slot) ? slot->value : NULL;
}

/* Twice the live entries at least, so that graves vanish and half stays free. */
static void rehash(struct map *m)
{
	struct map old = *m;
	size_t live = 0, size = SIZE_FIRST;

	for (size_t i = 0; i < old.size; i++)
		live += is_live(&old.slots[i]);
	while (size < (live + 1) * 3)
		size *= 2;
	*m = (struct map){.slots = mem_zalloc_array(size, sizeof(struct map_slot)),
		.count = live,
		.size = size};
	for (size_t i = 0; i < old.size; i++) {
		if (is_live(&old.slots[i]))
			*find(m, old.slots[i].key, old.slots[i].hash) = old.slots[i];
	}
	free(old.slots);
}

void *map_put(struct map *m, struct slice key, void *value)
{
	const uint64_t hash = bytes_hash(key);
	struct map_slot *slot;
	void *before;

	if (m->count + 1 > m->size / 4 * 3) /* count holds graves too */
		rehash(m);
	slot = find(m, key, hash);
	before = is_live(slot) ? slot->value : NULL;
	if (!slot->value)
		m->count++;
	*slot = (struct map_slot){.key = key, .value = value, .hash = hash};
	return before;
}

void *map_del(struct map *m, struct slice key)
{
	struct map_slot *slot;
	void *value;

	if (m->count == 0)
		return NULL;
	slot = find(m, key, bytes_hash(key));
	if (!is_live(slot))
		return NULL;
	value = slot->value;
	*slot = (struct map_slot){.value = &tombstone};
	return value;
}

void *map_next(const struct map *m, size_t *at)
{
	while (*at < m->size) {
		const struct map_slot *slot = &m->slots[(*at)++];

		if (is_live(slot))
			return slot->value;
	}
	return NULL;
}

void map_done(struct map *m)
{
	free(m->slots);
	*m = (struct map){0};
}
