/*
 * history.h - a message's history for the one whose message it is; for this room only.
 *
 * A number in a Received line proves nothing: whoever can APPEND can write any. So a history is
 * shown only if one of its events says that the message was stored for this very account, or that
 * this account sent it. Who received it sees nothing of other recipients, not how many there were;
 * who sent it sees recipients as it named them, not whom an alias leads to.
 */
#ifndef WEB_HISTORY_H
#define WEB_HISTORY_H

#include "web/visit.h"

/* trace.c: the newest message first, its events in the order of time; a new array of the rows of
 * track/rows.h. */
json_t *history_sorted(const json_t *rows);

enum { HISTORY_STORED = 1, HISTORY_SENT = 2 };

/* history_claims - what the account has to do with the one message whose events these are. size:
 * of the stored message; 0: none is looked for. */
unsigned history_claims(const json_t *rows, uint64_t account, uint64_t size);

/* history_put - what somebody with those claims may see of them, in words: to the arrays
 * values.steps, values.checks and values.recipients. */
void history_put(struct http *x, json_t *values, const json_t *rows, unsigned claims);
/* history_put_silent - a recipient who is named whatever is known. */
void history_put_silent(json_t *values, struct slice address);

#endif
