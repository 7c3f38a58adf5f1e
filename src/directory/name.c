/* name.c - addresses and domains in the one form under which they are kept. */
#include <string.h>

#include "directory/internal.h"
#include "wire/smtp/addr.h"

enum { PARSE_BYTES = 8192 };

/* ASCII letters of the local part become small; the domain is so already. */
static int set_name(struct name *out, struct slice text, struct slice domain, struct err *err)
{
	if (text.len > sizeof(out->space))
		return err_set(err, ERR_TOOBIG, "the address is too long");
	for (size_t i = 0; i < text.len; i++)
		out->space[i] = (char)ascii_lower((unsigned char)text.ptr[i]);
	out->text = (struct slice){out->space, text.len};
	out->domain = slice_from(out->text, text.len - domain.len);
	return 0;
}

int name_parse_domain(struct slice text, struct name *out, struct err *err)
{
	struct arena arena AUTO(arena_done);
	struct slice domain;
	int rc;

	arena_init(&arena, PARSE_BYTES);
	rc = smtp_domain_parse(text, &arena, &domain, err);
	if (rc < 0)
		return rc;
	if (domain.ptr[0] == '[')
		return err_set(err, ERR_SYNTAX, "an address literal is not a domain");
	return set_name(out, domain, domain, err);
}

/* "@domain": the catch-all's name. */
static int parse_catch_all(struct slice text, struct name *out, struct err *err)
{
	struct name domain;
	int rc = name_parse_domain(slice_from(text, 1), &domain, err);

	if (rc < 0)
		return rc;
	out->space[0] = '@';
	memcpy(out->space + 1, domain.domain.ptr, domain.domain.len);
	out->text = (struct slice){out->space, domain.domain.len + 1};
	out->domain = slice_from(out->text, 1);
	return 0;
}

static struct slice local_of(struct slice address)
{
	return slice_head(address, slice_rchr(address, '@'));
}

int name_wildcard(const struct name *name, bool *is_out, struct err *err)
{
	struct slice back, front = slice_cut(local_of(name->text), '*', &back);

	*is_out = back.ptr && name->text.ptr[0] != '"';
	if (!*is_out)
		return 0;
	if (slice_chr(back, '*') != SIZE_MAX)
		return err_set(err, ERR_SYNTAX, "an alias has one * at most");
	if (front.len + back.len == 0)
		return err_set(err, ERR_SYNTAX, "a * alone is written @DOMAIN");
	return 0;
}

bool name_fits(const struct name *name, struct slice wildcard)
{
	const struct slice local = local_of(name->text);
	struct slice back, front = slice_cut(local_of(wildcard), '*', &back);

	return wildcard.ptr[0] != '"' && local.len >= front.len + back.len &&
	       slice_starts(local, front) && slice_ends(local, back);
}

int name_parse(struct slice text, struct name *out, struct err *err)
{
	struct arena arena AUTO(arena_done);
	struct smtp_addr addr;
	int rc;

	arena_init(&arena, PARSE_BYTES);
	if (text.len && text.ptr[0] == '@')
		return parse_catch_all(text, out, err);
	rc = smtp_addr_parse(text, &arena, &addr, err);
	return rc < 0 ? rc : set_name(out, addr.text, addr.domain, err);
}
