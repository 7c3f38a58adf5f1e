/*
 * queue_desk.h - the operator's wishes about the queue: ASK_QUEUE of ask/verbs.h.
 *
 * The request is one field of JSON: "do" says what, the other members are its arguments:
 *
 *	list          id, address ("a@b" or "@b"), sender, state, after ("ID.NUMBER"), max
 *	count         the same filter: {"count": 7}
 *	show          id: as list, with the beginning of the header
 *	hold, release, retry, drop, bounce   id, address, sender, state; or "all": true; or
 *	              rows, "ID.NUMBER" each
 *	routes; route with pattern and target ("": none)
 *	limits; limit with destination, connections, messages, rate (a minute); 0 or none: no limit
 *	suppressed; suppress with address and reason; unsuppress with address
 *	tls with destination
	status
 *	tls-results, tls-forget, tls-post: courier/report_desk.h
 *	unsubscribe   url: courier/unsubscribe.h; {"status": 200}
 *	own, own-take, own-forget, own-send   submitter (an account's id), delivery: queue/own.h;
 *	              the server asks on behalf of that account
 *
 * The answer is one field of JSON: {"rows": […], "more": false}, {"changed": 7} or members of its
 * own.
 */
#ifndef COURIER_QUEUE_DESK_H
#define COURIER_QUEUE_DESK_H

#include "courier/desk.h"

desk_fn desk_queue;
/* desk_taken_text - ASK_TAKEN_TEXT */
desk_fn desk_taken_text;

#endif
