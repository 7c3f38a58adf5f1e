/* sign.h - what the ways of coming in share; for this room only. */
#ifndef WEB_SIGN_H
#define WEB_SIGN_H

#include "web/visit.h"

/* sign_set_session - the cookie that the keeper made, in place of whatever was there. */
void sign_set_session(struct http *x, const struct keeper_web *web, bool is_long);
/* sign_on_begun - the answer to a password or a passkey: in, a second factor, or refused. */
void sign_on_begun(struct http *x, struct answer *answer);
/* sign_note_login - it is complete: the security log, and a mail if it came from a new place. */
void sign_note_login(struct http *x, const struct keeper_web *web);
/* sign_program - what the browser calls itself. */
struct slice sign_program(struct http *x);

/* sign_factor - which one a form is about, its field `kind`: key, sms, recovery, password, else an
 * authenticator app. */
enum keeper_factor sign_factor(struct http *x);

#endif
