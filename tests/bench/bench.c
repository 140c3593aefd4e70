/* SPDX-License-Identifier: MIT */
/* The harness of the benches; see the header. */
#include "config.h"

#include "bench/bench.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char dir[64];
static int missed;
bool bench_settled, bench_finished;

int64_t
bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double
bench_median(double *values, size_t n)
{
	qsort(values, n, sizeof(values[0]), by_value);
	return n % 2 == 1 ? values[n / 2]
			  : (values[n / 2 - 1] + values[n / 2]) / 2;
}

unsigned
bench_rounds(unsigned n)
{
	const char *text = getenv("REEVE_BENCH_ROUNDS");

	return text != NULL ? (unsigned)strtoul(text, NULL, 10) : n;
}

void
bench_ratio(const char *name, double ours, double raw, const char *unit,
    double bound, bool at_least)
{
	double ratio = ours / raw;
	bool good = at_least ? ratio >= bound : ratio <= bound;

	printf("%-34s reeve %10.3f %-5s raw %10.3f %-5s ratio %6.2f (%s "
	       "%.2f: %s)\n",
	    name, ours, unit, raw, unit, ratio,
	    at_least ? "at least" : "at most", bound, good ? "yes" : "NO");
	missed |= !good;
}

void
bench_figure(const char *name, double value, const char *unit, double bound,
    bool at_most)
{
	bool good = !at_most || value <= bound;

	printf("%-34s reeve %10.3f %-5s", name, value, unit);
	if (at_most) {
		printf(" (at most %.2f: %s)", bound, good ? "yes" : "NO");
	}
	putchar('\n');
	missed |= !good;
}

int
bench_verdict(void)
{
	return missed;
}

const char *
bench_dir(void)
{
	if (dir[0] == '\0') {
		snprintf(dir, sizeof(dir), "/tmp/reeve-bench.XXXXXX");
		if (mkdtemp(dir) == NULL) {
			perror("bench: cannot make a folder");
			exit(2);
		}
	}
	return dir;
}

const char *
bench_build(void)
{
	const char *build = getenv("REEVE_LIBEXEC");

	return build != NULL ? build : ".";
}

/* Wait for the end of a program that is run for its effect. */
static void
run(char *const *argv)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	waitpid(pid, &status, 0);
}

void
bench_end(void)
{
	char rm[] = "rm", rf[] = "-rf";
	char *argv[] = { rm, rf, dir, NULL };

	if (dir[0] != '\0') {
		run(argv);
		dir[0] = '\0';
	}
}

struct bench_stamps *
bench_stamps_open(const char *path, bool create)
{
	int fd = open(path, O_RDWR | (create ? O_CREAT | O_TRUNC : 0), 0666);
	void *map;

	if (fd == -1 ||
	    (create && ftruncate(fd, sizeof(struct bench_stamps)) != 0)) {
		perror(path);
		exit(2);
	}
	map = mmap(NULL, sizeof(struct bench_stamps), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED) {
		perror(path);
		exit(2);
	}
	return map;
}

void
bench_stamp_at(struct bench_stamps *stamps, int worker, int64_t at)
{
	uint64_t i = __atomic_fetch_add(&stamps->n, 1, __ATOMIC_SEQ_CST);

	if (i < BENCH_STAMPS) {
		stamps->stamp[i].pid = (int32_t)getpid();
		stamps->stamp[i].worker = worker;
		__atomic_store_n(&stamps->stamp[i].at, at, __ATOMIC_RELEASE);
	}
}

void
bench_stamp(struct bench_stamps *stamps, int worker)
{
	bench_stamp_at(stamps, worker, bench_now());
}

bool
bench_await(struct bench_stamps *stamps, uint64_t n)
{
	int64_t until = bench_now() + INT64_C(60000000000);

	while (
	    __atomic_load_n(&stamps->n, __ATOMIC_ACQUIRE) < n ||
	    __atomic_load_n(&stamps->stamp[n - 1].at, __ATOMIC_ACQUIRE) == 0) {
		if (bench_now() > until) {
			return false;
		}
		poll(NULL, 0, 1);
	}
	return true;
}

pid_t
bench_reeve(const char *members)
{
	char config[128], program[512];
	FILE *file;
	pid_t pid;
	int null;

	snprintf(config, sizeof(config), "%s/reeve.json", bench_dir());
	snprintf(program, sizeof(program), "%s/reeve", bench_build());
	file = fopen(config, "w");
	/* What libtool sets for programs of a build tree is not for workers. */
	fprintf(file,
	    "{\"state_dir\": \"%s/state\", \"defaults\": {\"environment\": "
	    "{\"LD_LIBRARY_PATH\": \"\"}},\n%s}\n",
	    dir, members);
	fclose(file);
	pid = fork();
	if (pid == 0) {
		null = open("/dev/null", O_RDWR);
		dup2(null, 1);
		execl(program, "reeve", "-c", config, "run", (char *)NULL);
		_exit(127);
	}
	return pid;
}

void
bench_reeve_stop(pid_t pid)
{
	int status;

	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	if (status != 0) {
		fprintf(stderr, "bench: reeve run ended with %d\n", status);
		missed = 1;
	}
}

long
bench_pss_kib(pid_t pid)
{
	char path[64], line[512];
	long sum = 0, n;
	bool ring = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
	file = fopen(path, "r");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (strchr(line, '-') != NULL && strchr(line, ':') != NULL &&
		    line[0] != 'V') {
			ring = strstr(line, "/ring-") != NULL;
		}
		if (!ring && sscanf(line, "Pss: %ld kB", &n) == 1) {
			sum += n;
		}
	}
	if (file != NULL) {
		fclose(file);
	}
	return sum;
}

static long
switches_of(const char *path)
{
	char line[256];
	long sum = 0, n;
	FILE *file = fopen(path, "r");

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "voluntary_ctxt_switches: %ld", &n) == 1 ||
		    sscanf(line, "nonvoluntary_ctxt_switches: %ld", &n) == 1) {
			sum += n;
		}
	}
	if (file != NULL) {
		fclose(file);
	}
	return sum;
}

long
bench_switches(pid_t pid)
{
	char path[600];
	struct dirent *entry;
	long sum = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
		if (entry->d_name[0] != '.') {
			snprintf(path, sizeof(path), "/proc/%d/task/%s/status",
			    (int)pid, entry->d_name);
			sum += switches_of(path);
		}
	}
	if (tasks != NULL) {
		closedir(tasks);
	}
	return sum;
}

unsigned
bench_children(pid_t pid, pid_t *list, unsigned max)
{
	char path[64];
	unsigned n = 0;
	int child;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid,
	    (int)pid);
	file = fopen(path, "r");
	while (file != NULL && n < max && fscanf(file, "%d", &child) == 1) {
		list[n++] = child;
	}
	if (file != NULL) {
		fclose(file);
	}
	return n;
}

void
bench_on_settled(void *ctx)
{
	(void)ctx;
	bench_settled = true;
}

void
bench_on_finished(void *ctx, bool gave_up)
{
	(void)ctx;
	(void)gave_up;
	bench_finished = true;
}

void
bench_python(const char *name_of_script, unsigned rounds)
{
	const char *sources = getenv("REEVE_BENCH_SOURCES");
	char script[512], count[16], out[128], method[32], name[64];
	double us;
	FILE *file;
	pid_t pid;

	snprintf(script, sizeof(script), "%s/%s",
	    sources != NULL ? sources : "tests/bench", name_of_script);
	snprintf(count, sizeof(count), "%u", rounds);
	snprintf(out, sizeof(out), "%s/python", bench_dir());
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		dup2(open(out, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), 1);
		execlp("python3", "python3", script, count, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	file = fopen(out, "r");
	while (file != NULL && fscanf(file, "%31s %lf", method, &us) == 2) {
		snprintf(
		    name, sizeof(name), "python multiprocessing, %s", method);
		printf("%-34s       %10.3f us\n", name, us);
	}
	if (file != NULL) {
		fclose(file);
	}
}
