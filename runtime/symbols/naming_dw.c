/* SPDX-License-Identifier: MIT */
/*
 * Through elfutils' libdw: see naming.h. Only ever runs inside of the jail, as
 * whatever it parses may have been made by anybody.
 */
#include "config.h"

#include "symbols/naming.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "wire/backtrace.h"

#define NAME_MAX_BYTES 512
#define INLINES_MAX    16

/* The file with the debug information was opened long before. */
static int
find_debuginfo(Dwfl_Module *mod, void **data, const char *name, Dwarf_Addr base,
    const char *file, const char *link, GElf_Word crc, char **found)
{
	struct rv_module *m = *data;
	int fd = m != NULL ? m->debug_fd : -1;

	(void)mod;
	(void)name;
	(void)base;
	(void)file;
	(void)link;
	(void)crc;
	(void)found;
	if (fd != -1) {
		m->debug_fd = -1; /* libdwfl's from here on */
	}
	return fd;
}

static const Dwfl_Callbacks callbacks = {
	.section_address = dwfl_offline_section_address,
	.find_debuginfo = find_debuginfo,
};

const char *
rv_names_lack(void)
{
	return NULL;
}

static Dwfl_Module *
open_names(struct rv_module *m)
{
	Dwfl *dwfl = dwfl_begin(&callbacks);
	Dwfl_Module *mod;
	void **data;

	if (dwfl == NULL) {
		return NULL;
	}
	dwfl_report_begin(dwfl);
	mod = dwfl_report_offline(dwfl, "module", m->path, m->fd);
	if (mod == NULL) {
		dwfl_end(dwfl);
		return NULL;
	}
	m->fd = -1; /* libdwfl's from here on */
	dwfl_report_end(dwfl, NULL, NULL);
	dwfl_module_info(mod, &data, NULL, NULL, NULL, NULL, NULL, NULL);
	*data = m;
	return mod;
}

/* The compilation unit, also where no table of ranges leads to it. */
static Dwarf_Die *
unit_of(Dwfl_Module *mod, Dwarf_Addr at, Dwarf_Addr *bias)
{
	Dwarf_Die *unit = dwfl_module_addrdie(mod, at, bias);

	if (unit != NULL) {
		return unit;
	}
	while ((unit = dwfl_module_nextcu(mod, unit, bias)) != NULL &&
	       dwarf_haspc(unit, at - *bias) <= 0) {
	}
	return unit;
}

static const char *
name_of(Dwarf_Die *die)
{
	Dwarf_Attribute attr;

	return dwarf_formstring(dwarf_attr_integrate(die, DW_AT_name, &attr));
}

/* The path as it was given to the compiler, where that is to be seen. */
static const char *
below(const char *path, const char *dir)
{
	size_t len = dir != NULL ? strlen(dir) : 0;

	if (len > 0 && strncmp(path, dir, len) == 0 && path[len] == '/') {
		return path + len + 1;
	}
	return path;
}

static void
add_place(struct rv_buf *out, const char *function, const char *path,
    const char *dir, int line)
{
	rv_backtrace_add(out, function, NAME_MAX_BYTES);
	if (path != NULL && line > 0) {
		rv_buf_adds(out, " (");
		rv_backtrace_add(out, below(path, dir), NAME_MAX_BYTES);
		rv_buf_addf(out, ":%d)", line);
	}
}

/* Where the function that is inlined here was called. */
static const char *
called_from(Dwarf_Die *unit, Dwarf_Die *inlined, int *line)
{
	Dwarf_Attribute attr;
	Dwarf_Word file = 0, at = 0;
	Dwarf_Files *files;
	size_t n;

	*line = 0;
	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attr), &at) !=
		0 ||
	    dwarf_formudata(
		dwarf_attr(inlined, DW_AT_call_file, &attr), &file) != 0 ||
	    dwarf_getsrcfiles(unit, &files, &n) != 0 || at > INT32_MAX) {
		return NULL;
	}
	*line = (int)at;
	return dwarf_filesrc(files, (size_t)file, NULL, NULL);
}

/* Where the code at this address was written. */
static const char *
written_at(Dwarf_Die *unit, Dwarf_Addr at, int *number)
{
	Dwarf_Line *line = dwarf_getsrc_die(unit, at);

	if (line == NULL || dwarf_lineno(line, number) != 0) {
		return NULL;
	}
	return dwarf_linesrc(line, NULL, NULL);
}

/* From the debug information; false: it has no function there. */
static bool
add_functions(
    Dwfl_Module *mod, Dwarf_Addr at, unsigned number, struct rv_buf *out)
{
	Dwarf_Addr bias = 0;
	Dwarf_Die *unit = unit_of(mod, at, &bias), *scopes = NULL, *dies = NULL;
	const char *path, *dir;
	Dwarf_Attribute attr;
	int n, line = 0;
	bool found = false;

	if (unit == NULL || dwarf_getscopes(unit, at - bias, &scopes) <= 0) {
		return false;
	}
	path = written_at(unit, at - bias, &line);
	dir = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attr));
	n = dwarf_getscopes_die(&scopes[0], &dies);
	for (int i = 0, inlines = 0; i < n && !found; i++) {
		int tag = dwarf_tag(&dies[i]);
		const char *name = name_of(&dies[i]);

		if (tag == DW_TAG_inlined_subroutine && name != NULL &&
		    inlines++ < INLINES_MAX) {
			add_place(out, name, path, dir, line);
			rv_buf_addf(out, " inlined\n#%u ", number);
			path = called_from(unit, &dies[i], &line);
		} else if (tag == DW_TAG_subprogram) {
			add_place(
			    out, name != NULL ? name : "?", path, dir, line);
			found = true;
		}
	}
	rv_free(scopes); /* libdw's, by malloc as ours */
	rv_free(dies);
	return found;
}

bool
rv_names_add(
    struct rv_module *m, uint64_t address, unsigned number, struct rv_buf *out)
{
	Dwfl_Module *mod = m->names;
	size_t before = out->len;
	Dwarf_Addr bias;
	GElf_Off offset;
	GElf_Sym sym;
	const char *name;

	if (mod == NULL && m->fd != -1) {
		mod = m->names = open_names(m);
	}
	if (mod == NULL || dwfl_module_getelf(mod, &bias) == NULL) {
		return false;
	}
	if (add_functions(mod, address + bias, number, out)) {
		return true;
	}
	out->len = before;
	name = dwfl_module_addrinfo(
	    mod, address + bias, &offset, &sym, NULL, NULL, NULL);
	if (name == NULL) {
		return false;
	}
	rv_backtrace_add(out, name, NAME_MAX_BYTES);
	return true;
}
