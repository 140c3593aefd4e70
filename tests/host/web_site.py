# SPDX-License-Identifier: MIT
"""A web site to be crawled, and what a crawler has to find there.

usage: web_site.py FOLDER PORT DEPTH

Makes FOLDER with the pages, nginx.conf, and `expected`: the lines that
tools/examples/multiprocessing/crawl prints for http://127.0.0.1:PORT/ and this
depth, sorted. The links are known here, so that the truth is no crawler's.
"""
import os
import sys

PAGES = 100
folder, port, depth_max = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
origin = f"http://127.0.0.1:{port}"

# What is where: path -> (status, paths that it leads to).
site = {"/": (200, ["/p/0.html", "/deep/0.html", "/loop/a", "/data.bin",
                    "/secret/open.html", "/slow/0.html", "/slow/1.html"])}
pages = {"/": None}  # path -> text that is to be written, None: of its links


def page(i):
    """Two further ones, one back, itself, and by other spellings."""
    links = [2 * i + 1, 2 * i + 2, i // 2, (i * 7 + 3) % PAGES]
    paths = [f"/p/{k}.html" for k in links if k < PAGES] + [f"/p/{i}.html"]
    more = []
    if i % 10 == 0:
        more += [f"/missing/{i}", "/secret/%d.html" % i, f"/go/{i}"]
    hrefs = [f"./{i}.html#again", f"../p/{i}.html", f"{i}.html?",
             f"HTTP://127.0.0.1:{port}/p/{i // 2}.html", "mailto:a@b.c",
             "http://127.0.0.99:1/elsewhere", "javascript:void(0)"]
    text = "".join(f'<a href="{p}">x</a>\n' for p in paths + more)
    text += "".join(f"<A class=y HREF='{h}'>y</A>\n" for h in hrefs)
    text += "<!-- <a href='/trap/comment'> -->\n"
    text += "<script>'<a href=\"/trap/script\">'</script>\n"
    site[f"/p/{i}.html"] = (200, paths + more)
    pages[f"/p/{i}.html"] = f"<!doctype html><html><body>\n{text}</body>"
    for path in more:
        site[path] = (404, [])


for n in range(PAGES):
    page(n)
for n in range(0, PAGES, 10):
    site[f"/go/{n}"] = (302, [f"/p/{(n + 77) % PAGES}.html"])
for n in range(2 * depth_max + 5):
    site[f"/deep/{n}.html"] = (200, [f"/deep/{n + 1}.html"])
    pages[f"/deep/{n}.html"] = None
site["/loop/a"] = (301, ["/loop/b"])
site["/loop/b"] = (301, ["/loop/a"])
site["/data.bin"] = (200, [])
pages["/data.bin"] = '\0\1\2<a href="/trap/binary">'
site["/secret/open.html"] = (200, [])
pages["/secret/open.html"] = "no links\n"
for n in range(2):
    site[f"/slow/{n}.html"] = (200, ["/p/1.html"])
    pages[f"/slow/{n}.html"] = '<a href="/p/1.html">' + "z" * 300


def truth():
    """Status and URL of each, one depth after the other."""
    seen, level, lines = {"/"}, ["/"], []
    for _ in range(depth_max + 1):
        later = []
        for path in level:
            if path.startswith("/secret/") and path != "/secret/open.html":
                lines.append(f"disallowed {origin}{path}")
                continue
            status, links = site.get(path, (404, []))
            lines.append(f"{status} {origin}{path}")
            for link in links:
                if link not in seen:
                    seen.add(link)
                    later.append(link)
        level = later
    return sorted(lines)


def write(path, text):
    """A file of the folder."""
    path = os.path.join(folder, path.lstrip("/"))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


for where, text in pages.items():
    if text is None:
        text = "".join(f'<a href="{link}">' for link in site[where][1])
    write("www/" + (where if where != "/" else "index.html"), text)
write("www/robots.txt", """User-agent: *
Disallow: /

User-agent: reeve-crawl
Crawl-delay: 0.01
Disallow: /secret/
Allow: /secret/open.html
""")
temps = "".join(f"    {kind}_temp_path {folder}/temp;\n" for kind in (
    "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
gone = "".join(f"""	location = /go/{n} {{ return 302 ..{site[f"/go/{n}"][1][0]}; }}
""" for n in range(0, PAGES, 10))
write("nginx.conf", f"""{"user root;" if os.getuid() == 0 else ""}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
{temps}    types {{ text/html html; }}
    default_type application/octet-stream;
    log_format plain '$msec $request_time $status $request_uri';
    access_log {folder}/access.log plain;
    server {{
	listen 127.0.0.1:{port};
	root {folder}/www;
	absolute_redirect off;
	location = /ready {{ access_log off; return 200 "yes"; }}
	location /slow/ {{ limit_rate 400; }}
	location = /loop/a {{ return 301 /loop/b; }}
	location = /loop/b {{ return 301 http://$http_host/loop/a; }}
{gone}    }}
}}
""")
write("expected", "\n".join(truth()) + "\n")
