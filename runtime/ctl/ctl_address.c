/* SPDX-License-Identifier: MIT */
/* Makes socket addresses of paths; what is too long goes through /proc. */
#include "config.h"

#include "ctl/ctl_address.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "sys/sys.h"

static bool
by_folder(const char *path, struct sockaddr_un *address, int *dir_fd)
{
	const char *name = strrchr(path, '/');
	char folder[4096];
	int fd, n;

	if (name == NULL || (size_t)(name - path) >= sizeof(folder) - 1) {
		errno = ENAMETOOLONG;
		return false;
	}
	rv_format(folder, sizeof(folder), "%.*s", (int)(name - path) + 1, path);
	fd = rv_sys_open(folder, O_PATH | O_DIRECTORY, 0);
	if (fd == -1) {
		return false;
	}
	n = snprintf(address->sun_path, sizeof(address->sun_path),
	    "/proc/self/fd/%d%s", fd, name);
	if (n < 0 || (size_t)n >= sizeof(address->sun_path)) {
		close(fd);
		errno = ENAMETOOLONG;
		return false;
	}
	*dir_fd = fd;
	return true;
}

bool
rv_ctl_address(
    const char *path, struct sockaddr_un *address, socklen_t *len, int *dir_fd)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*dir_fd = -1;
	*len = sizeof(*address);
	if (strlen(path) < sizeof(address->sun_path)) {
		rv_copy(address->sun_path, sizeof(address->sun_path), path);
		return true;
	}
	return by_folder(path, address, dir_fd);
}
