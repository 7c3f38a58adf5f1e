/* name.c - see name.h for the contract. */
#include "wire/imap/name.h"

#include <string.h>

#include "base/utf8.h"
#include "wire/imap/write.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static int bad_name(struct err *err)
{
	return err_set(err, ERR_SYNTAX, "mailbox name is not valid modified UTF-7");
}

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

static int check_utf8(struct slice name, struct err *err)
{
	uint32_t c;

	while (name.len) {
		if (!utf8_take(&name, &c))
			return err_set(err, ERR_SYNTAX, "mailbox name is not valid UTF-8");
		if (is_control(c))
			return err_set(err, ERR_SYNTAX, "control character in mailbox name");
	}
	return 0;
}

/* The UTF-16 of one "&...-" run on its way to UTF-8. */
struct utf16_run {
	uint32_t high; /* a high surrogate that waits for its other half, or 0 */
	size_t units;
};

static bool add_unit(struct utf16_run *run, uint32_t unit, struct buf *out)
{
	char bytes[4];

	run->units++;
	if (unit >= 0xd800 && unit < 0xdc00) {
		if (run->high)
			return false;
		run->high = unit;
		return true;
	}
	if (unit >= 0xdc00 && unit < 0xe000) {
		if (!run->high)
			return false;
		unit = 0x10000 + ((run->high - 0xd800) << 10) + (unit - 0xdc00);
		run->high = 0;
	} else if (run->high || (unit >= 0x20 && unit < 0x7f)) {
		return false; /* printable ASCII stands for itself */
	}
	buf_append(out, (struct slice){bytes, utf8_put(unit, bytes)});
	return true;
}

/* The base64 between "&" and "-": whole UTF-16 units, and no bits but zeros left over. */
static bool decode_run(struct slice text, struct buf *out)
{
	struct utf16_run run = {0};
	uint32_t bits = 0;
	unsigned n = 0;

	for (size_t i = 0; i < text.len; i++) {
		const char *digit = text.ptr[i] ? strchr(alphabet, text.ptr[i]) : NULL;

		if (!digit)
			return false;
		bits = bits << 6 | (uint32_t)(digit - alphabet);
		n += 6;
		if (n >= 16) {
			n -= 16;
			if (!add_unit(&run, bits >> n & 0xffff, out))
				return false;
			bits &= (1U << n) - 1;
		}
	}
	return run.units && !run.high && n < 6 && bits == 0;
}

static int decode_utf7(struct slice wire, struct buf *out, struct err *err)
{
	bool after_run = false; /* two runs side by side would be one */

	while (wire.len) {
		const unsigned char c = (unsigned char)wire.ptr[0];
		size_t end;

		if (c != '&') {
			if (c < 0x20 || c > 0x7e)
				return bad_name(err);
			buf_byte(out, (char)c);
			wire = slice_from(wire, 1);
			after_run = false;
			continue;
		}
		end = slice_chr(wire, '-');
		if (end == SIZE_MAX)
			return bad_name(err);
		if (end == 1)
			buf_byte(out, '&');
		else if (after_run || !decode_run((struct slice){wire.ptr + 1, end - 1}, out))
			return bad_name(err);
		after_run = end != 1;
		wire = slice_from(wire, end + 1);
	}
	return buf_check(out, "mailbox name", err);
}

void imap_name_capitalise(char *name, size_t len)
{
	if (len >= 5 && (len == 5 || name[5] == '/') &&
		slice_eq_nocase((struct slice){name, 5}, slice_lit("INBOX")))
		memcpy(name, "INBOX", 5);
}

int imap_name_decode(
	struct arena *arena, struct slice wire, bool is_utf8, struct slice *out, struct err *err)
{
	struct buf name AUTO(buf_done);
	struct slice copy;
	int rc = 0;

	buf_init(&name, IMAP_NAME_MAX);
	if (is_utf8) {
		buf_append(&name, wire);
		rc = buf_check(&name, "mailbox name", err);
	} else {
		rc = decode_utf7(wire, &name, err);
	}
	if (rc == 0)
		rc = check_utf8(buf_slice(&name), err);
	if (rc < 0)
		return rc;
	if (name.len)
		imap_name_capitalise(name.ptr, name.len);
	copy = arena_dup(arena, buf_slice(&name));
	if (!copy.ptr)
		return err_set(err, ERR_TOOBIG, "command needs too much memory");
	*out = copy;
	return 0;
}

/* Base64 digits of the bits gathered so far; the last call (is_end) fills up with zeros. */
static void put_digits(struct buf *out, uint32_t *bits, unsigned *n, bool is_end)
{
	if (is_end && *n % 6) {
		*bits <<= 6 - *n % 6;
		*n += 6 - *n % 6;
	}
	while (*n >= 6) {
		*n -= 6;
		buf_byte(out, alphabet[*bits >> *n & 63]);
	}
	*bits &= (1U << *n) - 1;
}

static bool is_plain(const struct slice *s)
{
	return s->len && s->ptr[0] >= 0x20 && s->ptr[0] < 0x7f;
}

/* Takes all characters that are not printable ASCII from the front of *name. */
static void encode_run(struct buf *out, struct slice *name)
{
	uint32_t bits = 0, c;
	unsigned n = 0;

	buf_byte(out, '&');
	while (!is_plain(name) && utf8_take(name, &c)) {
		if (c >= 0x10000) {
			bits = bits << 16 | (0xd800 + ((c - 0x10000) >> 10));
			n += 16;
			put_digits(out, &bits, &n, false);
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		bits = bits << 16 | c;
		n += 16;
		put_digits(out, &bits, &n, false);
	}
	put_digits(out, &bits, &n, true);
	buf_byte(out, '-');
}

void imap_name_encode(struct buf *out, struct slice name)
{
	uint32_t c;

	while (name.len) {
		struct slice ahead = name;

		if (!is_plain(&name)) {
			if (!utf8_take(&ahead, &c))
				return;
			encode_run(out, &name);
			continue;
		}
		buf_byte(out, name.ptr[0]);
		if (name.ptr[0] == '&')
			buf_byte(out, '-');
		name = slice_from(name, 1);
	}
}

void imap_name_write(struct buf *out, struct slice name, bool is_utf8)
{
	struct buf wire AUTO(buf_done);

	buf_init(&wire, IMAP_NAME_MAX * 4);
	if (is_utf8) {
		imap_write_astring(out, name, true);
		return;
	}
	imap_name_encode(&wire, name);
	imap_write_astring(out, buf_slice(&wire), false);
}

int imap_name_check(struct slice name, struct err *err)
{
	struct slice level, rest = name;

	if (slice_chr(name, '*') != SIZE_MAX || slice_chr(name, '%') != SIZE_MAX)
		return err_set(err, ERR_CONFLICT, "\"*\" and \"%%\" may not be in a mailbox name");
	do {
		level = slice_cut(rest, '/', &rest);
		if (level.len == 0)
			return err_set(err, ERR_CONFLICT, "a level of the mailbox name is empty");
	} while (rest.ptr);
	return 0;
}

int imap_name_parse(struct imap_lex *lx, bool is_utf8, struct slice *out, struct err *err)
{
	struct slice wire;
	int rc = imap_lex_astring(lx, IMAP_WORD_ASTRING, &wire, err);

	return rc < 0 ? rc : imap_name_decode(lx->arena, wire, is_utf8, out, err);
}

/* Wildcards match nothing too: from a state on a wildcard the one behind it is reached at once. */
static void close_states(struct slice pattern, bool *state, size_t from)
{
	for (size_t p = from; p < pattern.len; p++) {
		if (state[p] && (pattern.ptr[p] == '*' || pattern.ptr[p] == '%'))
			state[p + 1] = true;
	}
}

/* One step of the automaton over byte c, in place, from the end so that a byte counts once. What
 * stands before the last reached "*" is forgotten: that "*" takes whatever it could. */
static bool step_states(struct slice pattern, bool *state, size_t *from, char c)
{
	bool is_alive = false;

	for (size_t p = pattern.len + 1; p-- > *from;) {
		const char want = p < pattern.len ? pattern.ptr[p] : '\0';
		const bool stays = state[p] && (want == '*' || (want == '%' && c != '/'));
		const bool comes = p > *from && state[p - 1] && pattern.ptr[p - 1] == c &&
				   c != '*' && c != '%';

		state[p] = stays || comes;
		is_alive |= state[p];
	}
	close_states(pattern, state, *from);
	for (size_t p = pattern.len; p-- > *from;) {
		if (state[p] && pattern.ptr[p] == '*') {
			*from = p;
			break;
		}
	}
	return is_alive;
}

bool imap_pattern_match(struct slice pattern, struct slice name)
{
	bool state[IMAP_NAME_MAX + 1] = {true};
	size_t from = 0;

	if (pattern.len > IMAP_NAME_MAX)
		return false;
	close_states(pattern, state, 0);
	for (size_t i = 0; i < name.len; i++) {
		if (!step_states(pattern, state, &from, name.ptr[i]))
			return false;
	}
	return state[pattern.len];
}
