/* crew.c - see crew.h for the contract. */
#include "keeper/crew.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/mem.h"

struct queue {
	struct crew_job *head, **tail;
	size_t n;
};

struct crew {
	struct crew_config config;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t wake;
	struct queue queues[CREW_CLASSES];
	bool is_dismissed, is_bulk_next;
	size_t started;
	pthread_t threads[];
};

static struct crew_job *take(struct queue *q)
{
	struct crew_job *job = q->head;

	if (!job)
		return NULL;
	q->head = job->next;
	if (!q->head)
		q->tail = &q->head;
	q->n--;
	return job;
}

static struct crew_job *take_next(struct crew *crew)
{
	const enum crew_class turn = crew->is_bulk_next ? CREW_BULK : CREW_SECOND;
	struct crew_job *job = take(&crew->queues[CREW_FIRST]);

	if (job)
		return job;
	job = take(&crew->queues[turn]);
	if (!job)
		job = take(&crew->queues[turn == CREW_BULK ? CREW_SECOND : CREW_BULK]);
	if (job) /* a look at empty queues is no turn */
		crew->is_bulk_next = turn != CREW_BULK;
	return job;
}

static void *work(void *context)
{
	struct crew *crew = context;
	struct crew_job *job;

	/* On Linux this is the thread's own; a refusal costs fairness, not correctness. */
	setpriority(PRIO_PROCESS, 0, crew->config.nice);
	pthread_mutex_lock(&crew->lock);
	for (;;) {
		job = take_next(crew);
		if (job) {
			const bool is_dismissed = crew->is_dismissed;

			pthread_mutex_unlock(&crew->lock);
			job->run(job, is_dismissed);
			pthread_mutex_lock(&crew->lock);
		} else if (crew->is_dismissed) {
			break;
		} else {
			pthread_cond_wait(&crew->wake, &crew->lock);
		}
	}
	pthread_mutex_unlock(&crew->lock);
	return NULL;
}

int crew_new(const struct crew_config *config, struct crew **out, struct err *err)
{
	struct crew *crew = mem_zalloc(sizeof(*crew) + config->threads * sizeof(pthread_t));

	crew->config = *config;
	pthread_mutex_init(&crew->lock, NULL);
	pthread_cond_init(&crew->wake, NULL);
	for (size_t i = 0; i < CREW_CLASSES; i++)
		crew->queues[i].tail = &crew->queues[i].head;
	for (; crew->started < config->threads; crew->started++) {
		if (pthread_create(&crew->threads[crew->started], NULL, work, crew) != 0) {
			crew_free(&crew);
			return err_set(err, ERR_IO, "cannot start a thread");
		}
	}
	*out = crew;
	return 0;
}

bool crew_put(struct crew *crew, enum crew_class class, struct crew_job *job)
{
	struct queue *q = &crew->queues[class];
	bool has_room;

	pthread_mutex_lock(&crew->lock);
	has_room = q->n < crew->config.jobs_max[class] && !crew->is_dismissed;
	if (has_room) {
		job->next = NULL;
		*q->tail = job;
		q->tail = &job->next;
		q->n++;
		pthread_cond_signal(&crew->wake);
	}
	pthread_mutex_unlock(&crew->lock);
	return has_room;
}

void crew_dismiss(struct crew *crew)
{
	if (!crew)
		return;
	pthread_mutex_lock(&crew->lock);
	crew->is_dismissed = true;
	pthread_cond_broadcast(&crew->wake);
	pthread_mutex_unlock(&crew->lock);
	while (crew->started)
		pthread_join(crew->threads[--crew->started], NULL);
}

void crew_free(struct crew **crew)
{
	if (!*crew)
		return;
	crew_dismiss(*crew);
	pthread_mutex_destroy(&(*crew)->lock);
	pthread_cond_destroy(&(*crew)->wake);
	free(*crew);
	*crew = NULL;
}
