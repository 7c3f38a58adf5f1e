/*
 * filter.h - the seccomp filter of a sandboxed process. Only sandbox.c calls it.
 */
#ifndef PROCESS_FILTER_H
#define PROCESS_FILTER_H

#include "process/sandbox.h"

/* Builds with a sanitizer keep what it needs to report: /proc, a helper process, ptrace. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PROCESS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
	__has_feature(memory_sanitizer)
#define PROCESS_SANITIZED 1
#endif
#endif
#ifndef PROCESS_SANITIZED
#define PROCESS_SANITIZED 0
#endif

/* filter_load - needs NO_NEW_PRIVS; *has_seccomp_out is false where the kernel has no seccomp. */
MUST_CHECK int filter_load(
	const struct sandbox_config *config, bool *has_seccomp_out, struct err *err);

#endif
