/* reply.c - see reply.h for the contract. */
#include "wire/smtp/reply.h"

#include <assert.h>

enum { REPLY_LINE_MAX = 512, PREFIX_LEN = sizeof("250 5.1.10 ") - 1 };

static const struct {
	unsigned code;
	const char *enhanced; /* NULL: this reply has none */
	const char *text;
} says[] = {
	[SMTP_SAY_GREETING] = {220, NULL, "ESMTP ready"},
	[SMTP_SAY_GO_TLS] = {220, "2.0.0", "Go ahead with TLS"},
	[SMTP_SAY_BYE] = {221, "2.0.0", "Goodbye"},
	[SMTP_SAY_AUTH_OK] = {235, "2.7.0", "Signed in"},
	[SMTP_SAY_HELLO] = {250, NULL, "Hello"},
	[SMTP_SAY_OK] = {250, "2.0.0", "OK"},
	[SMTP_SAY_SENDER_OK] = {250, "2.1.0", "Sender OK"},
	[SMTP_SAY_PRIORITY_CHANGED] = {250, "2.3.6", "0 is the priority it has here"},
	[SMTP_SAY_RCPT_OK] = {250, "2.1.5", "Recipient OK"},
	[SMTP_SAY_STORED] = {250, "2.6.0", "Message stored"},
	[SMTP_SAY_CHUNK_OK] = {250, "2.0.0", "Chunk received"},
	[SMTP_SAY_NO_VRFY] = {252, "2.5.0", "Send mail and see"},
	[SMTP_SAY_AUTH_NEXT] = {334, NULL, ""},
	[SMTP_SAY_GO_DATA] = {354, NULL, "Go ahead, end with <CRLF>.<CRLF>"},
	[SMTP_SAY_HELP] = {214, "2.0.0", "See RFC 5321"},

	[SMTP_SAY_UNKNOWN] = {500, "5.5.1", "Unknown command"},
	[SMTP_SAY_SYNTAX] = {501, "5.5.2", "Syntax error"},
	[SMTP_SAY_LINE_TOO_LONG] = {500, "5.5.2", "Command line too long"},
	[SMTP_SAY_BAD_ARG] = {501, "5.5.4", "Bad argument"},
	[SMTP_SAY_NOT_HERE] = {502, "5.5.1", "Command not available here"},
	[SMTP_SAY_BAD_PARAM] = {555, "5.5.4", "Unknown parameter"},
	[SMTP_SAY_BAD_SENDER] = {501, "5.1.7", "Bad sender address"},
	[SMTP_SAY_BAD_RCPT] = {501, "5.1.3", "Bad recipient address"},
	[SMTP_SAY_NEED_UTF8] = {553, "5.6.7", "Address needs SMTPUTF8"},
	[SMTP_SAY_SEQUENCE] = {503, "5.5.1", "Bad sequence of commands"},
	[SMTP_SAY_NEED_AUTH] = {530, "5.7.0", "Sign in first"},
	[SMTP_SAY_NEED_TLS] = {530, "5.7.0", "Start TLS first"},
	[SMTP_SAY_TLS_ACTIVE] = {503, "5.5.1", "TLS is active already"},
	[SMTP_SAY_AUTH_MECH] = {504, "5.5.4", "Unknown authentication mechanism"},
	[SMTP_SAY_AUTH_SYNTAX] = {501, "5.5.2", "Malformed authentication data"},
	[SMTP_SAY_AUTH_CANCEL] = {501, "5.7.0", "Authentication cancelled"},
	[SMTP_SAY_AUTH_FAILED] = {535, "5.7.8", "Wrong user name or password"},
	[SMTP_SAY_AUTH_LATER] = {454, "4.7.0", "Cannot check passwords right now, try again later"},
	[SMTP_SAY_NO_USER] = {550, "5.1.1", "No such user here"},
	[SMTP_SAY_NO_RELAY] = {550, "5.7.1", "No mail for that domain here"},
	[SMTP_SAY_NOT_YOURS] = {553, "5.7.1", "This sender address is not yours"},
	[SMTP_SAY_FROM_NOT_YOURS] = {550, "5.7.1", "The address in From is not yours"},
	[SMTP_SAY_TOO_MANY_RCPT] = {452, "4.5.3", "Too many recipients"},
	[SMTP_SAY_NO_RCPT] = {554, "5.5.1", "No valid recipients"},
	[SMTP_SAY_BARE_LINE_END] = {554, "5.6.0", "Message has CR or LF outside of CRLF"},
	[SMTP_SAY_BINARY] = {554, "5.6.3", "Message is binary where nothing may be encoded"},
	[SMTP_SAY_DATA_LINE] = {554, "5.6.0", "Message has a line that is too long"},
	[SMTP_SAY_LOOP] = {554, "5.4.6", "Mail loop: too many Received lines"},
	[SMTP_SAY_TOO_BIG] = {552, "5.3.4", "Message too big"},
	[SMTP_SAY_TOO_BIG_URGENT] = {552, "5.7.16", "Message too big for this priority"},
	[SMTP_SAY_MAILBOX_FULL] = {552, "5.2.2", "Mailbox full"},
	[SMTP_SAY_MAILBOX_FULL_NOW] = {452, "4.2.2", "Mailbox full, try again later"},
	[SMTP_SAY_LEVEL] = {550, "5.7.1", "Your service level does not allow this"},
	[SMTP_SAY_LEVEL_NOW] = {450, "4.7.1", "You have sent too much, try again later"},
	[SMTP_SAY_REFUSED] = {550, "5.7.1", "Refused"},
	[SMTP_SAY_DEFERRED] = {451, "4.7.1", "Please try again later"},
	[SMTP_SAY_DISABLED] = {550, "5.2.1", "Mailbox takes no mail"},
	[SMTP_SAY_DISK_FULL] = {452, "4.3.1", "Not enough storage, try again later"},
	[SMTP_SAY_LATER] = {451, "4.3.0", "Temporary failure, try again later"},
	[SMTP_SAY_BUSY] = {421, "4.3.2", "Too busy, try again later"},
	[SMTP_SAY_TOO_MANY_ERRORS] = {421, "4.7.0", "Too many errors, closing connection"},
	[SMTP_SAY_TIMEOUT] = {421, "4.4.2", "Timeout, closing connection"},
	[SMTP_SAY_CLOSING] = {421, "4.3.2", "Service is closing, try again later"},
};

unsigned smtp_say_code(enum smtp_say say)
{
	assert(say < SMTP_SAY_COUNT);
	return says[say].code;
}

enum smtp_say smtp_say_of(enum err_code code)
{
	static const enum smtp_say of[] = {
		[ERR_SYNTAX] = SMTP_SAY_BAD_ARG,
		[ERR_TOOBIG] = SMTP_SAY_TOO_BIG,
		[ERR_NOTFOUND] = SMTP_SAY_NO_USER,
		[ERR_EXISTS] = SMTP_SAY_LATER,
		[ERR_DENIED] = SMTP_SAY_DISABLED,
		[ERR_QUOTA] = SMTP_SAY_DISK_FULL,
		[ERR_CONFLICT] = SMTP_SAY_LATER,
		[ERR_BUSY] = SMTP_SAY_LATER,
		[ERR_IO] = SMTP_SAY_LATER,
		[ERR_CORRUPT] = SMTP_SAY_LATER,
	};

	assert(code > 0 && code < sizeof(of) / sizeof(of[0]));
	return of[code];
}

static void put_line(struct buf *out, enum smtp_say say, struct slice line, bool is_last)
{
	const size_t max = REPLY_LINE_MAX - PREFIX_LEN - 2;

	buf_u64(out, says[say].code);
	buf_byte(out, is_last ? ' ' : '-');
	if (says[say].enhanced) {
		buf_str(out, says[say].enhanced);
		buf_byte(out, ' ');
	}
	line = slice_head(line, max);
	for (size_t i = 0; i < line.len; i++)
		buf_byte(out, line.ptr[i] < ' ' || line.ptr[i] > '~' ? '?' : line.ptr[i]);
	buf_lit(out, "\r\n");
}

void smtp_reply_put(struct buf *out, enum smtp_say say, struct slice text)
{
	struct slice line;

	assert(say < SMTP_SAY_COUNT);
	if (text.len == 0)
		text = slice_str(says[say].text);
	do {
		line = slice_cut(text, '\n', &text);
		put_line(out, say, line, text.ptr == NULL);
	} while (text.ptr);
}
