/* form.c - the parameters of a query, and the fields and files of a form. */
#include "http/internal.h"
#include "wire/http/chars.h"
#include "wire/http/field.h"

static struct slice content_type(struct http *x, struct slice *value_out)
{
	struct slice params;

	*value_out = http_header(x, "content-type");
	return http_trim(slice_cut(*value_out, ';', &params));
}

/* The parts that are no files, as pairs. */
static int pairs_of_parts(struct http *x, struct err *err)
{
	x->form = arena_array(&x->arena, struct http_pair, x->parts_n);
	if (!x->form)
		return err_set(err, ERR_TOOBIG, "form needs too much memory");
	for (size_t i = 0; i < x->parts_n; i++) {
		if (!x->parts[i].filename.ptr)
			x->form[x->form_n++] =
				(struct http_pair){x->parts[i].name, x->parts[i].bytes};
	}
	return 0;
}

int http_parse_form(struct http *x, struct err *err)
{
	struct slice value;
	const struct slice type = content_type(x, &value);
	int rc = 0;

	if (x->body)
		rc = spool_map(x->body, &x->body_bytes, err);
	if (rc < 0 || !x->body)
		return rc;
	if (slice_eq_nocase(type, slice_lit("application/x-www-form-urlencoded")))
		return http_params_parse(x->body_bytes, &x->arena, &x->form, &x->form_n, err);
	if (!slice_eq_nocase(type, slice_lit("multipart/form-data")))
		return 0;
	rc = http_multipart_parse(x->body_bytes,
		http_field_param(value, slice_lit("boundary"), &x->arena), &x->arena, &x->parts,
		&x->parts_n, err);
	return rc < 0 ? rc : pairs_of_parts(x, err);
}

static bool next(
	const struct http_pair *pairs, size_t n, const char *name, size_t *at, struct slice *out)
{
	while (*at < n) {
		const struct http_pair *pair = &pairs[(*at)++];

		if (slice_eq(pair->name, slice_str(name))) {
			*out = pair->value;
			return true;
		}
	}
	return false;
}

struct slice http_param(struct http *x, const char *name)
{
	struct slice value = {NULL, 0};
	size_t at = 0;

	next(x->params, x->params_n, name, &at, &value);
	return value;
}

bool http_form_next(struct http *x, const char *name, size_t *at, struct slice *value_out)
{
	return next(x->form, x->form_n, name, at, value_out);
}

struct slice http_form(struct http *x, const char *name)
{
	struct slice value = {NULL, 0};
	size_t at = 0;

	http_form_next(x, name, &at, &value);
	return value;
}

bool http_file_next(struct http *x, const char *name, size_t *at, struct http_file *out)
{
	while (*at < x->parts_n) {
		const struct http_part *part = &x->parts[(*at)++];

		if (part->filename.ptr && slice_eq(part->name, slice_str(name))) {
			*out = (struct http_file){part->filename, part->type, part->bytes};
			return true;
		}
	}
	return false;
}
