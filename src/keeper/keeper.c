/* keeper.c - the keeper process; see keeper.h for the contract. */
#include "keeper/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <fido.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <sched.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/vfs.h"
#include "keeper/factors.h"
#include "keeper/guesses.h"
#include "keeper/logins.h"
#include "keeper/process.h"
#include "keeper/revoke.h"
#include "keeper/seen.h"
#include "keeper/tickets.h"
#include "keeper/vault.h"
#include "keeper/verbs.h"
#include "keeper/web.h"
#include "process/sandbox.h"

enum {
	SIGNERS_MIN = 2,
	HASHER_NICE = 15,
	SIGN_JOBS_MAX = 4096,
	KNOWN_JOBS_MAX = 4096,
	STRANGE_JOBS_MAX = 1024,
	DESK_JOBS_MAX = 8192,
	SECURE_HEAP_BYTES = 1 << 18,
	SECURE_HEAP_LEAST = 32,
};

struct process {
	const struct keeper_config *config;
	struct desk desk;
	struct crew *signers;
	struct loop *loop;
	struct tickets tickets;
	struct crew_job house; /* waits or runs while is_house_kept */
	atomic_bool is_house_kept;
};

/* ---- sign ---- */

struct sign_job {
	struct crew_job job;
	struct process *process;
	struct caller caller;
	struct frame_sign what; /* slices point into bytes */
	size_t len;
	char bytes[];
};

static void sign_run(struct crew_job *job, bool is_dismissed)
{
	struct sign_job *s = (struct sign_job *)job; /* its first member */
	struct buf signature AUTO(buf_done);
	struct slice field;
	struct err err;
	int rc = -ERR_BUSY;

	buf_init(&signature, FRAME_SERVER_MAX);
	if (!is_dismissed)
		rc = keys_sign(s->process->desk.keys, &s->what, &signature, &err);
	else
		rc = err_set(&err, ERR_BUSY, "the keeper is ending");
	field = buf_slice(&signature);
	if (rc < 0)
		caller_fail(s->caller, rc, err.msg);
	else
		caller_reply(s->caller, &field, 1);
	free(s);
}

bool process_sign(void *process, struct caller caller, struct frame *f)
{
	struct process *p = process;
	struct sign_job *s = mem_zalloc(sizeof(*s) + f->rest.len);

	*s = (struct sign_job){
		.job.run = sign_run, .process = p, .caller = caller, .len = f->rest.len};
	if (s->len)
		memcpy(s->bytes, f->rest.ptr, s->len);
	f->rest.ptr = s->bytes;
	if (!frame_read_sign(f, &s->what)) {
		free(s);
		return false;
	}
	if (!crew_put(p->signers, CREW_FIRST, &s->job)) {
		caller_fail(caller, -ERR_BUSY, "too many signatures at once");
		free(s);
	}
	return true;
}

/* ---- the other verbs ---- */

bool process_ticket_keys(void *process, struct caller caller, struct frame *f)
{
	const struct process *p = process;
	struct slice fields[TICKETS_MAX];

	if (!frame_end(f))
		return false;
	for (size_t i = 0; i < p->tickets.n; i++)
		fields[i] = (struct slice){(const char *)p->tickets.keys[i], FRAME_TICKET_KEY};
	caller_reply(caller, fields, p->tickets.n);
	return true;
}

/* From now on it is told; and then, of what it missed. */
bool process_subscribe(void *process, struct caller caller, struct frame *f)
{
	struct process *p = process;

	revoker_subscribe(p->desk.revoker, caller_again(caller));
	task_take(&p->desk, caller, f, "n", TASK_READER, revoker_replay);
	return true;
}

bool process_closed(void *process, struct caller caller, struct frame *f)
{
	struct process *p = process;
	const uint64_t telling = frame_u64(f);

	if (!frame_end(f))
		return false;
	revoker_closed(p->desk.revoker, caller, telling);
	return true;
}

/* The courier is answered when there is one. */
bool process_sms_take(void *process, struct caller caller, struct frame *f)
{
	struct process *p = process;

	if (!frame_end(f))
		return false;
	sms_take(p->desk.factors->sms, caller);
	return true;
}

static bool handle(void *context, enum loop_door door, struct caller caller, struct frame *f)
{
	struct process *p = context;
	const struct verb *verb = f->verb < FRAME_VERB_END ? &verbs[f->verb] : NULL;

	if (!verb || !verb->name)
		return false;
	if (!(verb->doors & 1u << door)) {
		log_warn(NULL, "verb_refused", log_c("verb", verb->name),
			log_c("socket", loop_door_name(door)));
		caller_fail(caller, -ERR_DENIED, "not to be asked for on this socket");
		return true;
	}
	if (verb->handle)
		return verb->handle(p, caller, f);
	task_take(&p->desk, caller, f, verb->grammar, verb->place, verb->run);
	return true;
}

static void gone(void *context, const struct peer *peer)
{
	struct process *p = context;

	revoker_gone(p->desk.revoker, peer);
	sms_gone(p->desk.factors->sms, peer);
}

/* ---- start and end ---- */

/* What is not worth a flush of its own, and what is over. */
static void keep_house(struct process *p)
{
	struct db *change;
	struct err err;
	int rc = secrets_change(p->desk.secrets, &change, &err);

	if (rc == 0) {
		rc = seen_write(p->desk.seen, change, &err);
		if (rc == 0)
			rc = web_purge(change, &err);
		if (rc == 0)
			rc = revoke_purge(change, &err);
		rc = secrets_change_end(p->desk.secrets, rc, &err);
	}
	if (rc < 0)
		log_error(NULL, "housekeeping", log_e(&err));
}

static void house_run(struct crew_job *job, bool is_dismissed)
{
	struct process *p = (struct process *)((char *)job - offsetof(struct process, house));

	if (!is_dismissed)
		keep_house(p);
	atomic_store(&p->is_house_kept, false);
}

static void tick(void *context)
{
	struct process *p = context;

	tickets_tick(&p->tickets);
	revoker_tick(p->desk.revoker);
	sms_tick(p->desk.factors->sms);
	if (seen_is_due(p->desk.seen) && !atomic_exchange(&p->is_house_kept, true) &&
		!crew_put(p->desk.clerk, CREW_FIRST, &p->house))
		atomic_store(&p->is_house_kept, false);
}

/* OpenSSL fetches an algorithm when it is first used: that is now, while files can be opened. */
static int warm_up(struct err *err)
{
	EVP_PKEY *pkey;
	const bool has_openssl =
		OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_ADD_ALL_DIGESTS |
					    OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
			NULL) == 1;

	if (!has_openssl || sodium_init() < 0)
		return err_set(err, ERR_IO, "cannot set up the crypto libraries");
	/* Keys' numbers live in memory that is locked and left out of dumps; where the limit on
	 * locked memory is too small it is used all the same. */
	if (!CRYPTO_secure_malloc_initialized())
		CRYPTO_secure_malloc_init(SECURE_HEAP_BYTES, SECURE_HEAP_LEAST);
	pkey = EVP_EC_gen("P-256");
	EVP_PKEY_free(pkey);
	if (!pkey)
		return err_set(err, ERR_IO, "OpenSSL cannot make a key");
	db_vfs_register();
	fido_init(0);
	json_object_seed(0); /* it would look for a file */
	return 0;
}

static int enter(struct process *p, struct err *err)
{
	const struct sandbox_path paths[] = {
		{p->config->directory, true}, {p->config->tls_directory, true}};
	const struct sandbox_config sandbox = {.paths = paths, .paths_n = 2, .may_accept = true};
	struct sandbox_result result;
	int rc;

	if (mkdir(p->config->directory, 0700) < 0 && errno != EEXIST)
		return err_errno(err, "cannot make %s", p->config->directory);
	p->desk.dirfd = io_open(AT_FDCWD, p->config->directory, O_RDONLY | O_DIRECTORY, 0, err);
	if (p->desk.dirfd < 0)
		return p->desk.dirfd;
	p->desk.tls_fd =
		io_open(AT_FDCWD, p->config->tls_directory, O_RDONLY | O_DIRECTORY, 0, err);
	if (p->desk.tls_fd < 0)
		return p->desk.tls_fd;
	rc = sandbox_enter(&sandbox, &result, err);
	if (rc == 0 && (!result.landlock_abi || !result.has_seccomp))
		log_warn(NULL, "sandbox_incomplete", log_n("landlock", result.landlock_abi),
			log_n("seccomp", result.has_seccomp));
	return rc;
}

static unsigned cores(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

static int start_crews(struct process *p, struct err *err)
{
	const unsigned n = cores();
	const struct crew_config signers = {.threads = n < SIGNERS_MIN ? SIGNERS_MIN : n,
		.jobs_max[CREW_FIRST] = SIGN_JOBS_MAX};
	const struct crew_config hashers = {.threads = n,
		.nice = HASHER_NICE,
		.jobs_max = {KNOWN_JOBS_MAX, STRANGE_JOBS_MAX, 2 * n}};
	const struct crew_config desk = {.threads = 1, .jobs_max[CREW_FIRST] = DESK_JOBS_MAX};
	int rc = crew_new(&signers, &p->signers, err);

	if (rc == 0)
		rc = crew_new(&hashers, &p->desk.hashers, err);
	if (rc == 0)
		rc = crew_new(&desk, &p->desk.clerk, err);
	if (rc == 0)
		rc = crew_new(&desk, &p->desk.reader, err);
	p->desk.hashers_n = n;
	return rc;
}

static int open_stores(struct process *p, struct err *err)
{
	struct factors_config factors = {.host = p->config->host,
		.port = p->config->web_port,
		.scram_main_passwords = p->config->scram_main};
	char path[256];
	int rc;

	snprintf(path, sizeof(path), "%s/secrets.db", p->config->directory);
	rc = secrets_open(path, &p->desk.secrets, err);
	if (rc == 0)
		rc = keys_open(p->desk.dirfd, p->config->allows_old_signatures, &p->desk.keys, err);
	if (rc == 0)
		rc = vault_open(p->desk.dirfd, &p->desk.mac_key, err);
	if (rc == 0)
		rc = guesses_new(p->desk.secrets, &p->desk.guesses, err);
	if (rc == 0)
		rc = revoker_new(p->desk.secrets, &p->desk.revoker, err);
	factors.root = p->desk.mac_key;
	if (rc == 0)
		rc = factors_new(&factors, &p->desk.factors, err);
	if (rc == 0)
		p->desk.seen = seen_new();
	return rc;
}

static int start(struct process *p, struct err *err)
{
	const struct loop_config loop = {
		.fds = {p->config->server_fd, p->config->cli_fd, p->config->courier_fd},
		.owner_uid = p->config->owner_uid,
		.context = p,
		.handle = handle,
		.gone = gone,
		.tick = tick};
	struct logins_config logins;
	int rc = warm_up(err);

	umask(0077);
	if (rc == 0)
		rc = enter(p, err);
	if (rc == 0)
		rc = open_stores(p, err);
	if (rc == 0)
		rc = loop_new(&loop, &p->loop, err);
	if (rc == 0)
		rc = start_crews(p, err);
	if (rc < 0)
		return rc;
	rc = tickets_init(&p->tickets, err);
	if (rc < 0)
		return rc;
	p->desk.cost = (struct hash_cost){p->config->argon2_memory_kib, p->config->argon2_passes};
	logins = (struct logins_config){.secrets = p->desk.secrets,
		.guesses = p->desk.guesses,
		.hashers = p->desk.hashers,
		.cost = p->desk.cost,
		.cache_s = p->config->cache_s};
	return logins_new(&logins, &p->desk.logins, err);
}

/* The clerk first: he may be waiting for the hashers. */
static void end(struct process *p)
{
	crew_dismiss(p->desk.clerk);
	crew_dismiss(p->desk.hashers);
	crew_dismiss(p->desk.reader);
	crew_dismiss(p->signers);
	if (p->desk.seen)
		keep_house(p);
	loop_free(&p->loop);
	revoker_free(&p->desk.revoker);
	crew_free(&p->desk.clerk);
	crew_free(&p->desk.hashers);
	crew_free(&p->desk.reader);
	crew_free(&p->signers);
	logins_free(&p->desk.logins);
	factors_free(&p->desk.factors);
	guesses_free(&p->desk.guesses);
	seen_free(&p->desk.seen);
	vault_close(&p->desk.mac_key);
	keys_close(&p->desk.keys);
	secrets_close(&p->desk.secrets);
	tickets_done(&p->tickets);
	io_close(&p->desk.dirfd);
	io_close(&p->desk.tls_fd);
}

int keeper_run(const struct keeper_config *config, struct err *err)
{
	struct process p = {
		.config = config, .desk = {.dirfd = -1, .tls_fd = -1}, .house.run = house_run};
	int rc = start(&p, err);

	if (rc == 0) {
		log_info(NULL, "keeper_ready", log_n("argon2_kib", config->argon2_memory_kib));
		rc = loop_run(p.loop, err);
	}
	end(&p);
	return rc;
}
