/* SPDX-License-Identifier: MIT */
/* See map_template.h: words with places, and filling them. Pure. */
#include "config.h"

#include "tools/map/map_template.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum place {
	PLACE_NONE,
	PLACE_WHOLE,
	PLACE_NO_EXT,
	PLACE_BASE,
	PLACE_DIR,
	PLACE_BASE_NO_EXT,
	PLACE_NUMBER,
	PLACE_SLOT,
};

static const struct {
	const char *text;
	enum place place;
} places[] = {
	{ "{}", PLACE_WHOLE },
	{ "{.}", PLACE_NO_EXT },
	{ "{/}", PLACE_BASE },
	{ "{//}", PLACE_DIR },
	{ "{/.}", PLACE_BASE_NO_EXT },
	{ "{#}", PLACE_NUMBER },
	{ "{%}", PLACE_SLOT },
};

/* Which place begins here, and how long its word is. */
static enum place
place_at(const struct map_template *t, const char *at, size_t *len)
{
	if (t->replace != NULL &&
	    strncmp(at, t->replace, strlen(t->replace)) == 0) {
		*len = strlen(t->replace);
		return PLACE_WHOLE;
	}
	for (size_t i = 0; *at == '{' && i < sizeof(places) / sizeof(places[0]);
	     i++) {
		*len = strlen(places[i].text);
		if (strncmp(at, places[i].text, *len) == 0) {
			return places[i].place;
		}
	}
	return PLACE_NONE;
}

/* Does the word depend on the item; on anything? */
static bool
has_place(const struct map_template *t, const char *word, bool any)
{
	size_t len;

	for (; *word != '\0'; word++) {
		enum place place = place_at(t, word, &len);

		if (place != PLACE_NONE &&
		    (any || (place != PLACE_NUMBER && place != PLACE_SLOT))) {
			return true;
		}
	}
	return false;
}

void
map_template_init(struct map_template *t, const struct map_options *o)
{
	*t = (struct map_template){
		.replace = o->replace, .shell = o->shell, .append = true
	};
	if (o->shell) {
		struct map_buf line = { 0 };

		for (size_t i = 0; i < o->n_command; i++) {
			map_adds(&line, i > 0 ? " " : "");
			map_adds(&line, o->command[i]);
		}
		t->words = map_alloc(1, sizeof(t->words[0]));
		t->words[0] = map_copy(map_str(&line), line.len);
		t->n = 1;
		map_buf_free(&line);
	} else {
		t->words = map_alloc(o->n_command, sizeof(t->words[0]));
		t->n = o->n_command;
		for (size_t i = 0; i < t->n; i++) {
			t->words[i] =
			    map_copy(o->command[i], strlen(o->command[i]));
		}
	}
	for (size_t i = 0; i < t->n; i++) {
		t->append = t->append && !has_place(t, t->words[i], false);
	}
	t->fixed = t->shell || t->n == 0 || !has_place(t, t->words[0], true);
}

void
map_template_finish(struct map_template *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free((void *)(uintptr_t)t->words[i]);
	}
	free(t->words);
	*t = (struct map_template){ 0 };
}

static size_t
length_without_ext(const char *item, size_t base, size_t len)
{
	for (size_t i = len; i-- > base + 1;) {
		if (item[i] == '.') {
			return i;
		}
	}
	return len;
}

static void
add_item(const struct map_template *t, struct map_buf *out, const char *at,
    size_t len)
{
	if (t->shell) {
		map_add_quoted(out, at, len);
	} else {
		map_add(out, at, len);
	}
}

static void
add_dir(const struct map_template *t, struct map_buf *out, const char *item,
    size_t base)
{
	size_t len = base;

	while (len > 1 && item[len - 1] == '/') {
		len--;
	}
	if (base == 0) {
		add_item(t, out, ".", 1);
	} else {
		add_item(t, out, item, len);
	}
}

static void
add_place(const struct map_template *t, struct map_buf *out, enum place place,
    const char *item, const struct map_filling *filling)
{
	size_t len = strlen(item), base = len;

	while (base > 0 && item[base - 1] != '/') {
		base--;
	}
	switch (place) {
	case PLACE_NO_EXT:
		add_item(t, out, item, length_without_ext(item, base, len));
		break;
	case PLACE_BASE:
		add_item(t, out, item + base, len - base);
		break;
	case PLACE_DIR:
		add_dir(t, out, item, base);
		break;
	case PLACE_BASE_NO_EXT:
		add_item(t, out, item + base,
		    length_without_ext(item, base, len) - base);
		break;
	case PLACE_NUMBER:
		map_addf(out, "%" PRIu64, filling->number);
		break;
	case PLACE_SLOT:
		map_addf(out, "%u", filling->slot + 1);
		break;
	case PLACE_NONE:
	case PLACE_WHOLE:
		add_item(t, out, item, len);
	}
}

static void
add_word(const struct map_template *t, struct map_buf *out, const char *word,
    const char *item, const struct map_filling *filling)
{
	while (*word != '\0') {
		size_t len;
		enum place place = place_at(t, word, &len);

		if (place == PLACE_NONE) {
			map_add(out, word++, 1);
		} else {
			add_place(t, out, place, item, filling);
			word += len;
		}
	}
}

/* How many words there are in the buffer, each with a NUL behind. */
struct words {
	struct map_buf text;
	size_t n;
};

static void
end_word(struct words *words)
{
	map_add(&words->text, "", 1);
	words->n++;
}

static const char *
next_item(const char *item)
{
	return item + strlen(item) + 1;
}

/* A word with a place comes once for each item. */
static void
add_for_each(const struct map_template *t, struct words *words,
    const char *word, const struct map_filling *filling)
{
	const char *item = filling->items;

	for (unsigned i = 0; i < filling->n_items; i++) {
		add_word(t, &words->text, word, item, filling);
		end_word(words);
		item = next_item(item);
	}
}

/* In a line for the shell each word of it that has a place does. */
static void
add_line(const struct map_template *t, struct words *words,
    const struct map_filling *filling)
{
	const char *at = t->words[0], *item;

	map_adds(&words->text, "/bin/sh");
	end_word(words);
	map_adds(&words->text, "-c");
	end_word(words);
	while (*at != '\0') {
		size_t blank = strspn(at, " \t\n");
		size_t len = strcspn(at + blank, " \t\n");
		char *word = map_copy(at + blank, len);
		unsigned times =
		    has_place(t, word, false) ? filling->n_items : 1;

		map_add(&words->text, at, blank);
		item = filling->items;
		for (unsigned i = 0; i < times; i++) {
			map_adds(&words->text, i > 0 ? " " : "");
			add_word(t, &words->text, word, item, filling);
			item = next_item(item);
		}
		free(word);
		at += blank + len;
	}
	item = filling->items;
	for (unsigned i = 0; t->append && i < filling->n_items; i++) {
		map_adds(&words->text, " ");
		map_add_quoted(&words->text, item, strlen(item));
		item = next_item(item);
	}
	end_word(words);
}

char **
map_template_fill(const struct map_template *t, const struct map_filling *f)
{
	struct words words = { 0 };
	size_t table;
	char **argv, *at;

	if (t->shell) {
		add_line(t, &words, f);
	}
	for (size_t i = 0; !t->shell && i < t->n; i++) {
		if (has_place(t, t->words[i], false)) {
			add_for_each(t, &words, t->words[i], f);
		} else {
			add_word(t, &words.text, t->words[i], "", f);
			end_word(&words);
		}
	}
	if (t->append && !t->shell) {
		add_for_each(t, &words, "{}", f);
	}
	table = (words.n + 1) * sizeof(argv[0]);
	argv = map_alloc(1, table + words.text.len);
	at = (char *)argv + table;
	memcpy(at, words.text.data, words.text.len);
	for (size_t i = 0; i < words.n; i++) {
		argv[i] = at;
		at += strlen(at) + 1;
	}
	argv[words.n] = NULL;
	map_buf_free(&words.text);
	return argv;
}
