/*
 * config.h - the settings: one table of name, type, default, bounds and help; read from
 * DIR/posthouse.conf with libconfig.
 *
 * A setting is `name = value;` or stands in a group, `listen = { imaps = "*:993"; };`. Whatever is
 * unknown, given twice, of the wrong type or out of bounds is an error that names file and line.
 * The values never change after config_parse(): a reload parses again and replaces the whole.
 * Bounds: CONFIG_TEXT_MAX bytes of file, CONFIG_LISTEN_MAX addresses of one listener.
 * Any thread may read one.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include "base/arena.h"
#include "base/buf.h"

enum { CONFIG_TEXT_MAX = 256 << 10, CONFIG_LISTEN_MAX = 8 };

/* What a change of a setting needs. */
enum config_when {
	CONFIG_RELOAD = 1,          /* takes effect at once in the running server */
	CONFIG_SERVER = 2,          /* a new server beside the old one, which drains */
	CONFIG_KEEPER = 4,          /* a new keeper; who asks it meanwhile waits */
	CONFIG_SERVER_KEEPER = 6,   /* both of these */
	CONFIG_COURIER = 16,        /* a new courier; what it does waits */
	CONFIG_SERVER_COURIER = 18, /* a new server and a new courier */
	CONFIG_START = 8,           /* the next start of everything */
};

struct config_address {
	struct slice host; /* IPv4 or IPv6 address in text; empty: all */
	uint16_t port;
};

struct config_listen {
	struct config_address at[CONFIG_LISTEN_MAX];
	size_t n; /* 0: off */
};

/* Services that may be used without TLS. Adding one is a row of config_services[], its
 * listeners and cleartext settings in config_rows.c, and a row of policy_rows[]. */
enum config_service { CONFIG_IMAP, CONFIG_SUBMISSION, CONFIG_WEB, CONFIG_SERVICES };

struct config_service_row {
	const char *name;         /* of the listener that begins without TLS; cleartext.NAME */
	size_t listen_at, tls_at; /* in struct config: that listener, and the one in TLS */
	uint16_t port;            /* where it listens when only cleartext.NAME asks for it; 0: its
				   * listener does not depend on logins */
	bool has_starttls_port;   /* a listener that is set stays for STARTTLS when logins close */
};
extern const struct config_service_row config_services[CONFIG_SERVICES];

/* Logins without TLS at one service, and until when. */
enum config_cleartext_mode { CLEARTEXT_CLOSED, CLEARTEXT_ALLOW, CLEARTEXT_NOTIFY };

struct config_cleartext {
	uint64_t mode;       /* enum config_cleartext_mode */
	uint64_t date_s;     /* notify: closed from then on, wall clock; 0: no date */
	uint64_t interval_s; /* notify: between two mails to one user */
};

/* Numbers are all uint64_t, so that one table reads and compares them: sizes in bytes, times in
 * seconds, switches 0 or 1, the log level an enum log_level. */
struct config {
	struct slice host_name;
	struct config_listen smtp, submissions, imaps, https, http, lmtp;
	uint64_t web_public_port, web_insecure;
	struct slice web_clients, mx_hosts;
	struct config_listen imap, submission;                     /* without TLS at first */
	struct config_listen insecure_imaps, insecure_submissions; /* any TLS */
	uint64_t lmtp_socket;
	struct config_cleartext cleartext[CONFIG_SERVICES];
	uint64_t cleartext_answer; /* a closed port says why */
	struct slice service_address, service_name, service_operator, service_language,
		service_home, service_help;
	uint64_t quota_grace_s;
	uint64_t undo_web_s, undo_program_s;
	uint64_t account_messages, domain_messages, domain_recipients;
	struct slice tls_default;
	uint64_t tls_old_signatures;
	struct slice resolver, dnssec_validate, dnssec_anchors, country_database;
	struct slice door_trusted, door_lists, door_weights, door_link;
	struct slice proxy_networks, xclient_networks, scan_rspamd, scan_milters;
	uint64_t scan_wait_s, scan_size_max, scan_required, scan_submission;
	uint64_t door_refuse, door_greylist, door_tarpit, door_greet_s, door_greylist_s,
		door_tarpit_s, door_per_address, door_per_network, door_per_sender;
	uint64_t courier_smtp_port, courier_sts_port, courier_connections, courier_per_destination,
		courier_lifetime_s, courier_delay_s, courier_patience_s, courier_connect_s;
	uint64_t courier_private;
	struct slice courier_smarthost, courier_retry, courier_ca_file;
	uint64_t senders_check, senders_dmarc, senders_sign, senders_tag;
	uint64_t reports_send, reports_failures, reports_days;
	struct slice reports_from, reports_organisation, reports_contact;
	struct slice arc_trusted, sending_weights;
	struct slice complaints_trusted;
	uint64_t complaints_suppress;
	uint64_t sending_stop;
	struct slice sms_url, sms_method, sms_header, sms_type, sms_body;
	struct slice acme_directory, acme_contact, acme_ca_file, acme_challenge, acme_addresses;
	uint64_t acme_customers;
	struct slice user_server, user_keeper, user_courier;
	uint64_t message_max, recipients_max, connections_max, per_address_max, mx_connections_max,
		login_failures_max, threads;
	uint64_t imap_idle_s, smtp_idle_s, login_s, drain_s, stop_s;
	uint64_t open_max, index_bytes_max, reserve_bytes, past_days, trace_days;
	uint64_t argon2_memory, argon2_passes, cache_s, scram_main, takes_certificates;
	uint64_t log_level;
	struct arena arena; /* holds the texts */
};

/* config_parse - read text; file is what errors call it. -ERR_SYNTAX, -ERR_TOOBIG. */
MUST_CHECK int config_parse(
	struct slice text, const char *file, struct config **config_out, struct err *err);
void config_free(struct config **config);

/* config_cleartext_until - until when logins without TLS are possible, wall clock; 0: they are not,
 * INT64_MAX: for good. config_is_cleartext_open - they are at this time. */
int64_t config_cleartext_until(const struct config_cleartext *service);
bool config_is_cleartext_open(const struct config_cleartext *service, int64_t now_s);

/* config_keeps_port - the port of such a service is there also when logins without TLS are not
 * possible: for STARTTLS, or to say why not. config_port - where it listens at this time. */
bool config_keeps_port(const struct config *config, enum config_service service);
struct config_listen config_port(
	const struct config *config, enum config_service service, int64_t now_s);

/* config_changes - bits of enum config_when of the settings whose values differ. */
unsigned config_changes(const struct config *a, const struct config *b);

/* config_help - all settings for people; config_manual - the same as mdoc items, which stand in
 * posthouse.conf(5). */
void config_help(struct buf *out);
void config_manual(struct buf *out);

#endif
