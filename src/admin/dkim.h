/* dkim.h - the keys that sign mail, as JSON. */
#ifndef ADMIN_DKIM_H
#define ADMIN_DKIM_H

#include <jansson.h>

#include "base/err.h"
#include "base/slice.h"

/* dkim_rows - append the keys of a domain, or of all with an empty one: domain, selector, kind,
 * state (next, signs, former), from, until, and name and value of the record. */
MUST_CHECK int dkim_rows(struct slice domain, json_t *rows, struct err *err);

#endif
