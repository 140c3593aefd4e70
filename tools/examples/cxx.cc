/* SPDX-License-Identifier: MIT */
/*
 * A host in C++17, cxx [STATE_DIR]: a lambda watches what a worker raises, and
 * ends the tree at the third time; the runtime is owned by a unique_ptr.
 */
#include <cstdlib>
#include <iostream>
#include <memory>
#include <stdexcept>

#include <poll.h>

#include <reeve/child.h>
#include <reeve/function.h>
#include <reeve/loop_poll.h>
#include <reeve/reeve.h>

/* A worker, in a process of its own. No exception of C++ may leave it. */
static int
divide(const reeve_call *)
{
	try {
		throw std::domain_error("divided by zero");
	} catch (const std::exception &e) {
		reeve_raise("cxx.DomainError", "%s", e.what());
	}
}
REEVE_FUNCTION("cxx.divide", divide);

struct destroy {
	void operator()(reeve *r) const { reeve_destroy(r); }
};

/* A status that is not REEVE_OK as an exception. */
template <typename F>
static void
check(F call)
{
	reeve_error error{};

	if (call(&error) != REEVE_OK) {
		throw std::runtime_error(error.text);
	}
}

struct state {
	std::unique_ptr<reeve, destroy> runtime;
	int raised = 0;
	bool ended = false;
};

static void
run(const char *state_dir)
{
	state state;
	reeve_callbacks callbacks{};
	callbacks.finished = [](void *ctx, bool) {
		static_cast<struct state *>(ctx)->ended = true;
	};
	reeve_options options{};
	options.size = sizeof(options);
	options.name = "cxx";
	options.state_dir = state_dir;
	options.libexec_dir = std::getenv("REEVE_LIBEXEC");
	options.callbacks = &callbacks;
	options.ctx = &state;
	check([&](reeve_error *error) {
		reeve *made = nullptr;
		auto status = reeve_create(&made, &options, error);
		state.runtime.reset(made);
		return status;
	});

	/* Lambdas that capture nothing are what C can call. */
	reeve_watch_options watch{};
	watch.size = sizeof(watch);
	watch.ctx = &state;
	watch.exception = [](void *ctx, const reeve_exception *e) {
		auto &state = *static_cast<struct state *>(ctx);
		std::cout << e->path << " raised " << e->type << ": "
			  << e->message << std::endl;
		if (++state.raised == 3) {
			reeve_shutdown(state.runtime.get(), "seen enough");
		}
	};
	reeve_worker_options worker{};
	worker.size = sizeof(worker);
	worker.function = "cxx.divide";
	check([&](reeve_error *error) {
		return reeve_watch(
		    state.runtime.get(), &watch, nullptr, error);
	});
	check([&](reeve_error *error) {
		return reeve_add_worker(
		    state.runtime.get(), "divider", &worker, error);
	});
	check([&](reeve_error *error) {
		return reeve_commit(state.runtime.get(), error);
	});
	while (!state.ended) {
		pollfd entry;
		int ms = reeve_poll_prepare(state.runtime.get(), &entry, -1);

		poll(&entry, 1, ms);
		check([&](reeve_error *error) {
			return reeve_dispatch(state.runtime.get(), error);
		});
	}
}

int
main(int argc, char **argv)
{
	reeve_main(&argc, &argv); /* a worker does not come back from it */
	try {
		run(argc > 1 ? argv[1] : nullptr);
	} catch (const std::exception &e) {
		std::cerr << e.what() << std::endl;
		return 1;
	}
	return 0;
}
