/* autodiscover_test.c - what Outlook and others send, and what nobody should. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "web/autodiscover.h"

#define OUTLOOK "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
#define SYNC "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"

static const struct {
	const char *body, *address;
	bool is_sync;
} cases[] = {
	{"<Autodiscover><Request><AcceptableResponseSchema>" OUTLOOK "</AcceptableResponseSchema>"
	 "<EMailAddress>ann@posthouse.example</EMailAddress></Request></Autodiscover>",
		"ann@posthouse.example", false},
	{"<a:Request>\r\n <a:EMailAddress>\r\n  ann@posthouse.example </a:EMailAddress>\r\n",
		"ann@posthouse.example", false},
	{"<EMailAddress>ann@posthouse.example</EMailAddress><AcceptableResponseSchema>" SYNC
	 "</AcceptableResponseSchema>",
		"ann@posthouse.example", true},
	{"<EMailAddress>ann@posthouse.example", "ann@posthouse.example", false},
	{"<EMailAddress>a</EMailAddress><EMailAddress>b</EMailAddress>", "a", false},
	{"", "", false},
	{"EMailAddress>x<", "", false},
	{"</EMailAddress>x", "", false},
	{"<EMailAddress/>x", "", false},
	{"<EMailAddress></EMailAddress>", "", false},
	{"<EMailAddress><b>x</b></EMailAddress>", "", false},
};

/* Every prefix too, each in a block of its exact size. */
static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const size_t all = strlen(cases[i].body);

		for (size_t n = 0; n <= all; n++) {
			char *copy = malloc(n ? n : 1);
			struct autodiscover got;

			memcpy(copy, cases[i].body, n);
			got = autodiscover_read((struct slice){copy, n});
			if (n == all && (!slice_eq(got.address, slice_str(cases[i].address)) ||
						got.is_sync != cases[i].is_sync))
				fail_msg("%s: <%.*s> %d", cases[i].body, SLICE_ARG(got.address),
					got.is_sync);
			free(copy);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
