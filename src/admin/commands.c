/* commands.c - the commands of the command line, one row each. */
#include "admin/cli.h"

#define QUOTA_OPTION                                                                               \
	{                                                                                          \
		"--quota", "BYTES", "how much mail the account may hold, in place of its level's"  \
	}

#define STAFF_OPTION                                                                               \
	{                                                                                          \
		"--as", "ADDRESS", "the operator who signs the step"                               \
	}

#define TOTP_OPTION                                                                                \
	{                                                                                          \
		"--file", "FILE", "where they are; ~/.posthouse-totp without it"                   \
	}

#define RSA_OPTION                                                                                 \
	{                                                                                          \
		"--rsa", NULL, "an RSA key instead of EC"                                          \
	}

#define REPORT_DAYS_OPTION                                                                         \
	{                                                                                          \
		"--days", "N", "of the last N days; 30 without it"                                 \
	}

#define GROUP_OPTIONS                                                                              \
	{"--level", "LEVEL", "of new members"},                                                    \
		{"--members", "N", "how many there may be; any number without it"},                \
	{                                                                                          \
		"--shares", "WHAT", "what members share: contacts, calendars or both with a comma" \
	}

const struct cli_command cli_commands[] = {
	{NULL, "serve", "", 0, 0, {{0}}, command_serve, false,
		"Run the instance in DIR until it is stopped."},
	{"domain", "add", "DOMAIN", 1, 1, {{0}}, command_domain_add, true,
		"Take mail for a domain."},
	{"domain", "list", "", 0, 0, {{0}}, command_domain_list, true, "List the domains."},
	{"domain", "mta-sts", "DOMAIN [MODE]", 1, 2, {{0}}, command_domain_mta_sts, true,
		"Set what other mail hosts are told of TLS to ours (MTA-STS): off, none, testing "
		"or "
		"enforce; or show it. The records that the DNS must have are printed."},
	{"domain", "screen", "DOMAIN [NAME=VALUE...]", 1, 7,
		{{"--delete", NULL, "take the login screen away"}}, command_domain_screen, true,
		"Set the login screen of a domain: name, text, background, foreground and accent "
		"(colours as #rrggbb), logo (a PNG or JPEG file; empty: none). Without settings: "
		"show it."},
	{"account", "add", "ADDRESS", 1, 1,
		{QUOTA_OPTION, {"--random", NULL, "make a password and print it"},
			{"--level", "LEVEL", "its service level; without it the default one"},
			{"--group", "GROUP", "the group that it is a member of"}},
		command_account_add, true,
		"Add an account. Its password is read twice: from the terminal without echo, or "
		"as two lines from standard input."},
	{"account", "passwd", "ADDRESS", 1, 1, {{"--random", NULL, "make a password and print it"}},
		command_account_passwd, true,
		"Change the password of an account; it is read as for account add. Whoever is "
		"logged in to it is logged out."},
	{"account", "role", "ADDRESS ROLE", 2, 2, {{0}}, command_account_role, true,
		"Make an account an operator's, or a user's again: ROLE is operator or user."},
	{"account", "logout", "[ADDRESS...]", 0, CLI_ARGS_MAX,
		{{"--all", NULL, "every account there is"}}, command_account_logout, true,
		"Log accounts out of everything, at once: mail programs, web pages, all else. "
		"Passwords stay as they are."},
	{"account", "ask-password", "[ADDRESS...]", 0, CLI_ARGS_MAX,
		{{"--by", "DATE", "after it the old password opens only the web page"},
			{"--all", NULL, "every account there is"},
			{"--pending", NULL, "list those that were asked and have not changed it"}},
		command_account_ask_password, true,
		"Ask for new passwords, by a date (YYYY-MM-DD) or without one."},
	{"account", "list", "[DOMAIN]", 0, 1, {{0}}, command_account_list, true,
		"List the accounts."},
	{"account", "level", "ADDRESS LEVEL", 2, 2, {{0}}, command_account_level, true,
		"Give an account another service level."},
	{"account", "set", "ADDRESS NAME=VALUE...", 2, 5, {{0}}, command_account_set, true,
		"Set quota (bytes or such as 5GiB, unlimited, or level for the level's), language, "
		"name, disabled (yes or no) of an account."},
	{"account", "sending", "ACTION ADDRESS", 2, 2, {{0}}, command_account_sending, true,
		"Tell how an account sends (ACTION is show), stop it from sending (stop), let it "
		"send again (allow), or note that somebody complained about its mail (complaint). "
		"While it is stopped its mail in the queue is held, and it goes on to receive."},
	{"account", "delete", "ADDRESS", 1, 1, {{0}}, command_account_delete, true,
		"Delete an account with all its mail, for good."},
	{"account", "import", "FILE", 1, 1,
		{{"--update", NULL, "set the passwords of accounts that exist, too"},
			{"--fast", NULL, "hash passwords at the least cost (for trials only)"}},
		command_account_import, true,
		"Add many accounts. Each line of FILE (- is standard input) is "
		"ADDRESS<TAB>PASSWORD "
		"or ADDRESS<TAB>{SCHEME}HASH, and may end in <TAB>QUOTA. Accounts that exist stay "
		"as they are."},
	{"account", "export", "ADDRESS FILE", 2, 2,
		{{"--format", "FORMAT", "archive, maildir, mbox or eml; archive without it"},
			{"--mailbox", "NAME", "only this one"}},
		command_account_export, true,
		"Write all that an account holds to FILE (- is standard output), which must not be "
		"there yet: an archive that account import-mail reads (tar.gz), a Maildir "
		"(tar.gz), "
		"an mbox for each mailbox (zip; of one mailbox: that mbox), or a file for each "
		"message (zip)."},
	{"account", "import-mail", "ADDRESS FILE|DIR", 2, 2,
		{{"--into", "MAILBOX", "put it into this mailbox, and folders below it"},
			{"--settings", NULL,
				"of an archive of an account: its settings and personalities, too"},
			{"--dry-run", NULL, "only tell what would be done"}},
		command_account_import_mail, true,
		"Put mail from files into an account: an archive that account export made, a "
		"Maildir, mbox files, files of one message each (EML), in folders, or packed as "
		"tar, "
		"tar.gz or zip. What the account has already is not added again, so that this can "
		"be "
		"repeated."},
	{"alias", "add", "ADDRESS TARGET...", 2, CLI_ARGS_MAX, {{0}}, command_alias_add, true,
		"Send mail for ADDRESS on to the targets, too. @DOMAIN is all that has no address "
		"of "
		"its own there."},
	{"alias", "list", "[DOMAIN]", 0, 1, {{0}}, command_alias_list, true, "List the aliases."},
	{"alias", "delete", "ADDRESS [TARGET]", 1, 2, {{0}}, command_alias_delete, true,
		"Delete one target of an alias, or the whole alias."},
	{"fetch", "start", "ADDRESS HOST LOGIN", 3, 3,
		{{"--port", "N", "the port there; 993, or 143 with --starttls, without it"},
			{"--starttls", NULL, "begin without TLS and go over to it"}},
		command_fetch_start, true,
		"Bring all mail of a mailbox at another provider into an account, by IMAP: "
		"folders, messages, flags and dates. The password there (or an app password) is "
		"read from the terminal without echo, or from standard input; it is forgotten when "
		"all is here. Nothing is changed there. Begun again later, it brings what is new."},
	{"fetch", "list", "[ADDRESS]", 0, 1, {{0}}, command_fetch_list, true,
		"List the mailboxes that were or are being brought, and how far they are."},
	{"fetch", "show", "ID", 1, 1, {{0}}, command_fetch_show, true,
		"Tell all about one, and what could not be taken, and why."},
	{"fetch", "stop", "ID", 1, 1, {{0}}, command_fetch_stop, true,
		"Stop one, and forget its password. What was brought stays."},
	{"fetch", "forget", "ID", 1, 1, {{0}}, command_fetch_forget, true,
		"Forget one, also how far it was: begun again, all comes again."},
	{"app", "list", "ADDRESS", 1, 1, {{0}}, command_app_list, true,
		"List the alternative logins of an account. OLD are those from before its password "
		"was last changed."},
	{"app", "certificate", "ADDRESS NAME FILE [SERVICE...]", 3, CLI_ARGS_MAX, {{0}},
		command_app_certificate, true,
		"Let the key of a client's certificate (PEM, - for standard input) sign the "
		"account "
		"in by EXTERNAL, to imap and smtp if no service is named. It is an alternative "
		"login "
		"of that name. Issuer and dates do not count. Needs passwords.certificates."},
	{"app", "revoke", "ADDRESS ID", 2, 2, {{0}}, command_app_revoke, true,
		"Revoke an alternative login; whoever came in by it is logged out."},
	{"service", "on", "ADDRESS SERVICE...", 2, CLI_ARGS_MAX, {{0}}, command_service_on, true,
		"Open services to an account: imap, pop3, smtp, dav, ldap, xmpp, web, jmap, "
		"sieve."},
	{"service", "off", "ADDRESS SERVICE...", 2, CLI_ARGS_MAX, {{0}}, command_service_off, true,
		"Close services to an account; their sessions end at once."},
	{"dns", "lookup", "NAME [TYPE]", 1, 2, {{0}}, command_dns_lookup, true,
		"Ask the DNS as the courier does: records of TYPE (A by default; AAAA, CNAME, MX, "
		"NS, PTR, SOA, SRV, TLSA or TXT), and whether they are signed. With PTR, NAME may "
		"be an address."},
	{"dns", "check", "DOMAIN", 1, 1, {{0}}, command_dns_check, true,
		"Look which records the DNS lacks, or has wrong, for mail of the domain, and print "
		"the right ones. Exits with 4 if there are any."},
	{"dkim", "add", "DOMAIN", 1, 1, {{0}}, command_dkim_add, true,
		"Make keys that sign the domain's mail from now on, one RSA and one Ed25519, and "
		"print the records that the DNS must have for them."},
	{"dkim", "list", "[DOMAIN]", 0, 1, {{0}}, command_dkim_list, true,
		"List the keys that sign mail, and their records."},
	{"dkim", "rotate", "DOMAIN", 1, 1,
		{{"--after", "DAYS", "when the new keys begin to sign; 2 without it"}},
		command_dkim_rotate, true,
		"Make new keys for the domain and print their records, which must be in the DNS "
		"when they begin to sign. The former ones sign until then; remove them, and their "
		"records, some days later."},
	{"dkim", "remove", "DOMAIN [SELECTOR]", 1, 2, {{0}}, command_dkim_remove, true,
		"Delete the domain's keys for DKIM, or the one of a selector."},
	{"queue", "list", "[WHICH]", 0, 1,
		{{"--state", "STATE", "only those that are waiting, scheduled, held or bounced"},
			{"--sender", "ADDRESS", "only mail from this envelope sender"},
			{"--after", "ID.NUMBER", "go on behind this recipient"},
			{"--max", "N", "at most so many, 1000 at most"}},
		command_queue_list, true,
		"List recipients elsewhere that have not got their mail yet. WHICH is a message's "
		"ID, an address or @DOMAIN."},
	{"queue", "show", "ID", 1, 1, {{0}}, command_queue_show, true,
		"Show a message of the queue: its recipients, what was said of them, its header."},
	{"queue", "hold", "WHICH", 1, 1, {{0}}, command_queue_hold, true,
		"Do not try any more what WHICH names; \"all\": everything."},
	{"queue", "release", "WHICH", 1, 1, {{0}}, command_queue_release, true,
		"Try again, at once, what was held."},
	{"queue", "retry", "WHICH", 1, 1, {{0}}, command_queue_retry, true,
		"Try at once what waits for its next attempt."},
	{"queue", "drop", "WHICH", 1, 1,
		{{"--bounce", NULL, "tell the senders that it could not be delivered"}},
		command_queue_drop, true, "Take out of the queue what WHICH names, for good."},
	{"queue", "route", "[DOMAIN [HOST]]", 0, 2, {{0}}, command_queue_route, true,
		"Bring mail for DOMAIN (.DOMAIN: those below it; *: all others) to HOST, [HOST] "
		"(without its MX records) or either with :PORT; an empty HOST ends that. Without "
		"arguments: list the routes."},
	{"queue", "limit", "[DESTINATION]", 0, 1,
		{{"--connections", "N", "so many at once"},
			{"--messages", "N", "so many over one connection"},
			{"--rate", "N", "so many messages a minute"}},
		command_queue_limit, true,
		"Send no more than that to DESTINATION, a domain or the host of a route; without "
		"options: as much as it takes. Without arguments: list the limits."},
	{"queue", "suppress", "[ADDRESS [REASON]]", 0, 2,
		{{"--remove", NULL, "take the address off the list"}}, command_queue_suppress, true,
		"Send nothing to this address, or domain, any more; its senders are told REASON. "
		"Without arguments: list them."},
	{"queue", "tls", "DOMAIN", 1, 1, {{0}}, command_queue_tls, true,
		"Look which hosts mail for DOMAIN goes to, and what is demanded of TLS with each: "
		"by "
		"DANE, by MTA-STS, or nothing."},
	{"queue", "status", "", 0, 0, {{0}}, command_queue_status, true,
		"Tell how much is waiting, and how sending goes."},
	{"report", "list", "[DOMAIN]", 0, 1, {REPORT_DAYS_OPTION}, command_report_list, true,
		"Tell what others reported of our domains: messages with an author there (DMARC), "
		"and TLS with our hosts."},
	{"report", "show", "DOMAIN", 1, 1,
		{REPORT_DAYS_OPTION, {"--tls", NULL, "how TLS with our hosts went"},
			{"--reports", NULL, "the reports that came"}},
		command_report_show, true,
		"Tell from where mail with an author at the domain came, how much of it passed "
		"DMARC, and what was done with it."},
	{"report", "complaints", "[DOMAIN]", 0, 1, {REPORT_DAYS_OPTION}, command_report_complaints,
		true,
		"List complaints about mail from our domains: who told, what proves that the "
		"message was sent from here, by whom, and whether it counts against that account."},
	{"report", "failures", "[DOMAIN]", 0, 1, {REPORT_DAYS_OPTION}, command_report_failures,
		true,
		"List single messages with an author at our domains that failed DMARC elsewhere, "
		"as "
		"others told."},
	{"report", "sent", "[DOMAIN]", 0, 1, {REPORT_DAYS_OPTION}, command_report_sent, true,
		"List the reports that we sent, about DOMAIN or all: to whom, when, what for, and "
		"what became of each."},
	{NULL, "trace", "MESSAGE|ADDRESS", 1, 1, {{"--days", "N", "look at the last N days only"}},
		command_trace, true,
		"Tell what happened to a message: how it came, what was checked, where it went. "
		"MESSAGE is its number, as in its Received line, in the reply to its sender and "
		"in the log; with an ADDRESS, the latest 100 messages from or to it."},
	{"certificate", "list", "", 0, 0, {{0}}, command_certificate_list, true,
		"List the certificates: what is used, until when, and why a file is not."},
	{"certificate", "show", "NAME", 1, 1, {{0}}, command_certificate_show, true,
		"Tell all about one certificate and its chain."},
	{"certificate", "import", "NAME CHAIN KEY", 3, 3, {{0}}, command_certificate_import, true,
		"Take a certificate from elsewhere: CHAIN becomes tls/NAME.pem, KEY (a private key "
		"in PEM) goes to the keeper. It is used at once. Set tls.default to NAME for "
		"clients that do not ask for a name."},
	{"certificate", "make", "NAME HOST...", 2, 33,
		{RSA_OPTION, {"--days", "N", "how long it is good; 365 without it"}},
		command_certificate_make, true,
		"Make a key and a certificate that it signs itself."},
	{"certificate", "order", "NAME HOST...", 2, 33,
		{RSA_OPTION, {"--unchecked", NULL,
				     "do not look first whether the hosts' addresses are ours"}},
		command_certificate_order, true,
		"Let the courier get a certificate for the hosts from the CA in acme.directory, "
		"and "
		"renew it in time."},
	{"certificate", "drop", "NAME", 1, 1, {{0}}, command_certificate_drop, true,
		"Order it no more. The certificate stays."},
	{"certificate", "account", "NAME", 1, 1, {{0}}, command_certificate_account, true,
		"Tell the keeper by what NAME and key the CA knows us (external account binding); "
		"the key, in base64url, is read from standard input."},
	{"certificate", "replace-all", "", 0, 0, {{0}}, command_certificate_replace_all, true,
		"Replace all certificates and their keys: those that were ordered or made here. "
		"Those that were imported are named."},
	{"level", "list", "", 0, 0, {{0}}, command_level_list, true, "List the service levels."},
	{"level", "show", "LEVEL", 1, 1, {{0}}, command_level_show, true,
		"Show all that a service level says, as level set takes it."},
	{"level", "set", "LEVEL NAME=VALUE...", 2, 16, {{0}}, command_level_set, true,
		"Change a service level, or make one like the default one: storage, message, files "
		"(sizes such as 5GiB), sends_hour, sends_day, aliases, pop_links (numbers), all "
		"of them or unlimited; services and spam (lists with commas, or all); domains (a "
		"list, or all); default=yes."},
	{"level", "delete", "LEVEL", 1, 1, {{0}}, command_level_delete, true,
		"Delete a service level that nobody has."},
	{"group", "add", "GROUP", 1, 1, {GROUP_OPTIONS}, command_group_add, true,
		"Add a group: a family or a business."},
	{"group", "set", "GROUP", 1, 1, {GROUP_OPTIONS}, command_group_set, true,
		"Change what is given."},
	{"group", "list", "", 0, 0, {{0}}, command_group_list, true, "List the groups."},
	{"group", "delete", "GROUP", 1, 1, {{0}}, command_group_delete, true,
		"Delete a group without members and domains."},
	{"group", "member", "GROUP [ADDRESS]", 1, 2,
		{{"--remove", NULL, "the account leaves the group"}}, command_group_member, true,
		"Make an account a member, or list the members."},
	{"group", "admin", "GROUP ADDRESS", 2, 2,
		{{"--remove", NULL, "it is an administrator no more"}}, command_group_admin, true,
		"Let a member administer the group."},
	{"group", "domain", "GROUP [DOMAIN]", 1, 2,
		{{"--remove", NULL, "the domain becomes the operator's"}}, command_group_domain,
		true, "Give a domain to a group, or list its domains."},
	{"policy", "status", "", 0, 0, {{0}}, command_policy_status, true,
		"Tell for each service whether logins without TLS are possible, until when, and "
		"how "
		"many users they concern."},
	{"policy", "users", "[SERVICE]", 0, 1, {{0}}, command_policy_users, true,
		"List the users who still come without TLS."},
#ifdef PH_FAULTS
	{NULL, "clock", "SECONDS", 1, 1, {{0}}, command_clock, true,
		"Move the wall clock of all processes while they run. Only in builds for tests."},
#endif
	{"case", "open", "ADDRESS NOTE", 2, 2,
		{STAFF_OPTION, {"--remove-factors", NULL, "its second factors are lost, too"}},
		command_case_open, true,
		"Open a recovery case for an account whose owner cannot come in any more. Every "
		"address that is known is told, with a link to stop it."},
	{"case", "evidence", "CASE KIND NOTE", 3, 3, {STAFF_OPTION}, command_case_evidence, true,
		"Enter evidence; each kind counts once: recovery-mail 40, person 50, identity 40, "
		"phone 30, payment 30, old-password 20, contents 20, network 20. With 100 points "
		"three days of waiting begin."},
	{"case", "approve", "CASE", 1, 1, {STAFF_OPTION}, command_case_approve, true,
		"Approve a case that removes factors; by somebody who had no part in it."},
	{"case", "close", "CASE NOTE", 2, 2,
		{STAFF_OPTION, {"--refuse", NULL, "without giving anything"}}, command_case_close,
		true,
		"Close a case: after the waiting it is granted, and a link for a new password is "
		"printed."},
	{"case", "list", "", 0, 0, {{"--all", NULL, "closed ones too"}}, command_case_list, true,
		"List the cases."},
	{"case", "flags", "", 0, 0, {{0}}, command_case_flags, true,
		"List the resets by mail that were asked for without the second factor: somebody "
		"reads a recovery address's mail."},
	{"case", "show", "CASE", 1, 1, {{0}}, command_case_show, true,
		"Show every step of a case."},
	{"totp", "add", "NAME [FILE]", 1, 2, {TOTP_OPTION}, command_totp_add, false,
		"Keep the secret of a second factor: base32 or an otpauth URI, read without echo, "
		"or from "
		"FILE (- is standard input). All are in one file, sealed with a passphrase that is "
		"read first."},
	{"totp", "list", "", 0, 0, {TOTP_OPTION}, command_totp_list, false,
		"List the names of the secrets that are kept."},
	{"totp", "code", "NAME", 1, 1, {TOTP_OPTION}, command_totp_code, false,
		"Show the present code of one."},
	{"totp", "remove", "NAME", 1, 1, {TOTP_OPTION}, command_totp_remove, false, "Forget one."},
	{NULL, "status", "", 0, 0, {{0}}, command_status, true,
		"Tell how the instance is: its processes, connections, store and queue."},
	{NULL, "check", "[ADDRESS...]", 0, CLI_ARGS_MAX,
		{{"--repair", NULL, "repair what can be repaired"}}, command_check, true,
		"Verify accounts' files, all without ADDRESS. Works on the running instance, and "
		"on "
		"the files when none runs."},
	{NULL, "deliver", "ADDRESS [FILE]", 1, 2,
		{{"--mailbox", "NAME", "the mailbox it goes into instead of INBOX"}},
		command_deliver, true, "Store a message (FILE or standard input) in an account."},
	{NULL, "stop", "", 0, 0, {{0}}, command_stop, true,
		"Stop the instance, and wait for its end."},
	{NULL, "reload", "", 0, 0, {{0}}, command_reload, true,
		"Let the running instance read its settings and certificates again."},
	{NULL, "upgrade", "", 0, 0, {{0}}, command_upgrade, true,
		"Start a new server from the program on disk; the old one ends when its clients "
		"are idle."},
	{NULL, "help", "[COMMAND | config]", 0, 2,
		{{"--mdoc", NULL, "the settings as posthouse.conf(5) has them"}}, command_help,
		false, "Explain a command, or all settings."},
	{NULL, "version", "", 0, 0, {{0}}, command_version, false, "Tell the version."},
};

const size_t cli_commands_n = sizeof(cli_commands) / sizeof(cli_commands[0]);
