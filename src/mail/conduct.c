/* conduct.c - see conduct.h: counting, and the file. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/ip.h"
#include "base/mem.h"
#include "mail/conduct_internal.h"
#include "mail/country.h"

enum {
	DAY_S = 86400,
	USUAL_UNIT = 16,
	USUAL_FADES = 10, /* a day counts so much of what is usual */
	WRITE_MS = 1000,
	ASK_MS = 2000, /* how often outcomes are asked for, while mail goes out */
	IDLE_MS = 60000,
	BUSY_MS = 10 * 60 * 1000,
	KEEP_MS = 60 * 60 * 1000, /* in memory, unused */
	STATE_MAX = 4096,
	VERSION = 1,
	NETWORK_V4 = 24,
	NETWORK_V6 = 48,
	KNOWN_BITS = 3, /* of a recipient */
};

static const struct log_ctx log_ctx = {.service = "conduct"};

static const struct db_migration schema[] = {
	{"CREATE TABLE conduct (account INTEGER PRIMARY KEY, state BLOB NOT NULL);"
	 "CREATE TABLE stop (account INTEGER PRIMARY KEY, is_stopped INTEGER NOT NULL,"
	 " is_told INTEGER NOT NULL, by_operator INTEGER NOT NULL, since_s INTEGER NOT NULL,"
	 " why TEXT NOT NULL)"},
};

/* ---- as bytes ---- */

static void put_counts(struct buf *out, const struct conduct_counts *c)
{
	const uint64_t all[] = {c->sent, c->answered, c->unknown, c->refused, c->complaints,
		c->scanned, c->bad, c->strange};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		varint_put(out, all[i]);
}

static void pack(const struct conduct_account *a, struct buf *out)
{
	varint_put(out, VERSION);
	varint_put(out, a->day);
	varint_put(out, a->usual);
	varint_put(out, a->good_days);
	varint_put(out, a->is_far);
	put_counts(out, &a->now);
	put_counts(out, &a->before);
	varint_put(out, a->places_n);
	for (size_t i = 0; i < a->places_n; i++) {
		varint_put(out, a->places[i].network);
		varint_put(out, a->places[i].country);
		varint_put(out, a->places[i].first_s);
		varint_put(out, a->places[i].last_s);
	}
	buf_append(out, (struct slice){(const char *)a->known, CONDUCT_KNOWN});
}

static bool take_counts(struct slice *in, struct conduct_counts *c)
{
	uint64_t *all[] = {&c->sent, &c->answered, &c->unknown, &c->refused, &c->complaints,
		&c->scanned, &c->bad, &c->strange};
	bool is_good = true;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		is_good = is_good && varint_take(in, all[i]);
	return is_good;
}

static bool take_places(struct slice *in, struct conduct_account *a)
{
	uint64_t n;
	bool is_good = varint_take(in, &n) && n <= CONDUCT_PLACES_MAX;

	for (size_t i = 0; is_good && i < n; i++)
		is_good = varint_take(in, &a->places[i].network) &&
			  varint_take(in, &a->places[i].country) &&
			  varint_take(in, &a->places[i].first_s) &&
			  varint_take(in, &a->places[i].last_s);
	a->places_n = is_good ? (size_t)n : 0;
	return is_good;
}

static bool unpack(struct slice in, struct conduct_account *a)
{
	uint64_t version, far;

	if (!varint_take(&in, &version) || version != VERSION || !varint_take(&in, &a->day) ||
		!varint_take(&in, &a->usual) || !varint_take(&in, &a->good_days) ||
		!varint_take(&in, &far) || !take_counts(&in, &a->now) ||
		!take_counts(&in, &a->before) || !take_places(&in, a) || in.len != CONDUCT_KNOWN)
		return false;
	a->is_far = far;
	memcpy(a->known, in.ptr, CONDUCT_KNOWN);
	return true;
}

/* ---- an account; under the lock ---- */

static int load(struct conduct *c, struct conduct_account *a, struct err *err)
{
	struct db_stmt *row = NULL;
	int rc;

	pthread_mutex_lock(&c->reader_lock);
	rc = db_query(c->reader, &row, err, "SELECT state FROM conduct WHERE account = ?",
		db_i((int64_t)a->account));
	if (rc == 0)
		rc = db_step(row, err);
	if (rc == 1 && !unpack(db_blob(row, 0), a))
		*a = (struct conduct_account){.account = a->account};
	db_stmt_auto(&row);
	pthread_mutex_unlock(&c->reader_lock);
	return rc < 0 ? rc : 0;
}

/* What is known so far is better than nothing. */
static struct conduct_account *find(struct conduct *c, uint64_t account)
{
	struct conduct_account *a = map_get(&c->accounts, map_key_u64(&account));
	struct err err;

	if (!a) {
		a = mem_new(struct conduct_account);
		a->account = account;
		if (load(c, a, &err) < 0)
			log_error(&log_ctx, "load", log_e(&err));
		map_put(&c->accounts, map_key_u64(&a->account), a);
	}
	a->used_ms = clock_mono_ms();
	return a;
}

/* What counts at this moment: the day before fades as the present one goes on. */
static uint64_t faded(uint64_t now, uint64_t before, int64_t now_s)
{
	return now + before * (uint64_t)(DAY_S - now_s % DAY_S) / DAY_S;
}

static void facts_of(const struct conduct_account *a, struct judge_facts *f)
{
	const int64_t now = clock_wall_s();
	const struct conduct_counts *n = &a->now, *b = &a->before;

	*f = (struct judge_facts){.sent = faded(n->sent, b->sent, now),
		.usual = a->usual / USUAL_UNIT,
		.good_days = a->good_days,
		.answered = faded(n->answered, b->answered, now),
		.unknown = faded(n->unknown, b->unknown, now),
		.refused = faded(n->refused, b->refused, now),
		.complaints = faded(n->complaints, b->complaints, now),
		.scanned = faded(n->scanned, b->scanned, now),
		.bad = faded(n->bad, b->bad, now),
		.strange = faded(n->strange, b->strange, now),
		.is_far = a->is_far};
}

/* A day is over: what it was becomes part of the past. One that would have gone half of the way to
 * a stop is no good day, and costs half of those before. */
static void end_day(const struct conduct *c, struct conduct_account *a)
{
	struct judge_verdict verdict;
	struct judge_facts facts;

	if (a->now.sent == 0)
		return;
	facts_of(a, &facts);
	judge(&facts, &c->judge, &verdict);
	if (2 * verdict.points < c->judge.mark || c->judge.mark == 0)
		a->good_days++;
	else
		a->good_days /= 2;
	a->usual = a->usual
			   ? (a->usual * (USUAL_FADES - 1) + a->now.sent * USUAL_UNIT) / USUAL_FADES
			   : a->now.sent * USUAL_UNIT;
}

static void move_on(const struct conduct *c, struct conduct_account *a)
{
	const uint64_t day = (uint64_t)(clock_wall_s() / DAY_S);

	if (a->day == day)
		return;
	end_day(c, a);
	a->before = a->day + 1 == day ? a->now : (struct conduct_counts){0};
	a->now = (struct conduct_counts){0};
	a->is_far = a->is_far && a->day + 1 == day;
	a->day = day;
}

void conduct_arm(struct conduct *c, int64_t delay_ms)
{
	const int64_t due = clock_mono_ms() + delay_ms;

	if (c->timer_ms && c->timer_ms <= due)
		return;
	c->timer_ms = due;
	pool_timer_set(c->service->pool, &c->timer, due);
}

/* ---- where from, and to whom ---- */

static uint64_t hash_of(struct slice text)
{
	unsigned char sum[SHA256_LEN];

	sha256(text, sum);
	return be64_get(sum) >> 1;
}

static uint64_t country_of(struct service *service, struct slice peer)
{
	struct buf name AUTO(buf_done);

	buf_init(&name, COUNTRY_NAME_MAX);
	country_put(service->country, peer, slice_lit("en"), &name);
	return name.len ? hash_of(buf_slice(&name)) : 0;
}

static struct conduct_place *place_of(struct conduct_account *a, uint64_t network)
{
	struct conduct_place *oldest = &a->places[0];

	for (size_t i = 0; i < a->places_n; i++) {
		if (a->places[i].network == network)
			return &a->places[i];
		if (a->places[i].last_s < oldest->last_s)
			oldest = &a->places[i];
	}
	if (a->places_n < CONDUCT_PLACES_MAX)
		oldest = &a->places[a->places_n++];
	*oldest = (struct conduct_place){.network = network};
	return oldest;
}

static bool is_country_known(const struct conduct_account *a, const struct conduct_place *place)
{
	for (size_t i = 0; i < a->places_n; i++) {
		const struct conduct_place *other = &a->places[i];

		if (other != place && (other->country == place->country || !other->country))
			return true;
	}
	return place->country == 0;
}

/* Notes where it sends from. True: since less than a day, and it has sent from elsewhere before. */
static bool is_new_place(struct service *service, struct conduct_account *a, struct slice peer)
{
	const uint64_t now = (uint64_t)clock_wall_s();
	struct ip_network network;
	struct conduct_place *place;
	struct ip ip;

	if (!ip_parse(peer, &ip))
		return false;
	network = ip_network_of(&ip, ip.len == IP_V4 ? NETWORK_V4 : NETWORK_V6);
	place = place_of(a, hash_of((struct slice){(const char *)network.ip.bytes, ip.len}));
	if (!place->first_s) {
		place->first_s = now;
		place->country = country_of(service, peer);
		if (!is_country_known(a, place))
			a->is_far = true;
	}
	place->last_s = now;
	return a->places_n > 1 && now - place->first_s < DAY_S;
}

static bool is_new_recipient(struct conduct_account *a, struct slice address)
{
	uint64_t hash = hash_of(address);
	bool is_new = false;

	for (int i = 0; i < KNOWN_BITS; i++) {
		const size_t bit = hash % (CONDUCT_KNOWN * 8);

		is_new = is_new || !(a->known[bit / 8] & 1 << bit % 8);
		a->known[bit / 8] |= (unsigned char)(1 << bit % 8);
		hash /= CONDUCT_KNOWN * 8;
	}
	return is_new;
}

/* When all bits are set nobody would be new. */
static void thin_out(struct conduct_account *a)
{
	unsigned set = 0;

	for (size_t i = 0; i < CONDUCT_KNOWN; i++)
		set += (unsigned)__builtin_popcount(a->known[i]);
	for (size_t i = 0; set > CONDUCT_KNOWN * 8 * 3 / 4 && i < CONDUCT_KNOWN; i++)
		a->known[i] &= i % 2 ? 0x55 : 0xaa;
}

/* ---- what happened ---- */

/* The level's, if it has one. */
static unsigned mark_of(struct conduct *c, uint64_t account)
{
	struct directory_bounds level;
	struct err err;

	if (directory_bounds(c->service->directory, account, &level, &err) < 0 ||
		level.stop_points == 0)
		return c->judge.mark;
	return level.stop_points < UINT32_MAX ? (unsigned)level.stop_points : UINT32_MAX;
}

/* Adds to the counts, and to the verdict. */
static void count(struct service *service, uint64_t account, const struct conduct_counts *more,
	const struct mail_envelope *sent)
{
	struct conduct *c = service->conduct;
	struct judge_settings settings;
	struct judge_verdict verdict;
	struct judge_facts facts;
	struct conduct_account *a;

	if (!c || !account)
		return;
	settings = c->judge;
	pthread_mutex_lock(&c->lock);
	a = find(c, account);
	move_on(c, a);
	a->now.sent += more->sent;
	a->now.answered += more->answered;
	a->now.unknown += more->unknown;
	a->now.refused += more->refused;
	a->now.complaints += more->complaints;
	a->now.scanned += more->scanned;
	a->now.bad += more->bad;
	if (sent) {
		const bool is_strange = is_new_place(service, a, sent->peer);

		for (size_t i = 0; i < sent->recipients_n; i++)
			a->now.strange +=
				is_new_recipient(a, sent->recipients[i].address) && is_strange;
		thin_out(a);
		c->busy_ms = clock_mono_ms() + BUSY_MS;
	}
	a->is_dirty = true;
	facts_of(a, &facts);
	conduct_arm(c, WRITE_MS);
	pthread_mutex_unlock(&c->lock);
	judge(&facts, &settings, &verdict);
	if (verdict.points == 0)
		return;
	settings.mark = mark_of(c, account);
	judge(&facts, &settings, &verdict);
	if (verdict.must_stop && settings.mark)
		conduct_judged(c, account, verdict.why);
}

void conduct_sent(struct service *service, const struct mail_envelope *envelope)
{
	const struct conduct_counts more = {.sent = envelope->recipients_n};

	count(service, envelope->submitter, &more, envelope);
}

void conduct_scanned(struct service *service, uint64_t account, bool is_bad)
{
	const struct conduct_counts more = {.scanned = 1, .bad = is_bad};

	count(service, account, &more, NULL);
}

void conduct_complained(struct service *service, uint64_t account)
{
	const struct conduct_counts more = {.complaints = 1};

	count(service, account, &more, NULL);
}

void conduct_answered(struct service *service, uint64_t account, uint64_t answered,
	uint64_t unknown, uint64_t refused)
{
	const struct conduct_counts more = {
		.answered = answered, .unknown = unknown, .refused = refused};

	count(service, account, &more, NULL);
}

void conduct_forget(struct conduct *c, uint64_t account)
{
	struct conduct_account *a;

	pthread_mutex_lock(&c->lock);
	a = find(c, account);
	a->now = a->before = (struct conduct_counts){0};
	a->is_far = false;
	a->is_dirty = true;
	conduct_arm(c, WRITE_MS);
	pthread_mutex_unlock(&c->lock);
}

int conduct_show(
	struct service *service, uint64_t account, struct conduct_state *out, struct err *err)
{
	struct conduct *c = service->conduct;
	struct conduct_account *a;
	int rc;

	*out = (struct conduct_state){.is_stopped = false};
	if (!c)
		return 0;
	pthread_mutex_lock(&c->lock);
	a = find(c, account);
	move_on(c, a);
	facts_of(a, &out->facts);
	pthread_mutex_unlock(&c->lock);
	judge(&out->facts, &c->judge, &out->verdict);
	rc = conduct_find_stop(c, account, out, err);
	return rc < 0 ? rc : 0;
}

/* ---- writing ---- */

static int write_one(struct db *db, const struct conduct_account *a, struct err *err)
{
	struct buf state AUTO(buf_done);

	buf_init(&state, STATE_MAX);
	pack(a, &state);
	return db_do(db, err, "INSERT OR REPLACE INTO conduct (account, state) VALUES (?, ?)",
		db_i((int64_t)a->account), db_b(buf_slice(&state)));
}

/* Under the lock, which new counts wait for: a batch is small, and its flush is behind the lock. */
static void write_dirty(struct conduct *c)
{
	const int64_t now = clock_mono_ms();
	struct conduct_account *a;
	struct err err;
	int rc;

	pthread_mutex_lock(&c->lock);
	pthread_mutex_lock(&c->db_lock);
	rc = db_begin(c->db, &err);
	for (size_t at = 0; rc == 0 && (a = map_next(&c->accounts, &at));) {
		if (a->is_dirty) {
			rc = write_one(c->db, a, &err);
			a->is_dirty = false;
		} else if (now - a->used_ms > KEEP_MS) {
			map_del(&c->accounts, map_key_u64(&a->account));
			free(a);
		}
	}
	pthread_mutex_unlock(&c->lock);
	if (rc == 0)
		rc = db_commit(c->db, &err);
	else if (db_in_transaction(c->db))
		db_rollback(c->db);
	pthread_mutex_unlock(&c->db_lock);
	if (rc < 0)
		log_error(&log_ctx, "write", log_e(&err));
}

static void tick(struct pool_job *job)
{
	struct conduct *c = (struct conduct *)((char *)job - offsetof(struct conduct, timer.job));

	pthread_mutex_lock(&c->lock);
	c->timer_ms = 0;
	conduct_arm(c, clock_mono_ms() < c->busy_ms || c->has_untold ? ASK_MS : IDLE_MS);
	pthread_mutex_unlock(&c->lock);
	write_dirty(c);
	if (c->service->ask) {
		conduct_tell_courier(c);
		conduct_ask_courier(c);
	}
}

/* ---- life ---- */

int conduct_open(struct service *service, const struct conduct_config *config, struct err *err)
{
	const struct db_config file = {
		.path = "conduct.db", .may_create = true, .cache_kib = DB_CACHE_SMALL_KIB};
	struct conduct *c = mem_new(struct conduct);
	int rc;

	c->service = service;
	c->judge = config->judge;
	c->link = mem_str(config->link);
	c->has_untold = true; /* what an earlier run left */
	c->timer = (struct pool_timer){.job = {.run = tick}, .class = POOL_BULK};
	pthread_mutex_init(&c->lock, NULL);
	pthread_mutex_init(&c->db_lock, NULL);
	pthread_mutex_init(&c->reader_lock, NULL);
	service->conduct = c;
	rc = db_open(&file, &c->db, err);
	if (rc == 0)
		rc = db_migrate(c->db, schema, sizeof(schema) / sizeof(schema[0]), err);
	if (rc == 0)
		rc = db_open(&file, &c->reader, err);
	if (rc == 0)
		rc = db_watch(c->reader, &c->watch, err);
	if (rc < 0)
		conduct_close(service);
	return rc;
}

void conduct_start(struct service *service)
{
	pthread_mutex_lock(&service->conduct->lock);
	conduct_arm(service->conduct, ASK_MS);
	pthread_mutex_unlock(&service->conduct->lock);
}

void conduct_close(struct service *service)
{
	struct conduct *c = service->conduct;
	struct conduct_account *a;

	service->conduct = NULL;
	if (!c)
		return;
	if (c->db)
		write_dirty(c);
	for (size_t at = 0; (a = map_next(&c->accounts, &at));)
		free(a);
	map_done(&c->accounts);
	db_close(&c->reader);
	db_close(&c->db);
	pthread_mutex_destroy(&c->reader_lock);
	pthread_mutex_destroy(&c->lock);
	pthread_mutex_destroy(&c->db_lock);
	free(c->stopped);
	free(c->link);
	free(c);
}
