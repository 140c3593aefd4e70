/* SPDX-License-Identifier: MIT */
/*
 * Reading a call: see call.h. The birth in it was laid out in the launcher's
 * memory; here each of its pointers moves by the distance between the two
 * places.
 */
#include "config.h"

#include "child/call.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static void *
moved(const void *p, ptrdiff_t by)
{
	return p == NULL ? NULL : (char *)(uintptr_t)p + by;
}

static void
move_list(const char *const **list, ptrdiff_t by)
{
	const char **at = moved(*list, by);

	*list = (const char *const *)at;
	for (; at != NULL && *at != NULL; at++) {
		*at = moved(*at, by);
	}
}

static void
move_birth(struct rv_birth *birth, ptrdiff_t by)
{
	birth->shared = NULL;
	birth->oom = moved(birth->oom, by);
	birth->limits = moved(birth->limits, by);
	birth->groups = moved(birth->groups, by);
	birth->directory = moved(birth->directory, by);
	for (unsigned i = 0; i < RV_BIRTH_PIDS; i++) {
		birth->own_pid[i] = moved(birth->own_pid[i], by);
	}
	move_list(&birth->files, by);
	move_list(&birth->argv, by);
	move_list(&birth->envp, by);
}

static const char *
text_at(const struct rv_call *call, uint64_t at)
{
	return at == 0 ? NULL : (const char *)call->map + at;
}

int
rv_call_take(void *bytes, size_t n, struct rv_call *call)
{
	struct rv_call_head *head = bytes;

	*call = (struct rv_call){ 0 };
	if (n < sizeof(*head) || head->magic != RV_CALL_MAGIC ||
	    head->version != RV_CALL_VERSION || head->bytes > n) {
		return EBADMSG;
	}
	call->map = bytes;
	call->bytes = n;
	if (head->birth_at != 0) {
		call->birth = (void *)((char *)call->map + head->birth_at);
		move_birth(call->birth,
		    (ptrdiff_t)((uintptr_t)call->map - head->base));
	}
	call->path = text_at(call, head->path_at);
	call->function = text_at(call, head->function_at);
	call->args = text_at(call, head->args_at);
	call->args_len = head->args_len;
	call->args_are_json = head->args_are_json != 0;
	call->preload = text_at(call, head->preload_at);
	call->n_preload = head->n_preload;
	call->build = head->build;
	return 0;
}

int
rv_call_map(int fd, struct rv_call *call)
{
	struct stat st;
	size_t n;
	void *map;
	int error;

	*call = (struct rv_call){ 0 };
	if (fstat(fd, &st) == -1) {
		return errno;
	}
	if (st.st_size < (off_t)sizeof(struct rv_call_head)) {
		return EBADMSG;
	}
	n = (size_t)st.st_size;
	map = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED) {
		return errno;
	}
	error = rv_call_take(map, n, call);
	if (error != 0) {
		munmap(map, n);
	}
	return error;
}

void
rv_call_unmap(struct rv_call *call)
{
	if (call->map != NULL) {
		munmap(call->map, call->bytes);
	}
	*call = (struct rv_call){ 0 };
}

/* The note's name is "GNU"; its description is the id. */
static bool
take_note(const ElfW(Nhdr) * note, char *build)
{
	const char *name = (const char *)(note + 1);
	const unsigned char *id =
	    (const unsigned char *)name + ((note->n_namesz + 3) & ~3u);

	if (note->n_type != NT_GNU_BUILD_ID || note->n_namesz != 4 ||
	    memcmp(name, "GNU", 4) != 0) {
		return false;
	}
	for (unsigned i = 0; i < note->n_descsz && 2 * i + 2 < RV_CALL_BUILD;
	     i++) {
		snprintf(build + 2 * i, 3, "%02x", id[i]);
	}
	return true;
}

static bool
look_into(const struct dl_phdr_info *info, const ElfW(Phdr) * ph, char *build)
{
	const char *at = (const char *)(info->dlpi_addr + ph->p_vaddr);
	const char *end = at + ph->p_memsz;

	while (at + sizeof(ElfW(Nhdr)) <= end) {
		const ElfW(Nhdr) *note = (const void *)at;

		if (take_note(note, build)) {
			return true;
		}
		at += sizeof(*note) + ((note->n_namesz + 3) & ~3u) +
		      ((note->n_descsz + 3) & ~3u);
	}
	return false;
}

/* The program itself comes first, and that is all we look at. */
static int
on_object(struct dl_phdr_info *info, size_t size, void *build)
{
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type == PT_NOTE &&
		    look_into(info, &info->dlpi_phdr[i], build)) {
			break;
		}
	}
	return 1;
}

void
rv_call_own_build(char build[static RV_CALL_BUILD])
{
	build[0] = '\0';
	dl_iterate_phdr(on_object, build);
}
