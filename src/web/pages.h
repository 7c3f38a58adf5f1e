/* pages.h - the functions behind the rows of web.c; for this room only. */
#ifndef WEB_PAGES_H
#define WEB_PAGES_H

#include "web/visit.h"

/* sign.c */
void page_front(struct http *x);
void page_sign_in(struct http *x);
void page_factor(struct http *x);
void page_factor_give(struct http *x);
void page_factor_sms(struct http *x);
void page_sign_out(struct http *x);
void page_confirm(struct http *x);
void page_confirm_give(struct http *x);
void page_passkey(struct http *x);
void page_passkey_give(struct http *x);

/* reset.c */
void page_reset(struct http *x);
void page_reset_ask(struct http *x);
void page_reset_link(struct http *x);
void page_reset_factor(struct http *x);
void page_reset_end(struct http *x);
void page_recovery_cancel(struct http *x);
void page_recovery_cancel_give(struct http *x);

/* screen.c */
void page_screen_style(struct http *x);
void page_screen_logo(struct http *x);

/* mail_list.c, mail_search.c */
void page_mail(struct http *x);
void page_list(struct http *x);
void page_search(struct http *x);

/* mail_read.c */
void page_read(struct http *x);
void page_read_html(struct http *x);
void page_read_part(struct http *x);
void page_read_source(struct http *x);

/* mail_history.c */
void page_mail_trace(struct http *x);
void page_sent_trace(struct http *x);

/* unsubscribe.c */
void page_unsubscribe(struct http *x);

/* mail_act.c */
void page_act(struct http *x);
void page_folders(struct http *x);
void page_folders_change(struct http *x);

/* mail_write.c */
void page_write(struct http *x);
void page_write_post(struct http *x);

/* mail_later.c */
void page_later(struct http *x);
void page_later_change(struct http *x);

/* settings.c, apps.c, factors.c, recovery.c */
void page_settings(struct http *x);
void page_password(struct http *x);
void page_password_change(struct http *x);
void page_services(struct http *x);
void page_services_change(struct http *x);
void page_sessions(struct http *x);
void page_sessions_end(struct http *x);
void page_apps(struct http *x);
void page_personalities(struct http *x);
void page_personalities_change(struct http *x);
void page_apps_change(struct http *x);
void page_factors(struct http *x);
void page_factors_change(struct http *x);
void page_recovery(struct http *x);
void page_recovery_change(struct http *x);

/* bring.c */
void page_bring(struct http *x);
void page_bring_change(struct http *x);

/* sending.c */
void page_sending(struct http *x);
void page_sending_change(struct http *x);

/* data.c */
void page_data(struct http *x);
void page_data_import(struct http *x);
void page_data_export(struct http *x);
/* data_body_max - http_site.body_max. */
size_t data_body_max(struct http *x);

/* note.c */
void page_log(struct http *x);

/* tokens.c */
void page_authorize(struct http *x);
void page_authorize_give(struct http *x);
void page_device(struct http *x);
void page_device_give(struct http *x);
void token_issue(struct http *x);
void token_device(struct http *x);
void token_revoke(struct http *x);
void token_discovery(struct http *x);
void page_programs(struct http *x);
void page_programs_change(struct http *x);

/* admin.c */
void page_admin(struct http *x);
void page_admin_add(struct http *x);
void page_admin_user(struct http *x);
void page_admin_user_change(struct http *x);
void page_admin_reports(struct http *x);
void page_admin_report(struct http *x);
void page_admin_reports_sent(struct http *x);
void page_admin_screen(struct http *x);
void page_admin_screen_change(struct http *x);

/* queue.c, trace.c */
void page_queue(struct http *x);
void page_queue_change(struct http *x);
void page_queued(struct http *x);
void page_queued_change(struct http *x);
void page_routes(struct http *x);
void page_routes_change(struct http *x);
void page_trace(struct http *x);

/* help.c */
void page_help(struct http *x);
void page_help_topic(struct http *x);
void page_certificates(struct http *x);
void page_certificate_file(struct http *x);
void page_static(struct http *x);

/* known.c */
void page_no_challenge(struct http *x);
void page_mta_sts(struct http *x);
void page_autoconfig(struct http *x);
void page_autodiscover(struct http *x);
void page_autodiscover_json(struct http *x);
void page_tls_report(struct http *x);
void page_apple(struct http *x);

#endif
