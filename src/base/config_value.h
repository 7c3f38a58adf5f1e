/*
 * config_value.h - one setting's type and value, and the table of all; only for config*.c.
 */
#ifndef BASE_CONFIG_VALUE_H
#define BASE_CONFIG_VALUE_H

#include "base/config.h"

enum type {
	TYPE_HOST,   /* a host name; empty: the system's */
	TYPE_WORD,   /* letters, digits, '.', '_', '-' */
	TYPE_COUNT,  /* a number */
	TYPE_SIZE,   /* bytes, or "50 MiB" */
	TYPE_TIME,   /* seconds, or "5 m" */
	TYPE_SWITCH, /* true or false */
	TYPE_LEVEL,  /* of log lines */
	TYPE_LISTEN, /* "ADDRESS:PORT", or several of them */
	TYPE_MODE,   /* of logins without TLS */
	TYPE_DATE,   /* "2027-03-01", its first second in UTC; empty: 0 */
	TYPE_LINE,   /* a text without control characters */
	TYPE_MAIL,   /* an e-mail address; may be empty */
	TYPE_URL,    /* of a page; may be empty */
};

struct config_row {
	const char *name; /* with its group */
	enum type type;
	size_t at;       /* in struct config */
	const char *def; /* as it would stand in the file, without quotes */
	uint64_t min, max;
	enum config_when when;
	const char *help;
};

/* config_rows.c. */
extern const struct config_row config_rows[];
extern const size_t config_rows_n;

enum { KIB = 1024, MIB = 1024 * KIB, MINUTE = 60, HOUR = 3600, DAY = 86400 };
#define GIB ((uint64_t)1024 * MIB)

/* One value as the file gives it. */
struct config_given {
	enum { GIVEN_TEXT, GIVEN_NUMBER, GIVEN_SWITCH } kind;
	struct slice text;
	long long number;
};

/* config_put - put a given value where its row says; err says what is wrong with it, without the
 * place. */
MUST_CHECK int config_put(struct config *config, const struct config_row *row,
	const struct config_given *given, struct err *err);
/* config_is_word - letters, digits, '.', '_', '-', beginning with one of the first two. */
bool config_is_word(struct slice text, size_t max);

#endif
