/* row.c - what makes one row of a report different from another, as bytes. */
#include "frame/frame.h"
#include "report/internal.h"

enum { VERSION = 1, DKIM_ALIGNED = 1, SPF_ALIGNED = 2, TEXTS = 9 };

static void list_texts(struct feedback_row *row, struct slice *texts[TEXTS])
{
	struct slice *const all[TEXTS] = {&row->ip, &row->disposition, &row->reason, &row->comment,
		&row->header_from, &row->envelope_from, &row->envelope_to, &row->spf_domain,
		&row->spf_result};

	for (size_t i = 0; i < TEXTS; i++)
		texts[i] = all[i];
}

void row_pack(const struct feedback_row *row, struct buf *out)
{
	struct feedback_row copy = *row;
	struct slice *texts[TEXTS];

	list_texts(&copy, texts);
	frame_put_u64(out, VERSION);
	frame_put_u64(out, (row->is_dkim_aligned ? DKIM_ALIGNED : 0) |
				   (row->is_spf_aligned ? SPF_ALIGNED : 0));
	for (size_t i = 0; i < TEXTS; i++)
		frame_put(out, *texts[i]);
	for (size_t i = 0; i < row->dkim_n; i++) {
		frame_put(out, row->dkim[i].domain);
		frame_put(out, row->dkim[i].selector);
		frame_put(out, row->dkim[i].result);
	}
}

bool row_unpack(struct slice bytes, struct feedback_row *out)
{
	struct frame f = {.rest = bytes};
	struct feedback_row row = {0};
	struct slice *texts[TEXTS];
	uint64_t flags;

	list_texts(&row, texts);
	if (frame_u64(&f) != VERSION)
		return false;
	flags = frame_u64(&f);
	row.is_dkim_aligned = flags & DKIM_ALIGNED;
	row.is_spf_aligned = flags & SPF_ALIGNED;
	for (size_t i = 0; i < TEXTS; i++)
		*texts[i] = frame_bytes(&f);
	while (f.rest.len && !f.is_bad && row.dkim_n < FEEDBACK_DKIM_MAX) {
		struct feedback_dkim *dkim = &row.dkim[row.dkim_n++];

		dkim->domain = frame_bytes(&f);
		dkim->selector = frame_bytes(&f);
		dkim->result = frame_bytes(&f);
	}
	if (!frame_end(&f))
		return false;
	*out = row;
	return true;
}
