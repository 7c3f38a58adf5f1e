/*
 * country.h - in which country an address is [acct.6], for people to read: by the operator's
 * database in MaxMind's format (libmaxminddb), such as GeoLite2-Country or DB-IP's.
 *
 * The file is copied to COUNTRY_COPY in the current directory and read from there, because whoever
 * writes over a file takes the ground from under those who have it mapped. Every COUNTRY_LOOK_MS it
 * is looked at again: another one is used from then on, one that is no good is logged and leaves
 * what was there. Its folder must stay readable in the sandbox.
 *
 * Bounds: COUNTRY_FILE_MAX. country_put(): any thread.
 */
#ifndef MAIL_COUNTRY_H
#define MAIL_COUNTRY_H

#include "base/buf.h"
#include "net/pool.h"

#define COUNTRY_COPY "country.mmdb"
enum { COUNTRY_FILE_MAX = 256 << 20, COUNTRY_LOOK_MS = 5000, COUNTRY_NAME_MAX = 100 };

struct country;

/* country_open - path is the operator's file; it need not be there yet. Never fails: what is wrong
 * is logged. */
struct country *country_open(struct slice path);
/* country_folder - of that file, for the sandbox; NULL if there is no such folder. */
const char *country_folder(const struct country *country);
/* country_start - look again and again, once the pool runs. */
void country_start(struct country *country, struct pool *pool);
/* country_close - after the pool has stopped. */
void country_close(struct country **country);

/* country_put - append the country's name in this language ("de"), else in English, else its code;
 * nothing if the address is in none, or country is NULL. */
void country_put(
	struct country *country, struct slice peer, struct slice language, struct buf *out);

#endif
