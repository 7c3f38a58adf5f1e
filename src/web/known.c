/*
 * known.c - places that programs ask for by name, answered where they are and never redirected: the
 * CA's challenges, the policy of MTA-STS (RFC 8461 3.3), and how mail programs set themselves up
 * (Thunderbird's autoconfiguration, Outlook's autodiscover, profiles for Apple's devices).
 *
 * Nothing secret is told here, and whether an account exists is not either: what is answered is the
 * same for every address of a domain of ours.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "certificate/certificate.h"
#include "mail/mta_sts.h"
#include "page/page.h"
#include "web/autodiscover.h"
#include "web/pages.h"
#include "web/templates.h"
#include "wire/smtp/addr.h"

enum { XML_MAX = 32 << 10, SIGNED_MAX = 512 << 10, CHALLENGE_MAX = 1 << 10, UUID_MAX = 37 };

static const char xml_type[] = "text/xml; charset=utf-8";

/* ---- the CA ---- */

/* What a CA asks of a host that somebody ordered a certificate for (RFC 8555 8.3). */
bool known_answer(struct http *x)
{
	struct buf out AUTO(buf_done);

	buf_init(&out, CHALLENGE_MAX);
	if (!certificates_answer(
		    visit_of(x)->service->certificates, http_host(x), http_path(x), &out))
		return false;
	http_reply(x, 200, "application/octet-stream", buf_slice(&out));
	return true;
}

static void reply_none(struct http *x)
{
	http_reply(x, 404, "text/plain; charset=utf-8", slice_lit("There is none.\n"));
}

void page_no_challenge(struct http *x)
{
	reply_none(x);
}

/* ---- MTA-STS ---- */

/* Fetched over HTTPS alone, from a name that is only for this (RFC 8461 3.3). */
void page_mta_sts(struct http *x)
{
	const struct slice prefix = slice_lit("mta-sts."), host = http_host(x);
	struct service *service = visit_of(x)->service;
	struct directory_domain found = {0};
	struct buf policy AUTO(buf_done);
	struct err err;

	buf_init(&policy, MTA_STS_POLICY_MAX);
	if (http_is_tls(x) && slice_starts(host, prefix) &&
		directory_domain(service->directory, slice_from(host, prefix.len), &found, &err) ==
			0 &&
		found.is_ours)
		mta_sts_policy(found.mta_sts, service->mx_hosts, &policy);
	if (policy.len && !policy.failed)
		http_reply(x, 200, "text/plain; charset=utf-8", buf_slice(&policy));
	else
		reply_none(x);
}

/* ---- settings of mail programs ---- */

static bool is_ours(struct http *x, struct slice domain)
{
	const struct host_config *config = &visit_of(x)->web->host;

	return slice_eq(domain, config->primary) ||
	       config->owner(config->context, domain) != HOST_NOBODY;
}

/* An address of a domain of ours, in normal form; text is empty for anything else. */
static struct smtp_addr address_of(struct http *x, struct slice text)
{
	struct smtp_addr address;
	struct err err;

	if (smtp_addr_parse(text, http_arena(x), &address, &err) < 0 || !is_ours(x, address.domain))
		return (struct smtp_addr){.text = {NULL, 0}};
	return address;
}

/* What all of them say, about this domain. */
static json_t *settings_of(struct http *x, struct slice domain, struct slice address)
{
	const struct visit *v = visit_of(x);
	json_t *values = json_object();

	json_set_slice(values, "domain", domain);
	json_set_slice(values, "address", address);
	json_set_slice(values, "host", v->service->host_name);
	json_set_slice(values, "origin", v->web->origin);
	if (v->web->config.port_imaps)
		json_object_set_new(values, "imaps", json_integer(v->web->config.port_imaps));
	if (v->web->config.port_submissions)
		json_object_set_new(
			values, "submissions", json_integer(v->web->config.port_submissions));
	return values;
}

static void reply_template(struct http *x, const char *type, const char *name, json_t *values)
{
	struct buf out AUTO(buf_done);
	struct err err;

	buf_init(&out, XML_MAX);
	if (page_book_render(visit_of(x)->web->pages, name, values, NULL, &out, &err) < 0)
		http_fail(x, 500);
	else
		http_reply(x, 200, type, buf_slice(&out));
	json_decref(values);
}

/* Of the address that is asked for, else of the name by which we were asked. */
static struct slice asked_domain(struct http *x, const struct smtp_addr *address)
{
	static const struct slice prefixes[] = {{"autoconfig.", 11}, {"www.", 4}, {"mail.", 5}};
	const struct slice host = http_host(x);

	if (address->text.len)
		return address->domain;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		const struct slice rest = slice_from(host, prefixes[i].len);

		if (slice_starts(host, prefixes[i]) && is_ours(x, rest))
			return rest;
	}
	return is_ours(x, host) ? host : visit_of(x)->web->config.domain;
}

void page_autoconfig(struct http *x)
{
	const struct smtp_addr address = address_of(x, http_param(x, "emailaddress"));
	const struct slice domain = asked_domain(x, &address);

	reply_template(x, xml_type, "autoconfig", settings_of(x, domain, address.text));
}

/* MS-OXDSCLI, as much as Outlook needs for IMAP. */
void page_autodiscover(struct http *x)
{
	const struct autodiscover asked = autodiscover_read(http_body(x));
	const struct smtp_addr address = address_of(x, asked.address);
	json_t *values;

	if (address.text.len && !asked.is_sync) {
		values = settings_of(x, address.domain, address.text);
	} else {
		/* No such provider; or: not a request. */
		values = json_pack("{s:i}", "error", asked.address.len ? 601 : 600);
	}
	reply_template(x, xml_type, "autodiscover", values);
}

/* ---- Autodiscover version 2: where the other one is ---- */

static void reply_json(struct http *x, unsigned status, json_t *values)
{
	char *text = json_dumps(values, JSON_COMPACT);

	http_reply(x, status, "application/json; charset=utf-8", slice_str(text ? text : ""));
	free(text);
	json_decref(values);
}

static void refuse_json(struct http *x, unsigned status, const char *code, const char *why)
{
	reply_json(x, status, json_pack("{s:s, s:s}", "ErrorCode", code, "ErrorMessage", why));
}

/* Of the query, however the program writes its name; or of the path. */
static struct slice asked_of(struct http *x, const char *name, const char *lower)
{
	const struct slice value = http_param(x, name);

	return value.ptr ? value : http_param(x, lower);
}

/* The programs ask which protocol is where. Of those that there are for this, only the other
 * Autodiscover is spoken here; what they ask for beyond is Exchange's. */
void page_autodiscover_json(struct http *x)
{
	const struct slice protocol = asked_of(x, "Protocol", "protocol");
	struct slice text = http_segment(x, "address");
	struct buf url AUTO(buf_done);

	buf_init(&url, XML_MAX);
	if (!text.ptr)
		text = asked_of(x, "Email", "email");
	if (!text.len) {
		refuse_json(x, 400, "MandatoryParameterMissing",
			"A valid value must be provided for the query parameter 'Email'.");
	} else if (!protocol.len) {
		refuse_json(x, 400, "MandatoryParameterMissing",
			"A valid value must be provided for the query parameter 'Protocol'.");
	} else if (!slice_eq_nocase(protocol, slice_lit("AutodiscoverV1"))) {
		refuse_json(x, 400, "ProtocolNotSupported",
			"The given protocol value is not supported. Supported values are "
			"'AutodiscoverV1'.");
	} else if (!address_of(x, text).text.len) {
		refuse_json(x, 404, "UserNotFound", "There are no settings for this address.");
	} else {
		buf_append(&url, visit_of(x)->web->origin);
		buf_lit(&url, "/autodiscover/autodiscover.xml");
		reply_json(x, 200,
			json_pack("{s:s, s:o}", "Protocol", "AutodiscoverV1", "Url",
				json_slice(buf_slice(&url))));
	}
}

/* The same for the same address, so that a profile takes the place of the one before (RFC
 * 9562 5.8). */
static void put_uuid(json_t *values, const char *name, struct slice address)
{
	struct buf text AUTO(buf_done);
	unsigned char d[SHA256_LEN];
	char uuid[UUID_MAX];

	buf_init(&text, XML_MAX);
	buf_printf(&text, "%s %.*s", name, SLICE_ARG(address));
	sha256(buf_slice(&text), d);
	snprintf(uuid, sizeof(uuid),
		"%02X%02X%02X%02X-%02X%02X-8%X%02X-A%X%02X-%02X%02X%02X%02X%02X%02X", d[0], d[1],
		d[2], d[3], d[4], d[5], d[6] & 15, d[7], d[8] & 15, d[9], d[10], d[11], d[12],
		d[13], d[14], d[15]);
	json_set_text(values, name, uuid);
}

/* Signed as this host, so that the device says who made it. Without a certificate, or while the
 * keeper is busy, it is as good but unsigned. */
static void reply_signed(struct http *x, const char *type, const char *name, json_t *values)
{
	struct service *service = visit_of(x)->service;
	struct buf text AUTO(buf_done), made AUTO(buf_done);
	struct err err;

	buf_init(&text, XML_MAX);
	buf_init(&made, SIGNED_MAX);
	if (page_book_render(visit_of(x)->web->pages, name, values, NULL, &text, &err) < 0)
		http_fail(x, 500);
	else if (certificates_sign(service->certificates, service->host_name, buf_slice(&text),
			 &made, &err) < 0)
		http_reply(x, 200, type, buf_slice(&text));
	else
		http_reply(x, 200, type, buf_slice(&made));
	json_decref(values);
}

/* A configuration profile with an account for mail; the device asks for the password. */
void page_apple(struct http *x)
{
	const struct smtp_addr address = address_of(x, http_param(x, "emailaddress"));
	json_t *values;

	if (!address.text.len) {
		http_fail(x, 404);
		return;
	}
	values = settings_of(x, address.domain, address.text);
	put_uuid(values, "profile", address.text);
	put_uuid(values, "account", address.text);
	http_set_filename(x, true, slice_lit("mail.mobileconfig"));
	reply_signed(x, "application/x-apple-aspen-config", "apple", values);
}
