/* parse_fuzz.c - any bytes as the arguments of any command: must end, in bounds. */
#include <stdlib.h>

#include "wire/imap/args.h"
#include "wire/imap/fetch.h"
#include "wire/imap/search.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA_MAX = 1 << 20 };

static int parse_names(struct imap_lex *lx, char which, struct err *err)
{
	struct slice a, b;
	struct imap_words words;
	unsigned items;
	bool flag;

	switch (which) {
	case 'u':
		return imap_status_parse(lx, true, &a, &items, err);
	case 'e':
		return imap_select_parse(lx, true, &a, &flag, err);
	case 'r':
		return imap_create_parse(lx, false, &a, &b, err);
	case 'n':
		return imap_rename_parse(lx, false, &a, &b, err);
	case 'o':
		return imap_login_parse(lx, &a, &b, err);
	case 'h':
		return imap_authenticate_parse(lx, &a, &b, err);
	case 'b':
		return imap_enable_parse(lx, &words, err);
	default:
		return imap_id_parse(lx, &words, err);
	}
}

static int parse_store(struct imap_lex *lx, struct err *err)
{
	struct imap_store store;
	int rc = imap_store_parse(lx, &store, err);

	if (rc < 0)
		return rc;
	imap_set_resolve(&store.set, 1000);
	for (size_t i = 0; i < store.set.n; i++) {
		const struct imap_range *r = &store.set.ranges[i];

		if (r->first == 0 || r->first > r->last ||
			(i && r->first <= store.set.ranges[i - 1].last) ||
			!imap_set_has(&store.set, r->last))
			abort();
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct imap_limits limits = {256, 8, 32};
	struct arena arena AUTO(arena_done);
	struct imap_append append;
	struct imap_search search;
	struct imap_fetch fetch;
	struct imap_list list;
	struct imap_copy copy;
	struct imap_lex lx;
	struct err err;
	int rc;

	arena_init(&arena, ARENA_MAX);
	if (size == 0)
		return 0;
	imap_lex_init(&lx, (struct slice){(const char *)data + 1, size - 1}, &limits, &arena);
	switch (data[0]) {
	case 'f':
		rc = imap_fetch_parse(&lx, &fetch, &err);
		break;
	case 's':
		rc = imap_search_parse(&lx, &search, &err);
		break;
	case 't':
		rc = parse_store(&lx, &err);
		break;
	case 'c':
		rc = imap_copy_parse(&lx, false, &copy, &err);
		break;
	case 'l':
		rc = imap_list_parse(&lx, &list, &err);
		break;
	case 'a':
		rc = imap_append_parse(&lx, false, &append, &err);
		break;
	default:
		rc = parse_names(&lx, (char)data[0], &err);
		break;
	}
	if (rc < 0 && rc != -ERR_SYNTAX && rc != -ERR_TOOBIG && rc != -ERR_CONFLICT)
		abort();
	return 0;
}
