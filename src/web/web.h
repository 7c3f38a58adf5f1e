/*
 * web.h - the pages: signing in, mail, settings, administration, help; plain HTML without scripts.
 *
 * A page is a row of the table in web.c and a function. A function runs when the guard (guard.c)
 * has looked at the request: its name (host.h), the session's cookie (which the keeper judges), the
 * form's token and origin. It answers with a template (visit_page()) or a redirect; what is waited
 * for (the keeper, a writer, a reader that is in use) is waited for parked.
 *
 * Bounds: those of http.h; WEB_* below. One struct web a server; all threads.
 */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include "http/http.h"
#include "mail/mail.h"

enum {
	WEB_PAGE_MAX = 4 << 20,      /* bytes of a page */
	WEB_FORM_MAX = 64 << 10,     /* of a form without files */
	WEB_UPLOAD_MAX = 512 << 20,  /* of mail in files */
	WEB_LIST_PAGE = 50,          /* messages on a page */
	WEB_ATTACHMENTS_MAX = 100,   /* of a message that is written */
	WEB_BODY_TEXT_MAX = 1 << 20, /* bytes shown of a text, and taken of one that is written */
};

struct web_config {
	struct slice domain;  /* P: the primary domain */
	unsigned public_port; /* of https, in URLs */
	bool has_insecure;
	bool has_sms; /* there is a gateway for text messages */
	int spool_dirfd;
	struct slice clients; /* of OAuth, see oauth.h */
	/* What help pages name: ports as users reach them; 0: the service is off. */
	unsigned port_imaps, port_pops, port_submissions;
};

struct web;

/* web_open - before the sandbox and the threads. The texts of the config are copied. */
MUST_CHECK int web_open(struct service *service, const struct web_config *config,
	struct web **web_out, struct err *err);
void web_free(struct web **web);
/* web_site - context of the listeners https and http. */
struct http_site *web_site(struct web *web);

#endif
