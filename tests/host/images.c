/* SPDX-License-Identifier: MIT */
/*
 * Images for tools/examples/multiprocessing/thumbs.c, and whether what it made
 * of them is right:
 *
 *	images make FOLDER N SIDE
 *	images check FROM TO N SIDE SMALL
 *
 * Each is red from left to right and green from top to bottom, of a format, a
 * shape and a folder that follow from its number, so that any of them can be
 * checked by itself.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <gd.h>

static const char *const ends[] = { "jpg", "png", "gif", "JPEG", "webp" };

struct image {
	char path[512];
	const char *end;
	int width, height;
};

static struct image
image_of(const char *folder, int i, int side)
{
	struct image image = { .end = ends[i % 5],
		.width = side / (1 + i % 3),
		.height = side / (1 + i / 3 % 3) };

	snprintf(image.path, sizeof(image.path), "%s/%d/%d of %d.%s", folder,
	    i % 7, i, i % 7, image.end);
	return image;
}

static int
make(const char *folder, int i, int side)
{
	struct image image = image_of(folder, i, side);
	gdImagePtr made = gdImageCreateTrueColor(image.width, image.height);
	char path[512];
	int bad;

	for (int y = 0; y < image.height; y++) {
		for (int x = 0; x < image.width; x++) {
			gdImageSetPixel(made, x, y,
			    gdTrueColor(x * 255 / image.width,
				y * 255 / image.height, 0));
		}
	}
	snprintf(path, sizeof(path), "%s/%d", folder, i % 7);
	bad = mkdir(path, 0777) != 0 && errno != EEXIST;
	/* By the name's end, which it knows in small letters. */
	snprintf(path, sizeof(path), "%s/new.%s", folder,
	    i % 5 == 3 ? "jpg" : image.end);
	bad |= gdImageFile(made, path) != GD_TRUE;
	bad |= rename(path, image.path) != 0;
	gdImageDestroy(made);
	return bad;
}

static gdImagePtr
read_image(const struct image *image)
{
	FILE *file = fopen(image->path, "re");
	gdImagePtr read = NULL;

	if (file == NULL) {
		return NULL;
	}
	switch (image->end[0]) {
	case 'p':
		read = gdImageCreateFromPng(file);
		break;
	case 'g':
		read = gdImageCreateFromGif(file);
		break;
	case 'w':
		read = gdImageCreateFromWebp(file);
		break;
	default:
		read = gdImageCreateFromJpeg(file);
		break;
	}
	fclose(file);
	return read;
}

/* Red and green in the middle, as near as formats and 256 colours allow. */
static int
is_so(gdImagePtr read, int width, int height)
{
	int at = gdImageGetPixel(read, width / 2, height / 2);

	return gdImageSX(read) == width && gdImageSY(read) == height &&
	       abs(gdImageRed(read, at) - 127) < 40 &&
	       abs(gdImageGreen(read, at) - 127) < 40 &&
	       gdImageBlue(read, at) < 60;
}

static int
check(const char *from, const char *to, int i, int side, int small)
{
	struct image whole = image_of(from, i, side);
	struct image image = image_of(to, i, side);
	int longer = whole.width > whole.height ? whole.width : whole.height;
	gdImagePtr read = read_image(&image);
	int bad;

	small = longer < small ? longer : small;
	bad = read == NULL || !is_so(read, whole.width * small / longer,
				  whole.height * small / longer);
	if (bad) {
		printf("%s: %dx%d of %dx%d\n", image.path,
		    read != NULL ? gdImageSX(read) : 0,
		    read != NULL ? gdImageSY(read) : 0, whole.width,
		    whole.height);
	}
	if (read != NULL) {
		gdImageDestroy(read);
	}
	return bad;
}

int
main(int argc, char **argv)
{
	int bad = 0;

	if (argc == 5 && strcmp(argv[1], "make") == 0) {
		for (int i = 0; i < (int)strtol(argv[3], NULL, 10); i++) {
			bad |= make(argv[2], i, (int)strtol(argv[4], NULL, 10));
		}
		return bad;
	}
	if (argc == 7 && strcmp(argv[1], "check") == 0) {
		for (int i = 0; i < (int)strtol(argv[4], NULL, 10); i++) {
			bad |= check(argv[2], argv[3], i,
			    (int)strtol(argv[5], NULL, 10),
			    (int)strtol(argv[6], NULL, 10));
		}
		return bad;
	}
	return 2;
}
