// SPDX-License-Identifier: MIT
// A host in C++17 on installed headers: a tree with a worker, watched by a
// lambda, driven by poll, shut down when the worker has ended.
#include <cstdio>
#include <cstdlib>
#include <poll.h>
#include <string>
#include <unistd.h>

#include <reeve/loop_poll.h>
#include <reeve/reeve.h>

int
main(int argc, char **argv)
{
	if (argc < 3) {
		return 2;
	}
	bool finished = false;
	std::string seen;
	reeve_error err = {};
	reeve_callbacks callbacks = {};
	callbacks.finished = [](void *ctx, bool) {
		*static_cast<bool *>(ctx) = true;
	};
	reeve_options options = {};
	options.size = sizeof(options);
	options.name = "cxx";
	options.state_dir = argv[1];
	options.libexec_dir = argv[2];
	options.callbacks = &callbacks;
	options.ctx = &finished;

	reeve *runtime = nullptr;
	if (reeve_create(&runtime, &options, &err) != REEVE_OK) {
		std::fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	struct watcher {
		reeve *runtime;
		std::string *seen;
	} watcher = { runtime, &seen };
	reeve_watch_options watch = {};
	watch.size = sizeof(watch);
	watch.units = "hello";
	watch.kinds = "worker.exited";
	watch.ctx = &watcher;
	watch.event = [](void *ctx, const reeve_event *event) {
		auto *w = static_cast<struct watcher *>(ctx);
		*w->seen = event->path;
		reeve_shutdown(w->runtime, "seen");
	};
	reeve_worker_options hello = {};
	hello.size = sizeof(hello);
	hello.command = "/bin/echo hello";
	if (reeve_watch(runtime, &watch, nullptr, &err) != REEVE_OK ||
	    reeve_add_worker(runtime, "hello", &hello, &err) != REEVE_OK ||
	    reeve_commit(runtime, &err) != REEVE_OK) {
		std::fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	while (!finished) {
		pollfd p;
		int ms = reeve_poll_prepare(runtime, &p, -1);

		poll(&p, 1, ms);
		if (reeve_dispatch(runtime, &err) != REEVE_OK) {
			std::fprintf(stderr, "%s\n", err.text);
			return 1;
		}
	}
	pollfd last = { -1, POLLIN, 0 };
	while ((last.fd = reeve_last_words(runtime)) != -1) {
		poll(&last, 1, -1);
		close(last.fd);
	}
	reeve_destroy(runtime);
	std::printf("%s\n", seen.c_str());
	return seen == "hello" ? 0 : 1;
}
