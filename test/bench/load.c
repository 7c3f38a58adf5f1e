/*
 * load.c - load generator: runs one workload against a server and prints one JSON object.
 *
 *   load --imaps PORT --lmtp PORT --submissions PORT --user PATTERN --password P --pid PID WORKLOAD
 *
 * Server CPU is the growth of user and system time of the process PID and its children, dead ones
 * included; the client's is never in it. What comes back is counted, and a wrong count ends the
 * run.
 */
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "client.h"
#include "mail.h"

enum { THREADS_MAX = 256, MESSAGE_MAX = 2 << 20, SAMPLES_MAX = 1 << 20 };

static struct target target = {
	.host = "127.0.0.1", .user = "u%05d@bench.example", .password = "secret"};
static int server_pid, conns = 16, users = 100, first_user, rcpts = 1, domains = 1;
static long count = 3000, mailbox_size = 100000;
static double seconds = 10;

static atomic_long next_job, done;
static float *samples; /* milliseconds */
static atomic_size_t samples_n;
static double deadline;

/* ---- what the server used ---- */

static double process_cpu(int pid)
{
	char path[64], text[1024];
	unsigned long user, sys;
	long dead_user, dead_sys;
	size_t n;
	char *p;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	p = strrchr(text, ')');
	if (!p || sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld",
			  &user, &sys, &dead_user, &dead_sys) != 4)
		bench_die("cannot read %s", path);
	return (double)(user + sys + (unsigned long)dead_user + (unsigned long)dead_sys) /
	       (double)sysconf(_SC_CLK_TCK);
}

/* Calls each with every child of the server, and the server itself. */
static double sum_processes(double (*each)(int pid))
{
	double sum = each(server_pid);
	char path[64];
	int child;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", server_pid, server_pid);
	f = fopen(path, "r");
	if (!f)
		bench_die("no process %d", server_pid);
	while (fscanf(f, "%d", &child) == 1)
		sum += each(child);
	fclose(f);
	return sum;
}

static double process_pss_kib(int pid)
{
	char path[64], line[256];
	double kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "Pss:", 4) == 0)
			kib = atof(line + 4);
	}
	if (f)
		fclose(f);
	return kib;
}

/* ---- figures ---- */

static void add_sample(double since)
{
	const size_t at = atomic_fetch_add(&samples_n, 1);

	if (at < SAMPLES_MAX)
		samples[at] = (float)((bench_now() - since) * 1000);
}

static int by_size(const void *a, const void *b)
{
	const float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static double percentile(double p)
{
	const size_t n = samples_n < SAMPLES_MAX ? samples_n : SAMPLES_MAX;

	if (n == 0)
		return 0;
	qsort(samples, n, sizeof(*samples), by_size);
	return samples[(size_t)(p * (double)(n - 1) + 0.5)];
}

static void print(const char *name, double value)
{
	printf(", \"%s\": %.6g", name, value);
}

static void run_threads(int n, void *(*fn)(void *))
{
	pthread_t threads[THREADS_MAX];

	for (long i = 0; i < n; i++) {
		if (pthread_create(&threads[i], NULL, fn, (void *)i))
			bench_die("cannot start thread %ld", i);
	}
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

/* Runs fn on all connections and prints the rate, CPU per 1000 and percentiles of what it did. */
static void measure(void *(*fn)(void *), const char *rate, const char *cpu_per_1000)
{
	const double t0 = bench_now(), cpu0 = sum_processes(process_cpu);
	double wall;

	deadline = t0 + seconds;
	run_threads(conns, fn);
	wall = bench_now() - t0;
	print(rate, (double)done / wall);
	print(cpu_per_1000, (sum_processes(process_cpu) - cpu0) / (double)done * 1000);
	print("p50_ms", percentile(0.50));
	print("p99_ms", percentile(0.99));
}

/* ---- workloads ---- */

static const struct mail_shape *shape = &mail_ordinary;

static void *deliver_thread(void *arg)
{
	struct buf message AUTO(buf_done);
	struct client c;
	int to[100];

	(void)arg;
	buf_init(&message, MESSAGE_MAX);
	client_lmtp(&c, &target);
	for (long job; (job = atomic_fetch_add(&next_job, 1)) < count;) {
		double t0;

		mail_make(&message, (uint64_t)job, shape);
		for (int i = 0; i < rcpts; i++)
			to[i] = first_user + (int)((job * rcpts + i) % users);
		t0 = bench_now();
		client_deliver(&c, &target, to, (size_t)rcpts, buf_slice(&message));
		add_sample(t0);
		atomic_fetch_add(&done, rcpts);
	}
	client_close(&c);
	return NULL;
}

static void run_deliver(void)
{
	measure(deliver_thread, "deliveries_per_s", "server_cpu_s_per_1000");
}

static struct buf *written; /* as many as count */
static struct client submitters[THREADS_MAX];

static int submitter_of(long thread)
{
	return first_user + (int)(thread % users);
}

static void *submit_login_thread(void *arg)
{
	client_submission(&submitters[(long)arg], &target, submitter_of((long)arg));
	return NULL;
}

/* Mail for elsewhere, to so many domains by turns. */
static void *submit_thread(void *arg)
{
	struct client *c = &submitters[(long)arg];

	for (long job; (job = atomic_fetch_add(&next_job, 1)) < count;) {
		const double t0 = bench_now();

		client_submit(c, &target, submitter_of((long)arg), rcpts, job, (int)(job % domains),
			buf_slice(&written[job]));
		add_sample(t0);
		atomic_fetch_add(&done, 1);
	}
	client_close(c);
	return NULL;
}

/* Messages are written, and sessions begun, before the clock runs: making a message up takes as
 * long as sending it. */
static void run_submit(void)
{
	written = mem_zalloc_array((size_t)count, sizeof(*written));
	for (long job = 0; job < count; job++) {
		buf_init(&written[job], MESSAGE_MAX);
		mail_make(&written[job], (uint64_t)job, shape);
	}
	run_threads(conns, submit_login_thread);
	measure(submit_thread, "messages_per_s", "server_cpu_s_per_1000");
}

static void *login_thread(void *arg)
{
	struct client c;

	for (long n = (long)arg; bench_now() < deadline; n++) {
		const double t0 = bench_now();

		client_login(&c, &target, first_user + (int)(n % users));
		add_sample(t0);
		client_command(&c, "LOGOUT");
		client_close(&c);
		atomic_fetch_add(&done, 1);
	}
	return NULL;
}

static void run_login(void)
{
	measure(login_thread, "logins_per_s", "server_cpu_s_per_1000");
}

static void timed(struct client *c, struct client_reply *r, const char *command)
{
	const double t0 = bench_now();

	*r = client_command(c, "%s", command);
	add_sample(t0);
	atomic_fetch_add(&done, 1);
}

/* One session of the interactive mix: what a mail program does in a minute, without thinking. */
static void mix_session(struct client *c, struct buf *message, uint64_t *seed)
{
	struct client_reply r;
	char command[200];
	long n;

	timed(c, &r, "SELECT INBOX");
	n = r.exists;
	snprintf(command, sizeof(command),
		"FETCH %ld:%ld (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT "
		"DATE "
		"MESSAGE-ID)])",
		n > 50 ? n - 49 : 1, n);
	timed(c, &r, command);
	snprintf(command, sizeof(command), "FETCH %ld (BODY.PEEK[])",
		1 + (long)(*seed % (uint64_t)n));
	timed(c, &r, command);
	snprintf(command, sizeof(command), "STORE %ld +FLAGS (\\Seen)",
		1 + (long)(*seed % (uint64_t)n));
	timed(c, &r, command);
	timed(c, &r, "NOOP");
	for (int i = 0; i < 2; i++) {
		const double t0 = bench_now();

		mail_make(message, (*seed)++, &mail_small);
		client_append(c, "INBOX", buf_slice(message));
		add_sample(t0);
		atomic_fetch_add(&done, 1);
	}
	timed(c, &r, "MOVE 1 Archive");
	timed(c, &r, "STORE 1 +FLAGS.SILENT (\\Deleted)");
	timed(c, &r, "EXPUNGE");
}

/* Each connection has users of its own: another's EXPUNGE would answer a FETCH with NO. */
static void *mix_thread(void *arg)
{
	struct buf message AUTO(buf_done);
	const long own = users >= conns ? users / conns : 1;
	uint64_t seed = (uint64_t)(long)arg * 1000003;
	struct client c;

	buf_init(&message, MESSAGE_MAX);
	for (long n = 0; bench_now() < deadline; n++) {
		client_login(&c, &target, first_user + (int)((long)arg * own + n % own));
		mix_session(&c, &message, &seed);
		client_command(&c, "LOGOUT");
		client_close(&c);
	}
	return NULL;
}

static void run_mix(void)
{
	measure(mix_thread, "commands_per_s", "server_cpu_s_per_1000");
}

static void run_fetch(void)
{
	struct client c;
	double t0, cpu0;
	uint64_t bytes = 0;

	client_login(&c, &target, first_user);
	client_command(&c, "SELECT INBOX");
	t0 = bench_now();
	cpu0 = sum_processes(process_cpu);
	for (int i = 0; i < 3; i++)
		bytes += client_command(&c, "FETCH 1:* (BODY.PEEK[])").literal_bytes;
	print("MB_per_s", (double)bytes / 1e6 / (bench_now() - t0));
	print("server_cpu_s_per_GB", (sum_processes(process_cpu) - cpu0) / ((double)bytes / 1e9));
	client_close(&c);
}

static struct client *idlers;
static long idlers_from, idlers_to;

static void *idle_thread(void *arg)
{
	for (long n = idlers_from + (long)arg; n < idlers_to; n += conns) {
		client_login(&idlers[n], &target, first_user + (int)n);
		client_command(&idlers[n], "SELECT INBOX");
		client_command(&idlers[n], "IDLE");
	}
	return NULL;
}

/* Memory of all processes with so many in IDLE, after what was open for a moment is closed. */
static double idle_up_to(long n)
{
	idlers_from = idlers_to;
	idlers_to = n;
	run_threads(conns, idle_thread);
	sleep(10);
	return sum_processes(process_pss_kib);
}

/* The first tenth also fills what a server has once, however many come. */
static void run_idle(void)
{
	struct buf message AUTO(buf_done);
	const long first = count / 10;
	struct client lmtp;
	double none, some, all;

	buf_init(&message, MESSAGE_MAX);
	idlers = mem_zalloc_array((size_t)count, sizeof(*idlers));
	sleep(1);
	none = sum_processes(process_pss_kib);
	some = idle_up_to(first);
	all = idle_up_to(count);
	print("connections", (double)count);
	print("pss_kib_per_connection", (all - none) / (double)count);
	print("pss_kib_each_further", (all - some) / (double)(count - first));
	client_lmtp(&lmtp, &target);
	for (int i = 0; i < 100 && i < count; i++) {
		const int to = first_user + i;
		double t0;

		mail_make(&message, (uint64_t)i, &mail_small);
		t0 = bench_now();
		client_deliver(&lmtp, &target, &to, 1, buf_slice(&message));
		client_wait_for(&idlers[i], "EXISTS");
		add_sample(t0);
	}
	print("notify_p50_ms", percentile(0.50));
	print("notify_p99_ms", percentile(0.99));
}

/* ---- a big mailbox ---- */

static void step(struct client *c, const char *name, long fetches, const char *command)
{
	const double t0 = bench_now();
	const struct client_reply r = client_command(c, "%s", command);

	print(name, (bench_now() - t0) * 1000);
	if (fetches >= 0 && r.fetches != fetches)
		bench_die("%s: %ld answers instead of %ld", command, r.fetches, fetches);
}

static void run_big(void)
{
	static const char columns[] = "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE "
				      "BODY.PEEK[HEADER.FIELDS (FROM TO CC SUBJECT DATE MESSAGE-ID "
				      "REFERENCES)])";
	struct client c;
	char command[100];
	long n;

	client_login(&c, &target, first_user);
	step(&c, "select_first_ms", -1, "SELECT INBOX");
	n = client_command(&c, "SELECT INBOX").exists;
	print("messages", (double)n);
	step(&c, "fetch_envelope_first_ms", n, "FETCH 1:* (ENVELOPE BODYSTRUCTURE)");
	step(&c, "fetch_envelope_ms", n, "FETCH 1:* (ENVELOPE BODYSTRUCTURE)");
	step(&c, "fetch_columns_ms", n, columns);
	client_command(&c, "UNSELECT");
	step(&c, "select_ms", -1, "SELECT INBOX");
	step(&c, "fetch_flags_ms", n, "FETCH 1:* (UID FLAGS)");
	step(&c, "search_unseen_ms", -1, "SEARCH UNSEEN");
	step(&c, "search_from_ms", -1, "SEARCH FROM \"sender77\"");
	step(&c, "store_all_ms", -1, "UID STORE 1:* +FLAGS.SILENT (\\Flagged)");
	step(&c, "store_back_ms", -1, "UID STORE 1:* -FLAGS.SILENT (\\Flagged)");
	client_command(&c, "CREATE Bench/Copy");
	snprintf(command, sizeof(command), "COPY 1:%ld Bench/Copy", n < 1000 ? n : 1000);
	step(&c, "copy_1000_ms", -1, command);
	client_command(&c, "DELETE Bench/Copy");
	client_close(&c);
}

/* Deliver what is missing until the mailbox of the first user holds mailbox_size messages. */
static void run_fill(void)
{
	struct client c;
	long have;

	client_login(&c, &target, first_user);
	have = client_command(&c, "SELECT INBOX").exists;
	client_close(&c);
	users = 1;
	count = mailbox_size;
	next_job = have;
	shape = mailbox_size > 20000 ? &mail_small : &mail_ordinary;
	run_threads(conns, deliver_thread);
	print("filled", (double)done);
}

static const struct workload {
	const char *name;
	void (*run)(void);
} workloads[] = {
	{"deliver", run_deliver},
	{"submit", run_submit},
	{"login", run_login},
	{"mix", run_mix},
	{"fetch", run_fetch},
	{"idle", run_idle},
	{"fill", run_fill},
	{"big", run_big},
};

static void parse(int argc, char **argv)
{
	static const struct option options[] = {{"imaps", 1, 0, 'i'}, {"lmtp", 1, 0, 'l'},
		{"submissions", 1, 0, 'S'}, {"domains", 1, 0, 'd'}, {"small", 0, 0, 'x'},
		{"user", 1, 0, 'u'}, {"password", 1, 0, 'p'}, {"pid", 1, 0, 'P'},
		{"conns", 1, 0, 'c'}, {"users", 1, 0, 'n'}, {"first-user", 1, 0, 'f'},
		{"rcpts", 1, 0, 'r'}, {"count", 1, 0, 'k'}, {"size", 1, 0, 'm'},
		{"seconds", 1, 0, 's'}, {0}};

	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (o) {
		case 'i':
			target.imaps = atoi(optarg);
			break;
		case 'l':
			target.lmtp = atoi(optarg);
			break;
		case 'S':
			target.submissions = atoi(optarg);
			break;
		case 'd':
			domains = atoi(optarg);
			break;
		case 'x':
			shape = &mail_small;
			break;
		case 'u':
			target.user = optarg;
			break;
		case 'p':
			target.password = optarg;
			break;
		case 'P':
			server_pid = atoi(optarg);
			break;
		case 'c':
			conns = atoi(optarg);
			break;
		case 'n':
			users = atoi(optarg);
			break;
		case 'f':
			first_user = atoi(optarg);
			break;
		case 'r':
			rcpts = atoi(optarg);
			break;
		case 'k':
			count = atol(optarg);
			break;
		case 'm':
			mailbox_size = atol(optarg);
			break;
		case 's':
			seconds = atof(optarg);
			break;
		default:
			bench_die("see the head of load.c for the arguments");
		}
	}
	if (conns < 1 || conns > THREADS_MAX || rcpts < 1 || rcpts > 100 || users < 1)
		bench_die("--conns is 1 to %d, --rcpts 1 to 100, --users at least 1", THREADS_MAX);
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	target.tls = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_session_cache_mode(target.tls, SSL_SESS_CACHE_OFF);
	samples = mem_zalloc_array(SAMPLES_MAX, sizeof(*samples));
	for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++) {
		if (optind < argc && strcmp(argv[optind], workloads[i].name) == 0) {
			printf("{\"workload\": \"%s\"", workloads[i].name);
			workloads[i].run();
			printf("}\n");
			return 0;
		}
	}
	bench_die("no such workload: %s", optind < argc ? argv[optind] : "(none)");
}
