/* logins.c - see logins.h for the contract. */
#include "keeper/logins.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/random.h"
#include "keeper/frame.h"

enum {
	MAC_LEN = 32,
	CACHE_MAX = 100000,  /* accounts */
	DEADLINE_MS = 20000, /* the client gives up after 30 s */
};

/* The one good password of an account. */
struct known_good {
	uint64_t account, epoch;
	int64_t until_ms;
	unsigned char mac[MAC_LEN];
};

struct waiter {
	logins_fn *done;
	void *context;
	struct place place;
	struct waiter *next;
};

/* One password for one account, being checked. */
struct attempt {
	struct crew_job job;
	struct logins *logins;
	struct waiter *waiters;
	uint64_t account;
	int64_t deadline_ms;
	unsigned char mac[MAC_LEN];
	size_t password_len;
	char password[FRAME_PASSWORD_MAX];
};

struct logins {
	struct logins_config config;
	char nobody[HASH_MAX];  /* a hash of the usual cost that no password has */
	unsigned char *secret;  /* MAC_LEN bytes of this boot, locked in memory */
	pthread_mutex_t lock;   /* guards all below */
	struct map cache;       /* account -> struct known_good */
	uint64_t cache_version; /* raised by each change of a password */
	struct map running;     /* mac -> struct attempt */
};

int logins_new(const struct logins_config *config, struct logins **out, struct err *err)
{
	struct logins *l AUTO(logins_free) = mem_new(struct logins);
	char password[MAC_LEN];
	int rc;

	l->config = *config;
	pthread_mutex_init(&l->lock, NULL);
	l->secret = sodium_malloc(MAC_LEN);
	if (!l->secret)
		return err_set(err, ERR_IO, "no memory that can be locked");
	random_bytes(l->secret, MAC_LEN);
	random_bytes(password, sizeof(password));
	rc = hash_make((struct slice){password, sizeof(password)}, config->cost, l->nobody, err);
	if (rc < 0)
		return rc;
	*out = l;
	l = NULL;
	return 0;
}

void logins_free(struct logins **logins)
{
	struct logins *l = *logins;
	struct known_good *good;

	if (!l)
		return;
	for (size_t at = 0; (good = map_next(&l->cache, &at));)
		free(good);
	map_done(&l->cache);
	map_done(&l->running);
	sodium_free(l->secret);
	pthread_mutex_destroy(&l->lock);
	free(l);
	*logins = NULL;
}

/* All below that end in "_locked" want the lock held. */
/* The account's epoch if the cache knows the password to be good, else 0. */
static uint64_t cached_epoch_locked(
	struct logins *l, uint64_t account, const unsigned char mac[MAC_LEN])
{
	struct known_good *good = map_get(&l->cache, map_key_u64(&account));

	if (!good || clock_mono_ms() >= good->until_ms ||
		sodium_memcmp(good->mac, mac, MAC_LEN) != 0)
		return 0;
	return good->epoch;
}

/* Makes room: what has run out goes; if nothing has, everything does. */
static void sweep_locked(struct logins *l)
{
	const int64_t now = clock_mono_ms();
	const size_t before = l->cache.count;
	struct known_good *good;

	for (size_t at = 0; (good = map_next(&l->cache, &at));) {
		if (now < good->until_ms)
			continue;
		map_del(&l->cache, map_key_u64(&good->account));
		free(good);
	}
	if (l->cache.count < before)
		return;
	for (size_t at = 0; (good = map_next(&l->cache, &at));)
		free(good);
	map_done(&l->cache);
	l->cache = (struct map){0};
}

static void remember_locked(struct logins *l, const struct attempt *a, uint64_t epoch)
{
	struct known_good *good;

	if (l->config.cache_s == 0)
		return;
	free(map_del(&l->cache, map_key_u64(&a->account)));
	if (l->cache.count >= CACHE_MAX)
		sweep_locked(l);
	good = mem_new(struct known_good);
	good->account = a->account;
	good->epoch = epoch;
	good->until_ms = clock_mono_ms() + (int64_t)l->config.cache_s * 1000;
	memcpy(good->mac, a->mac, MAC_LEN);
	map_put(&l->cache, map_key_u64(&good->account), good);
}

void logins_forget(struct logins *l, uint64_t account)
{
	pthread_mutex_lock(&l->lock);
	l->cache_version++;
	free(map_del(&l->cache, map_key_u64(&account)));
	pthread_mutex_unlock(&l->lock);
}

static void tell_all(struct waiter *waiters, const struct logins_verdict *verdict)
{
	struct waiter *next;

	for (struct waiter *w = waiters; w; w = next) {
		next = w->next;
		w->done(w->context, verdict);
		free(w);
	}
}

static void fail_all(struct waiter *waiters, int rc, const char *reason)
{
	const struct logins_verdict verdict = {.rc = rc, .reason = reason};

	tell_all(waiters, &verdict);
}

static void attempt_free(struct attempt *a)
{
	mem_wipe(a->password, sizeof(a->password));
	free(a);
}

/* Takes those out who have become limited while they waited; they are answered "busy". */
static struct waiter *take_limited_locked(struct logins *l, struct attempt *a)
{
	struct waiter *limited = NULL;

	for (struct waiter **at = &a->waiters; *at;) {
		struct waiter *w = *at;

		if (!guesses_is_limited(l->config.guesses, &w->place)) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		w->next = limited;
		limited = w;
	}
	return limited;
}

/* False: nobody waits for it any more, and it is no longer to be found. */
static bool attempt_begin(struct attempt *a, bool is_dismissed, uint64_t *version_out)
{
	struct logins *l = a->logins;
	struct waiter *limited, *late = NULL;
	bool is_wanted;

	pthread_mutex_lock(&l->lock);
	*version_out = l->cache_version;
	limited = take_limited_locked(l, a);
	if (is_dismissed || clock_mono_ms() >= a->deadline_ms) {
		late = a->waiters;
		a->waiters = NULL;
	}
	is_wanted = a->waiters != NULL;
	if (!is_wanted)
		map_del(&l->running, (struct slice){(const char *)a->mac, MAC_LEN});
	pthread_mutex_unlock(&l->lock);
	fail_all(limited, -ERR_BUSY, "too many failed logins");
	fail_all(late, -ERR_BUSY, "too many logins at once");
	return is_wanted;
}

/* Whoever joined is answered with the rest; one run counts as one failure. */
static void attempt_end(struct attempt *a, const struct logins_verdict *verdict, uint64_t version)
{
	struct logins *l = a->logins;
	struct waiter *waiters;

	pthread_mutex_lock(&l->lock);
	map_del(&l->running, (struct slice){(const char *)a->mac, MAC_LEN});
	waiters = a->waiters;
	if (verdict->rc == 0 && version == l->cache_version)
		remember_locked(l, a, verdict->epoch);
	pthread_mutex_unlock(&l->lock);
	if (verdict->rc == -ERR_DENIED)
		guesses_failed(l->config.guesses, &waiters->place);
	tell_all(waiters, verdict);
}

/* A hash of another scheme or lower cost is replaced by one of ours, now that the password is at
 * hand. */
static void upgrade(struct logins *l, const struct secret *secret, struct slice password)
{
	char after[HASH_MAX];
	struct err err;
	int rc = hash_make(password, l->config.cost, after, &err);

	if (rc == 0)
		rc = secrets_upgrade(l->config.secrets, secret->account, secret->hash, after, &err);
	if (rc < 0)
		log_warn(NULL, "hash_upgrade_failed", log_e(&err));
}

/* A failure costs a run of the usual cost at least, as it does where nobody is: with a cheaper hash
 * of the account's (from elsewhere, or made for trials) the time would tell that there is one. */
static int verify(
	struct logins *l, const struct secret *secret, struct slice password, struct err *err)
{
	struct err ignored;
	int rc = hash_verify(secret->hash, password, err);

	if (rc == -ERR_DENIED && hash_is_weaker(secret->hash, l->config.cost) &&
		hash_verify(l->nobody, password, &ignored) == -ERR_BUSY)
		rc = err_set(err, ERR_BUSY, "%s", ignored.msg);
	return rc;
}

static int verify_nobody(struct logins *l, struct slice password, struct err *err)
{
	int rc = hash_verify(l->nobody, password, err);

	return rc == 0 ? err_set(err, ERR_DENIED, "wrong password") : rc;
}

static void attempt_run(struct crew_job *job, bool is_dismissed)
{
	struct attempt *a = (struct attempt *)job; /* its first member */
	struct logins *l = a->logins;
	const struct slice password = {a->password, a->password_len};
	struct secret secret = {0};
	struct logins_verdict verdict = {0};
	struct err err;
	uint64_t version;
	int found;

	if (!attempt_begin(a, is_dismissed, &version)) {
		attempt_free(a);
		return;
	}
	verdict.seq = secrets_seq(l->config.secrets); /* before anything is read */
	found = secrets_get(l->config.secrets, a->account, &secret, &err);
	if (found == 0) {
		verdict.rc = verify(l, &secret, password, &err);
	} else if (found == -ERR_NOTFOUND) {
		verdict.rc = verify_nobody(l, password, &err);
	} else {
		log_error(NULL, "secrets_unreadable", log_e(&err));
		verdict.rc = err_set(&err, ERR_BUSY, "the secrets cannot be read");
	}
	verdict.epoch = secret.epoch;
	verdict.reason = err.msg;
	attempt_end(a, &verdict, version);
	if (verdict.rc == 0 && !secret.is_fast && hash_is_weaker(secret.hash, l->config.cost))
		upgrade(l, &secret, password);
	mem_wipe(&secret, sizeof(secret));
	attempt_free(a);
}

static void compute_mac(
	const struct logins *l, uint64_t account, struct slice password, unsigned char out[MAC_LEN])
{
	crypto_generichash_state state;
	unsigned char number[8];

	be64_put(number, account);
	crypto_generichash_init(&state, l->secret, MAC_LEN, MAC_LEN);
	crypto_generichash_update(&state, number, sizeof(number));
	crypto_generichash_update(
		&state, (const unsigned char *)(password.len ? password.ptr : ""), password.len);
	crypto_generichash_final(&state, out, MAC_LEN);
	mem_wipe(&state, sizeof(state));
}

static struct attempt *attempt_new(
	struct logins *l, uint64_t account, struct slice password, const unsigned char mac[MAC_LEN])
{
	struct attempt *a = mem_new(struct attempt);

	a->job.run = attempt_run;
	a->logins = l;
	a->account = account;
	a->deadline_ms = clock_mono_ms() + DEADLINE_MS;
	memcpy(a->mac, mac, MAC_LEN);
	a->password_len = password.len;
	if (password.len)
		memcpy(a->password, password.ptr, password.len);
	return a;
}

/* Waits for the run of the same attempt, or starts one. False: there is no room for it. */
static bool join_locked(struct logins *l, uint64_t account, struct slice password,
	const unsigned char mac[MAC_LEN], struct waiter *w, enum crew_class class)
{
	struct attempt *a = map_get(&l->running, (struct slice){(const char *)mac, MAC_LEN});

	if (a) {
		w->next = a->waiters;
		a->waiters = w;
		return true;
	}
	a = attempt_new(l, account, password, mac);
	a->waiters = w;
	map_put(&l->running, (struct slice){(const char *)a->mac, MAC_LEN}, a);
	if (crew_put(l->config.hashers, class, &a->job))
		return true;
	map_del(&l->running, (struct slice){(const char *)a->mac, MAC_LEN});
	attempt_free(a);
	return false;
}

/* What was said of it a moment ago. The number is read first: who drops the cache raises it
 * afterwards. */
static bool check_cache(struct logins *l, uint64_t account, const unsigned char mac[MAC_LEN],
	struct logins_verdict *verdict)
{
	pthread_mutex_lock(&l->lock);
	verdict->seq = secrets_seq(l->config.secrets);
	verdict->epoch = cached_epoch_locked(l, account, mac);
	pthread_mutex_unlock(&l->lock);
	return verdict->epoch != 0;
}

void logins_check(struct logins *l, const struct place *place, struct slice password,
	logins_fn *done, void *context)
{
	const uint64_t account = place_account(place);
	struct logins_verdict verdict = {0};
	unsigned char mac[MAC_LEN];
	const bool is_known = guesses_is_known(l->config.guesses, place);
	const bool is_limited = guesses_is_limited(l->config.guesses, place);
	struct waiter *w;
	bool has_room;

	compute_mac(l, account, password, mac);
	/* Where the account is known, a device that goes on with an old password must not shut out
	 * the others; but the cache is no oracle, for strangers or for neighbours. */
	if ((!is_limited || (is_known && !guesses_is_shut(l->config.guesses, place))) &&
		check_cache(l, account, mac, &verdict)) {
		done(context, &verdict);
		return;
	}
	w = mem_new(struct waiter);
	*w = (struct waiter){.done = done, .context = context, .place = *place};
	if (is_limited) {
		if (is_known)
			guesses_failed(l->config.guesses, place);
		fail_all(w, -ERR_BUSY, "too many failed logins");
		return;
	}
	pthread_mutex_lock(&l->lock);
	has_room = join_locked(l, account, password, mac, w, is_known ? CREW_FIRST : CREW_SECOND);
	pthread_mutex_unlock(&l->lock);
	if (!has_room)
		fail_all(w, -ERR_BUSY, "too many logins at once");
}
