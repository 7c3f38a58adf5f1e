/*
 * log.h - structured log lines on standard error: time level process event key=value ...
 *
 * Sessions and daemons log each error once; libraries (base, wire, db, store) do not log. Never
 * message content, never secrets. A value with a space, quote or control byte is quoted and
 * escaped, so one event is always one line. Any thread; a line is one write().
 *
 *   log_info(&ctx, "login", log_s("method", method), log_n("ms", ms));
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"
#include "base/slice.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* What every line of a session says without being asked; empty parts are left out. */
struct log_ctx {
	const char *service;  /* "imap", "smtp", "lmtp"; NULL outside sessions */
	uint64_t session;     /* 0: none */
	struct slice account; /* login name, once known */
	struct slice peer;    /* client address */
};

struct log_field {
	const char *key; /* NULL ends the list */
	struct slice text;
	int64_t number;
	bool is_number;
};

/* log_open - name of this process in each line ("server"), and the least level written. */
void log_open(const char *process, enum log_level least);

/* log_level_parse - "debug", "info", "warn", "error"; false for anything else. */
bool log_level_parse(struct slice s, enum log_level *out);

/* log_fields - " key=value" of each field, appended. */
struct buf;
void log_fields(struct buf *out, const struct log_field *fields);

void log_write(enum log_level level, const struct log_ctx *ctx, const char *event,
	const struct log_field *fields);

static inline struct log_field log_s(const char *key, struct slice text)
{
	return (struct log_field){.key = key, .text = text};
}

static inline struct log_field log_c(const char *key, const char *text)
{
	return log_s(key, slice_str(text));
}

static inline struct log_field log_n(const char *key, int64_t n)
{
	return (struct log_field){.key = key, .number = n, .is_number = true};
}

static inline struct log_field log_e(const struct err *err)
{
	return log_c("error", err->msg);
}

#define LOG_AT(level, ctx, event, ...)                                                             \
	log_write(level, ctx, event, (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})
#define log_debug(ctx, event, ...) LOG_AT(LOG_DEBUG, ctx, event __VA_OPT__(, ) __VA_ARGS__)
#define log_info(ctx, event, ...) LOG_AT(LOG_INFO, ctx, event __VA_OPT__(, ) __VA_ARGS__)
#define log_warn(ctx, event, ...) LOG_AT(LOG_WARN, ctx, event __VA_OPT__(, ) __VA_ARGS__)
#define log_error(ctx, event, ...) LOG_AT(LOG_ERROR, ctx, event __VA_OPT__(, ) __VA_ARGS__)

#endif
