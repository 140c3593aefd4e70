/* SPDX-License-Identifier: MIT */
/*
 * The parts of tools/examples/multiprocessing/crawl.c that read foreign bytes:
 * robots.txt, links of pages, URLs. Tables of what they make of it, and noise
 * in memory that ends where the text does (for the sanitizers).
 */
#include "config.h"

#include <stdio.h>

#include "links.h"
#include "robots.h"
#include "url.h"

#include "lib/harness.h"

static void
judge(const char *what, const char *is, const char *expected)
{
	if (strcmp(is, expected) != 0) {
		printf("# %s: \"%s\", not \"%s\"\n", what, is, expected);
		CU_FAIL("see above");
	}
}

/* ---- robots.txt ---- */

static struct robots robots;

static void
read_robots(const char *text)
{
	robots_read(&robots, text, strlen(text), "crawler");
}

struct robots_row {
	const char *text, *path;
	bool allowed;
};

#define ALL "User-agent: *\n"

static const struct robots_row robots_rows[] = {
	{ "", "/", true },
	{ ALL "Disallow:", "/", true },
	{ ALL "Disallow: /", "/", false },
	{ ALL "Disallow: /", "/robots.txt", true },
	{ ALL "Disallow: /a", "/b", true },
	{ ALL "Disallow: /a", "/a", false },
	{ ALL "Disallow: /a", "/ab/c", false },
	{ ALL "Disallow: /a/", "/a", true },
	{ ALL "disallow:/a\r\n", "/a", false },
	{ ALL "  DISALLOW \t:\t /a \t \r\n", "/a", false },
	{ ALL "Disallow: /a # why", "/a", false },
	{ ALL "# Disallow: /a", "/a", true },
	{ ALL "Disallow /a", "/a", true },
	{ ALL "Disallow: a", "/a", false },
	{ "User-agent: *\rDisallow: /a\rAllow: /a/b\r", "/a/c", false },
	{ "\xef\xbb\xbf" ALL "Disallow: /a", "/a", false },
	{ "Disallow: /a\n" ALL "Disallow: /b", "/a", true },
	/* the longest counts, and of two the kinder */
	{ ALL "Disallow: /a\nAllow: /a/b", "/a/b/c", true },
	{ ALL "Allow: /a/b\nDisallow: /a", "/a/b/c", true },
	{ ALL "Allow: /a\nDisallow: /a/b", "/a/b", false },
	{ ALL "Disallow: /a\nAllow: /a", "/a", true },
	{ ALL "Allow: /a\nDisallow: /a", "/a", true },
	{ ALL "Disallow: /\nAllow: /$", "/", true },
	{ ALL "Disallow: /\nAllow: /$", "/a", false },
	/* any text, and the end */
	{ ALL "Disallow: /*.gif$", "/a/b.gif", false },
	{ ALL "Disallow: /*.gif$", "/a/b.gif?c", true },
	{ ALL "Disallow: /*.gif", "/a/b.gif?c", false },
	{ ALL "Disallow: *b", "/a/b", false },
	{ ALL "Disallow: /a*b*c", "/a-b-b-c", false },
	{ ALL "Disallow: /a*b*c$", "/a-b-c-c-d", true },
	{ ALL "Disallow: /a*b*c$", "/a-b-c-d-c", false },
	{ ALL "Disallow: /a$b", "/a$b", false },
	{ ALL "Disallow: /*", "/", false },
	{ ALL "Disallow: /a?b=", "/a?b=c", false },
	/* one text for one path */
	{ ALL "Disallow: /%61", "/a", false },
	{ ALL "Disallow: /a", "/%61", false },
	{ ALL "Disallow: /a%2fb", "/a%2Fb", false },
	{ ALL "Disallow: /a%2fb", "/a/b", true },
	{ ALL "Disallow: /\xc3\xa4", "/%C3%A4", false },
	{ ALL "Disallow: /a%zz", "/a%zz", false },
	{ ALL "Disallow: /a b", "/a%20b", false },
	/* whose they are */
	{ "User-agent: other\nDisallow: /", "/", true },
	{ "User-agent: Crawler/2.1\nDisallow: /", "/", false },
	{ "User-agent: crawler-news\nDisallow: /", "/", true },
	{ "User-agent: crawl\nDisallow: /", "/", true },
	{ "User-agent:\nDisallow: /", "/", true },
	{ ALL "Disallow: /\nUser-agent: crawler\nDisallow: /a", "/b", true },
	{ ALL "Disallow: /\nUser-agent: crawler\nDisallow: /a", "/a", false },
	{ "User-agent: crawler\nDisallow:\n" ALL "Disallow: /", "/a", true },
	{ "User-agent: other\nUser-agent: crawler\nDisallow: /", "/", false },
	{ "User-agent: crawler\nUser-agent: other\nDisallow: /", "/", false },
	{ "User-agent: crawler\nCrawl-delay: 1\nUser-agent: other\n"
	  "Disallow: /",
	    "/", true },
	{ "User-agent: crawler\nDisallow: /a\n" ALL "Disallow: /b\n"
	  "User-agent: crawler\nDisallow: /c",
	    "/c", false },
	{ "User-agent: crawler\nSitemap: x\nDisallow: /", "/", false },
};

RV_TEST(rules_of_robots_hold_for_whom_they_name)
{
	for (size_t i = 0; i < sizeof(robots_rows) / sizeof(*robots_rows);
	     i++) {
		const struct robots_row *row = &robots_rows[i];

		read_robots(row->text);
		if (robots_allow(&robots, row->path) != row->allowed) {
			printf("# %s of \"%s\"\n", row->path, row->text);
			CU_FAIL("it is the other way round");
		}
	}
}

RV_TEST(a_crawl_delay_is_a_number_of_seconds_or_nothing)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = { { "2", 2000 }, { "0.02", 20 }, { " .5 # s", 500 },
		{ "-1", 0 }, { "nan", 0 }, { "inf", 0 }, { "1e9", 0 },
		{ "3600", 3600000 }, { "", 0 }, { "1s", 0 },
		{ "1000000000000000000000000000000000000000", 0 } };
	char text[128];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(
		    text, sizeof(text), ALL "Crawl-delay: %s", rows[i].text);
		read_robots(text);
		CU_ASSERT_EQUAL(robots.delay_ms, rows[i].ms);
	}
	read_robots(ALL "Crawl-delay: 9\nUser-agent: crawler\nAllow: /");
	CU_ASSERT_EQUAL(robots.delay_ms, 0);
}

RV_TEST(rules_that_are_too_many_or_too_long_forbid_all)
{
	size_t size = 2 * ROBOTS_RULES, n;
	char *text = malloc(size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	n = (size_t)snprintf(text, size, "%sAllow: /", ALL);
	memset(text + n, 'a', ROBOTS_PATTERN);
	text[n + ROBOTS_PATTERN] = '\0';
	read_robots(text);
	CU_ASSERT_FALSE(robots_allow(&robots, "/b"));
	n = (size_t)snprintf(text, size, "%s", ALL);
	while (n + 30 < size) {
		n += (size_t)snprintf(
		    text + n, size - n, "Disallow: /abcdefgh\n");
	}
	read_robots(text);
	CU_ASSERT_TRUE(robots.length <= sizeof(robots.rules));
	CU_ASSERT_FALSE(robots_allow(&robots, "/b"));
	free(text);
	robots_read_none(&robots);
	CU_ASSERT_FALSE(robots_allow(&robots, "/"));
	CU_ASSERT_TRUE(robots_allow(&robots, "/robots.txt"));
}

/* ---- links ---- */

static struct link link_at;

/* All links of a page, each with a space behind it; "base" is said. */
static const char *
links_of(const char *page, size_t length)
{
	struct links links = { .at = page, .end = page + length };
	static char said[4096];
	size_t n = 0;

	said[0] = '\0';
	while (links_next(&links, &link_at) && n < sizeof(said)) {
		n += (size_t)snprintf(said + n, sizeof(said) - n, "%s%s ",
		    link_at.is_base ? "base " : "", link_at.href);
	}
	return said;
}

static const struct {
	const char *page, *links;
} link_rows[] = {
	{ "", "" },
	{ "no page", "" },
	{ "<a href=\"b\">c</a>", "b " },
	{ "<a href='b'><a href=c><a href = \"d\" >", "b c d " },
	{ "<A HREF=b>", "b " },
	{ "<a\nclass=x\thref=b\r\nid=y>", "b " },
	{ "<a disabled href=b checked>", "b " },
	{ "<a/href=b/>", "b/ " },
	{ "<a href=\"b\"class=x>", "b " },
	{ "<a href=b href=c>", "b " },
	{ "<a data-href=b xhref=c>", "" },
	{ "<a href>x<a href=>y<a href=\"\">", "   " },
	{ "<a href=\"b>c\">", "b>c " },
	{ "<a title='>' href=b>", "b " },
	{ "<abbr href=b><p href=c><link href=d><img src=e>", "" },
	{ "<area href=b><iframe src=c></iframe><frame src=d>", "b c d " },
	{ "<base href='http://x/'><a href=b>", "base http://x/ b " },
	/* characters by their names */
	{ "<a href='?a=1&amp;b=2'>", "?a=1&b=2 " },
	{ "<a href='?a&#38;b&#x26;c&#X26;d'>", "?a&b&c&d " },
	{ "<a href='&lt;&gt;&quot;&apos;'>", "<>\"' " },
	{ "<a href='?a&b=1&ampx&#;&#x;&#38&#-38;&#999;&#0;'>",
	    "?a&b=1&ampx&#;&#x;&#38&#-38;&#999;&#0; " },
	{ "<a href='&#99999999999999999999;&'>", "&#99999999999999999999;& " },
	{ "<a href=' \n b\n\tc '>", "bc " },
	/* what is no page's */
	{ "<!-- <a href=b> --><a href=c>", "c " },
	{ "<!-- -> <a href=b> --><a href=c>", "c " },
	{ "<!--><a href=b><!---><a href=c>", "b c " },
	{ "<!-- <a href=b>", "" },
	{ "<!doctype html><?x y?><a href=b>", "b " },
	{ "<script>'<a href=b>'</script><a href=c>", "c " },
	{ "<SCRIPT x='>'>a</b<a href=b></Script ><a href=c>", "c " },
	{ "<style><a href=b></style><title><a href=c></title><a href=d>",
	    "d " },
	{ "<script><a href=b>", "" },
	{ "<script", "" },
	/* a page that ends anywhere */
	{ "<", "" },
	{ "<<a href=b>", "b " },
	{ "< a href=b>", "" },
	{ "<a", "" },
	{ "<a ", "" },
	{ "<a href", "" },
	{ "<a href=", "" },
	{ "<a href=b", "" },
	{ "<a href=\"b", "" },
	{ "<a href=\"b><a href=c>", "" },
	{ "</", "" },
	{ "<!", "" },
	{ "<!--", "" },
};

RV_TEST(links_are_those_that_a_browser_would_follow)
{
	for (size_t i = 0; i < sizeof(link_rows) / sizeof(*link_rows); i++) {
		const char *page = link_rows[i].page;

		judge(page, links_of(page, strlen(page)), link_rows[i].links);
	}
}

RV_TEST(a_link_that_is_too_long_or_no_text_is_none)
{
	static const char nul[] = "<a href='b\0c'><a hr\0ef=d><\0><a href=e>";
	char page[LINK_MAX_LENGTH + 64];
	size_t n = (size_t)snprintf(page, sizeof(page), "<a href=");

	memset(page + n, 'b', LINK_MAX_LENGTH);
	snprintf(page + n + LINK_MAX_LENGTH, 32, "><a href=c>");
	judge("too long", links_of(page, strlen(page)), "c ");
	judge("with NUL", links_of(nul, sizeof(nul) - 1), "e ");
}

/* ---- URLs ---- */

static const struct {
	const char *base, *href, *url; /* NULL: none */
} url_rows[] = {
	{ NULL, "http://a", "http://a/" },
	{ NULL, "HTTP://A.b:80/C", "http://a.b/C" },
	{ NULL, "https://a:443/?b", "https://a/?b" },
	{ NULL, "http://a:8080/b#c", "http://a:8080/b" },
	{ NULL, "http://u:p@a/", "http://a/" },
	{ NULL, "http://a/b c", "http://a/b%20c" },
	{ NULL, "http://[::1]:8080/b", "http://[::1]:8080/b" },
	{ NULL, "a/b", NULL },
	{ NULL, "", NULL },
	{ NULL, "ftp://a/", NULL },
	{ NULL, "file:///etc/passwd", NULL },
	{ "http://a/b/c?d", "e", "http://a/b/e" },
	{ "http://a/b/c?d", "/e", "http://a/e" },
	{ "http://a/b/c?d", "?e", "http://a/b/c?e" },
	{ "http://a/b/c?d", "#e", "http://a/b/c?d" },
	{ "http://a/b/c", "", "http://a/b/c" },
	{ "http://a/b/c", "../d/./e", "http://a/d/e" },
	{ "http://a/b/c", "../../../d", "http://a/d" },
	{ "http://a/b/c", "//d/e", "http://d/e" },
	{ "https://a/b", "//d/e", "https://d/e" },
	{ "http://a/b/c", "http://d/../e", "http://d/e" },
	{ "http://a/b", "mailto:c@d", NULL },
	{ "http://a/b", "javascript:c()", NULL },
	{ "http://a/b", "data:text/html,c", NULL },
	{ "http://a/b", "ftp://c/", NULL },
	{ "http://a/b", "http://", NULL },
	{ "http://a/b", "c\x01", NULL },
};

RV_TEST(a_url_is_written_in_one_way)
{
	char url[URL_MAX], text[256];

	for (size_t i = 0; i < sizeof(url_rows) / sizeof(*url_rows); i++) {
		const char *base = url_rows[i].base, *href = url_rows[i].href;
		const char *expected = url_rows[i].url;

		snprintf(text, sizeof(text), "%s at %s", href,
		    base != NULL ? base : "nothing");
		if (url_complete(base, href, url, sizeof(url))) {
			judge(text, url, expected != NULL ? expected : "none");
		} else {
			judge(
			    text, "none", expected != NULL ? expected : "none");
		}
	}
	CU_ASSERT_FALSE(url_complete(NULL, "http://abc/", url, 11));
	CU_ASSERT_TRUE(url_complete(NULL, "http://abc/", url, 12));
	CU_ASSERT_STRING_EQUAL(url_path("http://a:80/b?c"), "/b?c");
}

/* ---- noise ---- */

/* One that is the same in each run. */
static uint32_t
random_below(uint32_t n)
{
	static uint64_t state = 1;

	state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(state >> 33) % n;
}

/* Pieces of what is known, one behind the other, and bytes of no kind. */
static size_t
make_noise(char *noise, size_t size)
{
	static const char *const pieces[] = { "<", ">", "<a ", "href=", "\"",
		"'", "<!--", "-->", "<script>", "</script", "&amp;", "&#",
		"&#x26;", "=", "/", " ", "User-agent:", "*", "\n",
		"Disallow:", "Allow:", "/a", "%2", "%61", "$", "#", ":",
		"Crawl-delay:", "<base ", "</title>", "<title>" };
	size_t n = 0, count = sizeof(pieces) / sizeof(*pieces);

	while (n + 16 < size && random_below(60) != 0) {
		uint32_t i = random_below((uint32_t)count + 3);

		if (i < count) {
			memcpy(noise + n, pieces[i], strlen(pieces[i]));
			n += strlen(pieces[i]);
		} else {
			noise[n++] = (char)random_below(256);
		}
	}
	return n;
}

RV_TEST(noise_is_read_to_its_end_and_no_further)
{
	char noise[2048], path[2048];

	for (int i = 0; i < 20000; i++) {
		size_t n = make_noise(noise, sizeof(noise));
		char *exact = malloc(n > 0 ? n : 1);

		CU_ASSERT_PTR_NOT_NULL_FATAL(exact);
		memcpy(exact, noise, n);
		(void)links_of(exact, n);
		robots_read(&robots, exact, n, "crawler");
		CU_ASSERT_TRUE(robots.length <= sizeof(robots.rules));
		snprintf(path, sizeof(path), "/%.*s", (int)n, noise);
		(void)robots_allow(&robots, path);
		free(exact);
	}
}

RV_SUITE(crawl_parts, RV_CASE(rules_of_robots_hold_for_whom_they_name),
    RV_CASE(a_crawl_delay_is_a_number_of_seconds_or_nothing),
    RV_CASE(rules_that_are_too_many_or_too_long_forbid_all),
    RV_CASE(links_are_those_that_a_browser_would_follow),
    RV_CASE(a_link_that_is_too_long_or_no_text_is_none),
    RV_CASE(a_url_is_written_in_one_way),
    RV_CASE(noise_is_read_to_its_end_and_no_further))
