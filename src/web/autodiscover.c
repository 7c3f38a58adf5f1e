/* autodiscover.c - see autodiscover.h for the contract. */
#include "web/autodiscover.h"

/* The text of the first element of that name, whatever its prefix. */
static struct slice text_of(struct slice body, struct slice end_of_tag)
{
	const size_t at = slice_find(body, end_of_tag);
	struct slice text;

	if (at == SIZE_MAX || at == 0 || (body.ptr[at - 1] != '<' && body.ptr[at - 1] != ':'))
		return (struct slice){0};
	text = slice_from(body, at + end_of_tag.len);
	return slice_trim(slice_head(text, slice_chr(text, '<')));
}

struct autodiscover autodiscover_read(struct slice body)
{
	const struct slice schema = text_of(body, slice_lit("AcceptableResponseSchema>"));

	return (struct autodiscover){
		.address = text_of(body, slice_lit("EMailAddress>")),
		.is_sync = slice_find(schema, slice_lit("/mobilesync/")) != SIZE_MAX,
	};
}
