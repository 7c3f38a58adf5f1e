/* view_merge.c - from what a session was told to what is: expunges, growth, changed flags. */
#include <stdlib.h>

#include "base/mem.h"
#include "store/view_internal.h"

static void put_u32(struct buf *b, uint32_t n)
{
	buf_append(b, (struct slice){(const char *)&n, sizeof(n)});
}

static bool is_passed(const struct seen *s, uint32_t uid)
{
	return s->uids[s->n - 1] < uid;
}

/*
 * Asked with ascending UIDs, like those of each `seen`: a step forward in each, and no look at what
 * is passed or begins later. A STORE of a large mailbox leaves one for each of its slices, and 100
 * ms went into searching all of them for every message.
 */
static bool has_seen(struct merge *m, uint32_t uid, uint64_t modseq)
{
	while (m->seen && is_passed(m->seen, uid))
		m->seen = m->seen->next;
	for (struct seen *s = m->seen; s && s->uids[0] <= uid; s = s->next) {
		if (is_passed(s, uid))
			continue;
		while (s->uids[s->at] < uid)
			s->at++;
		if (s->uids[s->at] == uid && s->modseq >= modseq)
			return true;
	}
	return false;
}

/* The entry will have this sequence number; were its flags changed since it was told? */
static void compare(
	struct merge *m, uint32_t seq, uint32_t uid, const struct attr *was, const struct attr *is)
{
	if (was->modseq != is->modseq && !has_seen(m, uid, is->modseq))
		put_u32(&m->changed, seq);
}

static void expunge(struct merge *m, const struct index_block *b, uint32_t place)
{
	const uint32_t done = (uint32_t)(m->expunged.len / sizeof(uint32_t));

	put_u32(&m->expunged, b->before + place + 1 - done);
	put_u32(&m->expunged_uids, b->num->e[place].uid);
}

/* The same numbering, perhaps longer. */
static void merge_same(struct merge *m, const struct index_block *was, const struct index_block *is)
{
	const uint32_t before = m->maker.ix->total;

	for (uint32_t i = 0; was->attrs != is->attrs && i < was->count && i < is->count; i++)
		compare(m, before + i + 1, is->num->e[i].uid, &was->attrs->a[i], &is->attrs->a[i]);
	m->is_grown |= is->count > was->count;
	maker_share(&m->maker, is);
}

/* Entries of both in the order of their UIDs; what is gone stays if it may not be told yet. */
struct both {
	struct entry entries[BLOCK_ENTRIES];
	struct attr attrs[BLOCK_ENTRIES];
	uint32_t n, gone;
};

static void keep(struct both *both, const struct index_block *b, uint32_t place)
{
	both->entries[both->n] = b->num->e[place];
	both->attrs[both->n++] = b->attrs->a[place];
}

static void merge_entries(struct merge *m, const struct index_block *was,
	const struct index_block *is, struct both *out)
{
	const uint32_t before = m->maker.ix->total;
	uint32_t i = 0, k = 0;

	while (i < was->count || k < is->count) {
		const uint32_t old = i < was->count ? was->num->e[i].uid : UINT32_MAX;
		const uint32_t new = k < is->count ? is->num->e[k].uid : UINT32_MAX;

		if (old == new) {
			compare(m, before + out->n + 1, new, &was->attrs->a[i++], &is->attrs->a[k]);
			keep(out, is, k++);
		} else if (new < old) {
			m->is_grown = true;
			keep(out, is, k++);
		} else if (m->may_expunge) {
			expunge(m, was, i++);
		} else {
			out->gone++;
			keep(out, was, i++);
		}
	}
}

static void merge_block(
	struct merge *m, const struct index_block *was, const struct index_block *is)
{
	static const struct index_block empty;
	struct both *both;

	if (is && !was) {
		m->is_grown = true;
		maker_share(&m->maker, is);
		return;
	}
	if (is && was->num == is->num) {
		merge_same(m, was, is);
		return;
	}
	both = mem_alloc(sizeof(*both));
	both->n = both->gone = 0;
	merge_entries(m, was, is ? is : &empty, both);
	if (both->gone) {
		m->has_gone = true;
		maker_put(&m->maker, was->no, both->entries, both->attrs, both->n, NULL);
	} else if (is) {
		maker_share(&m->maker, is);
	}
	free(both);
}

struct index *view_merge(struct merge *m, const struct index *mine, const struct index *now)
{
	uint32_t i = 0, k = 0;

	for (struct seen *s = m->seen; s; s = s->next)
		s->at = 0;
	maker_init(&m->maker, now->blocks_n);
	m->maker.ix->modseq = now->modseq;
	while (i < mine->blocks_n || k < now->blocks_n) {
		const struct index_block *was = i < mine->blocks_n ? &mine->b[i] : NULL;
		const struct index_block *is = k < now->blocks_n ? &now->b[k] : NULL;

		if (was && (!is || was->no < is->no))
			is = NULL;
		else if (is && (!was || is->no < was->no))
			was = NULL;
		i += was != NULL;
		k += is != NULL;
		merge_block(m, was, is);
	}
	return maker_done(&m->maker);
}
