/* temp.h - for tests: where their files may lie. */
#ifndef BASE_TEMP_H
#define BASE_TEMP_H

#include <stdio.h>
#include <stdlib.h>

enum { TEMP_MAX = 96 }; /* so that there is room for a socket's name behind it */

/* temp_path - the pattern (for mkdtemp() or mkstemps()) in TMPDIR; out is returned. */
static inline char *temp_path(char out[TEMP_MAX], const char *pattern)
{
	const char *folder = getenv("TMPDIR");

	if (snprintf(out, TEMP_MAX, "%s/%s", folder && *folder ? folder : P_tmpdir, pattern) >=
		TEMP_MAX)
		abort();
	return out;
}

#endif
