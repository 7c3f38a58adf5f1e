/* set.c - see set.h for the contract. */
#include "wire/imap/set.h"

#include <stdlib.h>

static int parse_number(struct imap_lex *lx, uint32_t *out, struct err *err)
{
	uint64_t n;
	int rc;

	if (imap_lex_take(lx, '*')) {
		*out = IMAP_STAR;
		return 0;
	}
	rc = imap_lex_number(lx, UINT32_MAX, &n, err);
	if (rc < 0)
		return rc;
	if (n == 0)
		return err_set(err, ERR_SYNTAX, "0 is no message number");
	*out = (uint32_t)n;
	return 0;
}

static int parse_range(struct imap_lex *lx, struct imap_range *out, struct err *err)
{
	int rc = parse_number(lx, &out->first, err);

	out->last = out->first;
	if (rc == 0 && imap_lex_take(lx, ':'))
		rc = parse_number(lx, &out->last, err);
	return rc;
}

static size_t count_commas(struct slice word)
{
	size_t n = 0;

	for (size_t i = 0; i < word.len; i++)
		n += word.ptr[i] == ',';
	return n;
}

int imap_set_parse(struct imap_lex *lx, struct imap_set *out, struct err *err)
{
	struct imap_set set = {0};
	struct imap_lex ahead = *lx;
	struct slice word;
	size_t n;
	int rc;

	if (imap_lex_take(lx, '$')) {
		*out = (struct imap_set){.is_saved = true};
		return 0;
	}
	rc = imap_lex_word(&ahead, IMAP_WORD_SET, &word, err);
	if (rc < 0)
		return rc;
	n = count_commas(word) + 1;
	rc = imap_lex_alloc(lx, sizeof(*set.ranges), n, &set.ranges, err);
	for (; rc == 0 && set.n < n; set.n++) {
		if (set.n)
			rc = imap_lex_byte(lx, ',', err);
		if (rc == 0)
			rc = parse_range(lx, &set.ranges[set.n], err);
	}
	if (rc == 0)
		*out = set;
	return rc;
}

static int compare_ranges(const void *a, const void *b)
{
	const uint32_t x = ((const struct imap_range *)a)->first;
	const uint32_t y = ((const struct imap_range *)b)->first;

	return (x > y) - (x < y);
}

/* "*" is the last message even where that is less than the other end (RFC 9051 9, seq-range). */
static bool resolve_range(struct imap_range *r, uint32_t star)
{
	if (r->first == IMAP_STAR)
		r->first = star;
	if (r->last == IMAP_STAR)
		r->last = star;
	if (r->first > r->last)
		*r = (struct imap_range){r->last, r->first};
	if (r->first == 0)
		r->first = 1;
	return r->last != 0;
}

void imap_set_resolve(struct imap_set *set, uint32_t star)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++) {
		struct imap_range r = set->ranges[i];

		if (resolve_range(&r, star))
			set->ranges[n++] = r;
	}
	set->n = 0;
	if (n == 0)
		return;
	qsort(set->ranges, n, sizeof(*set->ranges), compare_ranges);
	for (size_t i = 1; i < n; i++) {
		struct imap_range *last = &set->ranges[set->n];
		const struct imap_range *r = &set->ranges[i];

		if (r->first - 1 > last->last)
			set->ranges[++set->n] = *r;
		else if (r->last > last->last)
			last->last = r->last;
	}
	set->n++;
}

uint32_t imap_set_last(const struct imap_set *set)
{
	return set->n ? set->ranges[set->n - 1].last : 0;
}

bool imap_set_has(const struct imap_set *set, uint32_t n)
{
	size_t low = 0, high = set->n;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (n > set->ranges[mid].last)
			low = mid + 1;
		else
			high = mid;
	}
	return low < set->n && n >= set->ranges[low].first;
}

void imap_set_writer_init(struct imap_set_writer *w, struct buf *out)
{
	*w = (struct imap_set_writer){.out = out};
}

static void flush_range(struct imap_set_writer *w)
{
	if (w->last == 0)
		return;
	if (w->has_comma)
		buf_byte(w->out, ',');
	w->has_comma = true;
	buf_u64(w->out, w->first);
	if (w->last != w->first) {
		buf_byte(w->out, ':');
		buf_u64(w->out, w->last);
	}
}

void imap_set_writer_add(struct imap_set_writer *w, uint32_t n)
{
	if (w->last && n == w->last + 1) {
		w->last = n;
		return;
	}
	flush_range(w);
	w->first = w->last = n;
}

bool imap_set_writer_end(struct imap_set_writer *w)
{
	flush_range(w);
	w->last = 0;
	return w->has_comma;
}
