/*
 * oauth.h - what other programs may ask for: the clients of the configuration, redirects, scopes.
 * Pure.
 *
 * Reads:  RFC 6749 3.1.2 and 3.3, RFC 8252 7.3 (a redirect to the own machine may have any port).
 *
 * Clients are public ones: a name, and where their users may be sent back to. The setting is a text
 * of clients with semicolons between them, each a name and its redirects with spaces between:
 *
 *   mail http://127.0.0.1 http://localhost; calendar https://app.example/back
 */
#ifndef WEB_OAUTH_H
#define WEB_OAUTH_H

#include "base/buf.h"

enum { OAUTH_REDIRECT_MAX = 1000, OAUTH_ORIGIN_MAX = 300 };

/* oauth_has_client - there is a client of this name. */
bool oauth_has_client(struct slice setting, struct slice client);
/* oauth_may_redirect - the client may have its users sent to this URL: one of its own to the
 * letter, or any port and path of a loopback name that it has without them. */
bool oauth_may_redirect(struct slice setting, struct slice client, struct slice url);
/* oauth_origin - scheme, host and port of a URL that oauth_may_redirect() accepted, for a policy's
 * form-action. */
void oauth_origin(struct slice url, struct buf *out);

/* oauth_scopes - names with spaces between them as bits of enum keeper_scope; 0: one is unknown, or
 * there is none. offline_access is always given. */
unsigned oauth_scopes(struct slice names);
void oauth_put_scopes(unsigned scopes, struct buf *out);

#endif
