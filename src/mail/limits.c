/* limits.c - see limits.h for the contract. */
#include "mail/limits.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/mem.h"
#include "db/db.h"
#include "directory/level.h"
#include "mail/conduct.h"

enum {
	HOUR_S = 3600,
	DAY_S = 24 * HOUR_S,
	WRITE_MS = 1000,
	WARNED_FULL = 100,
	ARENA_BYTES = 1 << 20,
	BOUND_NAME_MAX = 400,
};

static const struct log_ctx log_ctx = {.service = "limits"};

/* Sent in the running period and in the one before. */
struct window {
	int64_t period; /* its number */
	uint64_t now, before;
};

struct usage {
	uint64_t account;
	struct window hour, day;
	int64_t warned; /* 0, LIMITS_WARN_PERCENT or WARNED_FULL */
	int64_t over_since_s;
	bool is_dirty;
};

struct mail_sending {
	struct service *service;
	struct db *db; /* the timer's job alone uses it */
	struct pool_timer timer;
	pthread_mutex_t lock; /* guards what follows */
	struct map accounts;
	bool is_armed;
};

static const struct db_migration schema[] = {
	{"CREATE TABLE usage (account INTEGER PRIMARY KEY, hour INTEGER NOT NULL,"
	 " hour_now INTEGER NOT NULL, hour_before INTEGER NOT NULL, day INTEGER NOT NULL,"
	 " day_now INTEGER NOT NULL, day_before INTEGER NOT NULL, warned INTEGER NOT NULL,"
	 " over_since INTEGER NOT NULL)"},
};

/* ---- windows ---- */

static void window_move(struct window *w, int64_t period)
{
	if (w->period == period)
		return;
	w->before = w->period == period - 1 ? w->now : 0;
	w->now = 0;
	w->period = period;
}

/* What counts at this moment: the period before fades as the present one goes on. */
static uint64_t window_sum(struct window *w, int64_t length_s, int64_t now_s)
{
	const uint64_t left = (uint64_t)(length_s - now_s % length_s);

	window_move(w, now_s / length_s);
	return w->now + w->before * left / (uint64_t)length_s;
}

/* ---- the accounts; all under the lock ---- */

static struct usage *find(struct mail_sending *s, uint64_t account)
{
	struct usage *u = map_get(&s->accounts, map_key_u64(&account));

	if (u)
		return u;
	u = mem_new(struct usage);
	u->account = account;
	map_put(&s->accounts, map_key_u64(&u->account), u);
	return u;
}

static void touch(struct mail_sending *s, struct usage *u)
{
	u->is_dirty = true;
	if (s->is_armed)
		return;
	s->is_armed = true;
	pool_timer_set(s->service->pool, &s->timer, clock_mono_ms() + WRITE_MS);
}

/* Nothing to remember any more. */
static bool is_past(const struct usage *u, int64_t now_s)
{
	return u->day.period < now_s / DAY_S - 1 && !u->warned && !u->over_since_s;
}

/* ---- writing ---- */

static int write_one(struct db *db, const struct usage *u, struct err *err)
{
	if (is_past(u, clock_wall_s()))
		return db_do(
			db, err, "DELETE FROM usage WHERE account = ?", db_i((int64_t)u->account));
	return db_do(db, err, "INSERT OR REPLACE INTO usage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		db_i((int64_t)u->account), db_i(u->hour.period), db_i((int64_t)u->hour.now),
		db_i((int64_t)u->hour.before), db_i(u->day.period), db_i((int64_t)u->day.now),
		db_i((int64_t)u->day.before), db_i(u->warned), db_i(u->over_since_s));
}

/* Copies of what changed; those that are past leave the map. */
static struct usage *take_dirty(struct mail_sending *s, size_t *n_out)
{
	const int64_t now = clock_wall_s();
	struct usage *list, *u;
	size_t n = 0;

	pthread_mutex_lock(&s->lock);
	s->is_armed = false;
	list = mem_zalloc_array(s->accounts.count + 1, sizeof(*list));
	for (size_t at = 0; (u = map_next(&s->accounts, &at));) {
		if (!u->is_dirty && !is_past(u, now))
			continue;
		u->is_dirty = false;
		list[n++] = *u;
		if (is_past(u, now)) {
			map_del(&s->accounts, map_key_u64(&u->account));
			free(u);
		}
	}
	pthread_mutex_unlock(&s->lock);
	*n_out = n;
	return list;
}

static void write_dirty(struct mail_sending *s)
{
	struct err err;
	size_t n;
	struct usage *list = take_dirty(s, &n);
	int rc = db_begin(s->db, &err);

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = write_one(s->db, &list[i], &err);
	if (rc == 0)
		rc = db_commit(s->db, &err);
	else if (db_in_transaction(s->db))
		db_rollback(s->db);
	if (rc < 0)
		log_error(&log_ctx, "write", log_e(&err));
	free(list);
}

static void tick(struct pool_job *job)
{
	write_dirty(
		(struct mail_sending *)((char *)job - offsetof(struct mail_sending, timer.job)));
}

/* ---- sending ---- */

static int check_level(
	const struct directory_bounds *level, uint64_t bytes, size_t recipients, struct err *err)
{
	if (bytes > level->message_bytes)
		return err_set(err, ERR_TOOBIG,
			"Your service level takes messages of at most %llu MiB",
			(unsigned long long)(level->message_bytes >> 20));
	if (level->sends_hour == 0 || level->sends_day == 0)
		return err_set(err, ERR_DENIED, "Your service level does not include sending");
	if (recipients > level->sends_hour || recipients > level->sends_day)
		return err_set(err, ERR_DENIED,
			"Your service level allows %llu recipients an hour, %llu a day",
			(unsigned long long)level->sends_hour,
			(unsigned long long)level->sends_day);
	return 0;
}

static int check_counts(struct usage *u, const struct directory_bounds *level, size_t recipients,
	int64_t now, struct err *err)
{
	if (level->sends_hour < DIRECTORY_UNLIMITED &&
		window_sum(&u->hour, HOUR_S, now) + recipients > level->sends_hour)
		return err_set(err, ERR_BUSY,
			"You may send to %llu recipients an hour; please try again later",
			(unsigned long long)level->sends_hour);
	if (level->sends_day < DIRECTORY_UNLIMITED &&
		window_sum(&u->day, DAY_S, now) + recipients > level->sends_day)
		return err_set(err, ERR_BUSY,
			"You may send to %llu recipients a day; please try again tomorrow",
			(unsigned long long)level->sends_day);
	return 0;
}

static void add(struct mail_sending *s, struct usage *u, size_t recipients, int64_t now)
{
	window_move(&u->hour, now / HOUR_S);
	window_move(&u->day, now / DAY_S);
	u->hour.now += recipients;
	u->day.now += recipients;
	touch(s, u);
}

/* ---- what the operator allows besides the level: an hour's messages and recipients ---- */

enum { BOUNDS = 3 };

/* Counted as if it were an account, under a key that is none. */
struct bound {
	uint64_t key, max;
	size_t n;
	const char *whose, *what; /* for the user */
};

/* Accounts have 63 bits. */
static uint64_t key_of(const char *kind, struct slice name)
{
	unsigned char digest[SHA256_LEN];
	struct buf text AUTO(buf_done);

	buf_init(&text, BOUND_NAME_MAX);
	buf_str(&text, kind);
	buf_append(&text, name);
	sha256(buf_slice(&text), digest);
	return be64_get(digest) | 1ull << 63;
}

static size_t list_bounds(
	struct service *service, uint64_t account, size_t recipients, struct bound bounds[BOUNDS])
{
	const uint64_t messages =
			       __atomic_load_n(&service->limits.account_messages, __ATOMIC_RELAXED),
		       of_domain =
			       __atomic_load_n(&service->limits.domain_messages, __ATOMIC_RELAXED),
		       to = __atomic_load_n(&service->limits.domain_recipients, __ATOMIC_RELAXED);
	struct directory_account found;
	struct arena arena AUTO(arena_done);
	struct slice domain;
	struct err err;
	size_t n = 0;

	arena_init(&arena, ARENA_BYTES);
	if ((!messages && !of_domain && !to) ||
		directory_account(service->directory, account, &arena, &found, &err) < 0)
		return 0;
	domain = slice_from(found.address, slice_rchr(found.address, '@') + 1);
	if (messages)
		bounds[n++] = (struct bound){key_of("account ", found.address), messages, 1,
			"account may send", "messages"};
	if (of_domain)
		bounds[n++] = (struct bound){
			key_of("messages ", domain), of_domain, 1, "domain may send", "messages"};
	if (to)
		bounds[n++] = (struct bound){key_of("recipients ", domain), to, recipients,
			"domain may send to", "recipients"};
	return n;
}

static int check_bounds(
	struct mail_sending *s, const struct bound *bounds, size_t n, int64_t now, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		struct usage *u = map_get(&s->accounts, map_key_u64(&bounds[i].key));
		const uint64_t sum = u ? window_sum(&u->hour, HOUR_S, now) : 0;

		if (sum + bounds[i].n > bounds[i].max)
			return err_set(err, ERR_BUSY,
				"Your %s %llu %s an hour; please try again later", bounds[i].whose,
				(unsigned long long)bounds[i].max, bounds[i].what);
	}
	return 0;
}

static int look(struct service *service, uint64_t account, uint64_t bytes, size_t recipients,
	bool is_taken, struct err *err)
{
	struct mail_sending *s = service->sending;
	const int64_t now = clock_wall_s();
	struct directory_bounds level;
	struct bound bounds[BOUNDS];
	struct usage *u;
	size_t bounds_n;
	int rc;

	rc = conduct_check(service, account, err);
	if (rc < 0 || !s)
		return rc;
	bounds_n = list_bounds(service, account, recipients, bounds);
	rc = directory_bounds(service->directory, account, &level, err);
	if (rc == 0)
		rc = check_level(&level, bytes, recipients, err);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&s->lock);
	u = find(s, account);
	rc = check_counts(u, &level, recipients, now, err);
	if (rc == 0)
		rc = check_bounds(s, bounds, bounds_n, now, err);
	if (rc == 0 && is_taken)
		add(s, u, recipients, now);
	for (size_t i = 0; rc == 0 && is_taken && i < bounds_n; i++)
		add(s, find(s, bounds[i].key), bounds[i].n, now);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

int mail_limits_check(struct service *service, uint64_t account, uint64_t bytes, size_t recipients,
	struct err *err)
{
	return look(service, account, bytes, recipients, false, err);
}

int mail_limits_take(struct service *service, uint64_t account, uint64_t bytes, size_t recipients,
	struct err *err)
{
	return look(service, account, bytes, recipients, true, err);
}

static void take_back(uint64_t *n, size_t recipients)
{
	*n -= recipients < *n ? recipients : *n;
}

static void give(struct mail_sending *s, uint64_t key, size_t recipients)
{
	struct usage *u = find(s, key);

	take_back(&u->hour.now, recipients);
	take_back(&u->day.now, recipients);
	touch(s, u);
}

void mail_limits_give(struct service *service, uint64_t account, size_t recipients)
{
	struct mail_sending *s = service->sending;
	struct bound bounds[BOUNDS];
	size_t n;

	if (!s)
		return;
	n = list_bounds(service, account, recipients, bounds);
	pthread_mutex_lock(&s->lock);
	give(s, account, recipients);
	for (size_t i = 0; i < n; i++)
		give(s, bounds[i].key, bounds[i].n);
	pthread_mutex_unlock(&s->lock);
}

/* ---- quota ---- */

static void tell(struct service *service, uint64_t account, unsigned percent)
{
	if (service->tell_quota)
		service->tell_quota(service, account, percent);
}

/* Nearly all accounts have nothing to remember, and cost no more than a look. */
void mail_quota_stored(
	struct service *service, uint64_t account, uint64_t bytes, uint64_t quota_bytes)
{
	struct mail_sending *s = service->sending;
	const double percent = quota_bytes ? 100.0 * (double)bytes / (double)quota_bytes : 0;
	bool is_crossing = false;
	struct usage *u;

	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	u = map_get(&s->accounts, map_key_u64(&account));
	if (percent >= LIMITS_WARN_PERCENT) {
		u = find(s, account);
		is_crossing = u->warned == 0;
		u->warned = is_crossing ? LIMITS_WARN_PERCENT : u->warned;
	} else if (u) {
		u->over_since_s = 0;
		u->warned = percent < LIMITS_CALM_PERCENT ? 0 : u->warned;
	}
	if (u)
		touch(s, u);
	pthread_mutex_unlock(&s->lock);
	if (is_crossing)
		tell(service, account, LIMITS_WARN_PERCENT);
}

bool mail_quota_defers(struct service *service, const struct mail_target *target)
{
	struct mail_sending *s = service->sending;
	const int64_t now = clock_wall_s(),
		      grace = __atomic_load_n(&service->limits.quota_grace_s, __ATOMIC_RELAXED);
	bool is_crossing, defers;
	struct usage *u;

	if (!s)
		return false;
	pthread_mutex_lock(&s->lock);
	u = find(s, target->account);
	is_crossing = u->warned != WARNED_FULL;
	u->warned = WARNED_FULL;
	if (!u->over_since_s)
		u->over_since_s = now;
	defers = now - u->over_since_s < grace;
	touch(s, u);
	pthread_mutex_unlock(&s->lock);
	if (is_crossing)
		tell(service, target->account, WARNED_FULL);
	return defers;
}

/* ---- life ---- */

static int load(struct mail_sending *s, struct err *err)
{
	struct db_stmt *rows AUTO(db_stmt_auto) = NULL;
	int rc = db_query(s->db, &rows, err, "SELECT * FROM usage");

	while (rc == 0 && (rc = db_step(rows, err)) > 0) {
		struct usage *u = find(s, (uint64_t)db_int(rows, 0));

		u->hour = (struct window){
			db_int(rows, 1), (uint64_t)db_int(rows, 2), (uint64_t)db_int(rows, 3)};
		u->day = (struct window){
			db_int(rows, 4), (uint64_t)db_int(rows, 5), (uint64_t)db_int(rows, 6)};
		u->warned = db_int(rows, 7);
		u->over_since_s = db_int(rows, 8);
		rc = 0;
	}
	return rc;
}

int mail_limits_open(struct service *service, struct err *err)
{
	const struct db_config file = {
		.path = "limits.db", .may_create = true, .cache_kib = DB_CACHE_SMALL_KIB};
	struct mail_sending *s = mem_new(struct mail_sending);
	int rc;

	s->service = service;
	s->timer = (struct pool_timer){.job = {.run = tick}, .class = POOL_BULK};
	pthread_mutex_init(&s->lock, NULL);
	service->sending = s;
	rc = db_open(&file, &s->db, err);
	if (rc == 0)
		rc = db_migrate(s->db, schema, sizeof(schema) / sizeof(schema[0]), err);
	if (rc == 0)
		rc = load(s, err);
	if (rc < 0)
		mail_limits_close(service);
	return rc;
}

void mail_limits_close(struct service *service)
{
	struct mail_sending *s = service->sending;
	struct usage *u;

	service->sending = NULL;
	if (!s)
		return;
	if (s->db)
		write_dirty(s);
	for (size_t at = 0; (u = map_next(&s->accounts, &at));)
		free(u);
	map_done(&s->accounts);
	db_close(&s->db);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* ---- keeping back ---- */

int64_t mail_undo_s(struct service *service, uint64_t account, bool is_web)
{
	const int *of_service =
		is_web ? &service->limits.undo_web_s : &service->limits.undo_program_s;
	struct directory_account found;
	struct arena arena AUTO(arena_done);
	struct err err;
	int own = -1;

	arena_init(&arena, ARENA_BYTES);
	if (directory_account(service->directory, account, &arena, &found, &err) == 0)
		own = is_web ? found.undo_web_s : found.undo_program_s;
	return own < 0 ? __atomic_load_n(of_service, __ATOMIC_RELAXED) : own;
}
