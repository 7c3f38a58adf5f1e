/* log.c - see log.h for the contract. */
#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

enum { LINE_MAX_BYTES = 4096, VALUE_MAX = 512 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *process_name = "posthouse";
static enum log_level least_level = LOG_INFO;

void log_open(const char *process, enum log_level least)
{
	process_name = process;
	least_level = least;
}

bool log_level_parse(struct slice s, enum log_level *out)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
		if (slice_eq(s, slice_str(level_names[i]))) {
			*out = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static bool is_plain(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		const unsigned char c = (unsigned char)s.ptr[i];

		if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f)
			return false;
	}
	return s.len > 0;
}

static void put_value(struct buf *line, struct slice text)
{
	text = slice_head(text, VALUE_MAX);
	if (is_plain(text)) {
		buf_append(line, text);
		return;
	}
	buf_byte(line, '"');
	for (size_t i = 0; i < text.len; i++) {
		const unsigned char c = (unsigned char)text.ptr[i];

		if (c < ' ' || c == 0x7f)
			buf_printf(line, "\\x%02x", c);
		else if (c == '"' || c == '\\')
			buf_printf(line, "\\%c", c);
		else
			buf_byte(line, text.ptr[i]);
	}
	buf_byte(line, '"');
}

static void put_field(struct buf *line, const char *key, struct slice text)
{
	if (text.len == 0)
		return;
	buf_printf(line, " %s=", key);
	put_value(line, text);
}

static void put_head(struct buf *line, enum log_level level, const char *event)
{
	const int64_t us = clock_wall_us();
	const time_t s = (time_t)(us / 1000000);
	struct tm tm;
	char when[32];

	gmtime_r(&s, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	buf_printf(line, "%s.%03dZ %s %s %s", when, (int)(us / 1000 % 1000), level_names[level],
		process_name, event);
}

void log_fields(struct buf *out, const struct log_field *fields)
{
	for (; fields->key; fields++) {
		if (fields->is_number)
			buf_printf(out, " %s=%lld", fields->key, (long long)fields->number);
		else
			put_field(out, fields->key, fields->text);
	}
}

void log_write(enum log_level level, const struct log_ctx *ctx, const char *event,
	const struct log_field *fields)
{
	struct buf line AUTO(buf_done);
	ssize_t n;

	buf_init(&line, LINE_MAX_BYTES);
	if (level < least_level)
		return;
	put_head(&line, level, event);
	if (ctx && ctx->service)
		put_field(&line, "service", slice_str(ctx->service));
	if (ctx && ctx->session)
		buf_printf(&line, " session=%llx", (unsigned long long)ctx->session);
	if (ctx) {
		put_field(&line, "account", ctx->account);
		put_field(&line, "peer", ctx->peer);
	}
	log_fields(&line, fields);
	line.failed = false; /* a line that is too long is cut, not lost */
	if (line.len >= LINE_MAX_BYTES)
		line.len = LINE_MAX_BYTES - 1;
	buf_byte(&line, '\n');
	n = write(STDERR_FILENO, line.ptr, line.len);
	(void)n; /* nowhere to complain */
}
