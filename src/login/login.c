/* login.c - see login.h for the contract: who may come in, and what is noted of it. */
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "directory/level.h"
#include "login/internal.h"
#include "notice/notice.h"
#include "policy/policy.h"
#include "wire/smtp/addr.h"

enum { PROGRAM_MAX = 100 };

int login_find(struct conn *c, struct slice user, uint64_t *id_out, struct err *err)
{
	struct arena *arena = conn_arena(c);
	struct directory_entry entry;
	struct smtp_addr addr;
	struct err ignored;
	int rc;

	*id_out = 0;
	if (smtp_addr_parse(user, arena, &addr, &ignored) < 0)
		return 0;
	rc = directory_find(login_mail(c)->directory, addr.text, arena, &entry, err);
	if (rc == 0 && entry.kind == DIRECTORY_ACCOUNT && !entry.is_catch_all)
		*id_out = entry.account.id;
	return rc;
}

struct keeper_call login_park(struct conn *c, conn_resume_fn *resume)
{
	return (struct keeper_call){.keeper = login_mail(c)->keeper,
		.who = conn_ref(c),
		.ticket = conn_park(c, KEEPER_VERIFY_TIMEOUT_MS, resume)};
}

static struct slice program_of(const struct login *login)
{
	return login->program ? slice_str(login->program) : slice_lit("");
}

void login_ask(struct conn *c, uint64_t account, struct slice secret, enum keeper_secret_kind kind,
	conn_resume_fn *resume)
{
	const struct login *login = login_of(c);
	const struct keeper_attempt attempt = {.account = account,
		.secret = slice_head(secret, KEEPER_PASSWORD_MAX + 1),
		.kind = kind,
		.scope = login->service->scope,
		.peer = conn_peer_address(c),
		.program = program_of(login)};
	const struct keeper_call call = login_park(c, resume);

	keeper_enter(&call, &attempt);
}

static_assert((int)SCOPE_IMAP == DIRECTORY_IMAP && (int)SCOPE_IMAP_READ == DIRECTORY_IMAP_READ &&
		      (int)SCOPE_POP == DIRECTORY_POP && (int)SCOPE_SMTP == DIRECTORY_SMTP &&
		      (int)SCOPE_ALL == DIRECTORY_SERVICES_ALL,
	"a level's services are scopes");

static void note(struct conn *c, uint64_t account, const char *kind, struct slice detail)
{
	const struct login *login = login_of(c);
	const struct security_event event = {.kind = slice_str(kind),
		.service = slice_str(login->service->name),
		.peer = conn_peer_address(c),
		.program = program_of(login),
		.detail = detail};

	if (account)
		security_log_add(login_mail(c)->security_log, account, &event);
}

void login_end(
	struct conn *c, enum login_result result, struct slice message, const struct err *err)
{
	static const struct err none;
	struct login *login = login_of(c);

	if (result != LOGIN_CHALLENGE)
		login_cancel(c);
	login->then(c, result, message, err ? err : &none);
}

static void end(struct conn *c, enum login_result result, const struct err *err)
{
	login_end(c, result, (struct slice){NULL, 0}, err);
}

void login_refuse(struct conn *c, uint64_t account, const struct answer *answer)
{
	if (answer->rc == -ERR_DENIED) {
		log_info(conn_log(c), "login-failed", log_c("service", login_of(c)->service->name));
		note(c, account, "login-failed", slice_lit(""));
		end(c, LOGIN_WRONG, &answer->err);
	} else if (answer->rc == -ERR_CONFLICT) {
		note(c, account, "login-refused", slice_str(answer->err.msg));
		end(c, LOGIN_REFUSED, &answer->err);
	} else {
		log_warn(conn_log(c), "login-not-checked", log_e(&answer->err));
		end(c, LOGIN_UNAVAILABLE, &answer->err);
	}
}

/* [acct.2]: the account's level says which services are open. */
static int check_level(struct conn *c, uint64_t account, struct err *err)
{
	const struct login_service *service = login_of(c)->service;
	struct directory_level level;
	int rc = directory_level_of(login_mail(c)->directory, account, conn_arena(c), &level, err);

	if (rc == 0 && !(level.services & service->scope))
		rc = err_set(err, ERR_DENIED, "Your account's level has no %s", service->name);
	return rc;
}

/* Registered first, looked up then: whoever deletes an account takes it out of the directory and
 * then ends its sessions. */
static int open_account(struct conn *c, const struct keeper_entry *entry, struct err *err)
{
	struct service *service = login_mail(c);
	struct login *login = login_of(c);
	const struct mail_arrival arrival = {.account = entry->account,
		.seq = entry->seq,
		.credential = entry->credential,
		.scope = login->service->scope,
		.service = login->service->name,
		.peer = conn_peer_address(c).ptr,
		.program = login->program ? login->program : "",
		.who = conn_ref(c)};
	struct directory_account account;
	int rc;

	if (!mail_session_enter(&service->sessions, &login->session, &arrival))
		return err_set(err, ERR_BUSY, "The login was revoked meanwhile");
	rc = directory_account(service->directory, entry->account, conn_arena(c), &account, err);
	if (rc == 0 && account.is_disabled)
		rc = err_set(err, ERR_DENIED, "This account is disabled");
	if (rc == 0)
		rc = check_level(c, entry->account, err);
	if (rc < 0) {
		mail_session_leave(&service->sessions, &login->session);
		return rc;
	}
	login->quota_bytes = account.quota_bytes;
	login->address = mem_str(account.address);
	return 0;
}

/* [acct.11]: somebody came from where the account was never used before. */
static void tell_new_place(struct conn *c, uint64_t account)
{
	const struct slice peer = conn_peer_address(c), program = program_of(login_of(c));

	note(c, account, "new-place", slice_lit(""));
	notice_send(login_mail(c), account, "new-place",
		json_pack("{s:s%, s:s%, s:s}", "peer", peer.ptr ? peer.ptr : "", peer.len,
			"program", program.ptr ? program.ptr : "", program.len, "protocol",
			login_of(c)->service->name),
		(struct slice){NULL, 0});
}

/* [tls.2]: who came without TLS, and who does not any more. */
static void tell_policy(struct conn *c)
{
	const struct login *login = login_of(c);
	struct service *service = login_mail(c);

	if (conn_is_tls(c))
		policy_tls_login(service, login->service->name, login->account, program_of(login));
	else
		policy_cleartext_login(service, login->service->name, login->account,
			program_of(login), conn_peer_address(c));
}

void login_enter(struct conn *c, const struct keeper_entry *entry)
{
	struct login *login = login_of(c);
	struct err err;
	const int rc = open_account(c, entry, &err);

	if (rc < 0) {
		log_warn(conn_log(c), "login-refused", log_e(&err));
		note(c, entry->account, "login-refused", slice_str(err.msg));
		end(c, rc == -ERR_DENIED ? LOGIN_REFUSED : LOGIN_UNAVAILABLE, &err);
		return;
	}
	login->account = entry->account;
	login->scopes = entry->scopes;
	conn_join(c, entry->account);
	conn_log(c)->account = slice_str(login->address);
	log_info(conn_log(c), "login", log_s("program", program_of(login)),
		log_n("credential", (int64_t)entry->credential));
	note(c, entry->account, "login", slice_lit(""));
	if (entry->is_new_place)
		tell_new_place(c, entry->account);
	tell_policy(c);
	end(c, LOGIN_IN, NULL);
}

/* ---- by user name and password ---- */

static void password_checked(struct conn *c, struct answer *answer)
{
	if (answer->rc == 0)
		login_enter(c, answer->data);
	else
		login_refuse(c, login_of(c)->asked, answer);
	if (answer->data)
		answer->free_data(answer->data);
}

void login_password(struct conn *c, const struct login_service *service, struct slice user,
	struct slice password, login_fn *then)
{
	struct login *login = login_of(c);
	struct err err;

	login->service = service;
	login->then = then;
	if (login_find(c, user, &login->asked, &err) < 0) {
		log_error(conn_log(c), "login", log_e(&err));
		end(c, LOGIN_UNAVAILABLE, &err);
		return;
	}
	login_ask(c, login->asked, password, SECRET_PASSWORD, password_checked);
}

/* ---- the rest of a session ---- */

bool login_is_allowed(struct conn *c, const struct login_service *service)
{
	return conn_is_tls(c) ||
	       clock_wall_s() < atomic_load(&login_mail(c)->cleartext_until_s[service->cleartext]);
}

void login_program(struct conn *c, struct slice program)
{
	struct login *login = login_of(c);
	char *former = login->program;

	login->program = mem_str(slice_head(program, PROGRAM_MAX));
	for (char *p = login->program; *p; p++)
		*p = *p >= ' ' && *p < 0x7f ? *p : '?'; /* it is shown, logged and mailed */
	mail_session_name(&login_mail(c)->sessions, &login->session, login->program);
	free(former);
	if (login->account && !conn_is_tls(c))
		policy_cleartext_program(login_mail(c), login->service->name, login->account,
			slice_str(login->program));
}

void login_done(struct conn *c)
{
	struct login *login = login_of(c);

	login_cancel(c);
	mail_session_leave(&login_mail(c)->sessions, &login->session);
	conn_log(c)->account = (struct slice){NULL, 0};
	free(login->address);
	free(login->program);
	login->account = 0;
	login->address = login->program = NULL;
}
