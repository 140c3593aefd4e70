/* SPDX-License-Identifier: MIT */
/*
 * Unwinding: see frames.h. The C library's unwinder knows more, and may fall
 * over what is broken; so the frame pointers are followed before it.
 */
#include "config.h"

#include "child/frames.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <execinfo.h>
#endif

/* Those of the handler itself, and of the kernel's way into it. */
#define OWN_FRAMES 16

struct place {
	uint64_t pc, sp, fp, lr;
};

static struct place
place_of(const ucontext_t *uc)
{
	struct place place = { 0 };

#if defined(__x86_64__)
	place.pc = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
	place.sp = (uint64_t)uc->uc_mcontext.gregs[REG_RSP];
	place.fp = (uint64_t)uc->uc_mcontext.gregs[REG_RBP];
#elif defined(__aarch64__)
	place.pc = uc->uc_mcontext.pc;
	place.sp = uc->uc_mcontext.sp;
	place.fp = uc->uc_mcontext.regs[29];
	place.lr = uc->uc_mcontext.regs[30];
#else
	(void)uc;
#endif
	return place;
}

uint32_t
rv_frames_registers(const void *context, uint64_t *out)
{
	const ucontext_t *uc = context;
	uint32_t n = 0;

#define X(name, value) out[n++] = (uint64_t)(value);
#include "child/regs.def"
#undef X
	(void)uc;
	(void)out;
	return n;
}

/* Through the kernel, which says so where nothing is. */
static bool
peek(uint64_t address, void *out, size_t size)
{
	struct iovec to = { .iov_base = out, .iov_len = size };
	struct iovec from = { .iov_base = (void *)(uintptr_t)address,
		.iov_len = size };

	return syscall(SYS_process_vm_readv, (long)getpid(), &to, 1L, &from, 1L,
		   0L) == (long)size;
}

static void
add(struct rv_page_thread *t, uint64_t address)
{
	if (t->n_frames < RV_PAGE_FRAMES) {
		t->frames[t->n_frames] = address;
		__atomic_store_n(
		    &t->n_frames, t->n_frames + 1, __ATOMIC_RELEASE);
	}
}

/* {frame pointer of the caller, return address}, upwards. */
static void
follow(struct rv_page_thread *t, uint64_t fp)
{
	uint64_t link[2];
	char code;

	while (t->n_frames < RV_PAGE_FRAMES && fp != 0 && fp % 8 == 0 &&
	       peek(fp, link, sizeof(link)) && peek(link[1], &code, 1)) {
		add(t, link[1]);
		if (link[0] <= fp) {
			break;
		}
		fp = link[0];
	}
}

void
rv_frames_safe(struct rv_page_thread *t, const void *context)
{
	struct place place = place_of(context);
	char code;
	uint64_t from;

	t->n_frames = 0;
	t->exact = 1;
	add(t, place.pc);
	if (!peek(place.pc, &code, 1)) {
		/* A call to where no code is: who made it? */
		if (place.lr != 0) {
			add(t, place.lr);
		} else if (peek(place.sp, &from, sizeof(from)) &&
			   peek(from, &code, 1)) {
			add(t, from);
		}
	}
	follow(t, place.fp);
}

#ifdef __GLIBC__

static void
copy(struct rv_page_thread *t, void *const *frames, int from, int n)
{
	uint32_t count = 0;

	for (int i = from; i < n && count < RV_PAGE_FRAMES; i++) {
		t->frames[count++] = (uint64_t)(uintptr_t)frames[i];
	}
	__atomic_store_n(&t->n_frames, count, __ATOMIC_RELEASE);
}

static int
find(void *const *frames, int n, uint64_t address)
{
	int i = 0;

	while (i < n && (uint64_t)(uintptr_t)frames[i] != address) {
		i++;
	}
	return i;
}

void
rv_frames_warm(void)
{
	static uint32_t is_warm;
	void *frames[2];

	/* One that was forked has it of who forked it. */
	if (__atomic_exchange_n(&is_warm, 1, __ATOMIC_RELAXED) == 0) {
		backtrace(frames, 2);
	}
}

void
rv_frames_full(struct rv_page_thread *t, const void *context)
{
	void *frames[RV_PAGE_FRAMES + OWN_FRAMES];
	int n = backtrace(frames, RV_PAGE_FRAMES + OWN_FRAMES);
	int at = find(frames, n, place_of(context).pc);

	/* Not where it could say nothing of the callers. */
	if (at < n && (n - at > 1 || t->n_frames <= 1)) {
		copy(t, frames, at, n);
	}
}

void
rv_frames_here(struct rv_page_thread *t, const void *return_address)
{
	void *frames[RV_PAGE_FRAMES + OWN_FRAMES];
	int n = backtrace(frames, RV_PAGE_FRAMES + OWN_FRAMES);
	int at = find(frames, n, (uint64_t)(uintptr_t)return_address);

	t->exact = 0;
	copy(t, frames, at < n ? at : 0, n);
}

#else

void
rv_frames_warm(void)
{
}

void
rv_frames_full(struct rv_page_thread *t, const void *context)
{
	(void)t;
	(void)context;
}

void
rv_frames_here(struct rv_page_thread *t, const void *return_address)
{
	t->n_frames = 0;
	t->exact = 0;
	add(t, (uint64_t)(uintptr_t)return_address);
}

#endif

void
rv_frames_thread(struct rv_page_trouble *trouble)
{
	struct rv_page_thread *t = &trouble->threads[0];

	t->n_frames = 0;
	t->exact = 0;
	t->reserved = 0;
	t->tid = (int32_t)syscall(SYS_gettid);
	memset(t->name, 0, sizeof(t->name));
	prctl(PR_GET_NAME, t->name);
	trouble->n_threads = 1;
}
