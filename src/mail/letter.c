/* letter.c - see letter.h for the contract: the letter in memory. */
#include "mail/letter.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/random.h"

/* Account ids and delivery ids are SQLite integers. */
static uint64_t new_delivery_id(void)
{
	return (random_u64() >> 1) | 1;
}

struct letter *letter_alloc(void)
{
	struct letter *letter = mem_new(struct letter);

	arena_init(&letter->arena, LETTER_ARENA_MAX);
	return letter;
}

void letter_free(struct letter **letter)
{
	if (*letter)
		arena_done(&(*letter)->arena);
	free(*letter);
	*letter = NULL;
}

static int copy(struct letter *letter, struct slice s, struct slice *out, struct err *err)
{
	*out = arena_dup(&letter->arena, s);
	return out->ptr ? 0 : err_set(err, ERR_TOOBIG, "envelope too large");
}

static struct slice target_key(const struct letter_target *t)
{
	return t->account ? map_key_u64(&t->account) : t->address;
}

/* One target unless the map has it. The number of targets is that of the array's used part. */
static int add_target(struct letter *letter, struct map *seen, const struct mail_recipient *r,
	struct slice recipient, struct slice orcpt, const struct mail_target *from, struct err *err)
{
	struct letter_target *t = &letter->targets[letter->targets_n];
	int rc;

	*t = (struct letter_target){.account = from->account,
		.recipient = recipient,
		.orcpt = orcpt,
		.notify = r->notify,
		.is_suspect = from->is_suspect,
		.number = (unsigned)letter->targets_n};
	rc = copy(letter, from->address, &t->address, err);
	if (rc < 0 || map_get(seen, target_key(t)))
		return rc;
	map_put(seen, target_key(t), t);
	letter->targets_n++;
	return 0;
}

static int add_targets(
	struct letter *letter, const struct mail_envelope *env, struct map *seen, struct err *err)
{
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < env->recipients_n; i++)
		n += env->recipients[i].resolved.n;
	letter->targets = arena_array(&letter->arena, struct letter_target, n);
	if (!letter->targets)
		return err_set(err, ERR_TOOBIG, "envelope too large");
	for (size_t i = 0; rc == 0 && i < env->recipients_n; i++) {
		const struct mail_recipient *r = &env->recipients[i];
		struct slice recipient, orcpt;

		rc = copy(letter, r->address, &recipient, err);
		if (rc == 0)
			rc = copy(letter, r->orcpt, &orcpt, err);
		for (size_t k = 0; rc == 0 && k < r->resolved.n; k++)
			rc = add_target(
				letter, seen, r, recipient, orcpt, &r->resolved.targets[k], err);
	}
	return rc;
}

int letter_new(const struct mail_envelope *env, struct letter **letter_out, struct err *err)
{
	struct letter *letter = letter_alloc();
	struct map seen AUTO(map_done) = {0};
	int rc;

	letter->delivery_id = env->delivery_id ? env->delivery_id : new_delivery_id();
	letter->submitter = env->submitter;
	letter->ret = env->ret;
	letter->is_smtputf8 = env->is_smtputf8;
	letter->is_8bit = env->is_8bit;
	letter->is_report = env->is_report;
	letter->is_own = env->is_own;
	letter->is_suspect = env->is_suspect;
	letter->wishes = env->wishes;
	letter->accepted_s = clock_wall_s();
	letter->own_bytes = env->own_bytes;
	rc = copy(letter, env->sender, &letter->sender, err);
	if (rc == 0)
		rc = copy(letter, env->envid, &letter->envid, err);
	if (rc == 0)
		rc = add_targets(letter, env, &seen, err);
	if (rc < 0) {
		letter_free(&letter);
		return rc;
	}
	*letter_out = letter;
	return 0;
}

static int copy_remote(struct letter *to, const struct letter *from, struct err *err)
{
	int rc = 0;

	to->targets = arena_array(&to->arena, struct letter_target, from->targets_n);
	if (!to->targets)
		return err_set(err, ERR_TOOBIG, "envelope too large");
	for (size_t i = 0; rc == 0 && i < from->targets_n; i++) {
		const struct letter_target *t = &from->targets[i];
		struct letter_target *mine = &to->targets[to->targets_n];

		if (t->account || t->state != LETTER_RUNNING)
			continue;
		*mine = (struct letter_target){
			.notify = t->notify, .number = (unsigned)to->targets_n++};
		rc = copy(to, t->address, &mine->address, err);
		if (rc == 0)
			rc = copy(to, t->recipient, &mine->recipient, err);
		if (rc == 0)
			rc = copy(to, t->orcpt, &mine->orcpt, err);
	}
	return rc;
}

int letter_remote(const struct letter *from, struct letter **letter_out, struct err *err)
{
	struct letter *letter = letter_alloc();
	int rc;

	letter->delivery_id = from->delivery_id;
	letter->submitter = from->submitter;
	letter->ret = from->ret;
	letter->is_smtputf8 = from->is_smtputf8;
	letter->is_8bit = from->is_8bit;
	letter->is_suspect = from->is_suspect;
	letter->is_report = from->is_report;
	letter->wishes = from->wishes;
	letter->is_own = from->is_own;
	letter->accepted_s = from->accepted_s;
	letter->own_bytes = from->own_bytes;
	rc = copy(letter, from->sender, &letter->sender, err);
	if (rc == 0)
		rc = copy(letter, from->envid, &letter->envid, err);
	if (rc == 0)
		rc = copy_remote(letter, from, err);
	if (rc < 0) {
		letter_free(&letter);
		return rc;
	}
	*letter_out = letter;
	return 0;
}
