/* unsubscribe.c - see unsubscribe.h for the contract. */
#include "courier/unsubscribe.h"

#include "base/log.h"
#include "courier/fetch.h"

enum { REPLY_MAX = 1 << 20 };

static int post(struct courier *courier, struct slice url, unsigned *status_out, struct err *err)
{
	static const char *const fields[] = {
		"Content-Type: application/x-www-form-urlencoded", NULL};
	const struct fetch_request request = {.method = "POST",
		.url = url,
		.fields = fields,
		.body = slice_lit("List-Unsubscribe=One-Click"),
		.body_max = REPLY_MAX,
		.timeout_ms = UNSUBSCRIBE_MS};
	struct fetch_reply reply AUTO(fetch_reply_done);
	int rc;

	fetch_reply_init(&reply);
	rc = courier_fetch(courier, &request, &reply, err);
	if (rc == 0)
		*status_out = reply.status;
	return rc;
}

int unsubscribe_post(struct courier *courier, const json_t *args, json_t *out, struct err *err)
{
	const json_t *value = json_object_get(args, "url");
	const struct slice url = {json_string_value(value), json_string_length(value)};
	unsigned status = 0;
	int rc;

	if (!slice_starts_nocase(url, slice_lit("https://")))
		return err_set(err, ERR_SYNTAX, "only https: is asked");
	if (atomic_fetch_add(&courier->unsubscribing, 1) < UNSUBSCRIBE_AT_ONCE)
		rc = post(courier, url, &status, err);
	else
		rc = err_set(err, ERR_BUSY, "too many lists are being left at once");
	atomic_fetch_sub(&courier->unsubscribing, 1);
	if (rc == 0)
		log_info(NULL, "unsubscribed", log_n("status", status));
	json_object_set_new(out, "status", json_integer((json_int_t)status));
	return rc;
}
