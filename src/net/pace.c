/*
 * pace.c - how soon the kernel lets a thread of the pool run that has something to do.
 *
 * Beside threads that compute all the time, one that wakes up for a user's command may wait for
 * several turns of the clock (4 ms each with HZ=250): then the 99th percentile of a command's time
 * is that, whatever our own queues do. Linux 6.12 and later let any thread ask for a shorter time
 * slice: it gets no more of the processor, but sooner, also in place of one that runs with a
 * longer slice. So threads hurry, but for bulk turns. Older kernels take no notice.
 */
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "net/internal.h"

enum { HURRIED_NS = 200 * 1000, USUAL_NS = 0 }; /* 0: the kernel's own */

/* sched_setattr(2): the C library of Debian 12 does not know it. */
struct sched_attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t slice_ns, deadline_ns, period_ns;
};

static void tell_kernel(const struct worker *w, uint64_t slice_ns)
{
	struct sched_attributes attr = {
		.size = sizeof(attr), .policy = SCHED_OTHER, .nice = w->nice, .slice_ns = slice_ns};

	/* Where it is refused everything works as well, only less evenly. */
	(void)syscall(SYS_sched_setattr, 0, &attr, 0);
}

void pace_init(struct worker *w)
{
	w->nice = getpriority(PRIO_PROCESS, 0);
	w->is_hurried = true;
	tell_kernel(w, HURRIED_NS);
}

void pace_set(struct worker *w, bool is_hurried)
{
	if (w->is_hurried == is_hurried)
		return;
	w->is_hurried = is_hurried;
	tell_kernel(w, is_hurried ? HURRIED_NS : USUAL_NS);
}
