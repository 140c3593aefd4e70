/* SPDX-License-Identifier: MIT */
/*
 * Locks beside what they stand on: a lock that nobody else wants, beside a
 * robust mutex between processes; the setting of a flag until one who waits in
 * another process is awake, beside a bare futex; and, without a bound, what a
 * semaphore and a recursive lock cost.
 */
#include "config.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <reeve/lock.h>

#include "bench/bench.h"

#define ROUNDS 51
#define TIMES  20000
#define WAKES  500

/* Each from the beginning of a cache line, as where it matters. */
struct shared {
	_Alignas(64) pthread_mutex_t mutex;
	_Alignas(64) struct reeve_lock lock;
	_Alignas(64) struct reeve_rlock rlock;
	_Alignas(64) struct reeve_semaphore semaphore;
	_Alignas(64) struct reeve_flag flag[2];
	_Alignas(64) uint32_t word[2];
};

static struct shared *s;

static void
prepare(void)
{
	struct reeve_semaphore_options options = { .size = sizeof(options),
		.value = 1 };
	pthread_mutexattr_t how;

	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED) {
		exit(1);
	}
	(void)pthread_mutexattr_init(&how);
	(void)pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
	(void)pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST);
	(void)pthread_mutex_init(&s->mutex, &how);
	reeve_lock_init(&s->lock);
	reeve_rlock_init(&s->rlock);
	reeve_flag_init(&s->flag[0]);
	reeve_flag_init(&s->flag[1]);
	if (reeve_semaphore_init(&s->semaphore, &options) != REEVE_OK) {
		exit(1);
	}
}

static void
use_mutex(void)
{
	(void)pthread_mutex_lock(&s->mutex);
	(void)pthread_mutex_unlock(&s->mutex);
}

static void
use_lock(void)
{
	if (reeve_lock_acquire(&s->lock, REEVE_FOREVER) == REEVE_OK) {
		(void)reeve_lock_release(&s->lock);
	}
}

static void
use_rlock(void)
{
	if (reeve_rlock_acquire(&s->rlock, REEVE_FOREVER) == REEVE_OK) {
		(void)reeve_rlock_release(&s->rlock);
	}
}

static void
use_semaphore(void)
{
	if (reeve_semaphore_acquire(&s->semaphore, REEVE_FOREVER) == REEVE_OK) {
		(void)reeve_semaphore_release(&s->semaphore, 1);
	}
}

/* Nanoseconds of processor time: what others take of it does not count. */
static int64_t
own_time(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static double
time_of(void (*use)(void))
{
	int64_t begin = own_time();

	for (int i = 0; i < TIMES; i++) {
		use();
	}
	return (double)(own_time() - begin) / TIMES;
}

/* --- Waking ------------------------------------------------------------ */

static void
bare_set(unsigned i)
{
	__atomic_store_n(&s->word[i], 1, __ATOMIC_SEQ_CST);
	(void)syscall(SYS_futex, &s->word[i], FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void
bare_wait(unsigned i)
{
	while (__atomic_load_n(&s->word[i], __ATOMIC_SEQ_CST) == 0) {
		(void)syscall(
		    SYS_futex, &s->word[i], FUTEX_WAIT, 0, NULL, NULL, 0);
	}
	__atomic_store_n(&s->word[i], 0, __ATOMIC_SEQ_CST);
}

static void
flag_set(unsigned i)
{
	reeve_flag_set(&s->flag[i]);
}

static void
flag_wait(unsigned i)
{
	if (reeve_flag_wait(&s->flag[i], REEVE_FOREVER) == REEVE_OK) {
		reeve_flag_clear(&s->flag[i]);
	}
}

/* Nanoseconds until the other one is awake: half of there and back. */
static double
wake_of(void (*set)(unsigned), void (*wait)(unsigned))
{
	int64_t begin;
	pid_t pid = fork();

	if (pid == 0) {
		for (int i = 0; i < WAKES; i++) {
			wait(0);
			set(1);
		}
		_exit(0);
	}
	begin = bench_now();
	for (int i = 0; i < WAKES; i++) {
		set(0);
		wait(1);
	}
	begin = bench_now() - begin;
	(void)waitpid(pid, NULL, 0);
	return (double)begin / WAKES / 2;
}

int
main(void)
{
	double mutex[ROUNDS], lock[ROUNDS], rlock[ROUNDS], semaphore[ROUNDS];
	double bare[ROUNDS], flag[ROUNDS];
	unsigned rounds = bench_rounds(ROUNDS);

	rounds = rounds < ROUNDS ? rounds : ROUNDS;
	prepare();
	for (unsigned i = 0; i < rounds; i++) {
		mutex[i] = time_of(use_mutex);
		lock[i] = time_of(use_lock);
		rlock[i] = time_of(use_rlock);
		semaphore[i] = time_of(use_semaphore);
		bare[i] = wake_of(bare_set, bare_wait);
		flag[i] = wake_of(flag_set, flag_wait);
	}
	bench_ratio("lock and release, beside a robust mutex",
	    bench_median(lock, rounds), bench_median(mutex, rounds), "ns", 1.3,
	    false);
	bench_ratio("flag set to waiter awake, beside a futex",
	    bench_median(flag, rounds), bench_median(bare, rounds), "ns", 1.2,
	    false);
	bench_figure(
	    "rlock and release", bench_median(rlock, rounds), "ns", 0, false);
	bench_figure("semaphore: acquire and release",
	    bench_median(semaphore, rounds), "ns", 0, false);
	return bench_verdict();
}
