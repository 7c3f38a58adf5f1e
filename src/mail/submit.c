/* submit.c - see submit.h for the contract. */
#include "mail/submit.h"

#include <string.h>

#include "base/clock.h"
#include "wire/mime/write.h"
#include "wire/smtp/addr.h"

enum { FROM_MAX = 100, ARENA_MAX = 256 * 1024, TRACK_KEY_MAX = 2000 };

struct found {
	bool has_from, has_date, has_id;
};

void mail_submit_init(
	struct mail_submit *submit, struct service *service, uint64_t account, struct slice sender)
{
	*submit = (struct mail_submit){.service = service, .account = account, .sender = sender};
	buf_init(&submit->header, SUBMIT_HEADER_MAX);
}

void mail_submit_done(struct mail_submit *submit)
{
	buf_done(&submit->header);
}

/* RFC 5322 2.2: a name of printable bytes and a colon; white space before it is obsolete. */
static bool is_field_line(struct slice line)
{
	size_t i = 0;

	while (i < line.len && line.ptr[i] > ' ' && line.ptr[i] < 0x7f && line.ptr[i] != ':')
		i++;
	if (i == 0)
		return false;
	while (i < line.len && (line.ptr[i] == ' ' || line.ptr[i] == '\t'))
		i++;
	return i < line.len && line.ptr[i] == ':';
}

/* An address elsewhere is written by only together with MAIL: its mail leaves by its own server. */
static int check_is_here(struct mail_submit *s, const struct smtp_addr *addr, struct err *err)
{
	bool ours = false;
	const int rc = mail_serves_domain(s->service->directory, addr->domain, &ours, err);

	if (rc == 0 && !ours)
		return err_set(err, ERR_DENIED, "%.*s must be the envelope's sender, too",
			SLICE_ARG(addr->text));
	return rc;
}

/* The address is the account's own. One that cannot be read is nobody's. */
static int check_address(
	struct mail_submit *s, const struct mime_address *a, struct arena *arena, struct err *err)
{
	struct smtp_addr addr;
	bool may = false;
	int rc;

	if (smtp_addr_make(a->mailbox, a->domain, arena, &addr, err) < 0)
		return err_set(err, ERR_DENIED, "The address in From cannot be read");
	rc = mail_may_send_as(s->service->directory, s->account, addr.text, &may, err);
	if (rc == 0 && !may)
		return err_set(err, ERR_DENIED, "%.*s in From or Sender is not your address",
			SLICE_ARG(addr.text));
	return rc < 0 || slice_eq(addr.text, s->sender) ? rc : check_is_here(s, &addr, err);
}

static int check_addresses(struct mail_submit *s, struct slice value, struct err *err)
{
	struct arena arena AUTO(arena_done);
	struct mime_address *list;
	size_t n = 0;

	arena_init(&arena, ARENA_MAX);
	list = mime_address_parse(value, FROM_MAX, &arena);
	for (struct mime_address *a = list; a; a = a->next) {
		int rc;

		if (a->kind != MIME_ADDRESS_MAILBOX)
			continue;
		n++;
		rc = check_address(s, a, &arena, err);
		if (rc < 0)
			return rc;
	}
	/* A list that was cut at its bound was not checked to its end. */
	if (n == 0 || n >= FROM_MAX)
		return err_set(err, ERR_DENIED, "From has no address of yours");
	return 0;
}

static int take_field(struct mail_submit *s, const struct mime_field *field, struct found *found,
	struct incoming *in, struct err *err)
{
	int rc = 0;

	if (slice_eq_nocase(field->name, slice_lit("Bcc")) ||
		slice_eq_nocase(field->name, slice_lit("Resent-Bcc")) ||
		slice_eq_nocase(field->name, slice_lit("Return-Path")))
		return 0;
	if (slice_eq_nocase(field->name, slice_lit("From"))) {
		found->has_from = true;
		rc = check_addresses(s, field->value, err);
	} else if (slice_eq_nocase(field->name, slice_lit("Sender"))) {
		rc = check_addresses(s, field->value, err);
	} else if (slice_eq_nocase(field->name, slice_lit("Date"))) {
		found->has_date = true;
	} else if (slice_eq_nocase(field->name, slice_lit("Message-ID"))) {
		found->has_id = true;
	}
	return rc < 0 ? rc : incoming_append(in, field->raw, err);
}

static int add_missing(
	struct mail_submit *s, const struct found *found, struct incoming *in, struct err *err)
{
	struct buf b AUTO(buf_done);
	int rc;

	buf_init(&b, 4096);
	if (!found->has_from && s->sender.len) {
		buf_lit(&b, "From: <");
		buf_append(&b, s->sender);
		buf_lit(&b, ">\r\n");
	}
	if (!found->has_date) {
		buf_lit(&b, "Date: ");
		mime_write_date(&b, clock_wall_s());
		buf_lit(&b, "\r\n");
	}
	if (!found->has_id) {
		buf_lit(&b, "Message-ID: ");
		mime_write_id(&b, s->service->host_name);
		buf_lit(&b, "\r\n");
	}
	rc = buf_check(&b, "added header", err);
	return rc < 0 ? rc : incoming_append(in, buf_slice(&b), err);
}

/* The copy that its sender keeps has not passed here, and has no Received line. */
static void track_id(struct mail_submit *s, struct slice header, const struct incoming *in)
{
	struct buf key AUTO(buf_done);

	buf_init(&key, TRACK_KEY_MAX);
	if (mail_track_key(s->account, header, &key))
		track_address(s->service->track, in->number, buf_slice(&key));
}

/* The header is whole: its fields, ours, and the blank line that it may lack. What was gathered
 * behind it follows. */
static int header_over(struct mail_submit *s, size_t end, struct incoming *in, struct err *err)
{
	const struct slice after = slice_from(buf_slice(&s->header), end);
	struct slice rest = slice_head(buf_slice(&s->header), end);
	struct found found = {0};
	struct mime_field field;
	int rc = 0;

	s->is_over = true;
	track_id(s, rest, in);
	while (rc == 0 && mime_header_next(&rest, &field))
		rc = take_field(s, &field, &found, in, err);
	if (rc == 0)
		rc = add_missing(s, &found, in, err);
	if (rc == 0 && !slice_starts(after, slice_lit("\r\n")))
		rc = incoming_append(in, slice_lit("\r\n"), err);
	if (rc == 0)
		rc = incoming_append(in, after, err);
	buf_done(&s->header);
	return rc;
}

int mail_submit_append(
	struct mail_submit *s, struct slice bytes, struct incoming *in, struct err *err)
{
	int rc;

	if (s->is_over)
		return incoming_append(in, bytes, err);
	buf_append(&s->header, bytes);
	rc = buf_check(&s->header, "message header", err);
	while (rc == 0 && !s->is_over) {
		const struct slice rest = slice_from(buf_slice(&s->header), s->line);
		const size_t lf = slice_chr(rest, '\n');
		const bool is_folded =
			s->line && lf != SIZE_MAX && (rest.ptr[0] == ' ' || rest.ptr[0] == '\t');

		if (lf == SIZE_MAX)
			return 0;
		if (is_folded || is_field_line(slice_head(rest, lf)))
			s->line += lf + 1;
		else
			rc = header_over(s, s->line, in, err);
	}
	return rc;
}

int mail_submit_finish(struct mail_submit *s, struct incoming *in, struct err *err)
{
	int rc = 0;

	/* A chunk of BDAT may end within a line. */
	if (!s->is_over && s->header.len && s->header.ptr[s->header.len - 1] != '\n')
		rc = mail_submit_append(s, slice_lit("\r\n"), in, err);
	if (rc == 0 && !s->is_over)
		rc = header_over(s, s->header.len, in, err);
	return rc;
}
