/* help.c - help pages: templates called help-TOPIC, with the service's own names and ports. */
#include "web/pages.h"
#include "web/templates.h"

static const struct {
	const char *topic, *template, *title;
} topics[] = {
	{"servers", "help-servers", "Server names and ports"},
	{"tls", "help-tls", "SSL, TLS and STARTTLS"},
	{"clients", "help-clients", "Setting up mail programs"},
	{"security", "help-security", "Passwords and second factors"},
	{"search", "help-search", "Searching mail"},
	{"status", "help-status", "Status"},
};

static json_t *help_values(struct http *x, const char *title)
{
	const struct visit *v = visit_of(x);
	const struct web_config *config = &v->web->config;
	json_t *values = json_object();

	json_set_true(values, "is_help");
	json_set_text(values, "title", title);
	json_set_slice(values, "host", v->service->host_name);
	json_object_set_new(values, "imaps", json_integer(config->port_imaps));
	json_object_set_new(values, "pops", json_integer(config->port_pops));
	json_object_set_new(values, "submissions", json_integer(config->port_submissions));
	json_set_slice(values, "origin", v->web->origin);
	return values;
}

void page_help(struct http *x)
{
	visit_page(x, 200, "help", help_values(x, "Help"));
}

/* What the reader can see for themselves: this page came, so the web and its keeper answer. */
static void put_status(struct http *x, json_t *values)
{
	struct service *service = visit_of(x)->service;

	json_object_set_new(values, "is_full", json_boolean(store_is_full(service->store)));
}

void page_help_topic(struct http *x)
{
	const struct slice topic = http_segment(x, "topic");
	json_t *values;

	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
		if (!slice_eq(topic, slice_str(topics[i].topic)))
			continue;
		values = help_values(x, topics[i].title);
		put_status(x, values);
		visit_page(x, 200, topics[i].template, values);
		return;
	}
	http_fail(x, 404);
}
