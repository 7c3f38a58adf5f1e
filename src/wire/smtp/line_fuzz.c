/* line_fuzz.c - any command line: must end, stay in bounds, and an address must read back. */
#include <stdlib.h>

#include "wire/smtp/import.h"

enum { ARENA_CAP = 65536 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The normal form is a fixed point: reading it gives itself. */
static void check_addr(const struct smtp_addr *addr, struct arena *arena)
{
	struct smtp_addr again;
	struct err err;

	if (addr->domain.len == 0)
		return;
	if (smtp_addr_parse(addr->text, arena, &again, &err) < 0 ||
		!slice_eq(again.text, addr->text) || !slice_eq(again.local, addr->local) ||
		!slice_eq(again.domain, addr->domain))
		abort();
}

static void parse(struct smtp_cmd *cmd, enum smtp_verb verb, struct slice args)
{
	struct smtp_mail mail;
	struct smtp_rcpt rcpt;
	struct smtp_bdat bdat;
	struct smtp_auth auth;
	struct smtp_import_folder folder;
	struct smtp_import_message message;
	struct slice name;
	struct smtp_xclient xclient;
	struct err err;

	if (verb == SMTP_MAIL && smtp_mail_parse(cmd, args, &mail, &err) == 0)
		check_addr(&mail.from, cmd->arena);
	if (verb == SMTP_RCPT && smtp_rcpt_parse(cmd, args, &rcpt, &err) == 0)
		check_addr(&rcpt.to, cmd->arena);
	if (verb == SMTP_BDAT && smtp_bdat_parse(cmd, args, &bdat, &err) == 0 && args.len == 0)
		abort();
	if (verb == SMTP_AUTH && smtp_auth_parse(cmd, args, &auth, &err) == 0 && args.len == 0)
		abort();
	if (verb == SMTP_XCLIENT && smtp_xclient_parse(cmd, args, &xclient, &err) == 0 &&
		xclient.told[XCLIENT_ADDR] == SMTP_TOLD_VALUE && xclient.address.len != IP_V4 &&
		xclient.address.len != IP_V6)
		abort();
	if (verb == SMTP_XIMPORT && smtp_import_folder_parse(cmd, args, &folder, &err) == 0 &&
		(folder.path.len == 0 || folder.role >= SMTP_IMPORT_ROLES))
		abort();
	if (verb == SMTP_XMESSAGE && smtp_import_message_parse(cmd, args, &message, &err) == 0 &&
		message.keywords_n > SMTP_IMPORT_KEYWORDS)
		abort();
	if (verb == SMTP_EHLO && smtp_hello_parse(cmd, args, &name, &err) == 0 && name.len == 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice args, line = {(const char *)data, size};
	struct arena arena AUTO(arena_done);
	struct smtp_cmd cmd = {.arena = &arena, .may = ~0u};
	const enum smtp_verb verb = smtp_verb_take(line, &args);

	arena_init(&arena, ARENA_CAP);
	parse(&cmd, verb, args);
	cmd.may_utf8 = true;
	parse(&cmd, verb, args);
	return 0;
}
