/* bus.c - see process.h for what it is. */
#include <stdio.h>

#include <time.h>

#include "base/clock.h"
#include "courier/orders.h"
#include "courier/process.h"

enum { LINE_MAX_BYTES = 64 << 10, WAITING_MAX_BYTES = 4 << 20 };

void courier_say(struct courier *courier, const char *fmt, ...)
{
	struct courier_bus *bus = &courier->bus;
	char line[LINE_MAX_BYTES];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line) - 1)
		return; /* what is said has bounds far below */
	line[n] = '\n';
	pthread_mutex_lock(&bus->lock);
	buf_append(&bus->out, (struct slice){line, (size_t)n + 1});
	pthread_mutex_unlock(&bus->lock);
	pool_wake(courier->pool, bus->conn);
}

/* The line again, for all: who has it already says so once more. */
static void say_open(struct courier_bus *bus)
{
	bus->having = 0;
	buf_append(&bus->out, buf_slice(&bus->open));
}

static bool has_all(const struct courier_bus *bus)
{
	return bus->servers && bus->having >= bus->servers;
}

int courier_publish(struct courier *courier, const char *word, struct slice rest, int64_t wait_ms,
	struct err *err)
{
	struct courier_bus *bus = &courier->bus;
	const int64_t end = clock_mono_ms() + wait_ms;
	const struct timespec until = {.tv_sec = end / 1000, .tv_nsec = end % 1000 * 1000000};
	bool is_known;

	pthread_mutex_lock(&bus->lock);
	buf_clear(&bus->open);
	buf_printf(&bus->open, "%s %llu ", word, (unsigned long long)++bus->number);
	buf_append(&bus->open, rest);
	buf_byte(&bus->open, '\n');
	say_open(bus);
	pthread_mutex_unlock(&bus->lock);
	pool_wake(courier->pool, bus->conn);
	pthread_mutex_lock(&bus->lock);
	while (!has_all(bus) && clock_mono_ms() < end)
		pthread_cond_timedwait(&bus->heard, &bus->lock, &until);
	is_known = has_all(bus);
	pthread_mutex_unlock(&bus->lock);
	return is_known ? 0 : err_set(err, ERR_BUSY, "the servers do not answer");
}

void courier_withdraw(struct courier *courier)
{
	pthread_mutex_lock(&courier->bus.lock);
	buf_clear(&courier->bus.open);
	pthread_mutex_unlock(&courier->bus.lock);
}

/* Servers came or went: a new one knows nothing yet. */
static void on_servers(struct courier *courier, struct slice rest)
{
	struct courier_bus *bus = &courier->bus;
	uint64_t n;

	if (!slice_to_u64(rest, UINT32_MAX, &n))
		return;
	pthread_mutex_lock(&bus->lock);
	bus->servers = (unsigned)n;
	say_open(bus);
	pthread_mutex_unlock(&bus->lock);
	orders_tell(courier->orders);
}

static void on_has(struct courier *courier, struct slice rest)
{
	struct courier_bus *bus = &courier->bus;
	uint64_t n;

	if (!slice_to_u64(rest, UINT64_MAX, &n))
		return;
	pthread_mutex_lock(&bus->lock);
	if (n == bus->number && bus->open.len) {
		bus->having++;
		pthread_cond_signal(&bus->heard);
	}
	pthread_mutex_unlock(&bus->lock);
}

static const struct {
	const char *name;
	void (*run)(struct courier *courier, struct slice rest);
} lines[] = {
	{"servers", on_servers},
	{"acme-has", on_has},
};

static size_t on_frame(struct conn *c, struct slice in, bool is_full)
{
	const size_t end = slice_chr(in, '\n');

	(void)c;
	(void)is_full;
	return end == SIZE_MAX ? 0 : end + 1;
}

static void on_notify(struct conn *c)
{
	struct courier_bus *bus = &((struct courier *)conn_context(c))->bus;

	pthread_mutex_lock(&bus->lock);
	buf_append(conn_out(c), buf_slice(&bus->out));
	buf_clear(&bus->out);
	pthread_mutex_unlock(&bus->lock);
}

static void on_execute(struct conn *c, struct slice unit)
{
	struct slice rest, word = slice_cut(slice_head(unit, unit.len - 1), ' ', &rest);

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (slice_eq(word, slice_str(lines[i].name)))
			lines[i].run(conn_context(c), rest);
	}
	on_notify(c);
}

static void on_greet(struct conn *c)
{
	on_notify(c);
}

static void on_goodbye(struct conn *c, enum conn_goodbye why)
{
	(void)c;
	(void)why;
}

/* The supervisor has gone: so do we. */
static void on_done(struct conn *c)
{
	courier_stop(conn_context(c));
}

static const struct protocol bus_protocol = {
	.name = "bus",
	.unit_max = LINE_MAX_BYTES,
	.greet = on_greet,
	.frame = on_frame,
	.execute = on_execute,
	.notify = on_notify,
	.goodbye = on_goodbye,
	.done = on_done,
};

int courier_bus_open(struct courier *courier, int fd, struct err *err)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&courier->bus.heard, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&courier->bus.lock, NULL);
	buf_init(&courier->bus.out, WAITING_MAX_BYTES);
	buf_init(&courier->bus.open, LINE_MAX_BYTES);
	return pool_attach(courier->pool, fd, &bus_protocol, courier, &courier->bus.conn, err);
}

void courier_bus_done(struct courier_bus *bus)
{
	buf_done(&bus->out);
	buf_done(&bus->open);
	pthread_cond_destroy(&bus->heard);
	pthread_mutex_destroy(&bus->lock);
}
