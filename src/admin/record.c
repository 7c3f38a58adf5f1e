/* record.c - see record.h. */
#include "admin/record.h"

#include <stdio.h>

enum { STRING_MAX = 255 };

void record_print_txt(const char *name, struct slice text)
{
	const bool is_long = text.len > STRING_MAX;

	printf("%s.\tIN TXT%s", name, is_long ? " (" : "");
	while (text.len > 0) {
		const size_t n = text.len < STRING_MAX ? text.len : STRING_MAX;

		printf(is_long ? "\n\t\"%.*s\"" : " \"%.*s\"", (int)n, text.ptr);
		text = slice_from(text, n);
	}
	printf("%s\n", is_long ? " )" : "");
}
