/* scanner.c - see scanner.h for the contract. */
#include "courier/scanner.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "ask/verbs.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"

enum { CA_MAX = 4 << 20, TEXTS_MAX = 64 << 10 };

static const char system_ca[] = "/etc/ssl/certs/ca-certificates.crt";

struct job {
	struct job *next;
	struct asked *asked;
	int fd;
	int64_t deadline_ms;
	struct scan scan; /* points into bytes */
	size_t len;
	char bytes[];
};

struct scanner {
	struct courier *courier;
	struct buf ca_pem;
	struct milter_address milters[SCANNER_MILTERS_MAX];
	size_t milters_n;
	pthread_t threads[SCANNER_THREADS];
	size_t started;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t more;
	struct job *first, **last;
	size_t waiting;
	bool is_ending;
};

static int read_milters(struct scanner *s, struct err *err)
{
	struct slice line = s->courier->settings->scan_milters, word;

	while ((word = slice_next_word(&line)).len) {
		if (s->milters_n == SCANNER_MILTERS_MAX ||
			!milter_address_parse(word, &s->milters[s->milters_n++]))
			return err_set(err, ERR_SYNTAX,
				"scan.milters: %.*s is not inet:ADDRESS:PORT or unix:PATH, or is "
				"one too many",
				SLICE_ARG(word));
	}
	return 0;
}

int scanner_new(struct courier *courier, struct scanner **out, struct err *err)
{
	const struct slice url = courier->settings->scan_rspamd;
	struct scanner *s;
	int rc;

	*out = NULL;
	if (!url.len && !courier->settings->scan_milters.len)
		return 0;
	s = mem_new(struct scanner);
	s->courier = courier;
	s->last = &s->first;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->more, NULL);
	buf_init(&s->ca_pem, CA_MAX);
	*out = s;
	rc = read_milters(s, err);
	if (rc < 0 || !slice_starts(url, slice_lit("https:")))
		return rc;
	return io_read_file(AT_FDCWD, system_ca, &s->ca_pem, err);
}

static void job_free(struct job *job)
{
	io_close(&job->fd);
	free(job);
}

static void job_fail(struct job *job, enum err_code code, const char *why)
{
	struct err err;

	err_set(&err, code, "%s", why);
	asked_fail(job->asked, &err);
	job_free(job);
}

void desk_scan(struct courier *courier, struct asked *asked, struct frame *f, int fd)
{
	struct scanner *s = courier->scanner;
	struct job *job = mem_zalloc(sizeof(*job) + f->rest.len);
	struct frame copy = *f;
	int64_t wait_ms;
	bool has_room = false;

	job->asked = asked;
	job->fd = fd;
	memcpy(job->bytes, f->rest.ptr, f->rest.len);
	copy.rest = (struct slice){job->bytes, f->rest.len};
	if (!s || !scan_read(&copy, &wait_ms, &job->scan)) {
		job_fail(job, s ? ERR_SYNTAX : ERR_BUSY, "there is no scanner");
		return;
	}
	job->deadline_ms = clock_mono_ms() + wait_ms;
	pthread_mutex_lock(&s->lock);
	has_room = s->waiting < SCANNER_WAITING_MAX && !s->is_ending;
	if (has_room) {
		*s->last = job;
		s->last = &job->next;
		s->waiting++;
		pthread_cond_signal(&s->more);
	}
	pthread_mutex_unlock(&s->lock);
	if (!has_room)
		job_fail(job, ERR_BUSY, "too many messages wait for the scanner");
}

/* NULL: the end. */
static struct job *take_job(struct scanner *s)
{
	struct job *job;

	pthread_mutex_lock(&s->lock);
	while (!s->first && !s->is_ending)
		pthread_cond_wait(&s->more, &s->lock);
	job = s->first;
	if (job) {
		s->first = job->next;
		s->waiting--;
	}
	if (!s->first)
		s->last = &s->first;
	pthread_mutex_unlock(&s->lock);
	return job;
}

/* The message as memory; ptr NULL: it cannot be had. */
static struct slice map_message(int fd)
{
	struct stat st;
	void *map;

	if (fstat(fd, &st) < 0 || st.st_size <= 0)
		return (struct slice){0};
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	return map == MAP_FAILED ? (struct slice){0} : (struct slice){map, (size_t)st.st_size};
}

/* One scanner's word; of the rest of the time. False: nothing more needs to be asked. */
static bool scan_by(struct scanner *s, struct fetch *fetch, const struct milter_address *milter,
	struct job *job, struct scan_mail *mail, struct buf *texts, struct scan_result *result,
	int *rc_out, struct err *err)
{
	const struct config *settings = s->courier->settings;
	const int64_t left_ms = job->deadline_ms - clock_mono_ms();
	const bool was_apart = result->action == SCAN_APART;
	int rc;

	if (left_ms <= 0)
		rc = err_set(err, ERR_BUSY, "the time for scanning is over");
	else if (milter)
		rc = milter_scan(milter, s->courier->event_fd, settings->host_name, &job->scan,
			mail, left_ms, texts, result, err);
	else
		rc = rspamd_scan(fetch, settings->scan_rspamd, &job->scan, mail, left_ms, texts,
			result, err);
	if (rc < 0)
		log_warn(NULL, "scan", log_s("id", job->scan.id), log_e(err));
	else if (was_apart && result->action == SCAN_PASS)
		result->action = SCAN_APART;
	*rc_out = rc;
	return rc < 0 ? !settings->scan_required : result->action <= SCAN_APART;
}

static int scan_by_all(struct scanner *s, struct fetch *fetch, struct job *job,
	struct scan_mail *mail, struct buf *texts, struct scan_result *result, struct err *err)
{
	bool goes_on = true;
	int rc = 0;

	if (s->courier->settings->scan_rspamd.len)
		goes_on = scan_by(s, fetch, NULL, job, mail, texts, result, &rc, err);
	for (size_t i = 0; goes_on && i < s->milters_n; i++)
		goes_on = scan_by(s, fetch, &s->milters[i], job, mail, texts, result, &rc, err);
	return goes_on ? 0 : rc;
}

/* Else a monstrous header would be a way past the scanners. */
static int refuse_header(struct scan_result *result)
{
	*result = (struct scan_result){
		.action = SCAN_REFUSE, .text = slice_lit("The header is too large")};
	return 0;
}

static void do_job(struct scanner *s, struct fetch *fetch, struct job *job)
{
	const struct slice message = map_message(job->fd);
	struct buf texts AUTO(buf_done), head AUTO(buf_done), fields AUTO(buf_done);
	struct scan_mail mail AUTO(scan_mail_done);
	struct scan_result result = {.action = SCAN_PASS};
	struct err err;
	int rc;

	buf_init(&texts, TEXTS_MAX);
	buf_init(&head, SCAN_HEAD_MAX);
	buf_init(&fields, ASK_ANSWER_MAX);
	scan_mail_init(&mail, slice_from(message, job->scan.skip));
	if (!message.ptr)
		rc = err_set(&err, ERR_BUSY, "the message cannot be had");
	else if (mail.is_monstrous)
		rc = refuse_header(&result);
	else
		rc = scan_by_all(s, fetch, job, &mail, &texts, &result, &err);
	if (rc == 0 && result.action <= SCAN_APART)
		rc = scan_mail_result(&mail, &head, &result, &err);
	if (rc == 0) {
		scan_put_result(&fields, &result);
		asked_answer(job->asked, &fields);
	} else {
		err.code = ERR_BUSY;
		asked_fail(job->asked, &err);
	}
	if (message.ptr)
		munmap((void *)(uintptr_t)message.ptr, message.len);
	job_free(job);
}

static void *work(void *context)
{
	struct scanner *s = context;
	const struct fetch_config config = {.dns = s->courier->dns,
		.ca_pem = buf_slice(&s->ca_pem),
		.must_stop = &s->courier->must_stop};
	struct fetch *fetch;
	struct job *job;
	struct err err;

	if (fetch_new(&config, &fetch, &err) < 0) {
		log_error(NULL, "scan", log_e(&err));
		return NULL;
	}
	while ((job = take_job(s)))
		do_job(s, fetch, job);
	fetch_free(&fetch);
	return NULL;
}

void scanner_start(struct scanner *s)
{
	for (; s && s->started < SCANNER_THREADS; s->started++) {
		if (pthread_create(&s->threads[s->started], NULL, work, s) != 0)
			return;
	}
}

void scanner_stop(struct scanner *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->is_ending = true;
	pthread_cond_broadcast(&s->more);
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < s->started; i++)
		pthread_join(s->threads[i], NULL);
	s->started = 0;
}

void scanner_free(struct scanner **scanner)
{
	struct scanner *s = *scanner;

	if (!s)
		return;
	scanner_stop(s);
	buf_done(&s->ca_pem);
	pthread_cond_destroy(&s->more);
	pthread_mutex_destroy(&s->lock);
	free(s);
	*scanner = NULL;
}
