/* host.c - see host.h for the contract. */
#include "web/host.h"

enum prefix { NO_PREFIX, WWW, MAIL, SMALL, SSL, INSECURE, PREFIX_COUNT };

/* What a name is: a prefix and the domain behind it. */
struct name {
	enum prefix prefix;
	enum host_owner owner;
	struct slice domain;
};

static const struct slice prefixes[PREFIX_COUNT] = {
	[NO_PREFIX] = {"", 0},
	[WWW] = {"www.", 4},
	[MAIL] = {"mail.", 5},
	[SMALL] = {"m.", 2},
	[SSL] = {"ssl.", 4},
	[INSECURE] = {"insecure.", 9},
};

static enum host_owner owner_of(const struct host_config *config, struct slice domain)
{
	if (slice_eq(domain, config->primary))
		return HOST_PRIMARY;
	return config->owner(config->context, domain);
}

/* A domain of its own comes before a prefix: mail.example.org may be one. */
static struct name name_of(const struct host_config *config, struct slice host)
{
	for (enum prefix p = NO_PREFIX; p < PREFIX_COUNT; p++) {
		const struct slice domain =
			slice_from(host, slice_starts(host, prefixes[p]) ? prefixes[p].len : 0);
		enum host_owner owner;

		if (domain.len == 0 || !slice_starts(host, prefixes[p]))
			continue;
		owner = owner_of(config, domain);
		if (owner != HOST_NOBODY)
			return (struct name){p, owner, domain};
	}
	return (struct name){.owner = HOST_NOBODY};
}

static void put_port(const struct host_config *config, struct buf *out)
{
	if (config->public_port != 443)
		buf_printf(out, ":%u", config->public_port);
}

void host_url(const struct host_config *config, struct buf *out)
{
	buf_lit(out, "https://www.");
	buf_append(out, config->primary);
	put_port(config, out);
}

/* To another name: what was asked for there means nothing here. */
static enum host_kind to_login(const struct host_config *config, const char *prefix,
	struct slice domain, struct buf *location)
{
	buf_printf(location, "https://%s", prefix);
	buf_append(location, config->primary);
	put_port(config, location);
	buf_byte(location, '/');
	if (domain.len && !slice_eq(domain, config->primary)) {
		buf_lit(location, "?domain=");
		buf_append(location, domain);
	}
	return HOST_REDIRECT;
}

/* To the same thing with TLS. */
static enum host_kind to_same(const struct host_config *config, struct slice prefix,
	struct slice domain, struct slice target, struct buf *location)
{
	buf_lit(location, "https://");
	buf_append(location, prefix);
	buf_append(location, domain);
	put_port(config, location);
	buf_append(location, slice_starts(target, slice_lit("/")) ? target : slice_lit("/"));
	return HOST_REDIRECT;
}

enum host_kind host_decide(const struct host_config *config, bool is_tls, struct slice host,
	struct slice target, struct buf *location)
{
	const struct name name = name_of(config, host);
	const bool is_primary = name.owner == HOST_PRIMARY;

	if (name.owner == HOST_NOBODY)
		return is_tls ? HOST_STAY : to_login(config, "www.", (struct slice){0}, location);
	switch (name.prefix) {
	case SMALL:
		if (!is_primary)
			return to_login(config, "m.", name.domain, location);
		return is_tls ? HOST_STAY_SMALL
			      : to_same(config, prefixes[SMALL], name.domain, target, location);
	case SSL:
		if (name.owner == HOST_CUSTOMER)
			return to_login(config, "www.", name.domain, location);
		return is_tls ? HOST_STAY
			      : to_same(config, prefixes[SSL], name.domain, target, location);
	case INSECURE:
		if (config->has_insecure && !is_tls && name.owner != HOST_CUSTOMER)
			return HOST_STAY_INSECURE;
		return to_login(config, "www.", name.domain, location);
	default:
		if (!is_primary)
			return to_login(config, "www.", name.domain, location);
		return is_tls && name.prefix == WWW
			       ? HOST_STAY
			       : to_same(config, prefixes[WWW], name.domain, target, location);
	}
}
