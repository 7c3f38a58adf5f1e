/* sending.c - the settings page of how mail is sent: how long it can be taken back, who keeps a
 * copy. */
#include <stdio.h>

#include "mail/limits.h"
#include "web/pages.h"
#include "web/settings.h"

static const int choices[] = {0, 5, 10, 20, 30, 60};

enum { CHOICES = sizeof(choices) / sizeof(choices[0]) };

static void put_choices(json_t *values, const char *key, int64_t chosen)
{
	json_t *list = json_array();
	char label[32];

	for (size_t i = 0; i < CHOICES; i++) {
		json_t *row = json_object();

		snprintf(
			label, sizeof(label), choices[i] ? "%d seconds" : "not at all", choices[i]);
		json_object_set_new(row, "seconds", json_integer(choices[i]));
		json_set_text(row, "label", label);
		json_object_set_new(row, "is_chosen", json_boolean(choices[i] == chosen));
		json_array_append_new(list, row);
	}
	json_object_set_new(values, key, list);
}

void page_sending(struct http *x)
{
	const struct visit *v = visit_of(x);
	json_t *values = settings_values("sending", "Sending");

	put_choices(values, "web_list", mail_undo_s(v->service, v->account.id, true));
	put_choices(values, "programs_list", mail_undo_s(v->service, v->account.id, false));
	json_object_set_new(values, "keeps_sent", json_boolean(v->account.keeps_sent));
	visit_page(x, 200, "sending", values);
}

static bool take_choice(struct http *x, const char *field, int *out)
{
	uint64_t n;

	if (!slice_to_u64(http_form(x, field), DIRECTORY_UNDO_MAX_S, &n))
		return false;
	*out = (int)n;
	for (size_t i = 0; i < CHOICES; i++) {
		if (choices[i] == *out)
			return true;
	}
	return false;
}

void page_sending_change(struct http *x)
{
	const struct visit *v = visit_of(x);
	const bool keeps_sent = http_form(x, "keep").len != 0;
	int web, programs;
	const struct directory_change change = {
		.undo_web_s = &web, .undo_program_s = &programs, .keeps_sent = &keeps_sent};
	struct err err;
	int rc;

	if (!take_choice(x, "web", &web) || !take_choice(x, "programs", &programs)) {
		http_fail(x, 400);
		return;
	}
	rc = directory_account_set(v->service->directory, v->account.id, &change, &err);
	if (rc < 0) {
		visit_fail(x, rc, &err);
		return;
	}
	visit_say(x, "saved");
	visit_go(x, "/settings/sending");
}
