/* message_fuzz.c - libFuzzer target: all checks of a message, whatever its DNS says.
 *
 * Before the first NUL stands what each question for a TXT is answered with; then the message. The
 * result must not depend on how the message was cut. */
#include <stdlib.h>
#include <string.h>

#include "mailauth/authres.h"
#include "mailauth/check.h"
#include "mailauth/mailauth_kit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer(struct dns_view *view, const char *text)
{
	struct dns_question question;
	size_t at = 0;

	while (dns_view_next_pending(view, &at, &question)) {
		char name[DNS_NAME_MAX + 1];
		const struct kit_record zone[] = {{name, text}, {NULL, NULL}};

		memcpy(name, question.name.ptr, question.name.len);
		name[question.name.len] = '\0';
		kit_answer(view, zone);
		at = 0;
	}
}

static void run(struct slice message, size_t step, const char *text, struct buf *out)
{
	const struct mailauth_request request = {.ip = {.len = IP_V4},
		.helo = slice_lit("h.example"),
		.sender_local = slice_lit("a"),
		.sender_domain = slice_lit("b.example"),
		.host = slice_lit("mx.example"),
		.now = 1000};
	struct mailauth_check *check = mailauth_check_new(&request);
	unsigned turns = 0;

	for (size_t at = 0; at < message.len; at += step) {
		struct slice rest = slice_from(message, at);

		mailauth_check_feed(check, slice_head(rest, rest.len < step ? rest.len : step));
	}
	mailauth_check_end(check);
	while (!mailauth_check_run(check)) {
		if (++turns > DNS_QUESTIONS_MAX)
			abort(); /* each turn has to ask something new */
		answer(mailauth_check_view(check), text);
	}
	authres_begin(out, request.host);
	mailauth_check_write(check, out);
	authres_end(out);
	mailauth_check_free(&check);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice input = {(const char *)data, size};
	struct buf text AUTO(buf_done), one AUTO(buf_done), other AUTO(buf_done);
	struct slice message;

	buf_init(&text, 4096);
	buf_init(&one, 1 << 20);
	buf_init(&other, 1 << 20);
	buf_lit(&text, "TXT ");
	buf_append(&text, slice_cut(input, '\0', &message));
	buf_byte(&text, '\0');
	if (text.failed)
		return 0;
	run(message, SIZE_MAX / 2, text.ptr, &one);
	run(message, 7, text.ptr, &other);
	if (!slice_eq(buf_slice(&one), buf_slice(&other)))
		abort();
	return 0;
}
