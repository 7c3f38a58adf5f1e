/*
 * host.h - where a request belongs: the table of names that the web answers to, and the redirects
 * from all other names to those.
 *
 * A pure function of the request's scheme and Host. P is the primary domain, S another of the
 * operator's, C a customer's. Nothing but a configured name ever gets into a redirect: a Host that
 * names no domain of this service is sent to the primary host (without TLS) or stays (with TLS).
 */
#ifndef WEB_HOST_H
#define WEB_HOST_H

#include "base/buf.h"

enum host_owner { HOST_NOBODY, HOST_PRIMARY, HOST_OPERATOR, HOST_CUSTOMER };

struct host_config {
	struct slice primary; /* P, lower-case A-labels */
	unsigned public_port; /* of https in URLs; 443 is left out */
	bool has_insecure;    /* insecure.P and insecure.S may be used without TLS */
	/* owner - whose this domain is; primary itself is not asked about. */
	enum host_owner (*owner)(void *context, struct slice domain);
	void *context;
};

enum host_kind {
	HOST_REDIRECT, /* location is filled in */
	HOST_STAY,
	HOST_STAY_SMALL,    /* m.P */
	HOST_STAY_INSECURE, /* the page says so */
};

/* host_decide - host is lower case without port, target is path and query as sent (it is kept where
 * only the scheme or the form of the same name changes). location gets the redirect's URL. */
enum host_kind host_decide(const struct host_config *config, bool is_tls, struct slice host,
	struct slice target, struct buf *location);

/* host_url - append "https://www.P[:port]". */
void host_url(const struct host_config *config, struct buf *out);

#endif
