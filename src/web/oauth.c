/* oauth.c - see oauth.h for the contract. */
#include "web/oauth.h"

#include "keeper/credentials.h"

static const struct {
	const char *name;
	unsigned scope;
} scopes_known[] = {{"imap", SCOPE_IMAP}, {"imap-read", SCOPE_IMAP_READ}, {"pop", SCOPE_POP},
	{"smtp", SCOPE_SMTP}, {"dav", SCOPE_DAV}, {"ldap", SCOPE_LDAP}, {"xmpp", SCOPE_XMPP},
	{"jmap", SCOPE_JMAP}, {"sieve", SCOPE_SIEVE}};

/* The next word; empty at the end. */
static struct slice next_word(struct slice *text)
{
	struct slice word = {0};

	while (text->len && !word.len)
		word = slice_trim(slice_cut(*text, ' ', text));
	return word;
}

/* What stands behind the client's name; ptr NULL: there is no such client. */
static struct slice find_client(struct slice setting, struct slice client)
{
	while (setting.len) {
		struct slice row = slice_cut(setting, ';', &setting);
		const struct slice name = next_word(&row);

		if (name.len && slice_eq(name, client))
			return row.ptr ? row : slice_lit("");
	}
	return (struct slice){0};
}

bool oauth_has_client(struct slice setting, struct slice client)
{
	return client.len && find_client(setting, client).ptr;
}

/* A URL that can stand in a header: no blanks, no quotes, no fragment. */
static bool is_url(struct slice url)
{
	for (size_t i = 0; i < url.len; i++) {
		const char c = url.ptr[i];

		if (c <= ' ' || c >= 0x7f || slice_chr(slice_lit("\"'<>\\^`{|}#;,"), c) != SIZE_MAX)
			return false;
	}
	return url.len > 0 && url.len <= OAUTH_REDIRECT_MAX;
}

static bool is_loopback(struct slice known)
{
	static const char *const names[] = {"http://127.0.0.1", "http://[::1]", "http://localhost"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slice_eq(known, slice_str(names[i])))
			return true;
	}
	return false;
}

/* Behind the name of the machine: nothing, a path, or a port and perhaps a path. */
static bool is_port_and_path(struct slice rest)
{
	size_t digits = 0;

	if (rest.len == 0 || rest.ptr[0] == '/')
		return true;
	if (rest.ptr[0] != ':')
		return false;
	rest = slice_from(rest, 1);
	while (digits < rest.len && rest.ptr[digits] >= '0' && rest.ptr[digits] <= '9')
		digits++;
	return digits > 0 && digits <= 5 && (digits == rest.len || rest.ptr[digits] == '/');
}

bool oauth_may_redirect(struct slice setting, struct slice client, struct slice url)
{
	struct slice known, row = find_client(setting, client);

	if (!client.len || !row.ptr || !is_url(url))
		return false;
	while ((known = next_word(&row)).len) {
		if (slice_eq(known, url))
			return true;
		if (is_loopback(known) && slice_starts(url, known) &&
			is_port_and_path(slice_from(url, known.len)))
			return true;
	}
	return false;
}

void oauth_origin(struct slice url, struct buf *out)
{
	const size_t scheme = slice_find(url, slice_lit("://"));
	size_t end;

	if (scheme == SIZE_MAX)
		return;
	end = slice_chr(slice_from(url, scheme + 3), '/');
	buf_append(out, end == SIZE_MAX ? url : slice_head(url, scheme + 3 + end));
}

unsigned oauth_scopes(struct slice names)
{
	unsigned scopes = 0;
	struct slice name;

	while ((name = next_word(&names)).len) {
		unsigned found = 0;

		for (size_t i = 0; i < sizeof(scopes_known) / sizeof(scopes_known[0]); i++) {
			if (slice_eq(name, slice_str(scopes_known[i].name)))
				found = scopes_known[i].scope;
		}
		if (!found && !slice_eq(name, slice_lit("offline_access")))
			return 0;
		scopes |= found;
	}
	return scopes;
}

void oauth_put_scopes(unsigned scopes, struct buf *out)
{
	for (size_t i = 0; i < sizeof(scopes_known) / sizeof(scopes_known[0]); i++) {
		if (!(scopes & scopes_known[i].scope))
			continue;
		if (out->len)
			buf_byte(out, ' ');
		buf_str(out, scopes_known[i].name);
	}
}
