/*
 * autodiscover.h - what Outlook asks for when an account is set up: an XML document by POST, of
 * which one element is needed. Pure; linear in the body, whose bound is the caller's.
 *
 * Not an XML parser: an address that is written with references ("&amp;") is not found.
 */
#ifndef WEB_AUTODISCOVER_H
#define WEB_AUTODISCOVER_H

#include "base/slice.h"

struct autodiscover {
	struct slice address; /* as it was written; empty: there is none */
	bool is_sync;         /* asks for Exchange ActiveSync, which we are not */
};

struct autodiscover autodiscover_read(struct slice body);

#endif
