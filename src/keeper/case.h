/*
 * case.h - recovery cases: how staff give an account back to somebody who lost what opens it.
 *
 * Every case goes one way. It is opened for an account and says whether its second factors shall
 * be removed. Staff enter evidence; each kind is worth points, and counts once. With CASE_POINTS
 * the waiting begins: CASE_WAIT_S, while notices go to every address that is known, and whoever
 * reads one can stop the case by its link. Where factors are removed another member of the staff,
 * who has entered nothing, must approve. Then the case can be granted: the factors go, all
 * sessions end, and a link is issued by which a new password is set. Each step is kept for good.
 *
 * A member of the staff is an operator's account; each step is signed with a code of its TOTP or
 * a recovery code. `change` is the database inside a change.
 */
#ifndef KEEPER_CASE_H
#define KEEPER_CASE_H

#include "db/db.h"
#include "keeper/factors.h"

enum {
	CASE_POINTS = 100,
	CASE_WAIT_S = 3 * 86400,
	CASE_NOTE_MAX = 1000, /* bytes */
	CASE_KIND_MAX = 32,
};

enum case_state { CASE_OPEN, CASE_WAITING, CASE_GRANTED, CASE_REFUSED, CASE_STOPPED };

/* Kinds of evidence, and their points; NULL ends the list. */
struct case_kind {
	const char *name;
	unsigned points;
	const char *help;
};
extern const struct case_kind case_kinds[];

struct case_row {
	uint64_t id, account, opener, approver;
	enum case_state state;
	bool removes_factors;
	unsigned points;
	int64_t opened_s, wait_until_s, closed_s;
};
MUST_CHECK int case_get(struct db *db, uint64_t id, struct case_row *out, struct err *err);

/* case_open - id is a new number of the keeper's; stop: the link's secret. -ERR_EXISTS: one is open
 * for the account. */
struct case_new {
	uint64_t id, staff, account;
	bool removes_factors;
	struct slice note;
};
MUST_CHECK int case_open(struct factors *f, struct db *change, const struct case_new *what,
	char stop[MINT_TEXT], struct err *err);
/* case_evidence - -ERR_SYNTAX: no such kind; -ERR_EXISTS: it is there already. When the waiting
 * begins, stop gets a new link's secret in place of the first; else it becomes empty. */
MUST_CHECK int case_evidence(struct factors *f, struct db *change, uint64_t id, uint64_t staff,
	struct slice kind, struct slice note, char stop[MINT_TEXT], struct err *err);
/* case_approve - -ERR_DENIED: by somebody who has had a part in it; -ERR_CONFLICT. */
MUST_CHECK int case_approve(struct db *change, uint64_t id, uint64_t staff, struct err *err);
/* case_refuse - closed without anything. case_grant - -ERR_CONFLICT says what is missing. What
 * follows from a grant is the caller's. */
MUST_CHECK int case_refuse(
	struct db *change, uint64_t id, uint64_t staff, struct slice note, struct err *err);
MUST_CHECK int case_grant(struct db *change, uint64_t id, uint64_t staff, struct slice note,
	struct case_row *out, struct err *err);
/* case_stop - by the link in a notice. -ERR_DENIED. */
MUST_CHECK int case_stop(struct factors *f, struct db *change, struct slice code,
	struct case_row *out, struct err *err);

#endif
