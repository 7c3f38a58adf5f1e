/*
 * known.c - places that programs ask for by name, answered where they are and never redirected:
 * MTA-STS (RFC 8461 3.3) and autoconfiguration. Under /.well-known/acme-challenge/ the order's own
 * answer comes before this; what is left of it is not found.
 */
#include "certificate/certificate.h"
#include "page/page.h"
#include "web/templates.h"
#include "web/visit.h"

enum { XML_MAX = 16 << 10, CHALLENGE_MAX = 1 << 10 };

static void answer_autoconfig(struct http *x)
{
	const struct visit *v = visit_of(x);
	const struct web_config *config = &v->web->config;
	json_t *values = json_object();
	struct buf out AUTO(buf_done);
	struct err err;

	buf_init(&out, XML_MAX);
	json_set_slice(values, "domain", config->domain);
	json_set_slice(values, "host", v->service->host_name);
	json_object_set_new(values, "imaps", json_integer(config->port_imaps));
	json_object_set_new(values, "submissions", json_integer(config->port_submissions));
	if (page_render(&web_templates, "autoconfig", values, NULL, &out, &err) < 0)
		http_fail(x, 500);
	else
		http_reply(x, 200, "text/xml; charset=utf-8", buf_slice(&out));
	json_decref(values);
}

/* What a CA asks of a host that somebody ordered a certificate for (RFC 8555 8.3). */
static bool answer_challenge(struct http *x)
{
	struct buf out AUTO(buf_done);

	buf_init(&out, CHALLENGE_MAX);
	if (!certificates_answer(
		    visit_of(x)->service->certificates, http_host(x), http_path(x), &out))
		return false;
	http_reply(x, 200, "application/octet-stream", buf_slice(&out));
	return true;
}

bool known_answer(struct http *x)
{
	const struct slice path = http_path(x);

	if (answer_challenge(x))
		return true;
	if (slice_eq(path, slice_lit("/mail/config-v1.1.xml")) ||
		slice_eq(path, slice_lit("/.well-known/autoconfig/mail/config-v1.1.xml"))) {
		answer_autoconfig(x);
		return true;
	}
	if (slice_eq(path, slice_lit("/.well-known/mta-sts.txt")) ||
		slice_eq_nocase(path, slice_lit("/autodiscover/autodiscover.xml")) ||
		slice_starts(path, slice_lit("/.well-known/acme-challenge/"))) {
		http_reply(x, 404, "text/plain; charset=utf-8", slice_lit("There is none.\n"));
		return true;
	}
	return false;
}
