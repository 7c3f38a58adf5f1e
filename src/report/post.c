/* post.c - see post.h. */
#include "report/post.h"

#include <stdlib.h>
#include <time.h>

#include "ask/ask.h"
#include "ask/verbs.h"

enum { POST_MS = 60000, TIME_MAX = 32 };

static const char *time_text(int64_t wall_s, char out[TIME_MAX])
{
	const time_t s = (time_t)wall_s;
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(out, TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return out;
}

int post_write_tls(const struct flight *f, struct buf *out, struct err *err)
{
	const struct report_config *config = &f->reports->config;
	const struct slice contact = config->contact.len ? config->contact : config->from;
	char begin[TIME_MAX], end[TIME_MAX], *text;
	json_t *policies = json_loadb(f->policy.ptr, f->policy.len, 0, NULL);
	json_t *report = json_pack("{s:s%, s:{s:s, s:s}, s:s%, s:s%, s:o}", "organization-name",
		config->organisation.ptr, config->organisation.len, "date-range", "start-datetime",
		time_text(f->begin_s, begin), "end-datetime", time_text(f->end_s, end),
		"contact-info", contact.ptr, contact.len, "report-id", f->report_id.ptr,
		f->report_id.len, "policies", policies ? policies : json_array());

	text = report ? json_dumps(report, JSON_INDENT(1)) : NULL;
	json_decref(report);
	if (!text)
		return err_set(err, ERR_CORRUPT, "the results of TLS cannot be written");
	buf_str(out, text);
	free(text);
	return buf_check(out, "the report", err);
}

static void on_posted(void *context, struct frame *f, int rc, const struct err *err)
{
	if (f)
		frame_bytes(f);
	flight_delivered(context, rc, err);
}

void post_report(struct flight *f, struct slice url)
{
	struct buf frame, body AUTO(buf_done);
	json_t *wish;
	char *text;

	buf_init(&body, ASK_REQUEST_MAX);
	base64_encode(&body, buf_slice(&f->packed));
	wish = json_pack("{s:s, s:s%, s:s%}", "do", "tls-post", "url", url.ptr, url.len, "body",
		body.ptr, body.len);
	text = wish ? json_dumps(wish, JSON_COMPACT) : NULL;
	json_decref(wish);
	buf_init(&frame, ASK_REQUEST_MAX);
	frame_begin(&frame, 0, ASK_QUEUE);
	frame_put(&frame, slice_str(text ? text : "{}"));
	free(text);
	ask_call(f->reports->service->ask, &frame, -1, POST_MS, on_posted, f);
}
