/* internal.h - what the files of ask/ share; nobody else includes it. */
#ifndef ASK_INTERNAL_H
#define ASK_INTERNAL_H

#include "line/line.h"

/* The courier answers at its own deadline; what it knows by then shall come before ours. */
enum { ASK_GRACE_MS = 500 };

struct ask {
	struct line *line;
};

#endif
