/* post.c - see post.h. */
#include "report/post.h"

#include <stdlib.h>
#include <time.h>

#include "ask/verbs.h"
#include "base/encode.h"

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
	const struct slice contact = config->contact.len ? config->contact : f->from;
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
	delivery_end(context, rc, err);
}

void post_report(struct delivery *d, struct slice url)
{
	struct flight *f = d->flight;
	struct buf body AUTO(buf_done);

	buf_init(&body, ASK_REQUEST_MAX);
	base64_encode(&body, buf_slice(&f->packed));
	reports_wish(f->reports,
		json_pack("{s:s, s:s%, s:s%}", "do", "tls-post", "url", url.ptr, url.len, "body",
			body.ptr, body.len),
		POST_MS, on_posted, d);
}
