/* SPDX-License-Identifier: MIT */
/*
 * Crawls web sites: crawl URL... follows links from these pages, within their
 * sites, and prints a line for each URL that it asked for: the status, and the
 * URL. Each is asked for once. robots.txt is obeyed, and a site gets one
 * request at a time, with a rest between them (--wait, or its Crawl-delay).
 *
 * Workers fetch and read: what comes from outside is seen by them alone, by
 * libcurl, robots.h, links.h and url.h. The program keeps what is known of each
 * URL and whose turn it is. It has an event loop, in which the pool is one
 * descriptor.
 *
 * A pool never runs a task twice by itself. When a worker dies with a request,
 * nobody knows whether the server had it; here it is asked again (--retries),
 * in its turn and after the same rest: that is why the program does it and not
 * the pool, which knows of no rests. `--retries 0` asks never again.
 */
#include <poll.h>
#include <search.h>

#include "links.h"
#include "program.h"
#include "robots.h"
#include "url.h"

#define AGENT     "reeve-crawl"
#define LINKS_MAX 10000 /* of a page */

static uint64_t depth_max = 5, wait_ms = 100, timeout_s = 10, bytes_max = 4096;
static const struct option_row rows[] = {
	{ 'd', "depth", "N", "follow so many links in a row [5]", &depth_max,
	    NULL, 0, 10000 },
	{ 'w', "wait", "MS", "between requests to one site [100]", &wait_ms,
	    NULL, 0, 3600000 },
	{ 't', "timeout", "S", "that one page may take [10]", &timeout_s, NULL,
	    1, 3600 },
	{ 'b', "bytes", "KIB", "that are read of a page [4096]", &bytes_max,
	    NULL, 1, 1048576 },
	{ 0 },
};

/* ---- in a worker ---- */

struct manner {
	uint64_t timeout_s, bytes_max;
};

/* What a page is to the program; URLs follow it, each with its NUL. */
struct page {
	int32_t status;
	char links[];
};

static CURL *curl;
static char curl_said[CURL_ERROR_SIZE];
static struct {
	char *bytes;
	size_t length, room;
} body;

static size_t
take_body(char *bytes, size_t one, size_t n, void *ctx)
{
	size_t left = body.room - body.length;

	(void)one;
	(void)ctx;
	memcpy(body.bytes + body.length, bytes, n < left ? n : left);
	body.length += n < left ? n : left;
	return n <= left ? n : 0; /* enough of it */
}

/* The pool's initializer. */
static int
begin_worker(const struct reeve_call *call)
{
	struct manner manner;

	memcpy(&manner, call->args, sizeof(manner));
	body.room = manner.bytes_max;
	body.bytes = malloc(body.room);
	curl = curl_easy_init();
	if (curl == NULL || body.bytes == NULL) {
		errx(1, "no memory");
	}
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_USERAGENT, AGENT "/1.0");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)manner.timeout_s);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, curl_said);
	return 0;
}
REEVE_FUNCTION("begin", begin_worker);

/* Nonzero: reeve_fail has said why not. */
static int
fetch(const struct reeve_call *call, bool follow, long *status)
{
	CURLcode code;

	body.length = 0;
	curl_said[0] = '\0';
	curl_easy_setopt(curl, CURLOPT_URL, (const char *)call->args);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, (long)follow);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 5L);
	code = curl_easy_perform(curl);
	if (code != CURLE_OK &&
	    (code != CURLE_WRITE_ERROR || body.length < body.room)) {
		return reeve_fail(call, "crawl.Fetch", "%s",
		    curl_said[0] != '\0' ? curl_said
					 : curl_easy_strerror(code));
	}
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
	return 0;
}

static bool
is_html(void)
{
	char *type = NULL;

	curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
	return type != NULL &&
	       (strncasecmp(type, "text/html", 9) == 0 ||
		   strncasecmp(type, "application/xhtml+xml", 21) == 0);
}

/* The links of the page, complete, behind each other. */
static size_t
write_links(const char *url, char *out)
{
	struct links links = { .at = body.bytes,
		.end = body.bytes + body.length };
	char base[URL_MAX];
	struct link link;
	size_t length = 0;

	snprintf(base, sizeof(base), "%s", url);
	for (int n = 0; n < LINKS_MAX && links_next(&links, &link);) {
		if (link.is_base) {
			(void)url_complete(url, link.href, base, sizeof(base));
		} else if (url_complete(
			       base, link.href, out + length, URL_MAX)) {
			length += strlen(out + length) + 1;
			n++;
		}
	}
	return length;
}

/* A task: its argument is a URL, its result a struct page. A redirect is a page
 * with one link. */
static int
fetch_page(const struct reeve_call *call)
{
	static union {
		struct page page;
		char room[sizeof(struct page) + LINKS_MAX * URL_MAX];
	} out;
	struct page *page = &out.page;
	char *target = NULL;
	size_t length = 0;
	long status = 0;
	int failed = fetch(call, false, &status);

	if (failed) {
		return failed;
	}
	*page = (struct page){ .status = (int32_t)status };
	curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &target);
	if (target != NULL) {
		if (url_complete(call->args, target, page->links, URL_MAX)) {
			length = strlen(page->links) + 1;
		}
	} else if (status == 200 && is_html()) {
		length = write_links(call->args, page->links);
	}
	return reeve_return(call, page, sizeof(*page) + length);
}
REEVE_FUNCTION("page", fetch_page);

/* The same for a robots.txt: its result is a struct robots. Where there is
 * none, all is allowed; where the server is in trouble, or away, nothing. */
static int
fetch_robots(const struct reeve_call *call)
{
	static struct robots robots;
	long status = 0;

	if (fetch(call, true, &status) != 0) {
		return 1;
	}
	if (status >= 500) {
		robots_read_none(&robots);
	} else {
		robots_read(&robots, body.bytes,
		    status == 200 ? body.length : 0, AGENT);
	}
	return reeve_return(call, &robots, sizeof(robots));
}
REEVE_FUNCTION("robots", fetch_robots);

/* ---- what is known ---- */

struct url {
	struct url *next;
	struct site *site;
	uint64_t deaths; /* of workers, with a request for it */
	char text[];
};

struct urls {
	struct url *first, **last;
};

struct site {
	struct site *next;
	char *origin;           /* "http://127.0.0.1:8080" */
	struct robots *robots;  /* NULL: not asked for yet */
	struct urls now, later; /* of this depth, of the next one */
	struct url *asked;      /* under way */
	int64_t rest_ns, due;   /* between requests; when the next may be */
};

static struct site *sites;
static struct reeve_pool *pool;
static uint64_t depth; /* of links behind the first page, now */
static void *seen;     /* all URLs ever, a tree of search.h */
static struct progress bar = { .what = "pages" };
static uint64_t failed;

static int64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return REEVE_S(now.tv_sec) + now.tv_nsec;
}

static void
push(struct urls *urls, struct url *url)
{
	url->next = NULL;
	if (urls->first == NULL) {
		urls->last = &urls->first;
	}
	*urls->last = url;
	urls->last = &url->next;
}

static struct url *
pop(struct urls *urls)
{
	struct url *url = urls->first;

	if (url != NULL) {
		urls->first = url->next;
	}
	return url;
}

static struct url *
new_url(struct site *site, const char *text)
{
	struct url *url = calloc(1, sizeof(*url) + strlen(text) + 1);

	if (url == NULL) {
		err(1, "no memory");
	}
	url->site = site;
	memcpy(url->text, text, strlen(text) + 1);
	return url;
}

/* NULL: it is of none of those that are crawled. */
static struct site *
find_site(const char *url)
{
	struct site *site = sites;
	size_t length;

	for (; site != NULL; site = site->next) {
		length = strlen(site->origin);
		if (strncmp(site->origin, url, length) == 0 &&
		    url[length] == '/') {
			break;
		}
	}
	return site;
}

static int
compare_urls(const void *a, const void *b)
{
	return strcmp(
	    ((const struct url *)a)->text, ((const struct url *)b)->text);
}

/* Once for each URL, however many links lead to it. */
static void
add(struct site *site, struct urls *urls, const char *text)
{
	struct url *url = new_url(site, text);

	if (*(struct url **)tsearch(url, &seen, compare_urls) != url) {
		free(url);
		return;
	}
	push(urls, url);
	bar.total++;
}

static struct site *
new_site(const char *url)
{
	struct site *site = calloc(1, sizeof(*site));
	char robots[URL_MAX];

	if (site == NULL) {
		err(1, "no memory");
	}
	site->origin = strndup(url, (size_t)(url_path(url) - url));
	site->next = sites;
	sites = site;
	snprintf(robots, sizeof(robots), "%s/robots.txt", site->origin);
	add(site, &site->now, robots); /* before all others */
	return site;
}

/* ---- whose turn it is ---- */

/* A worker has seen what comes from outside, so its word is doubted. */
static void
take_page(struct site *site, const struct reeve_task_result *result)
{
	const struct page *page = result->data;
	const char *link, *end = (const char *)result->data + result->length;

	if (result->length < sizeof(*page)) {
		errx(1, "%s: this is no page", site->asked->text);
	}
	printf("%d %s\n", page->status, site->asked->text);
	if (depth == depth_max) {
		return;
	}
	for (link = page->links; link < end; link += strlen(link) + 1) {
		struct site *to = find_site(link);

		if (to != NULL) {
			add(to, &to->later, link);
		}
	}
}

/* NULL: there is no answer. */
static void
take_robots(struct site *site, const struct reeve_task_result *result)
{
	site->robots = calloc(1, sizeof(*site->robots));
	if (site->robots == NULL) {
		err(1, "no memory");
	}
	if (result == NULL || result->length != sizeof(*site->robots)) {
		robots_read_none(site->robots);
	} else {
		memcpy(site->robots, result->data, sizeof(*site->robots));
	}
	if (REEVE_MS(site->robots->delay_ms) > site->rest_ns) {
		site->rest_ns = REEVE_MS(site->robots->delay_ms);
	}
}

static void
take_answer(struct site *site, const struct reeve_task_result *result)
{
	bool good = result->outcome == REEVE_OUTCOME_GOOD;

	if (!good) {
		program_complain(site->asked->text, result);
		failed++;
	}
	if (site->robots == NULL) {
		take_robots(site, good ? result : NULL);
	} else if (good) {
		take_page(site, result);
	}
	bar.done++;
}

/* The pool's word that a request has come to its end. */
static void
answered(void *ctx, struct reeve_future *future)
{
	struct reeve_task_result result = { .size = sizeof(result) };
	struct site *site = ctx;
	struct url *url = site->asked;

	must(reeve_future_get(future, &result, 0));
	if (result.outcome == REEVE_OUTCOME_DIED && url->deaths < retries) {
		url->deaths++;
		url->next = site->now.first; /* it is its turn again */
		if (url->next == NULL) {
			site->now.last = &url->next;
		}
		site->now.first = url;
	} else if (result.outcome != REEVE_OUTCOME_CANCELLED) {
		take_answer(site, &result);
	}
	reeve_task_result_free(&result);
	site->asked = NULL;
	site->due = now_ns() + site->rest_ns;
}

static void
ask(struct site *site, struct url *url)
{
	struct reeve_task task = { .size = sizeof(task),
		.function = site->robots == NULL ? "robots" : "page",
		.data = url->text,
		.length = strlen(url->text),
		.retries = REEVE_NO_RETRIES,
		.hard_limit = REEVE_S(timeout_s + 5),
		.done = answered,
		.ctx = site };

	site->asked = url;
	must(reeve_pool_submit(pool, &task, NULL, &error));
}

/* Ask for the next URL of a site, if it is its turn. *due becomes earlier when
 * that will be. False: nothing is left of this depth. */
static bool
turn(struct site *site, int64_t *due)
{
	struct url *url;

	if (site->asked != NULL) {
		return true;
	}
	if (site->now.first != NULL && site->due > now_ns()) {
		*due = site->due < *due ? site->due : *due;
		return true;
	}
	while ((url = pop(&site->now)) != NULL) {
		if (site->robots == NULL ||
		    robots_allow(site->robots, url_path(url->text))) {
			ask(site, url);
			return true;
		}
		printf("disallowed %s\n", url->text);
		bar.done++;
	}
	return false;
}

/* All pages of one depth. */
static void
crawl_depth(void)
{
	struct pollfd fd = { reeve_pool_fd(pool), POLLIN, 0 };
	bool busy = true;

	while (busy && !stopped) {
		int64_t due = now_ns() + A_WHILE, left;
		struct timespec wait;

		busy = false;
		for (struct site *site = sites; site; site = site->next) {
			busy |= turn(site, &due);
		}
		left = busy ? due - now_ns() : 0;
		wait.tv_sec = 0;
		wait.tv_nsec = left > 0 ? left : 0;
		(void)ppoll(&fd, 1, &wait, NULL);
		must(reeve_pool_dispatch(pool, &error));
		progress_show(&bar, bar.done);
	}
}

/* What was found is what is to be asked for next. False: nothing was. */
static bool
go_deeper(void)
{
	bool any = false;

	for (struct site *site = sites; site != NULL; site = site->next) {
		struct url *url;

		while ((url = pop(&site->later)) != NULL) {
			push(&site->now, url);
			any = true;
		}
	}
	return any;
}

static void
add_roots(char **roots)
{
	char url[URL_MAX];

	for (; *roots != NULL; roots++) {
		struct site *site;

		if (!url_complete(NULL, *roots, url, sizeof(url))) {
			errx(2, "%s: this is no URL of http or https", *roots);
		}
		site = find_site(url);
		site = site != NULL ? site : new_site(url);
		site->rest_ns = REEVE_MS(wait_ms);
		add(site, &site->now, url);
	}
}

static void
free_sites(void)
{
	struct site *site = sites;

	while (site != NULL) {
		struct site *next = site->next;

		free(site->origin);
		free(site->robots);
		free(site);
		site = next;
	}
	tdestroy(seen, free);
}

int
main(int argc, char **argv)
{
	struct manner manner;
	int code;

	reeve_main(&argc, &argv);
	program_begin(" URL...", rows, argc, argv);
	if (optind == argc) {
		errx(2, "where to begin is to be named: URL...");
	}
	bar.quiet = quiet;
	add_roots(argv + optind);
	for (struct site *site = sites; workers == 0 && site != NULL;
	     site = site->next) {
		workers++; /* more would have nothing to do */
	}
	manner = (struct manner){ timeout_s, bytes_max << 10 };
	pool = program_pool(.initializer = "begin", .init_args = &manner,
	    .init_args_length = sizeof(manner));
	progress_begin(&bar);
	do {
		crawl_depth();
		depth++;
	} while (!stopped && go_deeper());
	progress_end(&bar);
	code = program_end(pool, bar.done, bar.total);
	free_sites();
	return code == 0 && failed != 0 ? 1 : code;
}
