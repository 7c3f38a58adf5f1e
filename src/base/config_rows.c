/* config_rows.c - the settings: name, type, default, bounds, what a change needs, help. */
#include "base/config_value.h"

#define AT(field) offsetof(struct config, field)

const struct config_service_row config_services[CONFIG_SERVICES] = {
	[CONFIG_IMAP] = {"imap", AT(imap), AT(imaps), 143, false},
	[CONFIG_SUBMISSION] = {"submission", AT(submission), AT(submissions), 587, true},
	[CONFIG_WEB] = {"web", AT(http), AT(https), 0, false},
};

/* The settings that each of them has. */
#define CLEARTEXT(name, service, usual, help)                                                      \
	{"cleartext." name, TYPE_MODE, AT(cleartext[service].mode), usual, 0, 0, CONFIG_RELOAD,    \
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

const struct config_row config_rows[] = {
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
	{"scan.milters", TYPE_LINE, AT(scan_milters), "", 0, 0, CONFIG_SERVER_COURIER,
		"Show it to these milters, one after the other: inet:ADDRESS:PORT or unix:PATH, "
		"with spaces between."},
	{"scan.submission", TYPE_SWITCH, AT(scan_submission), "false", 0, 0, CONFIG_SERVER,
		"Show mail that users send to the scanners, too."},
	{"scan.wait", TYPE_TIME, AT(scan_wait_s), "30 s", 1, 300, CONFIG_SERVER,
		"How long to wait for all scanners together."},
	{"scan.size", TYPE_SIZE, AT(scan_size_max), "20 MiB", KIB, 2 * GIB, CONFIG_SERVER,
		"What is larger is not scanned."},
	{"scan.required", TYPE_SWITCH, AT(scan_required), "false", 0, 0, CONFIG_SERVER_COURIER,
		"Ask senders to come again later while one of the scanners does not answer; else "
		"mail goes on without its verdict."},
	{"proxy.networks", TYPE_LINE, AT(proxy_networks), "", 0, 0, CONFIG_SERVER,
		"Load balancers before us, as addresses or networks with spaces between: each of "
		"their connections must begin with a header of the PROXY protocol, version 1 or "
		"2."},
	{"xclient.networks", TYPE_LINE, AT(xclient_networks), "", 0, 0, CONFIG_SERVER,
		"Mail proxies before port 25, as addresses or networks with spaces between, that "
		"may say by XCLIENT whom they speak for: its address (ADDR), its name, which is "
		"believed and not looked up again (NAME, REVERSE_NAME), and what it said (HELO, "
		"PROTO). PORT, DESTADDR, DESTPORT and LOGIN are written to the log only: no proxy "
		"can sign anybody in."},
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
	{"courier.sts_port", TYPE_COUNT, AT(courier_sts_port), "443", 1, 65535, CONFIG_COURIER,
		"The port on which a domain's policy for TLS (MTA-STS) is fetched. Another than "
		"443 is of use for tests alone."},
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
	{"courier.private", TYPE_SWITCH, AT(courier_private), "false", 0, 0, CONFIG_COURIER,
		"Connect to private and loopback addresses also where others name the host: users "
		"the SMTP server of an address elsewhere, strangers' DNS a place for policies of "
		"TLS or for reports."},
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
	{"senders.tag", TYPE_SWITCH, AT(senders_tag), "true", 0, 0, CONFIG_SERVER,
		"Write a signature into the envelope senders of what users send elsewhere (BATV), "
		"so that bounces of mail that they never sent are known and filed as spam, from "
		"eight "
		"days after this was turned on. Not for users who also send by others' servers "
		"from addresses here: their true bounces would be filed there, too."},
	{"reports.send", TYPE_SWITCH, AT(reports_send), "true", 0, 0, CONFIG_SERVER,
		"Send aggregate reports: about mail that was checked, to the domains of its "
		"authors (DMARC), and about TLS, to the domains that mail was sent to (RFC 8460), "
		"each day, where they ask for it."},
	{"reports.failures", TYPE_SWITCH, AT(reports_failures), "false", 0, 0, CONFIG_SERVER,
		"Tell domains that ask for it (ruf) of single messages that failed DMARC (RFC "
		"9991): "
		"where each came from, and fields of its header, without recipients and body; at "
		"most 20 a day to one organisation. Off by default, since what others wrote here "
		"is told to a third party."},
	{"reports.from", TYPE_MAIL, AT(reports_from), "", 0, 0, CONFIG_SERVER,
		"The address that they come from; its domain should have DKIM keys, or receivers "
		"drop them. Empty: postmaster at host_name, or where the keys of posthouse dkim "
		"sign neither for that nor for a domain above it, postmaster at the domain of "
		"service.address or else at the first of our own domains that has keys. posthouse "
		"status tells which it is, and if none has."},
	{"reports.organisation", TYPE_LINE, AT(reports_organisation), "", 0, 0, CONFIG_SERVER,
		"Whose reports they are. Empty: host_name."},
	{"reports.contact", TYPE_LINE, AT(reports_contact), "", 0, 0, CONFIG_SERVER,
		"How else we can be asked about them, such as the address of a page."},
	{"reports.days", TYPE_COUNT, AT(reports_days), "90", 1, 3650, CONFIG_SERVER,
		"For how many days it is kept what others report of our domains: posthouse "
		"report."},
	{"complaints.trusted", TYPE_LINE, AT(complaints_trusted), "", 0, 0, CONFIG_SERVER,
		"Domains of mail hosts whose feedback loops we are registered with, with spaces "
		"between: each complaint of theirs, known by DMARC, about a message that was "
		"provably sent from here counts against the account that sent it (sending.stop). "
		"Those of all others together count as one a day, so that nobody can have an "
		"account stopped by complaining."},
	{"complaints.suppress", TYPE_SWITCH, AT(complaints_suppress), "false", 0, 0, CONFIG_SERVER,
		"Send nothing more from a sender to a recipient who complained about a message of "
		"theirs, if one of complaints.trusted says so: the pair goes onto the list of "
		"posthouse queue suppress, and the sender is told when writing there again."},
	{"sending.stop", TYPE_COUNT, AT(sending_stop), "60", 0, 100000, CONFIG_SERVER,
		"From so many points on an account is stopped from sending, because it sends like "
		"one that somebody else has got hold of; an account with a long good past for two "
		"signs at least. 0: never. A service level may say another number."},
	{"sending.weights", TYPE_LINE, AT(sending_weights),
		"rise=40 unknown=50 spam=60 complaint=40 scan=40 place=40", 0, 0, CONFIG_SERVER,
		"Points that each sign gives at most: far more recipients than ever, recipients "
		"that do not exist, that refuse mail as spam, complaints, a scanner's word, many "
		"new recipients from a new place."},
	{"arc.trusted", TYPE_LINE, AT(arc_trusted), "", 0, 0, CONFIG_SERVER,
		"Domains of mailing lists and forwarders, with spaces between, whose ARC seals are "
		"believed: where the newest ones of a chain that holds say that a message passed "
		"DMARC when it came to them, it is not refused because it failed here."},
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
		"screen, for mta-sts.DOMAIN of each domain that has a policy there, and for "
		"autoconfig.DOMAIN and autodiscover.DOMAIN of those whose DNS leads these here."},
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
	{"undo.web", TYPE_TIME, AT(undo_web_s), "10 s", 0, MINUTE, CONFIG_RELOAD,
		"How long mail sent from the pages is kept back, so that it can be taken back; "
		"users may choose another time."},
	{"undo.programs", TYPE_TIME, AT(undo_program_s), "0", 0, MINUTE, CONFIG_RELOAD,
		"The same for what mail programs send."},
	{"limits.quota_grace", TYPE_TIME, AT(quota_grace_s), "7 d", 0, 365 * DAY, CONFIG_RELOAD,
		"For how long mail to a full account is deferred before it is refused."},
	{"limits.account_messages", TYPE_COUNT, AT(account_messages), "0", 0, 1000000000,
		CONFIG_RELOAD, "How many messages an hour one account may send; 0: any number."},
	{"limits.domain_messages", TYPE_COUNT, AT(domain_messages), "0", 0, 1000000000,
		CONFIG_RELOAD,
		"How many the accounts of one domain may send, together; 0: any number."},
	{"limits.domain_recipients", TYPE_COUNT, AT(domain_recipients), "0", 0, 1000000000,
		CONFIG_RELOAD,
		"To how many recipients an hour they may send, together; 0: any number. An "
		"account's "
		"own recipients are bounded by its service level."},
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
	{"passwords.certificates", TYPE_SWITCH, AT(takes_certificates), "false", 0, 0,
		CONFIG_SERVER,
		"Ask clients of IMAP and submission for a certificate in the TLS handshake, and "
		"let "
		"those whose key an account has registered sign in by it (EXTERNAL). Some programs "
		"bother their users when they are asked."},
	{"passwords.cache", TYPE_TIME, AT(cache_s), "5 m", 0, DAY, CONFIG_KEEPER,
		"How long the keeper remembers a good password, so that it need not be hashed "
		"again; 0: not at all."},
	CLEARTEXT("imap", CONFIG_IMAP, "closed",
		"Whether IMAP takes a login without TLS on listen.imap (where that is empty, on "
		"port 143): allow, notify (users who do it are told by mail) or closed."),
	CLEARTEXT("submission", CONFIG_SUBMISSION, "closed",
		"The same for listen.submission (port 587). A port that is set there "
		"stays open for STARTTLS."),
	CLEARTEXT("web", CONFIG_WEB, "allow",
		"The same for insecure.DOMAIN of web.insecure, without which it means nothing. "
		"When it is closed, browsers are sent to the pages in TLS."),
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

const size_t config_rows_n = sizeof(config_rows) / sizeof(config_rows[0]);
