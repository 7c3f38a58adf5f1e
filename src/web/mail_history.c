/*
 * mail_history.c - what happened to a message, for the one whose it is [beyond.2]: found by the
 * numbers in its Received lines, or, what was sent, by its Message-ID.
 */
#include "mail/resolve.h"
#include "track/rows.h"
#include "web/admin.h"
#include "web/history.h"
#include "web/mail.h"
#include "web/pages.h"
#include "wire/mime/header.h"
#include "wire/smtp/addr.h"

enum {
	NUMBERS_MAX = 6,  /* of one message */
	RECEIVED_MAX = 3, /* lines that are looked at, from the top */
	NUMBER_DIGITS = 16,
	SENT_NEAR_S = 2 * 3600, /* a copy is kept near the time when it was sent */
	KEY_MAX = 2048,
	NAMED_MAX = 500, /* recipients in a header */
	COURIER_DAYS = 366,
};

struct history {
	struct mail_message m; /* folder.id 0: none, by its number alone */
	json_t *values;
	struct slice numbers[NUMBERS_MAX];
	size_t n, at;
	json_t *rows; /* of numbers[at] */
};

static void free_history(void *more)
{
	struct history *h = more;

	mail_message_done(&h->m);
	json_decref(h->values);
	json_decref(h->rows);
}

/* ---- which numbers it may have ---- */

static bool is_number(struct slice text)
{
	unsigned char bytes[NUMBER_DIGITS / 2];

	return text.len == NUMBER_DIGITS && hex_decode(text, bytes, sizeof(bytes));
}

static void add_number(struct http *x, struct history *h, struct slice number)
{
	for (size_t i = 0; i < h->n; i++) {
		if (slice_eq_nocase(h->numbers[i], number))
			return;
	}
	if (h->n < NUMBERS_MAX)
		h->numbers[h->n++] = arena_dup(http_arena(x), number);
}

/* RFC 5321 4.4: "id" and a word. */
static void take_received(struct http *x, struct history *h, struct slice value)
{
	static const struct slice id = {"id ", 3};
	size_t at;

	while ((at = slice_find(value, id)) != SIZE_MAX) {
		value = slice_from(value, at + id.len);
		if (is_number(slice_head(value, NUMBER_DIGITS)))
			add_number(x, h, slice_head(value, NUMBER_DIGITS));
	}
}

static void take_header(struct http *x, struct history *h)
{
	struct slice rest = buf_slice(&h->m.header);
	struct mime_field field;
	unsigned n = 0;

	while (n < RECEIVED_MAX && mime_header_next(&rest, &field)) {
		if (!slice_eq_nocase(field.name, slice_lit("Received")))
			continue;
		take_received(x, h, field.value);
		n++;
	}
}

/* What this account sent with this Message-ID. */
static int take_sent(struct http *x, struct history *h, struct err *err)
{
	const struct track_span span = {
		h->m.entry.received_s - SENT_NEAR_S, h->m.entry.received_s + SENT_NEAR_S};
	struct visit *v = visit_of(x);
	struct buf key AUTO(buf_done);
	char number[NUMBER_DIGITS + 1];
	uint64_t *found;
	size_t n = 0;
	int rc;

	buf_init(&key, KEY_MAX);
	if (!mail_track_key(v->account.id, buf_slice(&h->m.header), &key))
		return 0;
	rc = track_find(v->service->track, buf_slice(&key), span, NUMBERS_MAX, http_arena(x),
		&found, &n, err);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		snprintf(number, sizeof(number), "%016llx", (unsigned long long)found[i]);
		add_number(x, h, slice_str(number));
	}
	return rc;
}

/* ---- the page ---- */

/* Recipients of what was sent whom no event names: it is still on its way to them. */
static void put_silent(struct http *x, struct history *h)
{
	static const char *const fields[] = {"To", "Cc", "Bcc"};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct mime_address *a = NULL;
		struct mime_field field;
		struct smtp_addr addr;
		struct err err;

		if (mime_header_find(buf_slice(&h->m.header), slice_str(fields[i]), &field))
			a = mime_address_parse(field.value, NAMED_MAX, http_arena(x));
		for (; a; a = a->next) {
			if (a->kind == MIME_ADDRESS_MAILBOX &&
				smtp_addr_make(a->mailbox, a->domain, http_arena(x), &addr, &err) ==
					0)
				history_put_silent(h->values, addr.text);
		}
	}
}

static void put_has(json_t *values, const char *list, const char *has)
{
	json_object_set_new(
		values, has, json_boolean(json_array_size(json_object_get(values, list)) > 0));
}

static void show(struct http *x, struct history *h)
{
	if (json_object_get(h->values, "is_sent"))
		put_silent(x, h);
	put_has(h->values, "steps", "has_steps");
	put_has(h->values, "checks", "has_checks");
	put_has(h->values, "recipients", "has_recipients");
	if (!mail_folders(x, h->values, h->m.folder.id))
		return;
	if (h->m.folder.id) {
		json_object_set(h->values, "folder_title", json_object_get(h->values, "title"));
		json_object_set_new(h->values, "uid", json_integer(h->m.entry.uid));
	}
	json_set_text(h->values, "title", "What happened to a message");
	visit_page(x, 200, "mail-trace", json_incref(h->values));
}

/* ---- what is known of each number: here, and of what was sent by the courier ---- */

static void look_at_next(struct http *x);

static void put_number(struct http *x, struct history *h, unsigned claims)
{
	json_t *rows = history_sorted(h->rows), *list = json_object_get(h->values, "numbers");

	json_array_append_new(list, json_slice(h->numbers[h->at]));
	if (claims & HISTORY_SENT)
		json_set_true(h->values, "is_sent");
	history_put(x, h->values, rows, claims);
	json_decref(rows);
}

static unsigned claims_of(struct http *x, const struct history *h)
{
	return history_claims(h->rows, visit_of(x)->account.id, h->m.entry.size);
}

static void on_courier(struct http *x, struct answer *answer)
{
	struct history *h = visit_of(x)->more;
	const unsigned claims = claims_of(x, h);
	json_t *reply = admin_take_courier(answer);

	if (reply)
		json_array_extend(h->rows, json_object_get(reply, "rows"));
	else
		json_set_true(h->values, "is_incomplete");
	json_decref(reply);
	put_number(x, h, claims);
	h->at++;
	look_at_next(x);
}

/* True: it is parked, and goes on with the next one. */
static bool look_at(struct http *x, struct history *h, struct err *err, int *rc_out)
{
	const struct slice number = h->numbers[h->at];
	unsigned claims;

	json_decref(h->rows);
	h->rows = NULL;
	*rc_out = track_rows(visit_of(x)->service->track, number, 0, &h->rows, err);
	claims = *rc_out == 0 ? claims_of(x, h) : 0;
	if (claims & HISTORY_SENT) {
		admin_ask_courier(x,
			json_pack("{s:s, s:o, s:i}", "do", "trace", "what", json_slice(number),
				"days", COURIER_DAYS),
			on_courier);
		return true;
	}
	if (claims)
		put_number(x, h, claims);
	h->at++;
	return false;
}

static void look_at_next(struct http *x)
{
	struct history *h = visit_of(x)->more;
	struct err err;
	int rc = 0;

	while (rc == 0 && h->at < h->n) {
		if (look_at(x, h, &err, &rc))
			return;
	}
	if (rc < 0)
		visit_fail(x, rc, &err);
	else
		show(x, h);
}

/* ---- the two ways to it ---- */

static struct history *begin(struct http *x)
{
	struct history *h = visit_keep(x, sizeof(*h), free_history);

	if (!h || !visit_of(x)->service->track) {
		http_fail(x, h ? 404 : 413);
		return NULL;
	}
	h->values = json_object();
	json_object_set_new(h->values, "numbers", json_array());
	return h;
}

static void read_message(struct http *x, struct account_reader *reader)
{
	struct history *h = visit_of(x)->more;
	struct err err;
	int rc = mail_load(&h->m, reader, &err);

	if (rc == 0) {
		take_header(x, h);
		mail_set_field(h->values, "subject", buf_slice(&h->m.header), "Subject");
		rc = take_sent(x, h, &err);
	}
	if (rc < 0)
		visit_fail(x, rc, &err);
	else
		look_at_next(x);
}

void page_mail_trace(struct http *x)
{
	struct history *h = begin(x);

	if (h && mail_open(x, &h->m))
		visit_read(x, read_message);
}

/* Of what was sent and lies in no folder. */
void page_sent_trace(struct http *x)
{
	const struct slice number = http_segment(x, "number");
	struct history *h = begin(x);

	if (!h || !visit_store(x))
		return;
	if (!is_number(number)) {
		http_fail(x, 404);
		return;
	}
	add_number(x, h, number);
	look_at_next(x);
}
