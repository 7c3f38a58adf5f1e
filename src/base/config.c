/* config.c - see config.h for the contract. */
#include "base/config.h"

#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/config_value.h"
#include "base/mem.h"

static int put_defaults(struct config *config, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < config_rows_n && rc == 0; i++) {
		const struct config_given given = {.text = slice_str(config_rows[i].def)};

		rc = config_put(config, &config_rows[i], &given, err);
	}
	return rc;
}

static int at_line(struct err *err, const char *file, unsigned line)
{
	struct err what = *err;

	return err_set(err, what.code, "%s:%u: %.110s", file, line, what.msg);
}

static struct config_given given_of(const config_setting_t *setting)
{
	const char *text;

	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return (struct config_given){
			.kind = GIVEN_NUMBER, .number = config_setting_get_int64(setting)};
	case CONFIG_TYPE_BOOL:
		return (struct config_given){
			.kind = GIVEN_SWITCH, .number = config_setting_get_bool(setting)};
	case CONFIG_TYPE_STRING:
		text = config_setting_get_string(setting);
		return (struct config_given){
			.kind = GIVEN_TEXT, .text = slice_str(text ? text : "")};
	default: /* a group, a fraction: what no row takes */
		return (struct config_given){.kind = GIVEN_NUMBER, .number = -1};
	}
}

static const struct config_row *row_find(const char *group, const char *name)
{
	char full[128];

	snprintf(full, sizeof(full), "%s%s%s", group, *group ? "." : "", name);
	for (size_t i = 0; i < config_rows_n; i++) {
		if (strcmp(config_rows[i].name, full) == 0)
			return &config_rows[i];
	}
	return NULL;
}

static bool is_group_name(const char *name)
{
	const size_t len = strlen(name);

	for (size_t i = 0; i < config_rows_n; i++) {
		if (strncmp(config_rows[i].name, name, len) == 0 && config_rows[i].name[len] == '.')
			return true;
	}
	return false;
}

static int read_setting(struct config *config, const struct config_row *row,
	const config_setting_t *setting, struct err *err)
{
	const bool is_many = config_setting_is_array(setting) || config_setting_is_list(setting);
	struct config_given given = given_of(setting);
	int rc = 0;

	if (row->type != TYPE_LISTEN || !is_many) {
		if (row->type == TYPE_LISTEN)
			((struct config_listen *)(void *)((char *)config + row->at))->n = 0;
		return config_put(config, row, &given, err);
	}
	((struct config_listen *)(void *)((char *)config + row->at))->n = 0;
	for (int i = 0; i < config_setting_length(setting) && rc == 0; i++) {
		given = given_of(config_setting_get_elem(setting, (unsigned)i));
		rc = config_put(config, row, &given, err);
	}
	return rc;
}

static int read_group(struct config *config, const config_setting_t *group, const char *group_name,
	const char *file, struct err *err)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
		const char *name = config_setting_name(setting);
		const struct config_row *row = row_find(group_name, name);
		int rc;

		if (config_setting_is_group(setting) && !*group_name && is_group_name(name)) {
			rc = read_group(config, setting, name, file, err);
			if (rc < 0)
				return rc;
			continue;
		}
		rc = row ? read_setting(config, row, setting, err)
			 : err_set(err, ERR_SYNTAX, "there is no setting %s%s%.60s", group_name,
				   *group_name ? "." : "", name);
		if (rc < 0)
			return at_line(err, file, config_setting_source_line(setting));
	}
	return 0;
}

/* The library would open other files; ours is handed on as one text, so it must be whole. */
static int refuse_include(struct slice text, const char *file, struct err *err)
{
	for (unsigned line = 1; text.len; line++) {
		if (slice_starts(slice_trim(slice_cut(text, '\n', &text)), slice_lit("@"))) {
			err_set(err, ERR_SYNTAX, "@include is not possible here");
			return at_line(err, file, line);
		}
	}
	return 0;
}

static void library_done(config_t *library)
{
	config_destroy(library);
}

static int read_text(struct config *config, const char *text, const char *file, struct err *err)
{
	config_t library AUTO(library_done);
	int rc = refuse_include(slice_str(text), file, err);

	config_init(&library);
	if (rc < 0)
		return rc;
	if (!config_read_string(&library, text)) {
		err_set(err, ERR_SYNTAX, "%s", config_error_text(&library));
		return at_line(err, file, (unsigned)config_error_line(&library));
	}
	return read_group(config, config_root_setting(&library), "", file, err);
}

/* An empty host name is the system's. */
static void name_host(struct config *config)
{
	struct utsname system;

	if (config->host_name.len)
		return;
	config->host_name = slice_lit("localhost");
	if (uname(&system) == 0 && config_is_word(slice_str(system.nodename), 253))
		config->host_name = arena_dup(&config->arena, slice_str(system.nodename));
}

int config_parse(struct slice text, const char *file, struct config **config_out, struct err *err)
{
	struct config *config = mem_new(struct config);
	char *copy;
	int rc;

	arena_init(&config->arena, 4 * CONFIG_TEXT_MAX);
	rc = put_defaults(config, err);
	copy = rc == 0 && text.len <= CONFIG_TEXT_MAX ? arena_str(&config->arena, text) : NULL;
	if (rc == 0 && !copy)
		rc = err_set(err, ERR_TOOBIG, "%s is larger than %d bytes", file, CONFIG_TEXT_MAX);
	else if (rc == 0 && strlen(copy) != text.len)
		rc = err_set(err, ERR_SYNTAX, "%s holds a NUL byte", file);
	else if (rc == 0)
		rc = read_text(config, copy, file, err);
	if (rc < 0) {
		config_free(&config);
		return rc;
	}
	name_host(config);
	*config_out = config;
	return 0;
}

void config_free(struct config **config)
{
	if (*config)
		arena_done(&(*config)->arena);
	free(*config);
	*config = NULL;
}

static bool is_same_listen(const struct config_listen *a, const struct config_listen *b)
{
	bool is_same = a->n == b->n;

	for (size_t i = 0; i < a->n && is_same; i++)
		is_same = a->at[i].port == b->at[i].port && slice_eq(a->at[i].host, b->at[i].host);
	return is_same;
}

static bool is_same_value(const struct config_row *row, const char *a, const char *b)
{
	const void *x = a + row->at, *y = b + row->at;

	switch (row->type) {
	case TYPE_LISTEN:
		return is_same_listen(x, y);
	case TYPE_HOST:
	case TYPE_WORD:
	case TYPE_LINE:
	case TYPE_MAIL:
	case TYPE_URL:
		return slice_eq(*(const struct slice *)x, *(const struct slice *)y);
	default:
		return *(const uint64_t *)x == *(const uint64_t *)y;
	}
}

unsigned config_changes(const struct config *a, const struct config *b)
{
	unsigned when = 0;

	for (size_t i = 0; i < config_rows_n; i++) {
		if (!is_same_value(&config_rows[i], (const char *)a, (const char *)b))
			when |= config_rows[i].when;
	}
	return when;
}

int64_t config_cleartext_until(const struct config_cleartext *service)
{
	if (service->mode == CLEARTEXT_CLOSED)
		return 0;
	return service->mode == CLEARTEXT_NOTIFY && service->date_s ? (int64_t)service->date_s
								    : INT64_MAX;
}

bool config_is_cleartext_open(const struct config_cleartext *service, int64_t now_s)
{
	return now_s < config_cleartext_until(service);
}

static const struct config_listen *listener_of(
	const struct config *config, enum config_service service)
{
	return (const void *)((const char *)config + config_services[service].listen_at);
}

bool config_keeps_port(const struct config *config, enum config_service service)
{
	return config->cleartext_answer ||
	       (config_services[service].has_starttls_port && listener_of(config, service)->n);
}

struct config_listen config_port(
	const struct config *config, enum config_service service, int64_t now_s)
{
	const struct config_cleartext *cleartext = &config->cleartext[service];
	const struct config_listen usual = {{{.port = config_services[service].port}}, 1};
	const struct config_listen *set = listener_of(config, service);

	if (!usual.at[0].port || (!config_is_cleartext_open(cleartext, now_s) &&
					 !config_keeps_port(config, service)))
		return (struct config_listen){.n = 0};
	return set->n || cleartext->mode == CLEARTEXT_CLOSED ? *set : usual;
}
