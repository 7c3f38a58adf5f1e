/* head.c - see head.h. */
#include "mailauth/head.h"

void head_init(struct head *head, size_t max)
{
	*head = (struct head){.last = {'\n', '\n'}};
	buf_init(&head->text, max);
}

bool head_feed(struct head *head, struct slice bytes, struct slice *body_out)
{
	size_t i = 0;

	*body_out = bytes;
	/* The blank line is LF CR LF or LF LF; before the message there is a line end, as it were.
	 */
	for (; !head->is_over && i < bytes.len; i++) {
		const char c = bytes.ptr[i];

		head->is_over =
			c == '\n' &&
			(head->last[1] == '\n' || (head->last[1] == '\r' && head->last[0] == '\n'));
		head->last[0] = head->last[1];
		head->last[1] = c;
	}
	if (i == 0)
		return head->is_over;
	buf_append(&head->text, slice_head(bytes, i));
	head->is_too_large = head->text.failed;
	*body_out = slice_from(bytes, i);
	return head->is_over;
}
