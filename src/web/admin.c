/*
 * admin.c - the administrator's part: who there is, adding and removing, new passwords, quotas, the
 * login screens of domains.
 *
 * A family's or business's administrator sees and changes the own group; an operator everything.
 * Credentials are the keeper's: it checks the role and the group itself, before anything else is
 * done here.
 */
#include "web/admin.h"
#include "base/mem.h"
#include "directory/group.h"
#include "mail/conduct.h"
#include "mail/external.h"
#include "web/note.h"
#include "web/pages.h"
#include "web/settings.h"
#include "web/text.h"

enum { USERS_PAGE = 50, QUOTA_MAX_GB = 1 << 20, MB = 1000 * 1000 };

json_t *admin_values(const char *title)
{
	json_t *values = json_object();

	json_set_true(values, "is_administration");
	json_set_text(values, "title", title);
	return values;
}

static bool is_operator(const struct visit *v)
{
	return v->session.role == ROLE_OPERATOR;
}

static bool may_administer(const struct visit *v, const struct directory_account *account)
{
	return is_operator(v) || (v->session.group && account->group == v->session.group);
}

/* ---- the list ---- */

static void put_user(json_t *rows, const struct directory_account *account)
{
	json_t *row = json_object();

	json_set_id(row, "id", account->id);
	json_set_slice(row, "address", account->address);
	json_set_slice(row, "name", account->name);
	json_set_slice(row, "level", account->level);
	json_set_size(row, "quota", account->quota_bytes);
	json_object_set_new(row, "has_quota", json_boolean(account->quota_bytes != 0));
	json_object_set_new(row, "is_disabled", json_boolean(account->is_disabled));
	json_object_set_new(row, "is_group_admin", json_boolean(account->is_group_admin));
	json_array_append_new(rows, row);
}

static int list_users(
	struct http *x, struct directory_account **list_out, size_t *n_out, struct err *err)
{
	const struct visit *v = visit_of(x);
	const struct slice after = http_param(x, "after");

	if (is_operator(v))
		return directory_accounts(v->service->directory, after, USERS_PAGE, http_arena(x),
			list_out, n_out, err);
	return directory_group_members(v->service->directory, v->session.group, after, USERS_PAGE,
		http_arena(x), list_out, n_out, err);
}

int admin_domains(struct http *x, struct slice **list_out, size_t *n_out, struct err *err)
{
	const struct visit *v = visit_of(x);

	if (is_operator(v))
		return directory_domains(v->service->directory, (struct slice){0}, 1000,
			http_arena(x), list_out, n_out, err);
	return directory_group_domains(
		v->service->directory, v->session.group, http_arena(x), list_out, n_out, err);
}

static int put_domains(struct http *x, json_t *values, struct err *err)
{
	struct slice *domains;
	json_t *rows = json_array();
	size_t n;
	const int rc = admin_domains(x, &domains, &n, err);

	json_object_set_new(values, "domains", rows);
	for (size_t i = 0; rc == 0 && i < n; i++)
		json_array_append_new(rows, json_slice(domains[i]));
	return rc;
}

static void show_users(struct http *x, json_t *values, unsigned status)
{
	struct directory_account *list;
	json_t *rows = json_array();
	struct err err;
	size_t n = 0;
	int rc = list_users(x, &list, &n, &err);

	json_object_set_new(values, "users", rows);
	for (size_t i = 0; rc == 0 && i < n; i++)
		put_user(rows, &list[i]);
	if (rc == 0 && n == USERS_PAGE)
		json_set_slice(values, "after", list[n - 1].address);
	if (rc == 0)
		rc = put_domains(x, values, &err);
	if (rc < 0) {
		json_decref(values);
		visit_fail(x, rc, &err);
		return;
	}
	visit_page(x, status, "admin", values);
}

void page_admin(struct http *x)
{
	show_users(x, admin_values("Users"), 200);
}

/* ---- a new user ---- */

struct adding {
	uint64_t account;
};

static void refuse_user(struct http *x, const char *field, const char *text, unsigned status)
{
	json_t *values = admin_values("Users");

	form_keep(x, values, "address");
	form_keep(x, values, "name");
	form_error(values, field, text);
	show_users(x, values, status);
}

/* Without a password nobody could come in: the name is given back. */
static void on_added(struct http *x, struct answer *answer)
{
	const struct visit *v = visit_of(x);
	const struct adding *adding = v->more;
	struct err err;

	if (answer->rc < 0) {
		if (directory_account_delete(v->service->directory, adding->account, &err) < 0)
			log_error(http_log(x), "undo", log_e(&err));
		refuse_user(x, "password", settings_trouble(answer), settings_status(answer->rc));
	} else {
		log_info(http_log(x), "account_added", log_s("address", http_form(x, "address")));
		visit_say(x, "user_added");
		visit_go(x, "/admin");
	}
	visit_answer_done(answer);
}

void page_admin_add(struct http *x)
{
	const struct visit *v = visit_of(x);
	const struct slice password = http_form(x, "password");
	const struct directory_new new = {.address = slice_trim(http_form(x, "address")),
		.group = is_operator(v) ? 0 : v->session.group,
		.name = slice_trim(http_form(x, "name"))};
	struct adding *adding = visit_keep(x, sizeof(*adding), NULL);
	struct directory_account added;
	struct keeper_call call;
	struct err err;

	if (!adding) {
		http_fail(x, 413);
	} else if (new.address.len == 0) {
		refuse_user(x, "address", "Please give the new address.", 422);
	} else if (password.len == 0 || password.len > KEEPER_PASSWORD_MAX) {
		refuse_user(x, "password", "Please give a first password.", 422);
	} else if (directory_account_new(v->service->directory, &new, &adding->account, &err) < 0 ||
		   directory_account(v->service->directory, adding->account, http_arena(x), &added,
			   &err) < 0) {
		refuse_user(x, "address",
			err.code == ERR_EXISTS || err.code == ERR_CONFLICT
				? "This address is taken."
				: err.msg,
			422);
	} else {
		call = visit_call(x, on_added);
		keeper_account_new(&call, v->cookie, added.id, added.group, new.address, password);
	}
}

/* ---- one user ---- */

/* False: it has answered. */
static bool find_user(struct http *x, struct directory_account *out)
{
	const struct visit *v = visit_of(x);
	struct err err;
	uint64_t id = 0;
	int rc = -ERR_NOTFOUND;

	if (visit_id(http_segment(x, "id"), &id))
		rc = directory_account(v->service->directory, id, http_arena(x), out, &err);
	if (rc == 0 && !may_administer(v, out))
		rc = -ERR_NOTFOUND;
	if (rc < 0)
		visit_fail(x, rc, &err);
	return rc == 0;
}

static void put_usage(struct http *x, json_t *values, const struct directory_account *user)
{
	struct account *account;
	struct account_usage usage;
	struct err err;

	if (store_account(
		    visit_of(x)->service->store, user->id, user->quota_bytes, &account, &err) < 0)
		return;
	account_usage(account, &usage);
	account_free(&account);
	json_set_size(values, "used", usage.bytes);
	json_object_set_new(values, "messages", json_integer((json_int_t)usage.messages));
}

static void put_sending(struct http *x, json_t *values, const struct directory_account *user)
{
	struct conduct_state state;
	struct err err;

	if (!is_operator(visit_of(x)) ||
		conduct_show(visit_of(x)->service, user->id, &state, &err) < 0)
		return;
	if (state.is_stopped) {
		json_set_when(values, "stopped", state.since_s);
		json_set_text(values, "stopped_why", state.why);
	}
	json_object_set_new(values, "sent", json_integer((json_int_t)state.facts.sent));
	json_object_set_new(values, "usual", json_integer((json_int_t)state.facts.usual));
	json_set_text(values, "signs", state.verdict.why);
}

static void show_user(
	struct http *x, const struct directory_account *user, json_t *values, unsigned status)
{
	json_t *rows = json_array();

	put_user(rows, user);
	json_object_set_new(values, "users", rows);
	put_usage(x, values, user);
	put_sending(x, values, user);
	json_object_set_new(values, "own_quota",
		json_integer(user->has_own_quota ? (json_int_t)(user->quota_bytes / MB) : 0));
	json_object_set_new(
		values, "is_self", json_boolean(user->id == visit_of(x)->session.account));
	visit_page(x, status, "admin-user", values);
}

void page_admin_user(struct http *x)
{
	struct directory_account user;

	if (find_user(x, &user))
		show_user(x, &user, admin_values("User"), 200);
}

static void back_to_user(struct http *x, const char *said)
{
	visit_say(x, said);
	visit_go(x, "/admin/user/%.*s", SLICE_ARG(http_segment(x, "id")));
}

static void on_reset(struct http *x, struct answer *answer)
{
	struct directory_account user;
	json_t *values;

	if (answer->rc == 0) {
		if (find_user(x, &user)) {
			note_event(x, user.id, "password-by-operator", NULL);
			note_mail(x, user.id, "password-by-operator", NULL, (struct slice){0});
			back_to_user(x, "saved");
		}
	} else if (find_user(x, &user)) {
		values = admin_values("User");
		form_error(values, "password", settings_trouble(answer));
		show_user(x, &user, values, settings_status(answer->rc));
	}
	visit_answer_done(answer);
}

static void on_gone(struct http *x, struct answer *answer)
{
	struct service *service = visit_of(x)->service;
	struct directory_account user;
	struct err err;
	int rc;

	if (answer->rc < 0) {
		visit_fail(x, answer->rc, &answer->err);
	} else if (find_user(x, &user)) {
		/* The name first: then nobody finds the file any more. */
		rc = directory_account_delete(service->directory, user.id, &err);
		if (rc == 0)
			mail_revoke(service, user.id);
		if (rc == 0)
			rc = store_remove(service->store, user.id, &err);
		mail_external_hurry(service);
		if (rc < 0 && rc != -ERR_NOTFOUND) {
			visit_fail(x, rc, &err);
		} else {
			log_info(http_log(x), "account_removed", log_s("address", user.address));
			visit_say(x, "user_removed");
			visit_go(x, "/admin");
		}
	}
	visit_answer_done(answer);
}

static void change_directory(struct http *x, const struct directory_account *user)
{
	uint64_t mb = 0, quota = DIRECTORY_LEVEL_QUOTA;
	const struct slice name = slice_trim(http_form(x, "name"));
	const struct slice text = slice_trim(http_form(x, "quota"));
	/* What a member may have is the operator's to say. */
	const struct directory_change change = {
		.name = &name, .quota_bytes = is_operator(visit_of(x)) ? &quota : NULL};
	json_t *values;
	struct err err;

	if (text.len && (!slice_to_u64(text, (uint64_t)QUOTA_MAX_GB * 1000, &mb))) {
		values = admin_values("User");
		form_error(values, "quota", "Please give a whole number of megabytes, or nothing.");
		show_user(x, user, values, 422);
		return;
	}
	if (mb)
		quota = mb * MB;
	if (directory_account_set(visit_of(x)->service->directory, user->id, &change, &err) < 0) {
		values = admin_values("User");
		form_error(values, "name", err.msg);
		show_user(x, user, values, 422);
		return;
	}
	back_to_user(x, "saved");
}

/* What is so already is as it was wished. */
static void change_sending(struct http *x, const struct directory_account *user, bool is_stopped)
{
	struct service *service = visit_of(x)->service;
	struct err err;
	const int rc = is_stopped ? conduct_stop(service, user->id, "by an operator", &err)
				  : conduct_allow(service, user->id, &err);

	if (rc < 0 && rc != -ERR_EXISTS && rc != -ERR_NOTFOUND)
		visit_fail(x, rc, &err);
	else
		back_to_user(x, "saved");
}

static void reset_password(struct http *x, const struct directory_account *user)
{
	const struct slice password = http_form(x, "password");
	struct keeper_call call;
	json_t *values;

	if (password.len == 0 || password.len > KEEPER_PASSWORD_MAX) {
		values = admin_values("User");
		form_error(values, "password", "Please give a new password.");
		show_user(x, user, values, 422);
		return;
	}
	call = visit_call(x, on_reset);
	keeper_reset_password(&call, visit_of(x)->cookie, user->id, user->address, password);
}

void page_admin_user_change(struct http *x)
{
	const struct slice wish = http_form(x, "do");
	struct directory_account user;
	struct keeper_call call;

	if (!find_user(x, &user))
		return;
	if (slice_eq(wish, slice_lit("save"))) {
		change_directory(x, &user);
	} else if (slice_eq(wish, slice_lit("reset"))) {
		reset_password(x, &user);
	} else if (is_operator(visit_of(x)) &&
		   (slice_eq(wish, slice_lit("stop")) || slice_eq(wish, slice_lit("allow")))) {
		change_sending(x, &user, slice_eq(wish, slice_lit("stop")));
	} else if (slice_eq(wish, slice_lit("remove")) && user.id != visit_of(x)->session.account &&
		   slice_eq_nocase(slice_trim(http_form(x, "repeat")), user.address)) {
		call = visit_call(x, on_gone);
		keeper_account_gone(&call, visit_of(x)->cookie, user.id);
	} else if (slice_eq(wish, slice_lit("remove"))) {
		json_t *values = admin_values("User");

		form_error(values, "repeat", "Type the address to be deleted, exactly.");
		show_user(x, &user, values, 422);
	} else {
		http_fail(x, 400);
	}
}

/* ---- login screens ---- */

bool admin_find_domain(struct http *x, struct slice domain)
{
	struct slice *domains;
	struct err err;
	size_t n = 0;
	const int rc = admin_domains(x, &domains, &n, &err);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (slice_eq(domains[i], domain))
			return true;
	}
	visit_fail(x, rc < 0 ? rc : -ERR_NOTFOUND, &err);
	return false;
}

static void put_screen(struct http *x, json_t *values, struct slice domain)
{
	struct directory_screen screen;
	struct err err;

	json_set_slice(values, "of", domain);
	if (directory_screen(
		    visit_of(x)->service->directory, domain, http_arena(x), &screen, &err) < 0)
		return;
	json_set_true(values, "is_set");
	json_set_slice(values, "name", screen.name);
	json_set_slice(values, "text", screen.text);
	json_set_slice(values, "background", screen.background);
	json_set_slice(values, "foreground", screen.foreground);
	json_set_slice(values, "accent", screen.accent);
	json_set_id(values, "version", screen.version);
	json_object_set_new(values, "has_logo", json_boolean(screen.logo.len > 0));
}

void page_admin_screen(struct http *x)
{
	const struct slice domain = http_segment(x, "domain");
	json_t *values;

	if (!admin_find_domain(x, domain))
		return;
	values = admin_values("Login screen");
	put_screen(x, values, domain);
	visit_page(x, 200, "admin-screen", values);
}

/* A logo that is not sent again stays, unless it shall go. */
static struct slice take_logo(struct http *x, struct slice domain)
{
	struct directory_screen old = {0};
	struct http_file file;
	struct err err;
	size_t at = 0;

	if (http_file_next(x, "logo", &at, &file) && file.bytes.len)
		return file.bytes;
	if (http_form(x, "no_logo").ptr || directory_screen(visit_of(x)->service->directory, domain,
						   http_arena(x), &old, &err) < 0)
		return (struct slice){0};
	return old.logo;
}

/* What nobody can read is refused; cards are white, whatever the background is. */
static int set_screen(struct directory *dir, struct slice domain,
	const struct directory_screen *screen, const char **field_out, struct err *err)
{
	const struct slice card = slice_lit("#ffffff");
	const struct slice paper = screen->background.len ? screen->background : card;
	const struct slice ink = screen->foreground.len ? screen->foreground : slice_lit("#1d2430");

	*field_out = "accent";
	if (!text_is_readable(screen->accent, card))
		return err_set(err, ERR_SYNTAX, "links of this colour could hardly be read");
	*field_out = screen->foreground.len ? "foreground" : "background";
	if (!text_is_readable(ink, card) || !text_is_readable(ink, paper))
		return err_set(err, ERR_SYNTAX, "text could hardly be read in these colours");
	*field_out = "name";
	return directory_screen_set(dir, domain, screen, err);
}

void page_admin_screen_change(struct http *x)
{
	static const char *const fields[] = {"name", "text", "background", "foreground", "accent"};
	const struct slice domain = http_segment(x, "domain");
	struct directory *dir = visit_of(x)->service->directory;
	struct directory_screen screen;
	const char *field = "name";
	struct err err;
	json_t *values;
	int rc;

	if (!admin_find_domain(x, domain))
		return;
	screen = (struct directory_screen){.name = slice_trim(http_form(x, "name")),
		.text = http_form(x, "text"),
		.background = slice_trim(http_form(x, "background")),
		.foreground = slice_trim(http_form(x, "foreground")),
		.accent = slice_trim(http_form(x, "accent")),
		.logo = take_logo(x, domain)};
	if (slice_eq(http_form(x, "do"), slice_lit("remove")))
		rc = directory_screen_delete(dir, domain, &err);
	else
		rc = set_screen(dir, domain, &screen, &field, &err);
	if (rc == 0 || rc == -ERR_NOTFOUND) {
		visit_say(x, "saved");
		visit_go(x, "/admin/screen/%.*s", SLICE_ARG(domain));
		return;
	}
	values = admin_values("Login screen");
	put_screen(x, values, domain);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		form_keep(x, values, fields[i]);
	form_error(values, field, err.msg);
	visit_page(x, settings_status(rc), "admin-screen", values);
}
