/* verb_group.c - verbs of the control socket: groups, their members and domains, and the login
 * screens of domains. */
#include <stdlib.h>

#include "admin/verb.h"
#include "base/encode.h"
#include "directory/group.h"

enum { PAGE = 500, ARENA_BYTES = 4 << 20 };

static int find_group(struct conn *c, const json_t *args, struct arena *arena,
	struct directory_group *out, struct err *err)
{
	struct slice name;
	const int rc = verb_text(args, "group", &name, err);

	return rc < 0 ? rc
		      : directory_group_find(verb_service(c)->directory, name, arena, out, err);
}

static json_t *group_json(const struct directory_group *group)
{
	return json_pack("{s:o, s:I, s:o, s:I, s:I, s:I, s:b, s:b}", "group",
		verb_string(group->name), "id", (json_int_t)group->id, "level",
		verb_string(group->level), "created", (json_int_t)group->created_s, "members",
		(json_int_t)group->members, "domains", (json_int_t)group->domains,
		"shares_contacts", group->shares_contacts, "shares_calendars",
		group->shares_calendars);
}

void verb_group_list(struct conn *c, const json_t *args)
{
	struct arena arena AUTO(arena_done);
	struct buf after AUTO(buf_done);
	struct directory_group *list;
	struct err err;
	size_t n = 0;

	(void)args;
	arena_init(&arena, ARENA_BYTES);
	buf_init(&after, VERB_KEY_MAX);
	do {
		arena_reset(&arena);
		if (directory_groups(verb_service(c)->directory, buf_slice(&after), PAGE, &arena,
			    &list, &n, &err) < 0) {
			verb_fail(conn_out(c), &err);
			return;
		}
		for (size_t i = 0; i < n; i++)
			verb_row(conn_out(c), group_json(&list[i]));
		if (n)
			verb_keep(&after, list[n - 1].name);
	} while (n == PAGE);
	verb_done(conn_out(c), NULL);
}

static void take_shared(const json_t *args, struct directory_group *group)
{
	const json_t *contacts = json_object_get(args, "contacts"),
		     *calendars = json_object_get(args, "calendars");

	if (contacts)
		group->shares_contacts = json_is_true(contacts);
	if (calendars)
		group->shares_calendars = json_is_true(calendars);
	if (json_object_get(args, "members_max"))
		group->members_max = verb_number(args, "members_max");
	if (verb_text_or_empty(args, "level").len)
		group->level = verb_text_or_empty(args, "level");
}

void verb_group_add(struct conn *c, const json_t *args)
{
	struct directory_group group = {.members_max = DIRECTORY_UNLIMITED};
	struct err err;
	uint64_t id;
	int rc = verb_text(args, "group", &group.name, &err);

	take_shared(args, &group);
	if (rc == 0)
		rc = directory_group_add(verb_service(c)->directory, &group, &id, &err);
	verb_end(c, rc, &err);
}

void verb_group_set(struct conn *c, const json_t *args)
{
	struct directory_group group;
	struct err err;
	int rc = find_group(c, args, conn_arena(c), &group, &err);

	if (rc == 0) {
		take_shared(args, &group);
		rc = directory_group_set(verb_service(c)->directory, &group, &err);
	}
	verb_end(c, rc, &err);
}

void verb_group_delete(struct conn *c, const json_t *args)
{
	struct directory_group group;
	struct err err;
	int rc = find_group(c, args, conn_arena(c), &group, &err);

	if (rc == 0)
		rc = directory_group_delete(verb_service(c)->directory, group.id, &err);
	verb_end(c, rc, &err);
}

/* ---- members ---- */

void verb_group_members(struct conn *c, const json_t *args)
{
	struct arena arena AUTO(arena_done);
	struct buf after AUTO(buf_done);
	struct directory_account *list;
	struct directory_group group;
	struct err err;
	size_t n = 0;
	int rc = find_group(c, args, conn_arena(c), &group, &err);

	arena_init(&arena, ARENA_BYTES);
	buf_init(&after, VERB_KEY_MAX);
	do {
		arena_reset(&arena);
		if (rc == 0)
			rc = directory_group_members(verb_service(c)->directory, group.id,
				buf_slice(&after), PAGE, &arena, &list, &n, &err);
		if (rc < 0) {
			verb_fail(conn_out(c), &err);
			return;
		}
		for (size_t i = 0; i < n; i++)
			verb_row(conn_out(c), verb_account_json(&list[i]));
		if (n)
			verb_keep(&after, list[n - 1].address);
	} while (n == PAGE);
	verb_done(conn_out(c), NULL);
}

/* What the keeper has to be told: who, and of which group. */
static void reply_role(struct conn *c, int rc, uint64_t account, uint64_t group, struct err *err)
{
	if (rc < 0)
		verb_fail(conn_out(c), err);
	else
		verb_done(conn_out(c), json_pack("{s:I, s:I}", "id", (json_int_t)account, "group",
					       (json_int_t)group));
}

void verb_group_join(struct conn *c, const json_t *args)
{
	struct directory_account account = {.id = 0};
	struct directory_group group = {.id = 0};
	struct err err;
	int rc = find_group(c, args, conn_arena(c), &group, &err);

	if (rc == 0)
		rc = verb_find_account(c, args, conn_arena(c), &account, &err);
	if (rc == 0)
		rc = directory_group_join(verb_service(c)->directory, group.id, account.id, &err);
	/* Again after the keeper could not be told: that shall be possible. */
	reply_role(c, rc == -ERR_EXISTS && !account.is_group_admin ? 0 : rc, account.id, group.id,
		&err);
}

void verb_group_leave(struct conn *c, const json_t *args)
{
	struct directory_account account = {.id = 0};
	struct directory_group group;
	struct err err;
	int rc = find_group(c, args, conn_arena(c), &group, &err);

	if (rc == 0)
		rc = verb_find_account(c, args, conn_arena(c), &account, &err);
	if (rc == 0 && account.group != group.id)
		rc = err_set(&err, ERR_NOTFOUND, "the account is not in this group");
	if (rc == 0)
		rc = directory_group_leave(verb_service(c)->directory, account.id, &err);
	reply_role(c, rc, account.id, 0, &err);
}

void verb_group_admin(struct conn *c, const json_t *args)
{
	struct directory_account account = {.id = 0};
	struct directory_group group = {.id = 0};
	struct err err;
	int rc = find_group(c, args, conn_arena(c), &group, &err);

	if (rc == 0)
		rc = verb_find_account(c, args, conn_arena(c), &account, &err);
	if (rc == 0 && account.group != group.id)
		rc = err_set(&err, ERR_NOTFOUND, "the account is not in this group");
	if (rc == 0)
		rc = directory_group_admin(verb_service(c)->directory, account.id,
			json_is_true(json_object_get(args, "is_admin")), &err);
	reply_role(c, rc, account.id, group.id, &err);
}

/* ---- domains ---- */

void verb_group_domain(struct conn *c, const json_t *args)
{
	struct directory *dir = verb_service(c)->directory;
	struct directory_group group;
	struct slice domain;
	struct err err;
	int rc = find_group(c, args, conn_arena(c), &group, &err);

	if (rc == 0)
		rc = verb_text(args, "domain", &domain, &err);
	if (rc == 0 && json_is_true(json_object_get(args, "remove")))
		rc = directory_group_domain_remove(dir, group.id, domain, &err);
	else if (rc == 0)
		rc = directory_group_domain_add(dir, group.id, domain, &err);
	verb_end(c, rc, &err);
}

void verb_group_domains(struct conn *c, const json_t *args)
{
	struct directory_group group;
	struct slice *list;
	struct err err;
	size_t n = 0;
	int rc = find_group(c, args, conn_arena(c), &group, &err);

	if (rc == 0)
		rc = directory_group_domains(
			verb_service(c)->directory, group.id, conn_arena(c), &list, &n, &err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		verb_row(conn_out(c), json_pack("{s:o}", "domain", verb_string(list[i])));
	verb_end(c, rc, &err);
}

/* ---- login screens ---- */

void verb_screen(struct conn *c, const json_t *args)
{
	struct directory_screen screen;
	struct slice domain;
	struct err err;
	int rc = verb_text(args, "domain", &domain, &err);

	if (rc == 0)
		rc = directory_screen(
			verb_service(c)->directory, domain, conn_arena(c), &screen, &err);
	if (rc < 0) {
		verb_fail(conn_out(c), &err);
		return;
	}
	verb_done(conn_out(c),
		json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "name", verb_string(screen.name),
			"text", verb_string(screen.text), "background",
			verb_string(screen.background), "foreground",
			verb_string(screen.foreground), "accent", verb_string(screen.accent),
			"logo_type", verb_string(screen.logo_type), "logo_bytes",
			(json_int_t)screen.logo.len));
}

static void take_text(const json_t *args, const char *name, struct slice *out)
{
	const struct slice text = verb_text_or_empty(args, name);

	if (text.ptr)
		*out = text;
}

/* What is not given stays as it is. */
static int change_screen(
	struct conn *c, const json_t *args, struct slice domain, struct buf *logo, struct err *err)
{
	struct directory *dir = verb_service(c)->directory;
	struct directory_screen screen = {.version = 0};
	const struct slice base64 = verb_text_or_empty(args, "logo");
	int rc = directory_screen(dir, domain, conn_arena(c), &screen, err);

	if (rc < 0 && rc != -ERR_NOTFOUND)
		return rc;
	take_text(args, "name", &screen.name);
	take_text(args, "text", &screen.text);
	take_text(args, "background", &screen.background);
	take_text(args, "foreground", &screen.foreground);
	take_text(args, "accent", &screen.accent);
	if (base64.ptr) {
		rc = base64_decode(logo, base64, err);
		if (rc < 0)
			return rc;
		screen.logo = buf_slice(logo);
	}
	return directory_screen_set(dir, domain, &screen, err);
}

void verb_screen_set(struct conn *c, const json_t *args)
{
	struct buf logo AUTO(buf_done);
	struct slice domain;
	struct err err;
	int rc = verb_text(args, "domain", &domain, &err);

	buf_init(&logo, CONTROL_LINE_MAX);
	if (rc == 0 && json_is_true(json_object_get(args, "delete")))
		rc = directory_screen_delete(verb_service(c)->directory, domain, &err);
	else if (rc == 0)
		rc = change_screen(c, args, domain, &logo, &err);
	verb_end(c, rc, &err);
}
