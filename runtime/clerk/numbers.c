/* SPDX-License-Identifier: MIT */
/* The file of free numbers: see numbers.h. What is torn in it is nothing. */
#include "config.h"

#include "clerk/numbers.h"

#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <unistd.h>

#include "base/crc.h"
#include "base/text.h"
#include "sys/sys.h"

#define NUMBERS_MAGIC 0x5276496455u

struct file {
	uint64_t magic, next_event, next_life, crc;
};

static uint64_t
crc_of(const struct file *file)
{
	return rv_crc32c(0, file, offsetof(struct file, crc));
}

void
rv_numbers_open(struct rv_numbers *numbers, const char *runtime_dir)
{
	char path[PATH_MAX];
	struct file file;

	*numbers = (struct rv_numbers){ .next_event = 1, .next_life = 1 };
	rv_format(path, sizeof(path), "%s/next-ids", runtime_dir);
	numbers->fd = rv_sys_open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	if (numbers->fd == -1 ||
	    pread(numbers->fd, &file, sizeof(file), 0) != sizeof(file) ||
	    file.magic != NUMBERS_MAGIC || file.crc != crc_of(&file)) {
		return;
	}
	numbers->next_event = file.next_event;
	numbers->next_life = file.next_life;
	numbers->known = true;
}

void
rv_numbers_close(struct rv_numbers *numbers)
{
	if (numbers->fd != -1) {
		close(numbers->fd);
		numbers->fd = -1;
	}
}

void
rv_numbers_raise(
    struct rv_numbers *numbers, uint64_t next_event, uint64_t next_life)
{
	struct file file;

	if (numbers->known && next_event <= numbers->next_event &&
	    next_life <= numbers->next_life) {
		return;
	}
	numbers->next_event = RV_MAX(numbers->next_event, next_event);
	numbers->next_life = RV_MAX(numbers->next_life, next_life);
	numbers->known = true;
	file = (struct file){ .magic = NUMBERS_MAGIC,
		.next_event = numbers->next_event,
		.next_life = numbers->next_life };
	file.crc = crc_of(&file);
	if (numbers->fd != -1 &&
	    pwrite(numbers->fd, &file, sizeof(file), 0) != sizeof(file)) {
		/* Then the rings and the database have to do. */
		rv_numbers_close(numbers);
	}
}
