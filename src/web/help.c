/* help.c - help pages: templates called help-TOPIC, with the service's own names and ports. */
#include "certificate/certificate.h"
#include "web/pages.h"
#include "web/templates.h"
#include "web/text.h"

static const struct {
	const char *topic, *template, *title;
} topics[] = {
	{"servers", "help-servers", "Server names and ports"},
	{"tls", "help-tls", "SSL, TLS and STARTTLS"},
	{"clients", "help-clients", "Setting up mail programs"},
	{"security", "help-security", "Passwords and second factors"},
	{"search", "help-search", "Searching mail"},
	{"refused", "help-refused", "Why mail was refused"},
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

/* Whoever is signed in can have their own settings as a file. */
static void put_profile(struct http *x, json_t *values)
{
	struct buf address AUTO(buf_done);

	buf_init(&address, VISIT_NEXT_MAX);
	text_put_query(&address, visit_of(x)->account.address);
	if (address.len && !address.failed)
		json_set_slice(values, "profile", buf_slice(&address));
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
		put_profile(x, values);
		visit_page(x, 200, topics[i].template, values);
		return;
	}
	http_fail(x, 404);
}

/* ---- certificates: what devices that know no root may need by hand [tls.5] ---- */

/* The chain of that name, if it is in use; a reference of the list's. */
static json_t *find_chain(json_t *list, struct slice name)
{
	json_t *chain;
	size_t i;

	json_array_foreach(list, i, chain)
	{
		const char *found = json_string_value(json_object_get(chain, "name"));

		if (json_is_true(json_object_get(chain, "is_used")) && found &&
			slice_eq(slice_str(found), name))
			return chain;
	}
	return NULL;
}

/* For the template: dates as text, parts numbered; what is not used is not shown. */
static json_t *shown_chains(json_t *list)
{
	json_t *rows = json_array(), *chain, *part;
	size_t i, k;

	json_array_foreach(list, i, chain)
	{
		if (!json_is_true(json_object_get(chain, "is_used")))
			continue;
		json_set_when(chain, "end", json_integer_value(json_object_get(chain, "until")));
		json_array_foreach(json_object_get(chain, "parts"), k, part)
		{
			json_object_set_new(part, "number", json_integer((json_int_t)k));
			json_set_when(
				part, "end", json_integer_value(json_object_get(part, "until")));
		}
		json_array_append(rows, chain);
	}
	return rows;
}

void page_certificates(struct http *x)
{
	json_t *values = help_values(x, "Certificates"),
	       *list = certificates_describe(visit_of(x)->service->certificates);

	json_object_set_new(values, "chains", shown_chains(list));
	json_decref(list);
	visit_page(x, 200, "help-certificates", values);
}

void page_certificate_file(struct http *x)
{
	json_t *list = certificates_describe(visit_of(x)->service->certificates);
	const struct slice name = http_segment(x, "name");
	const json_t *chain = find_chain(list, name), *pem = NULL;
	char file[300];
	uint64_t number;

	if (chain && slice_to_u64(http_segment(x, "part"), UINT16_MAX, &number))
		pem = json_object_get(
			json_array_get(json_object_get(chain, "parts"), (size_t)number), "pem");
	if (json_is_string(pem)) {
		snprintf(file, sizeof(file), "%.*s-%.*s.pem", SLICE_ARG(name),
			SLICE_ARG(http_segment(x, "part")));
		http_set_filename(x, true, slice_str(file));
		http_reply(x, 200, "application/x-pem-file", slice_str(json_string_value(pem)));
	} else {
		http_fail(x, 404);
	}
	json_decref(list);
}
