/* addr.c - see addr.h for the contract. */
#include "wire/smtp/addr.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <string.h>

#include "base/buf.h"

static bool is_alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

/* RFC 5321 4.1.2 atext; RFC 6531 3.3 adds all UTF-8 that is not ASCII. */
static bool is_atext(unsigned char c)
{
	return is_alnum(c) || c >= 0x80 || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* RFC 3629 3: how long the well-formed sequence at the front of s is; 0 if it is not one. */
static size_t utf8_len(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.ptr;
	const size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	if (n == 0 || p[0] > 0xf4 || s.len < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
		(p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static bool is_utf8(struct slice s)
{
	for (size_t n; s.len; s = slice_from(s, n)) {
		n = utf8_len(s);
		if (n == 0)
			return false;
	}
	return true;
}

static bool has_high_byte(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.ptr[i] >= 0x80)
			return true;
	}
	return false;
}

/* RFC 5321 4.1.2 Quoted-string; the length with both quotes, or 0. */
static size_t quoted_len(struct slice s)
{
	for (size_t i = 1; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c == '"')
			return i + 1;
		if (c == '\\') {
			if (++i == s.len)
				return 0;
			c = (unsigned char)s.ptr[i];
			if (c >= 0x7f)
				return 0;
		}
		if (c < 0x20 || c == 0x7f)
			return 0;
	}
	return 0;
}

/* RFC 5321 4.1.2 Dot-string: atoms with single dots between them. */
static size_t dot_string_len(struct slice s)
{
	size_t i = 0;

	while (i < s.len && is_atext((unsigned char)s.ptr[i])) {
		while (i < s.len && is_atext((unsigned char)s.ptr[i]))
			i++;
		if (i + 1 >= s.len || s.ptr[i] != '.' || !is_atext((unsigned char)s.ptr[i + 1]))
			break;
		i++;
	}
	return i;
}

size_t smtp_addr_local_len(struct slice text)
{
	if (text.len && text.ptr[0] == '"')
		return quoted_len(text);
	return dot_string_len(text);
}

/* The local part without quotes and backslashes. */
static int local_unquote(struct slice raw, struct arena *arena, struct slice *out, struct err *err)
{
	char *p = arena_alloc(arena, raw.len);
	size_t n = 0;

	if (!p)
		return err_set(err, ERR_TOOBIG, "address needs too much memory");
	if (raw.ptr[0] == '"')
		raw = slice_head(slice_from(raw, 1), raw.len - 2);
	for (size_t i = 0; i < raw.len; i++) {
		/* A dot-string holds no backslash, so one loop does for both. */
		if (raw.ptr[i] == '\\')
			i++;
		p[n++] = raw.ptr[i];
	}
	if (n > SMTP_LOCAL_MAX)
		return err_set(err, ERR_TOOBIG, "local part longer than %d bytes", SMTP_LOCAL_MAX);
	if (!is_utf8((struct slice){p, n}))
		return err_set(err, ERR_SYNTAX, "local part is not valid UTF-8");
	*out = (struct slice){p, n};
	return 0;
}

/* local@domain written back, the local part quoted only if it is no dot-string. */
static int addr_write(struct smtp_addr *addr, struct arena *arena, struct err *err)
{
	const bool must_quote =
		addr->local.len == 0 || dot_string_len(addr->local) != addr->local.len;
	struct buf b AUTO(buf_done);

	buf_init(&b, 2 * SMTP_LOCAL_MAX + SMTP_DOMAIN_MAX + 16);
	if (must_quote) {
		buf_byte(&b, '"');
		for (size_t i = 0; i < addr->local.len; i++) {
			if (addr->local.ptr[i] == '"' || addr->local.ptr[i] == '\\')
				buf_byte(&b, '\\');
			buf_byte(&b, addr->local.ptr[i]);
		}
		buf_byte(&b, '"');
	} else {
		buf_append(&b, addr->local);
	}
	if (addr->domain.len) {
		buf_byte(&b, '@');
		buf_append(&b, addr->domain);
	}
	addr->text = arena_dup(arena, buf_slice(&b));
	if (!addr->text.ptr || b.failed)
		return err_set(err, ERR_TOOBIG, "address needs too much memory");
	return 0;
}

/* RFC 5321 4.1.3. Only the two kinds that have a meaning: anything else cannot be delivered. */
static int literal_parse(
	struct slice text, struct arena *arena, struct slice *domain_out, struct err *err)
{
	static const struct slice tag6 = {"IPv6:", 5};
	struct slice inner = slice_head(slice_from(text, 1), text.len - 2);
	char host[INET6_ADDRSTRLEN + 1] = "", norm[INET6_ADDRSTRLEN], out[INET6_ADDRSTRLEN + 8];
	unsigned char bin[16];
	const bool is_v6 = slice_starts_nocase(inner, tag6);
	size_t n = 0;

	if (text.len < 2 || text.ptr[text.len - 1] != ']')
		return err_set(err, ERR_SYNTAX, "address literal is not closed");
	if (is_v6)
		inner = slice_from(inner, tag6.len);
	if (inner.len >= sizeof(host) || memchr(inner.ptr, '\0', inner.len))
		return err_set(err, ERR_SYNTAX, "bad address literal");
	memcpy(host, inner.ptr, inner.len);
	if (inet_pton(is_v6 ? AF_INET6 : AF_INET, host, bin) != 1)
		return err_set(err, ERR_SYNTAX, "bad address literal");
	inet_ntop(is_v6 ? AF_INET6 : AF_INET, bin, norm, sizeof(norm));
	out[n++] = '[';
	if (is_v6) {
		memcpy(out + n, tag6.ptr, tag6.len);
		n += tag6.len;
	}
	memcpy(out + n, norm, strlen(norm));
	n += strlen(norm);
	out[n++] = ']';
	*domain_out = arena_dup(arena, (struct slice){out, n});
	if (!domain_out->ptr)
		return err_set(err, ERR_TOOBIG, "address needs too much memory");
	return 0;
}

/* Lower case into dst, every label checked; text.len is at most SMTP_DOMAIN_MAX. */
static int ascii_domain(struct slice text, char *dst, bool *has_alabel, struct err *err)
{
	size_t label = 0;

	*has_alabel = false;
	for (size_t i = 0; i <= text.len; i++) {
		const unsigned char c = i < text.len ? (unsigned char)text.ptr[i] : '.';

		if (c != '.') {
			if (!is_alnum(c) && c != '-' && c != '_')
				return err_set(err, ERR_SYNTAX, "byte 0x%02x in domain", c);
			dst[i] = (char)ascii_lower(c);
			continue;
		}
		if (i == label)
			return err_set(err, ERR_SYNTAX, "empty label in domain");
		if (i - label > SMTP_LABEL_MAX)
			return err_set(err, ERR_TOOBIG, "domain label longer than %d bytes",
				SMTP_LABEL_MAX);
		if (dst[label] == '-' || dst[i - 1] == '-')
			return err_set(err, ERR_SYNTAX, "domain label with \"-\" at its end");
		if (slice_starts((struct slice){dst + label, i - label}, slice_lit("xn--")))
			*has_alabel = true;
		if (i < text.len)
			dst[i] = '.';
		label = i + 1;
	}
	return 0;
}

/* U-labels to A-labels, A-labels checked by the round trip (RFC 5891 5). */
static int idna_domain(
	struct slice text, struct arena *arena, struct slice *domain_out, struct err *err)
{
	char *src = arena_str(arena, text);
	uint8_t *name = NULL;
	char *dst;
	bool has_alabel;
	int rc;

	if (!src)
		return err_set(err, ERR_TOOBIG, "address needs too much memory");
	rc = idn2_lookup_u8((const uint8_t *)src, &name, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (rc != IDN2_OK)
		return err_set(err, ERR_SYNTAX, "domain name: %s", idn2_strerror(rc));
	text = slice_str((const char *)name);
	dst = text.len <= SMTP_DOMAIN_MAX ? arena_alloc(arena, text.len) : NULL;
	if (dst)
		rc = ascii_domain(text, dst, &has_alabel, err);
	idn2_free(name);
	if (!dst)
		return err_set(
			err, ERR_TOOBIG, "domain name longer than %d bytes", SMTP_DOMAIN_MAX);
	if (rc == 0)
		*domain_out = (struct slice){dst, text.len};
	return rc;
}

int smtp_domain_parse(
	struct slice text, struct arena *arena, struct slice *domain_out, struct err *err)
{
	bool has_alabel;
	char *dst;
	int rc;

	if (text.len == 0)
		return err_set(err, ERR_SYNTAX, "domain name is missing");
	if (text.len > SMTP_DOMAIN_MAX)
		return err_set(
			err, ERR_TOOBIG, "domain name longer than %d bytes", SMTP_DOMAIN_MAX);
	if (text.ptr[0] == '[')
		return literal_parse(text, arena, domain_out, err);
	if (has_high_byte(text)) {
		if (!is_utf8(text) || memchr(text.ptr, '\0', text.len))
			return err_set(err, ERR_SYNTAX, "domain name is not valid UTF-8");
		return idna_domain(text, arena, domain_out, err);
	}
	dst = arena_alloc(arena, text.len);
	if (!dst)
		return err_set(err, ERR_TOOBIG, "address needs too much memory");
	rc = ascii_domain(text, dst, &has_alabel, err);
	if (rc < 0)
		return rc;
	if (has_alabel)
		return idna_domain((struct slice){dst, text.len}, arena, domain_out, err);
	*domain_out = (struct slice){dst, text.len};
	return 0;
}

int smtp_addr_bare(
	struct slice local, struct arena *arena, struct smtp_addr *addr_out, struct err *err)
{
	struct smtp_addr addr = {.has_utf8 = has_high_byte(local)};
	int rc;

	if (local.len == 0 || smtp_addr_local_len(local) != local.len)
		return err_set(err, ERR_SYNTAX, "bad local part");
	rc = local_unquote(local, arena, &addr.local, err);
	if (rc == 0)
		rc = addr_write(&addr, arena, err);
	if (rc == 0)
		*addr_out = addr;
	return rc;
}

int smtp_addr_parse(
	struct slice text, struct arena *arena, struct smtp_addr *addr_out, struct err *err)
{
	struct smtp_addr addr = {.has_utf8 = has_high_byte(text)};
	const size_t n = smtp_addr_local_len(text);
	int rc;

	if (n == 0)
		return err_set(err, ERR_SYNTAX, "bad local part");
	if (n == text.len)
		return err_set(err, ERR_SYNTAX, "address without a domain");
	if (text.ptr[n] != '@')
		return err_set(
			err, ERR_SYNTAX, "byte 0x%02x in local part", (unsigned char)text.ptr[n]);
	rc = local_unquote(slice_head(text, n), arena, &addr.local, err);
	if (rc == 0)
		rc = smtp_domain_parse(slice_from(text, n + 1), arena, &addr.domain, err);
	if (rc == 0)
		rc = addr_write(&addr, arena, err);
	if (rc == 0)
		*addr_out = addr;
	return rc;
}

int smtp_addr_make(struct slice local, struct slice domain, struct arena *arena,
	struct smtp_addr *addr_out, struct err *err)
{
	struct smtp_addr addr = {.has_utf8 = has_high_byte(local) || has_high_byte(domain)};
	int rc;

	if (local.len > SMTP_LOCAL_MAX)
		return err_set(err, ERR_TOOBIG, "local part longer than %d bytes", SMTP_LOCAL_MAX);
	for (size_t i = 0; i < local.len; i++) {
		if ((unsigned char)local.ptr[i] < 0x20 || local.ptr[i] == 0x7f)
			return err_set(err, ERR_SYNTAX, "control byte in local part");
	}
	if (!is_utf8(local))
		return err_set(err, ERR_SYNTAX, "local part is not valid UTF-8");
	addr.local = arena_dup(arena, local);
	if (!addr.local.ptr)
		return err_set(err, ERR_TOOBIG, "address needs too much memory");
	rc = smtp_domain_parse(domain, arena, &addr.domain, err);
	if (rc == 0)
		rc = addr_write(&addr, arena, err);
	if (rc == 0)
		*addr_out = addr;
	return rc;
}
