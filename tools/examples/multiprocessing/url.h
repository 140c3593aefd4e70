/* SPDX-License-Identifier: MIT */
/*
 * URLs, by libcurl, which knows what is relative to what.
 */
#ifndef URL_H
#define URL_H

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include <curl/curl.h>

#define URL_MAX 2000

/*
 * The one way to write a URL that is relative to another, or to none: what
 * leads to the same is the same text. False: nothing could be fetched there.
 */
static inline bool
url_complete(const char *base, const char *href, char *out, size_t size)
{
	bool same = base != NULL && (*href == '\0' || *href == '#');
	CURLU *url = curl_url();
	char *scheme = NULL, *host = NULL, *text = NULL;
	bool good =
	    url != NULL &&
	    (base == NULL || curl_url_set(url, CURLUPART_URL, base, 0) == 0) &&
	    curl_url_set(
		url, CURLUPART_URL, same ? base : href, CURLU_URLENCODE) == 0 &&
	    curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0) == 0 &&
	    curl_url_set(url, CURLUPART_USER, NULL, 0) == 0 &&
	    curl_url_set(url, CURLUPART_PASSWORD, NULL, 0) == 0 &&
	    curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == 0 &&
	    (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0) &&
	    curl_url_get(url, CURLUPART_HOST, &host, 0) == 0;

	for (char *c = host; good && *c != '\0'; c++) {
		*c = (char)tolower((unsigned char)*c);
	}
	good = good && curl_url_set(url, CURLUPART_HOST, host, 0) == 0 &&
	       curl_url_get(url, CURLUPART_URL, &text, CURLU_NO_DEFAULT_PORT) ==
		   0 &&
	       strlen(text) < size;
	if (good) {
		memcpy(out, text, strlen(text) + 1);
	}
	curl_free(text);
	curl_free(host);
	curl_free(scheme);
	curl_url_cleanup(url);
	return good;
}

/* Where the path of a complete URL begins. */
static inline const char *
url_path(const char *url)
{
	const char *host = strstr(url, "://");

	return strchr(host + 3, '/');
}

#endif
