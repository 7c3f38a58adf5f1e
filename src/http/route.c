/* route.c - which row a request belongs to. */
#include "http/internal.h"

/* Both start with "/". found (may be NULL) gets the segment that is called name. */
static bool fits(struct slice pattern, struct slice path, struct slice name, struct slice *found)
{
	while (pattern.len) {
		struct slice want, have, rest;

		pattern = slice_from(pattern, 1);
		if (path.len == 0)
			return false;
		path = slice_from(path, 1);
		rest = path;
		want = slice_head(pattern, slice_chr(pattern, '/'));
		have = slice_head(path, slice_chr(path, '/'));
		pattern = slice_from(pattern, want.len);
		path = slice_from(path, have.len);
		if (want.len && want.ptr[0] == '*') {
			if (found && slice_eq(slice_from(want, 1), name))
				*found = rest;
			return true;
		}
		if (want.len && want.ptr[0] == ':') {
			if (have.len == 0)
				return false;
			if (found && slice_eq(slice_from(want, 1), name))
				*found = have;
		} else if (!slice_eq(want, have)) {
			return false;
		}
	}
	return path.len == 0;
}

const struct http_row *http_find_row(const struct http_site *site, struct slice path,
	enum http_method method, unsigned *allowed_out)
{
	*allowed_out = 0;
	for (size_t i = 0; i < site->rows_n; i++) {
		const struct http_row *row = &site->rows[i];

		if (!fits(slice_str(row->path), path, (struct slice){NULL, 0}, NULL))
			continue;
		*allowed_out |= row->methods;
		if (row->methods & method)
			return row;
	}
	return NULL;
}

struct slice http_segment(struct http *x, const char *name)
{
	struct slice found = {NULL, 0};

	if (x->row)
		fits(slice_str(x->row->path), x->path, slice_str(name), &found);
	return found;
}
