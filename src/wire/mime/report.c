/* report.c - see report.h for the contract. */
#include "wire/mime/report.h"

#include <stdio.h>

#include "wire/mime/write.h"

static const struct {
	const char *action, *subject;
} actions[] = {
	[MIME_REPORT_FAILED] = {"failed", "Mail could not be delivered"},
	[MIME_REPORT_DELAYED] = {"delayed", "Mail is delayed"},
	[MIME_REPORT_RELAYED] = {"relayed", "Mail was passed on"},
	[MIME_REPORT_DELIVERED] = {"delivered", "Mail was delivered"},
};

/* The worst of it. */
static const char *subject_of(const struct mime_report *r)
{
	enum mime_report_action worst = MIME_REPORT_DELIVERED;

	for (size_t i = 0; i < r->n; i++) {
		if (r->items[i].action < worst)
			worst = r->items[i].action;
	}
	return actions[worst].subject;
}

static void put_boundary(struct buf *b, const struct mime_report *r)
{
	buf_printf(b, "report-%llx", (unsigned long long)r->id);
}

static void put_head(struct buf *b, const struct mime_report *r)
{
	buf_lit(b, "From: Mail Delivery <postmaster@");
	buf_append(b, r->host_name);
	buf_lit(b, ">\r\nTo: <");
	buf_append(b, r->to);
	buf_lit(b, ">\r\nSubject: ");
	buf_str(b, subject_of(r));
	buf_lit(b, "\r\nDate: ");
	mime_write_date(b, r->now_s);
	buf_lit(b, "\r\nMessage-ID: ");
	mime_write_id(b, r->host_name);
	buf_lit(b, "\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
		   "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"");
	put_boundary(b, r);
	buf_lit(b, "\"\r\n\r\n");
}

static void put_part(struct buf *b, const struct mime_report *r, const char *type)
{
	buf_lit(b, "--");
	put_boundary(b, r);
	buf_lit(b, "\r\nContent-Type: ");
	buf_str(b, type);
	buf_lit(b, "\r\n\r\n");
}

static void put_item_words(struct buf *b, const struct mime_report_item *item)
{
	buf_lit(b, "<");
	buf_append(b, item->recipient);
	buf_lit(b, ">: ");
	buf_append(b, item->words);
	if (item->diagnostic.len) {
		buf_lit(b, "\r\n    ");
		buf_append(b, item->host);
		buf_str(b, item->host.len ? " said: " : "");
		buf_append(b, item->diagnostic);
	}
	if (item->until_s) {
		buf_lit(b, "\r\n    It is tried again until ");
		mime_write_date(b, item->until_s);
		buf_lit(b, ". You need not send it again.");
	}
	buf_lit(b, "\r\n");
}

static void put_words(struct buf *b, const struct mime_report *r)
{
	buf_lit(b, "This is the mail system at ");
	buf_append(b, r->host_name);
	buf_lit(b, ".\r\nWhat became of your message:\r\n\r\n");
	for (size_t i = 0; i < r->n && i < MIME_REPORT_ITEMS; i++)
		put_item_words(b, &r->items[i]);
	if (r->n > MIME_REPORT_ITEMS)
		buf_printf(b, "And %zu more like these.\r\n", r->n - MIME_REPORT_ITEMS);
	buf_lit(b, "\r\n");
}

static void put_field(struct buf *b, const char *name, struct slice value)
{
	if (!value.len)
		return;
	buf_str(b, name);
	buf_append(b, value);
	buf_lit(b, "\r\n");
}

/* The name before the address that a host is written with. */
static struct slice name_of(struct slice host)
{
	const size_t blank = slice_chr(host, ' ');

	return blank == SIZE_MAX ? host : slice_head(host, blank);
}

static void put_item(
	struct buf *b, const struct mime_report *r, const struct mime_report_item *item)
{
	put_field(b, "Original-Recipient: ", item->orcpt);
	put_field(b, r->is_utf8 ? "Final-Recipient: utf-8; " : "Final-Recipient: rfc822; ",
		item->recipient);
	put_field(b, "Action: ", slice_str(actions[item->action].action));
	put_field(b, "Status: ", item->status);
	put_field(b, "Remote-MTA: dns; ", name_of(item->host));
	put_field(b, "Diagnostic-Code: smtp; ", item->diagnostic);
	if (item->until_s) {
		buf_lit(b, "Will-Retry-Until: ");
		mime_write_date(b, item->until_s);
		buf_lit(b, "\r\n");
	}
	buf_lit(b, "\r\n");
}

static void put_status(struct buf *b, const struct mime_report *r)
{
	put_field(b, "Reporting-MTA: dns; ", r->host_name);
	put_field(b, "Original-Envelope-Id: ", r->envid);
	if (r->arrival_s) {
		buf_lit(b, "Arrival-Date: ");
		mime_write_date(b, r->arrival_s);
		buf_lit(b, "\r\n");
	}
	if (r->by_s) {
		buf_lit(b, "Deliver-By-Date: ");
		mime_write_date(b, r->by_s);
		buf_lit(b, "\r\n");
	}
	buf_lit(b, "\r\n");
	for (size_t i = 0; i < r->n && i < MIME_REPORT_ITEMS; i++)
		put_item(b, r, &r->items[i]);
}

struct slice mime_report_header_of(struct slice text)
{
	size_t end = slice_find(text, slice_lit("\r\n\r\n"));

	if (end != SIZE_MAX)
		return slice_head(text, end + 2);
	end = slice_rchr(text, '\n');
	return slice_head(text, end == SIZE_MAX ? 0 : end + 1);
}

void mime_report_put(struct buf *b, const struct mime_report *r)
{
	put_head(b, r);
	put_part(b, r, "text/plain; charset=utf-8");
	put_words(b, r);
	put_part(b, r, r->is_utf8 ? "message/global-delivery-status" : "message/delivery-status");
	put_status(b, r);
	if (r->is_whole) {
		put_part(b, r, r->is_utf8 ? "message/global" : "message/rfc822");
		buf_append(b, r->original);
	} else {
		put_part(b, r, r->is_utf8 ? "message/global-headers" : "text/rfc822-headers");
		buf_append(b, mime_report_header_of(r->original));
	}
	buf_lit(b, "\r\n--");
	put_boundary(b, r);
	buf_lit(b, "--\r\n");
}
