/* history_words.c - see history.h: events of a history, in words for its owner. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "mail/country.h"
#include "mail/resolve.h"
#include "store/store.h"
#include "track/rows.h"
#include "web/history.h"
#include "web/mail.h"

enum { TEXT_MAX = TRACK_TEXT_MAX + 512 };

/* One event that is being put into words. */
struct event {
	struct http *x;
	json_t *values;
	struct slice kind, what;
	int64_t at_s;
	unsigned claims;
};

/* ---- what an event says ---- */

/* A field of the event, in the request's memory; empty: it has none. */
static struct slice get(const struct event *e, const char *key)
{
	struct buf text AUTO(buf_done);

	buf_init(&text, TRACK_TEXT_MAX);
	return track_field(e->what, key, &text) ? arena_dup(http_arena(e->x), buf_slice(&text))
						: (struct slice){0};
}

static bool is_field(struct slice what, const char *key, uint64_t want)
{
	struct buf text AUTO(buf_done);
	uint64_t n = 0;

	buf_init(&text, TRACK_TEXT_MAX);
	return track_field(what, key, &text) && slice_to_u64(buf_slice(&text), INT64_MAX, &n) &&
	       n == want;
}

static struct slice text_of(const json_t *row, const char *name)
{
	const json_t *value = json_object_get(row, name);

	return (struct slice){json_string_value(value), json_string_length(value)};
}

static bool is_kind(struct slice kind, const char *name)
{
	return slice_eq(kind, slice_str(name));
}

unsigned history_claims(const json_t *rows, uint64_t account, uint64_t size)
{
	unsigned claims = 0;
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		const struct slice kind = text_of(row, "event"), what = text_of(row, "what");

		if (!is_field(what, "account", account))
			continue;
		if (is_kind(kind, "received"))
			claims |= HISTORY_SENT;
		else if (is_kind(kind, "stored") && size && is_field(what, "bytes", size))
			claims |= HISTORY_STORED;
	}
	return claims;
}

static bool is_own_address(const struct event *e, struct slice address)
{
	const struct visit *v = visit_of(e->x);
	struct err err;
	bool may = false;

	return mail_may_send_as(v->service->directory, v->account.id, address, &may, &err) == 0 &&
	       may;
}

/* ---- rows of the page ---- */

PRINTF_LIKE(3, 4)
static json_t *add_row(const struct event *e, json_t *list, const char *fmt, ...)
{
	json_t *row = json_object();
	char text[TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	json_set_when(row, "when", e->at_s);
	json_set_text(row, "text", text);
	json_array_append_new(list, row);
	return row;
}

static json_t *list_of(json_t *values, const char *name)
{
	json_t *list = json_object_get(values, name);

	if (!list) {
		list = json_array();
		json_object_set_new(values, name, list);
	}
	return list;
}

static json_t *steps(const struct event *e)
{
	return list_of(e->values, "steps");
}

/* The recipient's row; made if there is none. */
static json_t *recipient_row(json_t *values, struct slice address)
{
	json_t *list = list_of(values, "recipients"), *row;
	size_t i;

	json_array_foreach(list, i, row)
	{
		if (slice_eq_nocase(text_of(row, "address"), address))
			return row;
	}
	row = json_object();
	json_set_slice(row, "address", address);
	json_object_set_new(row, "attempts", json_array());
	json_array_append_new(list, row);
	return row;
}

void history_put_silent(json_t *values, struct slice address)
{
	recipient_row(values, address);
}

/* ---- how it came ---- */

static const char *encryption(struct slice tls)
{
	return tls.len && !slice_eq(tls, slice_lit("none")) ? "encrypted" : "not encrypted";
}

static void put_arrival(const struct event *e, struct slice peer)
{
	struct buf country AUTO(buf_done);
	const struct slice helo = get(e, "helo"), tls = get(e, "tls");
	json_t *row;

	buf_init(&country, COUNTRY_NAME_MAX);
	country_put(visit_of(e->x)->service->country, peer, slice_lit("en"), &country);
	row = add_row(e, steps(e), "A mail server brought it, %s; it calls itself %.*s.",
		encryption(tls), SLICE_ARG(helo));
	json_set_slice(row, "detail", peer);
	if (country.len)
		json_set_slice(row, "country", buf_slice(&country));
}

static void put_received(const struct event *e)
{
	const struct slice service = get(e, "service"), peer = get(e, "peer");

	if (is_kind(service, "smtp"))
		put_arrival(e, peer);
	else if (!(e->claims & HISTORY_SENT) &&
		 (is_kind(service, "submission") || is_kind(service, "web")))
		add_row(e, steps(e), "Somebody who has an account here sent it.");
	else if (is_kind(service, "submission"))
		json_set_slice(add_row(e, steps(e), "Your mail program sent it, %s.",
				       encryption(get(e, "tls"))),
			"detail", peer);
	else if (is_kind(service, "web"))
		add_row(e, steps(e), "You sent it with these pages.");
	else if (!is_kind(service, "lmtp"))
		add_row(e, steps(e), "The service itself wrote it.");
}

static void put_queued(const struct event *e)
{
	if (e->claims & HISTORY_SENT)
		add_row(e, steps(e), "It waits to be sent.");
}

static void put_taken_back(const struct event *e)
{
	if (e->claims & HISTORY_SENT)
		add_row(e, steps(e), "You took it back before it was sent.");
}

static void put_backscatter(const struct event *e)
{
	if (is_own_address(e, get(e, "to")))
		add_row(e, steps(e),
			"It says that a message came back, but not one that you sent.");
}

static void put_refused(const struct event *e)
{
	const struct slice to = get(e, "to"), why = get(e, "why");
	json_t *row;

	if (!(e->claims & HISTORY_SENT))
		return;
	row = to.len ? add_row(e, steps(e), "It was refused for %.*s.", SLICE_ARG(to))
		     : add_row(e, steps(e), "It was refused.");
	json_set_slice(row, "detail", why);
}

/* ---- what was checked ---- */

static const struct {
	const char *check, *result, *text;
} meanings[] = {
	{"SPF", "pass", "The server that brought it may send for the sender's domain."},
	{"SPF", "fail", "The server that brought it may not send for the sender's domain."},
	{"SPF", "softfail", "The server that brought it should not send for the sender's domain."},
	{"SPF", "neutral", "The sender's domain leaves open which servers may send for it."},
	{"SPF", "none", "The sender's domain does not say which servers may send for it."},
	{"DKIM", "pass", "The domain signed it, and what it signed was not changed."},
	{"DKIM", "fail", "It was changed on its way, or the signature is not the domain's."},
	{"DKIM", "policy", "The signature leaves out a part of the text, so it does not count."},
	{"DMARC", "pass", "The domain of its author stands behind it."},
	{"DMARC", "fail", "The domain of its author does not stand behind it."},
	{"DMARC", "none", "The domain of its author has no rule for that."},
	{"ARC", "pass", "Those who passed it on vouch for what they found."},
	{"ARC", "fail", "Those who passed it on vouch for it, but what they say was changed."},
	{NULL, "none", "There is none."},
	{NULL, "temperror", "It could not be looked up at the time."},
	{NULL, "permerror", "What the domain publishes, or the signature says, makes no sense."},
};

static const char *meaning_of(const char *check, struct slice result)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if ((!meanings[i].check || strcmp(meanings[i].check, check) == 0) &&
			slice_eq(result, slice_str(meanings[i].result)))
			return meanings[i].text;
	}
	return "";
}

static json_t *add_check(
	const struct event *e, const char *check, struct slice of, struct slice result)
{
	json_t *row = json_object();

	json_set_text(row, "check", check);
	json_set_slice(row, "of", of);
	json_set_slice(row, "result", result);
	json_set_text(row, "text", meaning_of(check, result));
	json_array_append_new(list_of(e->values, "checks"), row);
	return row;
}

static void put_signatures(const struct event *e)
{
	struct slice rest = get(e, "dkim");

	if (!rest.len)
		add_check(e, "DKIM", rest, slice_lit("none"));
	while (rest.len) {
		struct slice result;
		const struct slice one = slice_cut(rest, ' ', &rest);
		const struct slice domain = slice_cut(one, ':', &result);

		add_check(e, "DKIM", domain, result);
	}
}

/* Signs of spam: of lists of senders, of what the host does. */
static void put_points(const struct event *e)
{
	json_t *row;

	if (!is_own_address(e, get(e, "to")))
		return;
	row = add_check(e, "Signs of spam", (struct slice){0}, get(e, "points"));
	json_set_text(row, "text", "Points against the server that brought it.");
	json_set_slice(row, "detail", get(e, "why"));
}

static void put_checked(const struct event *e)
{
	const struct slice arc = get(e, "arc"), override = get(e, "override");
	json_t *row;

	if (get(e, "points").len) {
		put_points(e);
		return;
	}
	add_check(e, "SPF", (struct slice){0}, get(e, "spf"));
	put_signatures(e);
	row = add_check(e, "DMARC", get(e, "author"), get(e, "dmarc"));
	if (override.len)
		json_set_slice(row, "detail", override);
	if (arc.len && !is_kind(arc, "none"))
		add_check(e, "ARC", (struct slice){0}, arc);
}

static void put_scanned(const struct event *e)
{
	const struct slice action = get(e, "action");
	json_t *row = add_check(e, "Scanner", (struct slice){0}, action);

	json_set_text(row, "text",
		is_kind(action, "pass") ? "It found nothing in it." : "It did not like it.");
}

/* ---- where it went ---- */

/* The folder it was put into, by the name that it has now. */
static void put_own_copy(const struct event *e)
{
	struct mailbox_info found;
	struct err err;
	uint64_t id = 0;

	if (slice_to_u64(get(e, "mailbox"), INT64_MAX, &id) && visit_of(e->x)->store &&
		account_mailbox(visit_of(e->x)->store, (struct slice){0}, id, ROLE_NONE,
			http_arena(e->x), &found, &err) == 0)
		add_row(e, steps(e), "It was put into your folder %.*s.",
			SLICE_ARG(mail_folder_name(&found)));
	else
		add_row(e, steps(e), "It was put into a folder of yours that is gone.");
}

/* Whom the sender meant; who that leads to is not the sender's to know. */
static json_t *named_row(const struct event *e, const char *state)
{
	const struct slice named = get(e, "for");
	json_t *row = recipient_row(e->values, named.len ? named : get(e, "to"));

	json_set_text(row, "state", state);
	return row;
}

/* An alias may lead to many: what is said of one is said once. Who it leads to, and what their
 * servers say, is not told. */
static json_t *add_attempt(const struct event *e, const char *state, const char *words)
{
	const bool is_alias = get(e, "for").len > 0;
	json_t *row = named_row(e, state), *list = json_object_get(row, "attempts"), *other;
	size_t i;

	json_array_foreach(list, i, other)
	{
		if (is_alias && slice_eq(text_of(other, "text"), slice_str(words)))
			return NULL;
	}
	row = add_row(e, list, "%s", words);
	return is_alias ? NULL : row;
}

static void put_stored(const struct event *e)
{
	if (is_field(e->what, "account", visit_of(e->x)->account.id))
		put_own_copy(e);
	if (e->claims & HISTORY_SENT)
		add_attempt(e, "delivered", "It is in the mailbox.");
}

static void put_not_stored(const struct event *e)
{
	if (e->claims & HISTORY_SENT)
		add_attempt(e, "not delivered yet", "The mailbox could not take it then.");
}

static void put_attempt(const struct event *e, const char *state, const char *words)
{
	json_t *row = e->claims & HISTORY_SENT ? add_attempt(e, state, words) : NULL;
	const struct slice tls = get(e, "tls");

	if (!row)
		return;
	json_set_slice(row, "host", get(e, "host"));
	json_set_slice(row, "detail", get(e, "reply"));
	if (tls.len && !slice_eq(tls, slice_lit("none")))
		json_set_slice(row, "tls", tls);
}

static void put_sent(const struct event *e)
{
	put_attempt(e, "delivered", "The server there took it.");
}

static void put_deferred(const struct event *e)
{
	put_attempt(e, "tried again later", "It could not be delivered yet.");
}

static void put_failed(const struct event *e)
{
	put_attempt(e, "not delivered", "It could not be delivered, and is not tried again.");
}

/* ---- all of it ---- */

static const struct {
	const char *kind;
	void (*put)(const struct event *e);
} kinds[] = {
	{"received", put_received},
	{"checked", put_checked},
	{"scanned", put_scanned},
	{"backscatter", put_backscatter},
	{"refused", put_refused},
	{"stored", put_stored},
	{"not-stored", put_not_stored},
	{"queued", put_queued},
	{"taken-back", put_taken_back},
	{"delivered", put_sent},
	{"relayed", put_sent},
	{"deferred", put_deferred},
	{"failed", put_failed},
};

/* As track/rows.c writes it: UTC. */
static int64_t time_of(const json_t *row)
{
	const char *text = json_string_value(json_object_get(row, "time"));
	struct tm tm = {0};

	return text && strptime(text, "%Y-%m-%d %H:%M:%S", &tm) ? (int64_t)timegm(&tm) : 0;
}

void history_put(struct http *x, json_t *values, const json_t *rows, unsigned claims)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		const struct event e = {.x = x,
			.values = values,
			.kind = text_of(row, "event"),
			.what = text_of(row, "what"),
			.at_s = time_of(row),
			.claims = claims};

		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			if (is_kind(e.kind, kinds[k].kind))
				kinds[k].put(&e);
		}
	}
}
