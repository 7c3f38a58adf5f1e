/* domain.c - see domain.h. */
#include "mailauth/domain.h"

#include <libpsl.h>

#include "base/err.h"
#include "wire/dns/dns.h"
#include "wire/smtp/addr.h"

bool domain_normal(struct slice text, struct arena *arena, struct slice *out)
{
	struct slice name;
	struct err err;

	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] < 0x80)
			continue;
		if (smtp_domain_parse(text, arena, &text, &err) < 0)
			return false;
		break;
	}
	if (!dns_name_parse(text, arena, &name) || name.len == 0)
		return false;
	*out = name;
	return true;
}

bool domain_is_within(struct slice domain, struct slice above)
{
	if (domain.len == above.len)
		return slice_eq_nocase(domain, above);
	return above.len > 0 && domain.len > above.len &&
	       domain.ptr[domain.len - above.len - 1] == '.' &&
	       slice_eq_nocase(slice_from(domain, domain.len - above.len), above);
}

struct slice domain_parent(struct slice domain)
{
	struct slice rest;

	slice_cut(domain, '.', &rest);
	return rest;
}

size_t domain_labels(struct slice domain)
{
	size_t n = domain.len > 0;

	for (size_t i = 0; i < domain.len; i++)
		n += domain.ptr[i] == '.';
	return n;
}

static bool lower(struct slice domain, char out[DNS_NAME_MAX + 1])
{
	if (domain.len == 0 || domain.len > DNS_NAME_MAX)
		return false;
	for (size_t i = 0; i < domain.len; i++)
		out[i] = (char)ascii_lower((unsigned char)domain.ptr[i]);
	out[domain.len] = '\0';
	return true;
}

bool domain_is_public(struct slice domain)
{
	char text[DNS_NAME_MAX + 1];

	return lower(domain, text) && psl_is_public_suffix(psl_builtin(), text);
}

struct slice domain_registrable(struct slice domain)
{
	char text[DNS_NAME_MAX + 1];
	const char *found =
		lower(domain, text) ? psl_registrable_domain(psl_builtin(), text) : NULL;

	return found ? slice_from(domain, (size_t)(found - text)) : (struct slice){0};
}
