/*
 * queue.c - mail for elsewhere: queue.db.
 *
 * Letters are held here, each with the message, the DSN parameters and one row for each address,
 * until a courier takes them.
 */
#include "mail/queue.h"

#include <stdlib.h>

#include "base/mem.h"
#include "group/group.h"

struct mail_queue {
	struct db *db, *reader;
	struct group group;
	pthread_mutex_t reader_lock;
};

struct put {
	struct group_item item;
	struct letter *letter;
	struct incoming *in;
	mail_done_fn *done;
	void *context;
};

int mail_queue_open(struct mail_queue **out, struct err *err)
{
	struct mail_queue *q = mem_new(struct mail_queue);
	int rc = letter_db_open("queue.db", &q->db, err);

	if (rc == 0)
		rc = letter_db_open("queue.db", &q->reader, err);
	if (rc < 0) {
		db_close(&q->db);
		free(q);
		return rc;
	}
	group_init(&q->group, q->db, NULL);
	pthread_mutex_init(&q->reader_lock, NULL);
	*out = q;
	return 0;
}

void mail_queue_close(struct mail_queue **queue)
{
	struct mail_queue *q = *queue;

	*queue = NULL;
	if (!q)
		return;
	group_done(&q->group);
	pthread_mutex_destroy(&q->reader_lock);
	db_close(&q->reader);
	db_close(&q->db);
	free(q);
}

static int put_run(struct group_item *item, struct db *db, struct err *err)
{
	struct put *put = (struct put *)item;

	return letter_db_insert(db, put->letter, put->in, put->letter->own_bytes, err);
}

static void put_done(struct group_item *item, int rc, const struct err *err)
{
	struct put *put = (struct put *)item;

	put->done(put->context, rc, NULL, err);
	letter_free(&put->letter);
	incoming_free(&put->in);
	free(put);
}

void mail_queue_put(struct mail_queue *queue, struct letter *letter, struct incoming *in,
	mail_done_fn *done, void *context)
{
	struct put *put = mem_new(struct put);

	*put = (struct put){.item = {.run = put_run, .done = put_done},
		.letter = letter,
		.in = incoming_ref(in),
		.done = done,
		.context = context};
	group_submit(&queue->group, &put->item);
}

static int read_status(struct db *db, struct mail_queue_status *out, struct err *err)
{
	int64_t messages = 0, recipients = 0, bytes = 0;
	int rc = db_get_int(db, &messages, err, "SELECT count(*) FROM letter");

	if (rc == 0)
		rc = db_get_int(db, &recipients, err, "SELECT count(*) FROM target");
	if (rc == 0)
		rc = db_get_int(db, &bytes, err, "SELECT coalesce(sum(size), 0) FROM letter");
	if (rc == 0)
		*out = (struct mail_queue_status){.messages = (uint64_t)messages,
			.recipients = (uint64_t)recipients,
			.bytes = (uint64_t)bytes};
	return rc;
}

int mail_queue_status(struct mail_queue *queue, struct mail_queue_status *out, struct err *err)
{
	int rc;

	pthread_mutex_lock(&queue->reader_lock);
	rc = read_status(queue->reader, out, err);
	pthread_mutex_unlock(&queue->reader_lock);
	return rc;
}
