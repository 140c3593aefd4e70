/* SPDX-License-Identifier: MIT */
/* Reading the head of an ELF file: see module.h. Of this machine's kind only.
 */
#include "config.h"

#include "symbols/module.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "sys/sys.h"

#define HEADERS_MAX 128
#define NOTES_MAX   16384
#define DELETED     " (deleted)"
#define DEBUG_DIR   "/usr/lib/debug/.build-id"

static bool
read_at(int fd, void *dst, size_t len, uint64_t at)
{
	return at <= INT64_MAX &&
	       pread(fd, dst, len, (off_t)at) == (ssize_t)len;
}

static void
write_hex(char *dst, const unsigned char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		rv_format(dst + 2 * i, 3, "%02x", bytes[i]);
	}
}

/* Notes: {name's length, length, type}, both padded to four. */
static void
read_notes(struct rv_module *m, uint64_t at, uint64_t size)
{
	static unsigned char notes[NOTES_MAX];
	size_t len = (size_t)RV_MIN(size, (uint64_t)NOTES_MAX), i = 0;
	ElfW(Nhdr) note;

	if (!read_at(m->fd, notes, len, at)) {
		return;
	}
	while (len - i >= sizeof(note)) {
		uint64_t name, desc;

		memcpy(&note, notes + i, sizeof(note));
		name = ((uint64_t)note.n_namesz + 3) & ~UINT64_C(3);
		desc = ((uint64_t)note.n_descsz + 3) & ~UINT64_C(3);
		i += sizeof(note);
		if (name + desc > len - i) {
			return;
		}
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    memcmp(notes + i, "GNU", 4) == 0 && note.n_descsz > 2 &&
		    note.n_descsz <= RV_BUILD_ID_MAX) {
			write_hex(m->build_id, notes + i + name, note.n_descsz);
			return;
		}
		i += (size_t)(name + desc);
	}
}

static bool
read_headers(struct rv_module *m)
{
	static ElfW(Phdr) headers[HEADERS_MAX];
	ElfW(Ehdr) head;
	const unsigned char class =
	    sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;

	if (!read_at(m->fd, &head, sizeof(head), 0) ||
	    memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
	    head.e_ident[EI_CLASS] != class ||
	    head.e_phentsize != sizeof(headers[0]) ||
	    head.e_phnum > HEADERS_MAX ||
	    !read_at(m->fd, headers, head.e_phnum * sizeof(headers[0]),
		head.e_phoff)) {
		return false;
	}
	for (unsigned i = 0; i < head.e_phnum; i++) {
		const ElfW(Phdr) *h = &headers[i];

		if (h->p_type == PT_LOAD &&
		    m->n_segments < RV_MODULE_SEGMENTS) {
			m->segments[m->n_segments++] =
			    (struct rv_module_segment){ h->p_offset,
				    h->p_filesz, h->p_vaddr };
		}
		if (h->p_type == PT_NOTE && m->build_id[0] == '\0') {
			read_notes(m, h->p_offset, h->p_filesz);
		}
	}
	return m->n_segments > 0;
}

static int
open_regular(const char *path, struct stat *st)
{
	int fd = rv_sys_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);

	if (fd != -1 && (fstat(fd, st) == -1 || !S_ISREG(st->st_mode))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void
open_debug(struct rv_module *m)
{
	char path[sizeof(DEBUG_DIR) + sizeof(m->build_id) + 16];
	struct stat st;

	if (m->build_id[0] != '\0') {
		rv_format(path, sizeof(path), DEBUG_DIR "/%.2s/%s.debug",
		    m->build_id, m->build_id + 2);
		m->debug_fd = open_regular(path, &st);
	}
}

static bool
is_removed(const char *path)
{
	size_t len = strlen(path), n = sizeof(DELETED) - 1;

	return len > n && strcmp(path + len - n, DELETED) == 0;
}

void
rv_module_open(struct rv_module *m, const char *path, const char *build_id,
    int64_t began_us)
{
	struct stat st = { 0 };
	int64_t changed_us;

	*m = (struct rv_module){ .path = path, .fd = -1, .debug_fd = -1 };
	if (path[0] != '/') {
		m->why = ""; /* the kernel's own, or memory without a file */
		return;
	}
	if (is_removed(path)) {
		m->why = "removed since it began";
		return;
	}
	m->fd = open_regular(path, &st);
	if (m->fd == -1) {
		m->why = "cannot be opened";
		return;
	}
	if (!read_headers(m)) {
		m->why = "is no program or library of this machine";
		return;
	}
	if (build_id != NULL && strcmp(build_id, m->build_id) != 0) {
		m->why = "another build than the one that ran";
		return;
	}
	changed_us =
	    (int64_t)st.st_ctim.tv_sec * 1000000 + st.st_ctim.tv_nsec / 1000;
	if (build_id == NULL && began_us != 0 && changed_us > began_us) {
		m->doubt = "changed since it began";
	}
	open_debug(m);
}

void
rv_module_close(struct rv_module *m)
{
	if (m->fd != -1) {
		close(m->fd);
	}
	if (m->debug_fd != -1) {
		close(m->debug_fd);
	}
	m->fd = m->debug_fd = -1;
}

bool
rv_module_address(const struct rv_module *m, uint64_t offset, uint64_t *address)
{
	for (unsigned i = 0; i < m->n_segments; i++) {
		const struct rv_module_segment *s = &m->segments[i];

		if (offset >= s->offset && offset - s->offset < s->filesz) {
			*address = offset - s->offset + s->vaddr;
			return true;
		}
	}
	return false;
}
