/* spf_fuzz.c - libFuzzer target: SPF over records that are the lines of the input.
 *
 * The n-th question is answered by the n-th line in the notation of mailauth_kit.h; further ones by
 * the first again. It must end, and within the limits of RFC 7208 4.6.4. */
#include <stdlib.h>
#include <string.h>

#include "mailauth/mailauth_kit.h"
#include "mailauth/spf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the kit's reader takes for granted of "A", "AAAA" and "MX". */
static bool is_answerable(const char *text)
{
	return strncmp(text, "TXT ", 4) == 0 || strcmp(text, "FAIL") == 0 ||
	       strcmp(text, "EMPTY") == 0 || strcmp(text, "A 192.0.2.1") == 0 ||
	       strcmp(text, "AAAA 2001:db8::1") == 0 || strcmp(text, "MX 10 mx.example") == 0 ||
	       strcmp(text, "PTR b.example") == 0;
}

static void answer(struct dns_view *view, struct slice *lines, struct slice all)
{
	struct dns_question question;
	size_t at = 0;

	while (dns_view_next_pending(view, &at, &question)) {
		char name[DNS_NAME_MAX + 1], text[1024] = {0};
		struct kit_record zone[] = {{name, text}, {NULL, NULL}};
		struct slice line;

		if (lines->len == 0)
			*lines = all;
		line = slice_cut(*lines, '\n', lines);
		memcpy(text, line.len ? line.ptr : "", line.len < sizeof(text) ? line.len : 0);
		memcpy(name, question.name.ptr, question.name.len);
		name[question.name.len] = '\0';
		if (!is_answerable(text))
			zone[0].name = "";
		kit_answer(view, zone);
		at = 0;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice all = {(const char *)data, size};
	struct spf_request request = {.ip = {.len = size % 2 ? IP_V4 : IP_V6},
		.helo = slice_lit("h.example"),
		.sender_local = slice_lit("l-o.c"),
		.sender_domain = slice_lit("b.example"),
		.receiver = slice_lit("mx.example")};
	struct arena arena AUTO(arena_done);
	struct slice lines = all;
	struct spf_outcome out;
	struct dns_view view;

	arena_init(&arena, 2 << 20);
	dns_view_init(&view, &arena);
	while (!spf_check(&request, &view, &out)) {
		if (view.pending == 0)
			abort();
		answer(&view, &lines, all);
	}
	if (view.n > 1 + SPF_LOOKUPS_MAX * (SPF_HOSTS_MAX + 2) + 1)
		abort();
	return 0;
}
