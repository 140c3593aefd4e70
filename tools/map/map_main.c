/* SPDX-License-Identifier: MIT */
/*
 * reeve-map: what `reeve map` becomes. Reads the command line, and runs the
 * job, or only shows what it would run.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/map/map_input.h"
#include "tools/map/map_template.h"

static void
print_call(const char *function, const struct map_buf *items, unsigned n_items)
{
	const char *at = items->data;
	struct map_buf line = { 0 };

	map_add_quoted(&line, function, strlen(function));
	for (unsigned i = 0; i < n_items; i++) {
		map_adds(&line, " ");
		map_add_quoted(&line, at, strlen(at));
		at += strlen(at) + 1;
	}
	puts(map_str(&line));
	map_buf_free(&line);
}

static void
print_command(const struct map_template *template, const struct map_buf *items,
    unsigned n_items, uint64_t number)
{
	const struct map_filling filling = {
		.items = items->data, .n_items = n_items, .number = number
	};
	char **argv = map_template_fill(template, &filling);
	struct map_buf line = { 0 };

	for (size_t i = 0; argv[i] != NULL; i++) {
		map_adds(&line, i > 0 ? " " : "");
		map_add_quoted(&line, argv[i], strlen(argv[i]));
	}
	puts(map_str(&line));
	map_buf_free(&line);
	free(argv);
}

static int
show(const struct map_options *o)
{
	struct map_template template;
	struct map_input input;
	struct map_buf items = { 0 };
	uint64_t number = 0;
	unsigned n = 0;
	enum map_got got;
	int code = map_input_open(&input, o);

	map_template_init(&template, o);
	while (code == 0) {
		const char *item;
		size_t len;

		got = map_input_next(&input, &item, &len);
		if (got == MAP_GOT_NOT_YET) {
			input.waits = false; /* then reading waits */
			continue;
		}
		if (got == MAP_GOT) {
			map_add(&items, item, len);
			map_add(&items, "", 1);
			n++;
		}
		if (n > 0 && (n == o->chunk || got != MAP_GOT)) {
			number++;
			if (o->function != NULL) {
				print_call(o->function, &items, n);
			} else {
				print_command(&template, &items, n, number);
			}
			items.len = n = 0;
		}
		if (got != MAP_GOT) {
			code = got == MAP_GOT_ERROR ? MAP_COULD_NOT : 0;
			break;
		}
	}
	map_input_close(&input);
	map_template_finish(&template);
	map_buf_free(&items);
	return code;
}

int
main(int argc, char **argv)
{
	struct map_options options;
	int code = map_args(&options, argc, argv);

	if (code == 0 && options.help) {
		map_help();
	} else if (code == 0) {
		code = options.dry_run ? show(&options) : map_run(&options);
	}
	if (fflush(stdout) != 0 && code == MAP_DONE) {
		map_say("cannot write the output");
		code = MAP_COULD_NOT;
	}
	free(options.items.v);
	free(options.arg_files.v);
	free(options.globs.v);
	return code;
}
