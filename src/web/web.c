/* web.c - the table of pages, and the site that the listeners are given. */
#include "web/web.h"

#include <stdlib.h>

#include "base/mem.h"
#include "web/html.h"
#include "web/pages.h"
#include "web/templates.h"

enum {
	HEAD_MS = 15000,
	BODY_MS = 30000,
	IDLE_MS = 75000,
	HEAD_MAX = 32 << 10,
	FORM = WEB_FORM_MAX,
	ASK = 16 << 10,
	REPORT = 1 << 20,
	UPLOAD = WEB_UPLOAD_MAX,
	ATTACH = 64 << 20, /* a message with its files; the store has a bound of its own */
	UPLOADER_MS = 6 * 3600 * 1000,
	UPLOADERS_MAX = 10000,
	IN = ROW_SESSION,
	FRESH = ROW_SESSION | ROW_FRESH,
	ADMIN = ROW_SESSION | ROW_ADMIN,
	OPERATOR = ROW_SESSION | ROW_OPERATOR,
};

static const struct http_row rows[] = {
	{HTTP_GET, "/.well-known/mta-sts.txt", page_mta_sts, 0, ROW_PLACE},
	{HTTP_GET, "/.well-known/acme-challenge/*token", page_no_challenge, 0, ROW_PLACE},
	{HTTP_GET, "/mail/config-v1.1.xml", page_autoconfig, 0, ROW_PLACE},
	{HTTP_GET, "/.well-known/autoconfig/mail/config-v1.1.xml", page_autoconfig, 0, ROW_PLACE},
	{HTTP_GET | HTTP_POST, "/autodiscover/autodiscover.xml", page_autodiscover, ASK, ROW_PLACE},
	{HTTP_GET | HTTP_POST, "/Autodiscover/Autodiscover.xml", page_autodiscover, ASK, ROW_PLACE},
	{HTTP_GET | HTTP_POST, "/AutoDiscover/AutoDiscover.xml", page_autodiscover, ASK, ROW_PLACE},
	{HTTP_GET, "/autodiscover/autodiscover.json", page_autodiscover_json, 0, ROW_PLACE},
	{HTTP_GET, "/Autodiscover/Autodiscover.json", page_autodiscover_json, 0, ROW_PLACE},
	{HTTP_GET, "/autodiscover/autodiscover.json/v1.0/:address", page_autodiscover_json, 0,
		ROW_PLACE},
	{HTTP_GET, "/help/apple.mobileconfig", page_apple, 0, ROW_PLACE},
	{HTTP_POST, "/tls-reports/:domain", page_tls_report, REPORT, ROW_PLACE},

	{HTTP_GET, "/", page_front, 0, ROW_KNOWS},
	{HTTP_POST, "/signin", page_sign_in, FORM, 0},
	{HTTP_GET, "/signin/factor", page_factor, 0, IN | ROW_PENDING},
	{HTTP_POST, "/signin/factor", page_factor_give, FORM, IN | ROW_PENDING},
	{HTTP_POST, "/signin/sms", page_factor_sms, FORM, IN | ROW_PENDING},
	{HTTP_GET, "/signin/passkey", page_passkey, 0, 0},
	{HTTP_POST, "/signin/passkey", page_passkey_give, FORM, 0},
	{HTTP_GET, "/reset", page_reset, 0, 0},
	{HTTP_POST, "/reset", page_reset_ask, FORM, 0},
	{HTTP_GET, "/reset/new", page_reset_link, 0, 0},
	{HTTP_POST, "/reset/new", page_reset_end, FORM, 0},
	{HTTP_POST, "/reset/factor", page_reset_factor, FORM, 0},
	{HTTP_GET, "/recovery/cancel", page_recovery_cancel, 0, 0},
	{HTTP_POST, "/recovery/cancel", page_recovery_cancel_give, FORM, 0},
	{HTTP_POST, "/signout", page_sign_out, FORM, IN | ROW_PENDING},
	{HTTP_GET, "/help", page_help, 0, ROW_KNOWS},
	{HTTP_GET, "/help/certificates", page_certificates, 0, ROW_KNOWS},
	{HTTP_GET, "/help/certificates/:name/:part", page_certificate_file, 0, 0},
	{HTTP_GET, "/help/:topic", page_help_topic, 0, ROW_KNOWS},

	{HTTP_GET, "/screen/:domain/style.css", page_screen_style, 0, 0},
	{HTTP_GET, "/screen/:domain/logo", page_screen_logo, 0, 0},
	{HTTP_GET, "/static/*path", page_static, 0, 0},

	{HTTP_GET, "/mail", page_mail, 0, IN},
	{HTTP_GET, "/mail/f/:folder", page_list, 0, IN},
	{HTTP_GET, "/mail/f/:folder/:uid", page_read, 0, IN},
	{HTTP_GET, "/mail/f/:folder/:uid/html", page_read_html, 0, IN},
	{HTTP_GET, "/mail/f/:folder/:uid/part/:part", page_read_part, 0, IN},
	{HTTP_GET, "/mail/f/:folder/:uid/source", page_read_source, 0, IN},
	{HTTP_GET, "/mail/f/:folder/:uid/trace", page_mail_trace, 0, IN},
	{HTTP_POST, "/mail/f/:folder/:uid/unsubscribe", page_unsubscribe, FORM, IN},
	{HTTP_GET, "/mail/trace/:number", page_sent_trace, 0, IN},
	{HTTP_POST, "/mail/act", page_act, FORM, IN},
	{HTTP_GET, "/mail/search", page_search, 0, IN},
	{HTTP_GET, "/mail/folders", page_folders, 0, IN},
	{HTTP_POST, "/mail/folders", page_folders_change, FORM, IN},
	{HTTP_GET, "/mail/write", page_write, 0, IN},
	{HTTP_POST, "/mail/write", page_write_post, ATTACH, IN},
	{HTTP_GET, "/mail/later", page_later, 0, IN},
	{HTTP_POST, "/mail/later", page_later_change, FORM, IN},

	{HTTP_GET, "/settings/programs", page_programs, 0, IN},
	{HTTP_POST, "/settings/programs", page_programs_change, FORM, IN},
	{HTTP_GET, "/oauth/authorize", page_authorize, 0, FRESH},
	{HTTP_POST, "/oauth/authorize", page_authorize_give, FORM, FRESH},
	{HTTP_GET, "/device", page_device, 0, IN},
	{HTTP_POST, "/device", page_device_give, FORM, FRESH},
	{HTTP_POST, "/oauth/token", token_issue, FORM, ROW_OPEN},
	{HTTP_POST, "/oauth/device", token_device, FORM, ROW_OPEN},
	{HTTP_POST, "/oauth/revoke", token_revoke, FORM, ROW_OPEN},
	{HTTP_GET, "/.well-known/oauth-authorization-server", token_discovery, 0, 0},
	{HTTP_GET, "/.well-known/openid-configuration", token_discovery, 0, 0},

	{HTTP_GET, "/admin", page_admin, 0, ADMIN},
	{HTTP_POST, "/admin", page_admin_add, FORM, ADMIN | ROW_FRESH},
	{HTTP_GET, "/admin/user/:id", page_admin_user, 0, ADMIN},
	{HTTP_POST, "/admin/user/:id", page_admin_user_change, FORM, ADMIN | ROW_FRESH},
	{HTTP_GET, "/admin/reports", page_admin_reports, 0, ADMIN},
	{HTTP_GET, "/admin/reports/sent", page_admin_reports_sent, 0, OPERATOR},
	{HTTP_GET, "/admin/reports/:domain", page_admin_report, 0, ADMIN},
	{HTTP_GET, "/admin/screen/:domain", page_admin_screen, 0, ADMIN},
	{HTTP_POST, "/admin/screen/:domain", page_admin_screen_change, 256 << 10, ADMIN},

	{HTTP_GET, "/admin/trace", page_trace, 0, ADMIN},
	{HTTP_GET, "/admin/queue", page_queue, 0, OPERATOR},
	{HTTP_POST, "/admin/queue", page_queue_change, FORM, OPERATOR | ROW_FRESH},
	{HTTP_GET, "/admin/queue/:id", page_queued, 0, OPERATOR},
	{HTTP_POST, "/admin/queue/:id", page_queued_change, FORM, OPERATOR | ROW_FRESH},
	{HTTP_GET, "/admin/routes", page_routes, 0, OPERATOR},
	{HTTP_POST, "/admin/routes", page_routes_change, FORM, OPERATOR | ROW_FRESH},

	{HTTP_GET, "/settings", page_settings, 0, IN},
	{HTTP_GET, "/settings/password", page_password, 0, IN},
	{HTTP_POST, "/settings/password", page_password_change, FORM, IN},
	{HTTP_GET, "/settings/factors", page_factors, 0, IN},
	{HTTP_POST, "/settings/factors", page_factors_change, FORM, FRESH},
	{HTTP_GET, "/settings/recovery", page_recovery, 0, IN},
	{HTTP_POST, "/settings/recovery", page_recovery_change, FORM, FRESH},
	{HTTP_GET, "/settings/confirm", page_confirm, 0, IN},
	{HTTP_POST, "/settings/confirm", page_confirm_give, FORM, IN},
	{HTTP_GET, "/settings/apps", page_apps, 0, IN},
	{HTTP_POST, "/settings/apps", page_apps_change, FORM, FRESH},
	{HTTP_GET, "/settings/personalities", page_personalities, 0, IN},
	{HTTP_POST, "/settings/personalities", page_personalities_change, FORM, FRESH},
	{HTTP_GET, "/settings/bring", page_bring, 0, IN},
	{HTTP_POST, "/settings/bring", page_bring_change, FORM, FRESH},
	{HTTP_GET, "/settings/sessions", page_sessions, 0, IN},
	{HTTP_POST, "/settings/sessions", page_sessions_end, FORM, IN},
	{HTTP_GET, "/settings/sending", page_sending, 0, IN},
	{HTTP_POST, "/settings/sending", page_sending_change, FORM, IN},
	{HTTP_GET, "/settings/data", page_data, 0, IN},
	{HTTP_POST, "/settings/data", page_data_import, UPLOAD, IN},
	{HTTP_GET, "/settings/data/export", page_data_export, 0, FRESH},
	{HTTP_GET, "/settings/log", page_log, 0, IN},
	{HTTP_GET, "/settings/services", page_services, 0, IN},
	{HTTP_POST, "/settings/services", page_services_change, FORM, FRESH},
};

static const char *const headers[] = {
	"Content-Security-Policy: default-src 'none'; style-src 'self'; img-src 'self'; "
	"script-src 'none'; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; "
	"base-uri 'none'",
	"X-Content-Type-Options: nosniff",
	"Referrer-Policy: same-origin",
	"Cross-Origin-Opener-Policy: same-origin",
	"Cross-Origin-Resource-Policy: same-origin",
	"Permissions-Policy: camera=(), geolocation=(), microphone=()",
	NULL,
};

static enum host_owner owner_of(void *context, struct slice domain)
{
	struct web *web = context;
	struct directory_domain found = {0};
	struct err err;

	if (directory_domain(web->service->directory, domain, &found, &err) < 0 || !found.is_ours)
		return HOST_NOBODY;
	return found.group ? HOST_CUSTOMER : HOST_OPERATOR;
}

int web_open(struct service *service, const struct web_config *config, struct web **web_out,
	struct err *err)
{
	struct page_book *pages;
	struct buf origin AUTO(buf_done) = {0};
	struct web *web;
	const int rc = page_book_new(&web_templates, &pages, err);

	if (rc < 0)
		return rc;
	web = mem_new(struct web);
	web->pages = pages;
	html_init();
	tally_init(&web->uploaders, UPLOADER_MS, UPLOADERS_MAX);
	pthread_mutex_init(&web->uploaders_lock, NULL);
	arena_init(&web->arena, 1 << 16);
	web->service = service;
	web->config = *config;
	web->config.domain = arena_dup(&web->arena, config->domain);
	web->config.clients = arena_dup(&web->arena, config->clients);
	web->host = (struct host_config){.primary = web->config.domain,
		.public_port = config->public_port,
		.has_insecure = config->has_insecure,
		.owner = owner_of,
		.context = web};
	web->site = (struct http_site){
		.name = "web",
		.rows = rows,
		.rows_n = sizeof(rows) / sizeof(rows[0]),
		.before = guard_before,
		.body_max = data_body_max,
		.failed = visit_failed,
		.headers = headers,
		.spool_dirfd = config->spool_dirfd,
		.context = web,
		.limits = {HEAD_MS, BODY_MS, IDLE_MS, HEAD_MAX},
	};
	buf_init(&origin, 512);
	host_url(&web->host, &origin);
	web->origin = arena_dup(&web->arena, buf_slice(&origin));
	*web_out = web;
	return 0;
}

void web_free(struct web **web)
{
	page_book_free(&(*web)->pages);
	tally_done(&(*web)->uploaders);
	pthread_mutex_destroy(&(*web)->uploaders_lock);
	arena_done(&(*web)->arena);
	free(*web);
	*web = NULL;
}

struct http_site *web_site(struct web *web)
{
	return &web->site;
}

void page_static(struct http *x)
{
	const struct slice path = http_segment(x, "path");

	for (size_t i = 0; i < web_static_n; i++) {
		if (slice_eq(slice_from(slice_str(web_static[i].path), 1), path)) {
			http_reply_static(x, &web_static[i]);
			return;
		}
	}
	http_fail(x, 404);
}
