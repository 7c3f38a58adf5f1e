/* config.c - see config.h for the contract. */
#include "base/config.h"

#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/config_value.h"
#include "base/mem.h"

#define AT(field) offsetof(struct config, field)

const struct config_service_row config_services[CONFIG_SERVICES] = {
	[CONFIG_IMAP] = {"imap", AT(imap), AT(imaps), 143, false},
	[CONFIG_SUBMISSION] = {"submission", AT(submission), AT(submissions), 587, true},
};

/* The settings that each of them has. */
#define CLEARTEXT(name, service, help)                                                             \
	{"cleartext." name, TYPE_MODE, AT(cleartext[service].mode), "closed", 0, 0, CONFIG_RELOAD, \
		help},                                                                             \
		{"cleartext." name "_date", TYPE_DATE, AT(cleartext[service].date_s), "", 0, 0,    \
			CONFIG_RELOAD,                                                             \
			"The day on which notify becomes closed by itself, such as "               \
			"\"2027-03-01\" (UTC)."},                                                  \
	{                                                                                          \
		"cleartext." name "_interval", TYPE_TIME, AT(cleartext[service].interval_s),       \
			"7 d", 60, 90 * DAY, CONFIG_RELOAD,                                        \
			"How long after a mail a user who goes on is told again."                  \
	}

static const struct config_row rows[] = {
	{"host_name", TYPE_HOST, AT(host_name), "", 0, 0, CONFIG_SERVER_KEEPER,
		"The name of this host in greetings, Received fields and Message-IDs. Empty: the "
		"system's own name."},
	{"mx_hosts", TYPE_LINE, AT(mx_hosts), "", 0, 0, CONFIG_SERVER,
		"Other hosts that the DNS may name for mail to our domains (MX), with a blank "
		"between: the policies of MTA-STS list them beside host_name."},
	{"listen.smtp", TYPE_LISTEN, AT(smtp), "*:25", 0, 0, CONFIG_SERVER,
		"Where other hosts deliver mail for us (SMTP with STARTTLS)."},
	{"listen.submissions", TYPE_LISTEN, AT(submissions), "*:465", 0, 0, CONFIG_SERVER,
		"Where users send mail (SMTP in TLS, with a login)."},
	{"listen.imaps", TYPE_LISTEN, AT(imaps), "*:993", 0, 0, CONFIG_SERVER,
		"Where users read mail (IMAP in TLS)."},
	{"listen.https", TYPE_LISTEN, AT(https), "*:443", 0, 0, CONFIG_SERVER,
		"Where browsers come (HTTP/1.1 and HTTP/2 in TLS)."},
	{"listen.http", TYPE_LISTEN, AT(http), "*:80", 0, 0, CONFIG_SERVER,
		"Where browsers come without TLS: they are sent to listen.https."},
	{"listen.imap", TYPE_LISTEN, AT(imap), "", 0, 0, CONFIG_SERVER,
		"IMAP that begins without TLS (port 143). A login needs STARTTLS first unless "
		"cleartext.imap allows it."},
	{"listen.submission", TYPE_LISTEN, AT(submission), "", 0, 0, CONFIG_SERVER,
		"Submission that begins without TLS (port 587). A login needs STARTTLS first "
		"unless cleartext.submission allows it."},
	{"listen.insecure_imaps", TYPE_LISTEN, AT(insecure_imaps), "", 0, 0, CONFIG_SERVER_KEEPER,
		"Where users read mail with programs that know TLS 1.0 or 1.1 only. What they say "
		"can be read and changed on the way by who tries hard."},
	{"listen.insecure_submissions", TYPE_LISTEN, AT(insecure_submissions), "", 0, 0,
		CONFIG_SERVER_KEEPER, "The same for sending mail."},
	{"listen.lmtp", TYPE_LISTEN, AT(lmtp), "", 0, 0, CONFIG_SERVER,
		"Where trusted mail servers deliver by LMTP: a loopback or private address. There "
		"is no login, so never one that strangers reach."},
	{"listen.lmtp_socket", TYPE_SWITCH, AT(lmtp_socket), "true", 0, 0, CONFIG_SERVER,
		"Take LMTP on the Unix socket run/lmtp.sock, for the instance's owner and the "
		"server's group."},
	{"web.public_port", TYPE_COUNT, AT(web_public_port), "443", 1, 65535, CONFIG_SERVER_KEEPER,
		"The port by which browsers reach listen.https; another than 443 is named where "
		"they are sent to it."},
	{"web.insecure", TYPE_SWITCH, AT(web_insecure), "false", 0, 0, CONFIG_SERVER,
		"Answer at insecure.DOMAIN without TLS, for devices that cannot do it. Everything "
		"travels readable there, passwords too, and the pages say so."},
	{"web.clients", TYPE_LINE, AT(web_clients),
		"mail http://127.0.0.1 http://[::1] http://localhost", 0, 0, CONFIG_SERVER,
		"Programs that may ask users for access (OAuth 2.0): a name and the addresses to "
		"which users are sent back, with semicolons between programs. A loopback address "
		"without a port stands for any port and path of it."},
	{"tls.default", TYPE_WORD, AT(tls_default), "localhost", 0, 0, CONFIG_RELOAD,
		"Which certificate clients get that ask for no name, or for one we have not: NAME "
		"of tls/NAME.pem. When there is no certificate at all, a self-signed one of this "
		"name is made at the start."},
	{"tls.old_signatures", TYPE_SWITCH, AT(tls_old_signatures), "false", 0, 0, CONFIG_KEEPER,
		"Sign with SHA-1 for clients that offer nothing newer. Listeners that are named "
		"insecure do so always."},
	{"resolver", TYPE_LINE, AT(resolver), "", 0, 0, CONFIG_COURIER,
		"The DNS resolver that the courier asks, ADDRESS or ADDRESS:PORT. Empty: those of "
		"/etc/resolv.conf."},
	{"country_database", TYPE_LINE, AT(country_database), "", 0, 0, CONFIG_SERVER,
		"A database of countries in MaxMind's format, such as GeoLite2-Country.mmdb: users "
		"see from which country somebody came. A new file in its place is used at once; "
		"its folder is readable for the server. Empty: none."},
	{"dnssec.validate", TYPE_WORD, AT(dnssec_validate), "auto", 0, 0, CONFIG_COURIER,
		"Whether answers of the DNS are checked by their signatures: on, off, or auto, "
		"which begins to as soon as the resolver is seen to pass signatures on."},
	{"dnssec.anchors", TYPE_LINE, AT(dnssec_anchors), "/usr/share/dns/root.key", 0, 0,
		CONFIG_COURIER,
		"A file with the DS or DNSKEY records that are trusted. Debian's package "
		"dns-root-data keeps those of the root here."},
	{"scan.rspamd", TYPE_LINE, AT(scan_rspamd), "", 0, 0, CONFIG_SERVER_COURIER,
		"Show mail that strangers bring to port 25 to Rspamd before it is taken: the URL "
		"of "
		"its worker, such as http://localhost:11333."},
	{"scan.wait", TYPE_TIME, AT(scan_wait_s), "30 s", 1, 300, CONFIG_SERVER,
		"How long to wait for it."},
	{"scan.size", TYPE_SIZE, AT(scan_size_max), "20 MiB", KIB, 2 * GIB, CONFIG_SERVER,
		"What is larger is not scanned."},
	{"scan.required", TYPE_SWITCH, AT(scan_required), "false", 0, 0, CONFIG_SERVER,
		"Ask senders to come again later while nothing can be scanned."},
	{"proxy.networks", TYPE_LINE, AT(proxy_networks), "", 0, 0, CONFIG_SERVER,
		"Load balancers before us, as addresses or networks with spaces between: each of "
		"their connections must begin with a header of the PROXY protocol, version 2."},
	{"door.trusted", TYPE_LINE, AT(door_trusted), "127.0.0.0/8 ::1", 0, 0, CONFIG_SERVER,
		"Networks that port 25 checks nothing of, with spaces between: our own other "
		"servers."},
	{"door.lists", TYPE_LINE, AT(door_lists), "", 0, 0, CONFIG_SERVER,
		"Lists in the DNS that strangers on port 25 are looked up in, with spaces between: "
		"ip/ZONE/POINTS for addresses, domain/ZONE/POINTS for names; points may be "
		"negative; /NETWORK behind it says which answers count."},
	{"door.weights", TYPE_LINE, AT(door_weights), "", 0, 0, CONFIG_SERVER,
		"Points for each check, such as \"helo=2 iprev=2 early=6 probe=4 list=1\"; list "
		"multiplies those of door.lists. 0: that check is not made."},
	{"door.refuse", TYPE_COUNT, AT(door_refuse), "10", 1, 1000, CONFIG_SERVER,
		"From so many points on mail is refused."},
	{"door.greylist", TYPE_COUNT, AT(door_greylist), "3", 0, 1000, CONFIG_SERVER,
		"From so many points on a server that is not known has to come again; 0: every "
		"such server."},
	{"door.greylist_wait", TYPE_TIME, AT(door_greylist_s), "1 m", 1, DAY, CONFIG_SERVER,
		"After how long it may."},
	{"door.tarpit", TYPE_COUNT, AT(door_tarpit), "5", 1, 1000, CONFIG_SERVER,
		"From so many points on answers come late."},
	{"door.tarpit_wait", TYPE_TIME, AT(door_tarpit_s), "10 s", 0, 300, CONFIG_SERVER,
		"How late."},
	{"door.greet_wait", TYPE_TIME, AT(door_greet_s), "1 s", 0, 60, CONFIG_SERVER,
		"How long the greeting waits for strangers, to see who speaks before it."},
	{"door.per_address", TYPE_COUNT, AT(door_per_address), "1000", 0, 1000000, CONFIG_SERVER,
		"To how many recipients one address of strangers may write within an hour; 0: no "
		"limit."},
	{"door.per_network", TYPE_COUNT, AT(door_per_network), "5000", 0, 1000000, CONFIG_SERVER,
		"The same for a network (/24 or, of IPv6, /64)."},
	{"door.per_sender", TYPE_COUNT, AT(door_per_sender), "1000", 0, 1000000, CONFIG_SERVER,
		"The same for one envelope sender."},
	{"door.link", TYPE_URL, AT(door_link), "", 0, 0, CONFIG_SERVER,
		"The page that replies to strangers point to. Empty: help/refused of the web "
		"pages, "
		"where there is listen.https."},
	{"courier.smarthost", TYPE_LINE, AT(courier_smarthost), "", 0, 0, CONFIG_COURIER,
		"The host that takes all mail for elsewhere which no route is for: HOST, whose MX "
		"records count, or [HOST]; with :PORT if it is another than courier.smtp_port. "
		"Empty: mail goes to its own domain's hosts."},
	{"courier.smtp_port", TYPE_COUNT, AT(courier_smtp_port), "25", 1, 65535, CONFIG_COURIER,
		"The port on which other hosts take mail."},
	{"courier.connections", TYPE_COUNT, AT(courier_connections), "200", 1, 1000, CONFIG_COURIER,
		"How many connections go out at once."},
	{"courier.per_destination", TYPE_COUNT, AT(courier_per_destination), "20", 1, 1000,
		CONFIG_COURIER, "How many of them to one destination, when all goes well there."},
	{"courier.retry", TYPE_LINE, AT(courier_retry), "5m 10m 20m 40m 1h 2h 4h", 0, 0,
		CONFIG_COURIER,
		"The pauses between attempts, up to a fifth more or less; the last one goes on."},
	{"courier.lifetime", TYPE_TIME, AT(courier_lifetime_s), "5 d", 1, 30 * DAY, CONFIG_COURIER,
		"After how long mail that cannot be delivered goes back to its sender."},
	{"courier.delay_notice", TYPE_TIME, AT(courier_delay_s), "4 h", 0, 30 * DAY, CONFIG_COURIER,
		"After how long a sender is told that mail is still waiting; 0: never."},
	{"courier.patience", TYPE_TIME, AT(courier_patience_s), "5 m", 1, HOUR, CONFIG_COURIER,
		"How long a host may take for an answer, and twice that where it has a message to "
		"store (RFC 5321 asks for 5 and 10 minutes)."},
	{"courier.connect", TYPE_TIME, AT(courier_connect_s), "30 s", 1, 10 * MINUTE,
		CONFIG_COURIER, "How long a connection may take."},
	{"courier.ca_file", TYPE_LINE, AT(courier_ca_file), "", 0, 0, CONFIG_COURIER,
		"Certificates in PEM by which other hosts are known. Empty: the system's."},
	{"senders.check", TYPE_SWITCH, AT(senders_check), "true", 0, 0, CONFIG_SERVER,
		"Check the senders of what strangers bring by SPF, DKIM, ARC and DMARC, and write "
		"what was found into Authentication-Results."},
	{"senders.dmarc", TYPE_SWITCH, AT(senders_dmarc), "true", 0, 0, CONFIG_SERVER,
		"Do what an author's domain wants done with mail that it did not send: refuse it, "
		"or file it as spam. Mail with more than one From is refused, too."},
	{"senders.sign", TYPE_SWITCH, AT(senders_sign), "true", 0, 0, CONFIG_SERVER,
		"Sign what users send for their domains by DKIM, with the keys of posthouse dkim."},
	{"acme.directory", TYPE_URL, AT(acme_directory), "", 0, 0, CONFIG_COURIER,
		"Where certificates are ordered (RFC 8555): the URL of the CA's directory, such as "
		"https://acme-v02.api.letsencrypt.org/directory. To set it is to agree to the CA's "
		"terms."},
	{"acme.contact", TYPE_MAIL, AT(acme_contact), "", 0, 0, CONFIG_COURIER,
		"Where the CA may write to."},
	{"acme.ca_file", TYPE_LINE, AT(acme_ca_file), "", 0, 0, CONFIG_COURIER,
		"Certificates in PEM by which the CA's own server is known. Empty: the system's."},
	{"acme.challenge", TYPE_WORD, AT(acme_challenge), "http-01", 0, 0, CONFIG_COURIER,
		"How the CA shall see that a host is ours: http-01 (on port 80) or tls-alpn-01 (on "
		"port 443). The other is used where the CA does not offer it."},
	{"acme.addresses", TYPE_LINE, AT(acme_addresses), "", 0, 0, CONFIG_COURIER,
		"The IP addresses by which we are reached from outside, with a blank between: only "
		"hosts that have these are ordered for. Empty: those that the DNS has for "
		"host_name."},
	{"acme.customers", TYPE_SWITCH, AT(acme_customers), "true", 0, 0, CONFIG_RELOAD,
		"Order a certificate for mail.DOMAIN of each customer's domain that has a login "
		"screen, and for mta-sts.DOMAIN of each domain that has a policy there."},
	{"sms.url", TYPE_LINE, AT(sms_url), "", 0, 0, CONFIG_COURIER,
		"The gateway for text messages (codes of the second factor), by HTTP. {number} and "
		"{text} stand for the message, here and below, {secret} for what the file "
		"courier/sms.secret holds. Empty: none, and no text messages."},
	{"sms.method", TYPE_WORD, AT(sms_method), "POST", 0, 0, CONFIG_COURIER,
		"How the gateway is asked: POST, PUT or GET."},
	{"sms.header", TYPE_LINE, AT(sms_header), "", 0, 0, CONFIG_COURIER,
		"One more header for it, such as Authorization: Bearer {secret}."},
	{"sms.type", TYPE_LINE, AT(sms_type), "application/x-www-form-urlencoded", 0, 0,
		CONFIG_COURIER,
		"The media type of what it is sent. In JSON and in forms the values are encoded as "
		"these want it."},
	{"sms.body", TYPE_LINE, AT(sms_body), "to={number}&text={text}", 0, 0, CONFIG_COURIER,
		"What the gateway is sent."},
	{"users.server", TYPE_WORD, AT(user_server), "posthouse-server", 0, 0, CONFIG_START,
		"The user the server runs as when Posthouse is started by root."},
	{"users.keeper", TYPE_WORD, AT(user_keeper), "posthouse-keeper", 0, 0, CONFIG_START,
		"The user the keeper runs as when Posthouse is started by root."},
	{"users.courier", TYPE_WORD, AT(user_courier), "posthouse-courier", 0, 0, CONFIG_START,
		"The user the courier runs as when Posthouse is started by root."},
	{"limits.message_size", TYPE_SIZE, AT(message_max), "150 MiB", 64 * KIB, 2 * GIB,
		CONFIG_SERVER, "The largest message that is taken."},
	{"limits.quota_grace", TYPE_TIME, AT(quota_grace_s), "7 d", 0, 365 * DAY, CONFIG_RELOAD,
		"For how long mail to a full account is deferred before it is refused."},
	{"limits.recipients", TYPE_COUNT, AT(recipients_max), "1000", 100, 10000, CONFIG_RELOAD,
		"How many recipients one message may have in SMTP."},
	{"limits.connections", TYPE_COUNT, AT(connections_max), "20000", 16, 1000000, CONFIG_SERVER,
		"How many clients may be connected at once."},
	{"limits.connections_per_address", TYPE_COUNT, AT(per_address_max), "200", 0, 1000000,
		CONFIG_SERVER,
		"How many of them from one address; 0: any number. Listeners on loopback addresses "
		"do not count."},
	{"limits.smtp_connections", TYPE_COUNT, AT(mx_connections_max), "5000", 1, 1000000,
		CONFIG_SERVER, "How many of them on listen.smtp, where strangers come."},
	{"limits.login_failures", TYPE_COUNT, AT(login_failures_max), "5", 1, 100, CONFIG_RELOAD,
		"After how many wrong passwords a connection is closed."},
	{"limits.threads", TYPE_COUNT, AT(threads), "0", 0, 1024, CONFIG_SERVER,
		"Threads of the server; 0: eight for each core, at least 16."},
	{"timeouts.imap_idle", TYPE_TIME, AT(imap_idle_s), "30 m", 30 * MINUTE, DAY, CONFIG_RELOAD,
		"How long a logged-in IMAP client may be silent (RFC 9051 asks for 30 minutes)."},
	{"timeouts.smtp_idle", TYPE_TIME, AT(smtp_idle_s), "5 m", 1, HOUR, CONFIG_RELOAD,
		"How long an SMTP or LMTP client may be silent (RFC 5321 asks for 5 minutes)."},
	{"timeouts.login", TYPE_TIME, AT(login_s), "1 m", 1, HOUR, CONFIG_RELOAD,
		"How long an IMAP client may take to log in."},
	{"timeouts.drain", TYPE_TIME, AT(drain_s), "5 m", 0, DAY, CONFIG_RELOAD,
		"Over how long an old server closes its idle connections after an upgrade."},
	{"timeouts.stop", TYPE_TIME, AT(stop_s), "10 s", 1, HOUR, CONFIG_RELOAD,
		"How long a stop waits for commands and messages that have begun."},
	{"store.open_accounts", TYPE_COUNT, AT(open_max), "500", 8, 100000, CONFIG_SERVER,
		"How many accounts' files are kept open."},
	{"store.index_memory", TYPE_SIZE, AT(index_bytes_max), "256 MiB", MIB, 1024 * GIB,
		CONFIG_SERVER, "Memory for the indexes of mailboxes that nobody has selected."},
	{"store.reserve", TYPE_SIZE, AT(reserve_bytes), "64 MiB", 0, 1024 * GIB, CONFIG_SERVER,
		"With less free disk than this, mail is refused for now; deleting goes on."},
	{"store.past_days", TYPE_COUNT, AT(past_days), "7", 0, 365, CONFIG_SERVER,
		"For how many days what was deleted is kept; 0: not at all."},
	{"store.trace_days", TYPE_COUNT, AT(trace_days), "14", 1, 3650, CONFIG_SERVER_COURIER,
		"For how many days it is kept what happened to each message: posthouse trace."},
	{"passwords.argon2_memory", TYPE_SIZE, AT(argon2_memory), "19 MiB", 8 * KIB, 4 * GIB,
		CONFIG_KEEPER, "Memory of one argon2id run. Hashes made before keep their cost."},
	{"passwords.argon2_passes", TYPE_COUNT, AT(argon2_passes), "2", 1, 100, CONFIG_KEEPER,
		"Passes of one argon2id run."},
	{"passwords.scram_main", TYPE_SWITCH, AT(scram_main), "false", 0, 0, CONFIG_SERVER_KEEPER,
		"Let main passwords be used by SCRAM too, as alternative passwords always can. "
		"What "
		"is kept for it lets whoever steals the keeper's files try passwords hundreds of "
		"times faster."},
	{"passwords.cache", TYPE_TIME, AT(cache_s), "5 m", 0, DAY, CONFIG_KEEPER,
		"How long the keeper remembers a good password, so that it need not be hashed "
		"again; 0: not at all."},
	CLEARTEXT("imap", CONFIG_IMAP,
		"Whether IMAP takes a login without TLS on listen.imap (where that is empty, on "
		"port 143): allow, notify (users who do it are told by mail) or closed."),
	CLEARTEXT("submission", CONFIG_SUBMISSION,
		"The same for listen.submission (port 587). A port that is set there "
		"stays open for STARTTLS."),
	{"cleartext.answer", TYPE_SWITCH, AT(cleartext_answer), "false", 0, 0, CONFIG_RELOAD,
		"What a client meets on a port that is closed: true: the protocol's own refusal "
		"with "
		"the address of service.help; false: no port."},
	{"service.address", TYPE_MAIL, AT(service_address), "", 0, 0, CONFIG_SERVER,
		"The address that mail from the service itself comes from. Empty: postmaster at "
		"host_name."},
	{"service.name", TYPE_LINE, AT(service_name), "Posthouse", 0, 0, CONFIG_SERVER,
		"What the service is called in its mail and on its pages."},
	{"service.operator", TYPE_MAIL, AT(service_operator), "", 0, 0, CONFIG_SERVER,
		"Who is told by mail what the operator should know (empty: service.address), and "
		"who "
		"gets mail to postmaster and abuse of each domain where nobody has that address "
		"and "
		"there is no catch-all. Without it that is the domain's first account."},
	{"service.language", TYPE_WORD, AT(service_language), "en", 0, 0, CONFIG_SERVER,
		"The language of mail to users who have chosen none: en or de."},
	{"service.home", TYPE_URL, AT(service_home), "", 0, 0, CONFIG_SERVER,
		"Where the web pages are, for links in mail. Empty: https://www. and host_name."},
	{"service.help", TYPE_URL, AT(service_help), "", 0, 0, CONFIG_SERVER,
		"The page that explains how to set up mail programs. Empty: /help/ of "
		"service.home."},
	{"log.level", TYPE_LEVEL, AT(log_level), "info", 0, 0, CONFIG_RELOAD,
		"The least level that is logged: debug, info, warn or error."},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static int put_defaults(struct config *config, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < ROWS && rc == 0; i++) {
		const struct config_given given = {.text = slice_str(rows[i].def)};

		rc = config_put(config, &rows[i], &given, err);
	}
	return rc;
}

/* ---- the file ---- */

static int at_line(struct err *err, const char *file, unsigned line)
{
	struct err what = *err;

	return err_set(err, what.code, "%s:%u: %.110s", file, line, what.msg);
}

static struct config_given given_of(const config_setting_t *setting)
{
	const char *text;

	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return (struct config_given){
			.kind = GIVEN_NUMBER, .number = config_setting_get_int64(setting)};
	case CONFIG_TYPE_BOOL:
		return (struct config_given){
			.kind = GIVEN_SWITCH, .number = config_setting_get_bool(setting)};
	case CONFIG_TYPE_STRING:
		text = config_setting_get_string(setting);
		return (struct config_given){
			.kind = GIVEN_TEXT, .text = slice_str(text ? text : "")};
	default: /* a group, a fraction: what no row takes */
		return (struct config_given){.kind = GIVEN_NUMBER, .number = -1};
	}
}

static const struct config_row *row_find(const char *group, const char *name)
{
	char full[128];

	snprintf(full, sizeof(full), "%s%s%s", group, *group ? "." : "", name);
	for (size_t i = 0; i < ROWS; i++) {
		if (strcmp(rows[i].name, full) == 0)
			return &rows[i];
	}
	return NULL;
}

static bool is_group_name(const char *name)
{
	const size_t len = strlen(name);

	for (size_t i = 0; i < ROWS; i++) {
		if (strncmp(rows[i].name, name, len) == 0 && rows[i].name[len] == '.')
			return true;
	}
	return false;
}

static int read_setting(struct config *config, const struct config_row *row,
	const config_setting_t *setting, struct err *err)
{
	const bool is_many = config_setting_is_array(setting) || config_setting_is_list(setting);
	struct config_given given = given_of(setting);
	int rc = 0;

	if (row->type != TYPE_LISTEN || !is_many) {
		if (row->type == TYPE_LISTEN)
			((struct config_listen *)(void *)((char *)config + row->at))->n = 0;
		return config_put(config, row, &given, err);
	}
	((struct config_listen *)(void *)((char *)config + row->at))->n = 0;
	for (int i = 0; i < config_setting_length(setting) && rc == 0; i++) {
		given = given_of(config_setting_get_elem(setting, (unsigned)i));
		rc = config_put(config, row, &given, err);
	}
	return rc;
}

static int read_group(struct config *config, const config_setting_t *group, const char *group_name,
	const char *file, struct err *err)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
		const char *name = config_setting_name(setting);
		const struct config_row *row = row_find(group_name, name);
		int rc;

		if (config_setting_is_group(setting) && !*group_name && is_group_name(name)) {
			rc = read_group(config, setting, name, file, err);
			if (rc < 0)
				return rc;
			continue;
		}
		rc = row ? read_setting(config, row, setting, err)
			 : err_set(err, ERR_SYNTAX, "there is no setting %s%s%.60s", group_name,
				   *group_name ? "." : "", name);
		if (rc < 0)
			return at_line(err, file, config_setting_source_line(setting));
	}
	return 0;
}

/* The library would open other files; ours is handed on as one text, so it must be whole. */
static int refuse_include(struct slice text, const char *file, struct err *err)
{
	for (unsigned line = 1; text.len; line++) {
		if (slice_starts(slice_trim(slice_cut(text, '\n', &text)), slice_lit("@"))) {
			err_set(err, ERR_SYNTAX, "@include is not possible here");
			return at_line(err, file, line);
		}
	}
	return 0;
}

static void library_done(config_t *library)
{
	config_destroy(library);
}

static int read_text(struct config *config, const char *text, const char *file, struct err *err)
{
	config_t library AUTO(library_done);
	int rc = refuse_include(slice_str(text), file, err);

	config_init(&library);
	if (rc < 0)
		return rc;
	if (!config_read_string(&library, text)) {
		err_set(err, ERR_SYNTAX, "%s", config_error_text(&library));
		return at_line(err, file, (unsigned)config_error_line(&library));
	}
	return read_group(config, config_root_setting(&library), "", file, err);
}

/* An empty host name is the system's. */
static void name_host(struct config *config)
{
	struct utsname system;

	if (config->host_name.len)
		return;
	config->host_name = slice_lit("localhost");
	if (uname(&system) == 0 && config_is_word(slice_str(system.nodename), 253))
		config->host_name = arena_dup(&config->arena, slice_str(system.nodename));
}

int config_parse(struct slice text, const char *file, struct config **config_out, struct err *err)
{
	struct config *config = mem_new(struct config);
	char *copy;
	int rc;

	arena_init(&config->arena, 4 * CONFIG_TEXT_MAX);
	rc = put_defaults(config, err);
	copy = rc == 0 && text.len <= CONFIG_TEXT_MAX ? arena_str(&config->arena, text) : NULL;
	if (rc == 0 && !copy)
		rc = err_set(err, ERR_TOOBIG, "%s is larger than %d bytes", file, CONFIG_TEXT_MAX);
	else if (rc == 0 && strlen(copy) != text.len)
		rc = err_set(err, ERR_SYNTAX, "%s holds a NUL byte", file);
	else if (rc == 0)
		rc = read_text(config, copy, file, err);
	if (rc < 0) {
		config_free(&config);
		return rc;
	}
	name_host(config);
	*config_out = config;
	return 0;
}

void config_free(struct config **config)
{
	if (*config)
		arena_done(&(*config)->arena);
	free(*config);
	*config = NULL;
}

static bool is_same_listen(const struct config_listen *a, const struct config_listen *b)
{
	bool is_same = a->n == b->n;

	for (size_t i = 0; i < a->n && is_same; i++)
		is_same = a->at[i].port == b->at[i].port && slice_eq(a->at[i].host, b->at[i].host);
	return is_same;
}

static bool is_same_value(const struct config_row *row, const char *a, const char *b)
{
	const void *x = a + row->at, *y = b + row->at;

	switch (row->type) {
	case TYPE_LISTEN:
		return is_same_listen(x, y);
	case TYPE_HOST:
	case TYPE_WORD:
	case TYPE_LINE:
	case TYPE_MAIL:
	case TYPE_URL:
		return slice_eq(*(const struct slice *)x, *(const struct slice *)y);
	default:
		return *(const uint64_t *)x == *(const uint64_t *)y;
	}
}

unsigned config_changes(const struct config *a, const struct config *b)
{
	unsigned when = 0;

	for (size_t i = 0; i < ROWS; i++) {
		if (!is_same_value(&rows[i], (const char *)a, (const char *)b))
			when |= rows[i].when;
	}
	return when;
}

/* ---- help ---- */

static const char *when_text(enum config_when when)
{
	switch (when) {
	case CONFIG_RELOAD:
		return "A reload applies it at once.";
	case CONFIG_SERVER:
		return "A reload starts a new server for it and drains the old one.";
	case CONFIG_KEEPER:
		return "A reload restarts the keeper for it.";
	case CONFIG_SERVER_KEEPER:
		return "A reload starts a new server for it and drains the old one, and restarts "
		       "the keeper.";
	case CONFIG_SERVER_COURIER:
		return "A reload starts a new server for it and drains the old one, and restarts "
		       "the courier.";
	case CONFIG_COURIER:
		return "A reload restarts the courier for it.";
	default:
		return "It needs a stop and a start.";
	}
}

/* The default as it would stand in the file; quote is how the output writes one. */
static void put_default(struct buf *out, const struct config_row *row, const char *quote)
{
	uint64_t number;
	const bool is_bare =
		row->type == TYPE_SWITCH || slice_to_u64(slice_str(row->def), UINT64_MAX, &number);

	buf_printf(out, "%s%s%s", is_bare ? "" : quote, row->def, is_bare ? "" : quote);
}

void config_help(struct buf *out)
{
	for (size_t i = 0; i < ROWS; i++) {
		buf_printf(out, "%s = ", rows[i].name);
		put_default(out, &rows[i], "\"");
		buf_printf(out, "\n    %s %s\n", rows[i].help, when_text(rows[i].when));
	}
}

/* mdoc wants each sentence on a line of its own. */
static void put_sentences(struct buf *out, const char *text)
{
	for (; *text; text++) {
		const bool is_end = (*text == '.' && text[1] == ' ');

		buf_byte(out, *text);
		if (is_end) {
			buf_byte(out, '\n');
			text++;
		}
	}
	buf_byte(out, '\n');
}

void config_manual(struct buf *out)
{
	for (size_t i = 0; i < ROWS; i++) {
		buf_printf(out, ".It Ic %s No = Ar ", rows[i].name);
		put_default(out, &rows[i], "\\(dq");
		buf_byte(out, '\n');
		put_sentences(out, rows[i].help);
		if (rows[i].max)
			buf_printf(out, "At least %llu, at most %llu.\n",
				(unsigned long long)rows[i].min, (unsigned long long)rows[i].max);
		put_sentences(out, when_text(rows[i].when));
	}
}

bool config_is_cleartext_open(const struct config_cleartext *service, int64_t now_s)
{
	return service->mode == CLEARTEXT_ALLOW ||
	       (service->mode == CLEARTEXT_NOTIFY &&
		       (!service->date_s || now_s < (int64_t)service->date_s));
}

static const struct config_listen *listener_of(
	const struct config *config, enum config_service service)
{
	return (const void *)((const char *)config + config_services[service].listen_at);
}

bool config_keeps_port(const struct config *config, enum config_service service)
{
	return config->cleartext_answer ||
	       (config_services[service].has_starttls_port && listener_of(config, service)->n);
}

struct config_listen config_port(
	const struct config *config, enum config_service service, int64_t now_s)
{
	const struct config_cleartext *cleartext = &config->cleartext[service];
	const struct config_listen usual = {{{.port = config_services[service].port}}, 1};
	const struct config_listen *set = listener_of(config, service);

	if (!config_is_cleartext_open(cleartext, now_s) && !config_keeps_port(config, service))
		return (struct config_listen){.n = 0};
	return set->n || cleartext->mode == CLEARTEXT_CLOSED ? *set : usual;
}
