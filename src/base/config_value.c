/* config_value.c - what may stand in a setting of each type; see config.h. */
#include "base/config_value.h"

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

static const char *const type_names[] = {
	[TYPE_HOST] = "a host name in quotes",
	[TYPE_WORD] = "a name in quotes",
	[TYPE_COUNT] = "a number",
	[TYPE_SIZE] = "a size, such as \"50 MiB\"",
	[TYPE_TIME] = "a time, such as \"5 m\"",
	[TYPE_SWITCH] = "true or false",
	[TYPE_LEVEL] = "\"debug\", \"info\", \"warn\" or \"error\"",
	[TYPE_MODE] = "\"allow\", \"notify\" or \"closed\"",
	[TYPE_DATE] = "a day, such as \"2027-03-01\", or \"\"",
	[TYPE_LINE] = "a text of one line",
	[TYPE_MAIL] = "an e-mail address in quotes, or \"\"",
	[TYPE_URL] = "the address of a page, such as \"https://www.example.org\", or \"\"",
	[TYPE_LISTEN] = "\"ADDRESS:PORT\", \"*:PORT\", several of these in [ ], or \"\"",
};

/* A number and its unit: "5 m", "50MiB", "7". False for an unknown unit or too large a number. */
static bool take_unit(struct slice text, enum type type, uint64_t *out)
{
	static const struct {
		const char *name;
		enum type type;
		uint64_t factor;
	} units[] = {
		{"", TYPE_COUNT, 1},
		{"", TYPE_SIZE, 1},
		{"", TYPE_TIME, 1},
		{"KiB", TYPE_SIZE, KIB},
		{"MiB", TYPE_SIZE, MIB},
		{"GiB", TYPE_SIZE, (uint64_t)1024 * MIB},
		{"s", TYPE_TIME, 1},
		{"m", TYPE_TIME, MINUTE},
		{"h", TYPE_TIME, HOUR},
		{"d", TYPE_TIME, DAY},
	};
	struct slice unit;
	uint64_t number;
	size_t digits = 0;

	while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
		digits++;
	unit = slice_trim(slice_from(text, digits));
	if (!slice_to_u64(slice_head(text, digits), UINT32_MAX * (uint64_t)64, &number))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].type == type && slice_eq_nocase(unit, slice_str(units[i].name)))
			return !__builtin_mul_overflow(number, units[i].factor, out);
	}
	return false;
}

static bool take_mode(struct slice text, uint64_t *out)
{
	static const char *const names[] = {[CLEARTEXT_CLOSED] = "closed",
		[CLEARTEXT_ALLOW] = "allow",
		[CLEARTEXT_NOTIFY] = "notify"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slice_eq(text, slice_str(names[i]))) {
			*out = i;
			return true;
		}
	}
	return false;
}

static bool take_date(struct slice text, uint64_t *out)
{
	struct tm day = {0}, back;
	char copy[11];
	time_t t;
	int mday;

	*out = 0;
	if (text.len != sizeof(copy) - 1)
		return text.len == 0;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = 0;
	if (strptime(copy, "%Y-%m-%d", &day) != copy + text.len)
		return false;
	mday = day.tm_mday;
	t = timegm(&day);
	*out = (uint64_t)t;
	return t > 0 && gmtime_r(&t, &back) && back.tm_mday == mday; /* no 30 February */
}

static bool take_number(
	const struct config_given *given, const struct config_row *row, uint64_t *out)
{
	enum log_level level;

	switch (row->type) {
	case TYPE_SWITCH:
		*out = given->kind == GIVEN_SWITCH ? given->number != 0
						   : slice_eq(given->text, slice_lit("true"));
		return given->kind == GIVEN_SWITCH || *out ||
		       slice_eq(given->text, slice_lit("false"));
	case TYPE_MODE:
		return given->kind == GIVEN_TEXT && take_mode(given->text, out);
	case TYPE_DATE:
		return given->kind == GIVEN_TEXT && take_date(given->text, out);
	case TYPE_LEVEL:
		if (given->kind != GIVEN_TEXT || !log_level_parse(given->text, &level))
			return false;
		*out = level;
		return true;
	default:
		if (given->kind == GIVEN_TEXT)
			return take_unit(given->text, row->type, out);
		*out = (uint64_t)given->number;
		return given->kind == GIVEN_NUMBER && given->number >= 0;
	}
}

bool config_is_word(struct slice text, size_t max)
{
	for (size_t i = 0; i < text.len; i++) {
		const unsigned char c = ascii_lower((unsigned char)text.ptr[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' &&
			c != '_')
			return false;
	}
	return text.len > 0 && text.len <= max && text.ptr[0] != '.' && text.ptr[0] != '-';
}

static bool is_text_type(enum type type)
{
	return type == TYPE_LINE || type == TYPE_MAIL || type == TYPE_URL;
}

/* What stands in mail headers and links must not break out of them. */
static bool is_text(struct slice text, enum type type)
{
	const size_t at = slice_chr(text, '@');

	for (size_t i = 0; i < text.len; i++) {
		const unsigned char c = (unsigned char)text.ptr[i];

		if (c < ' ' || c == 0x7f)
			return false;
		if (type != TYPE_LINE && (c == ' ' || c > 0x7f || memchr("<>\"\\,;", c, 7)))
			return false;
	}
	if (type == TYPE_MAIL && text.len)
		return at && at != SIZE_MAX && at == slice_rchr(text, '@') && at + 1 < text.len;
	if (type == TYPE_URL && text.len)
		return slice_starts(text, slice_lit("https://")) &&
		       !slice_ends(text, slice_lit("/"));
	return text.len <= 253;
}

/* "192.0.2.1:25", "[2001:db8::1]:25", "*:25". */
static bool take_address(struct arena *arena, struct slice text, struct config_address *out)
{
	const size_t colon = slice_rchr(text, ':');
	unsigned char bytes[16];
	uint64_t port;
	struct slice host;
	char *name;

	if (colon == SIZE_MAX || !slice_to_u64(slice_from(text, colon + 1), 65535, &port) || !port)
		return false;
	host = slice_head(text, colon);
	out->port = (uint16_t)port;
	out->host = (struct slice){0};
	if (slice_eq(host, slice_lit("*")))
		return true;
	if (slice_starts(host, slice_lit("[")) && slice_ends(host, slice_lit("]"))) {
		host = slice_head(slice_from(host, 1), host.len - 2);
		name = arena_str(arena, host);
		out->host = host = slice_str(name);
		return name && inet_pton(AF_INET6, name, bytes) == 1;
	}
	name = arena_str(arena, host);
	if (!name)
		return false;
	out->host = slice_str(name);
	return inet_pton(AF_INET, name, bytes) == 1;
}

static bool take_listen(
	struct arena *arena, const struct config_given *given, struct config_listen *out)
{
	if (given->kind != GIVEN_TEXT)
		return false;
	if (given->text.len == 0) /* off */
		return true;
	return out->n < CONFIG_LISTEN_MAX && take_address(arena, given->text, &out->at[out->n++]);
}

int config_put(struct config *config, const struct config_row *row,
	const struct config_given *given, struct err *err)
{
	char *at = (char *)config + row->at;
	uint64_t number;
	bool is_good;

	if (row->type == TYPE_LISTEN) {
		is_good = take_listen(&config->arena, given, (struct config_listen *)(void *)at);
	} else if (row->type == TYPE_HOST || row->type == TYPE_WORD) {
		is_good = given->kind == GIVEN_TEXT &&
			  (config_is_word(given->text, row->type == TYPE_HOST ? 253 : 64) ||
				  (row->type == TYPE_HOST && given->text.len == 0));
		if (is_good)
			*(struct slice *)(void *)at = arena_dup(&config->arena, given->text);
	} else if (is_text_type(row->type)) {
		is_good = given->kind == GIVEN_TEXT && is_text(given->text, row->type);
		if (is_good)
			*(struct slice *)(void *)at = arena_dup(&config->arena, given->text);
	} else {
		is_good = take_number(given, row, &number);
		if (is_good && row->max && (number < row->min || number > row->max))
			return err_set(err, ERR_SYNTAX, "%s must be from %llu to %llu", row->name,
				(unsigned long long)row->min, (unsigned long long)row->max);
		if (is_good)
			*(uint64_t *)(void *)at = number;
	}
	return is_good ? 0
		       : err_set(err, ERR_SYNTAX, "%s must be %s", row->name,
				 type_names[row->type]);
}
