/* admin.h - what the administrator's pages share; for this room only. */
#ifndef WEB_ADMIN_H
#define WEB_ADMIN_H

#include "ask/ask.h"
#include "web/visit.h"

json_t *admin_values(const char *title);
/* admin_domains - those that the administrator sees: the group's, or all for an operator. */
MUST_CHECK int admin_domains(
	struct http *x, struct slice **list_out, size_t *n_out, struct err *err);
/* admin_find_domain - it is one of them. False: it has answered. */
bool admin_find_domain(struct http *x, struct slice domain);
/* admin_ask_courier - parks; the wish (JSON: courier/queue_desk.h) is given away.
 * admin_take_courier - in then(): its answer; NULL: answer says why there is none. */
void admin_ask_courier(struct http *x, json_t *wish, http_resume_fn *then);
json_t *admin_take_courier(struct answer *answer);

#endif
