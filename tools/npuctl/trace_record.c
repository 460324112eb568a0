// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Recording npu.ko's tracepoints by an instance of tracefs of its own, so that nobody else's
 * tracing is touched, while a command runs or for some time; and looking at the cards meanwhile.
 *
 * Whatever becomes of this process, the instance does not stay: a second process, the keeper, waits
 * for the end of a pipe that only this one holds, and removes it then. Events end with their
 * instance.
 *
 * Of a snapshot, /trace has what tracefs told, and the cards are looked at twice (docs/npuctl.md,
 * "Snapshots").
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "system.h"
#include "trace.h"

#define TRACEFS "/sys/kernel/tracing"

/* Of each processor, read out every DRAIN_MS. */
#define BUFFER_KIB "2048"
#define DRAIN_MS   50

/* So long others may still hold what the instance has. */
#define REMOVE_MS 5000

extern char **environ;

static int64_t now_mono(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* ---- The instance ---------------------------------------------------------------------------- */

/**
 * struct instance - the keeper's, too
 * @dir: its folder
 * @keeper: process; 0: none
 * @hold: the pipe whose end it waits for
 * @pipe: trace_pipe, not blocking
 */
struct instance {
	char dir[64];
	pid_t keeper;
	int hold, pipe;
};

/* Returns 0 or a negative errno. */
static int write_file(const struct instance *x, const char *file, const char *text)
{
	char path[PATH_MAX];
	ssize_t n, size = strlen(text);
	int fd, error = 0;

	snprintf(path, sizeof(path), "%s/%s", x->dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = write(fd, text, size);
	if (n != size)
		error = n < 0 ? -errno : -EIO;
	close(fd);
	return error;
}

static void pause_ms(int ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000L }, NULL);
}

/* Runs in the keeper: waits, removes, ends. */
static void keep(const struct instance *x, int end)
{
	sigset_t all;
	char none;
	int error = 0;

	/* Whoever ends the process group means npuctl; the keeper comes after it. */
	setsid();
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	while (read(end, &none, 1) < 0 && errno == EINTR)
		;
	write_file(x, "tracing_on", "0");
	write_file(x, "events/npu/enable", "0");
	for (int ms = 0; ms < REMOVE_MS; ms += 10) {
		error = rmdir(x->dir) ? errno : 0;
		if (error != EBUSY)
			break;
		pause_ms(10);
	}
	/* It may never have been made: for want of permission, say. */
	_exit(!error || error == ENOENT || error == EACCES ? 0 : 1);
}

static int start_keeper(struct instance *x)
{
	int end[2];

	if (pipe2(end, O_CLOEXEC))
		return -errno;
	fflush(NULL);
	x->keeper = fork();
	if (x->keeper < 0) {
		x->keeper = 0;
		close(end[0]);
		close(end[1]);
		return -errno;
	}
	if (!x->keeper) {
		close(end[1]);
		keep(x, end[0]);
	}
	close(end[0]);
	x->hold = end[1];
	return 0;
}

/* False: it stays. */
static bool end_instance(struct instance *x)
{
	int status = 0;

	if (x->pipe >= 0)
		close(x->pipe);
	if (!x->keeper)
		return true;
	close(x->hold);
	while (waitpid(x->keeper, &status, 0) < 0 && errno == EINTR)
		;
	x->keeper = 0;
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

static int no_tracing(int error)
{
	if ((error == -EACCES || error == -EPERM) && !geteuid())
		return complain(NPUCTL_FAILED,
				"the kernel does not let even root record its events "
				"here: it is locked down, or this is a container");
	if (error == -EACCES || error == -EPERM)
		return complain(NPUCTL_FAILED,
				"only root may record the kernel's events: sudo npuctl trace ...; "
				"npuctl trace MODEL.npu needs no right");
	if (error == -ENOENT)
		return complain(NPUCTL_FAILED, "there is no " TRACEFS
					       "/instances: sudo mount -t tracefs nodev " TRACEFS
					       ", if this kernel has tracing");
	return complain(NPUCTL_FAILED, TRACEFS ": %s", strerror(-error));
}

/* Records from its end on; @begin is set to that time. */
static int begin_instance(struct instance *x, int64_t *begin)
{
	char path[PATH_MAX];
	int error;

	*x = (struct instance){ .hold = -1, .pipe = -1 };
	snprintf(x->dir, sizeof(x->dir), TRACEFS "/instances/npuctl-%ld", (long)getpid());
	error = start_keeper(x);
	if (error)
		return complain(NPUCTL_FAILED, "cannot begin to record: %s", strerror(-error));
	if (mkdir(x->dir, 0700))
		return no_tracing(-errno);
	/* Without the process a thread stands for itself; with little room more is lost. */
	write_file(x, "options/record-tgid", "1");
	write_file(x, "buffer_size_kb", BUFFER_KIB);
	error = write_file(x, "trace_clock", "mono");
	if (error)
		return no_tracing(error);
	snprintf(path, sizeof(path), "%s/trace_pipe", x->dir);
	x->pipe = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (x->pipe < 0)
		return no_tracing(-errno);
	*begin = now_mono();
	error = write_file(x, "events/npu/enable", "1");
	if (error == -ENOENT)
		return complain(NPUCTL_FAILED,
				"npu.ko of this kernel has no tracepoints; npuctl doctor tells how "
				"the driver is");
	return error ? no_tracing(error) : NPUCTL_DONE;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/** struct lines - bytes of which no line has come to its end */
struct lines {
	char text[8192];
	size_t size;
};

static void take_lines(struct lines *l, struct trace_events *events)
{
	char *line = l->text, *end;

	while ((end = memchr(line, '\n', l->text + l->size - line))) {
		*end = 0;
		trace_events_line(events, line);
		line = end + 1;
	}
	l->size -= line - l->text;
	memmove(l->text, line, l->size);
	/* No line of ours is that long. */
	if (l->size == sizeof(l->text))
		l->size = 0;
}

static void drain(const struct instance *x, struct lines *l, struct trace_events *events)
{
	ssize_t n;

	while ((n = read(x->pipe, l->text + l->size, sizeof(l->text) - l->size)) > 0) {
		l->size += n;
		take_lines(l, events);
	}
}

/* What the processors' buffers had no room for. */
static uint64_t count_overruns(const struct instance *x)
{
	uint64_t lost = 0;

	for (long cpu = 0; cpu < sysconf(_SC_NPROCESSORS_CONF); cpu++) {
		char path[PATH_MAX], line[128];
		unsigned long long count;
		FILE *f;

		snprintf(path, sizeof(path), "%s/per_cpu/cpu%ld/stats", x->dir, cpu);
		f = fopen(path, "re");
		while (f && fgets(line, sizeof(line), f))
			if (sscanf(line, "overrun: %llu", &count) == 1 ||
			    sscanf(line, "dropped events: %llu", &count) == 1)
				lost += count;
		if (f)
			fclose(f);
	}
	return lost;
}

/* ---- While it runs --------------------------------------------------------------------------- */

/**
 * struct session - a recording under way
 * @signals: a signalfd
 * @command: process; 0: none, or it has ended
 * @stopped: signals that asked for an end
 */
struct session {
	const struct trace_request *request;
	struct trace_record *record;
	struct instance instance;
	struct lines lines;
	struct sampler *sampler;
	struct sample before;
	int signals;
	sigset_t mask;
	pid_t command;
	unsigned int stopped;
};

static void look(struct session *s)
{
	struct trace_record *r = s->record;
	struct sample now;

	/* Who uses which card matters where there are several. */
	if (r->cards.cards > 1)
		sample_take(s->sampler, &now);
	else
		sample_take_cards(s->sampler, &now);
	trace_cards_see(&r->cards, &now);
	trace_counters(&r->counters, &r->cards, s->before.cards ? &s->before : NULL, &now,
		       r->begin);
	sample_free(&s->before);
	s->before = now;
}

static int start_command(struct session *s)
{
	posix_spawnattr_t attributes;
	sigset_t none;
	int error;

	sigemptyset(&none);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	error = posix_spawnp(&s->command, s->request->argv[0], NULL, &attributes, s->request->argv,
			     environ);
	posix_spawnattr_destroy(&attributes);
	if (!error)
		return NPUCTL_DONE;
	s->command = 0;
	return complain(NPUCTL_FAILED, "%s: %s", s->request->argv[0], strerror(error));
}

/* A terminal's signals reach the command by themselves. */
static void take_signals(struct session *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			continue;
		s->stopped++;
		if (s->command && info.ssi_code != SI_KERNEL)
			kill(s->command, info.ssi_signo);
	}
}

/* The keeper ends after this. */
static void reap(struct session *s)
{
	if (s->command && waitpid(s->command, &s->record->status, WNOHANG) == s->command)
		s->command = 0;
}

static bool is_over(const struct session *s, int64_t end)
{
	if (s->record->events.full)
		return true;
	if (s->request->argv)
		return !s->command || s->stopped > 1;
	return s->stopped || now_mono() >= end;
}

static void follow(struct session *s)
{
	int64_t end = s->record->begin + s->request->seconds * INT64_C(1000000000);
	int64_t next = now_mono();

	while (!is_over(s, end)) {
		struct pollfd p = { .fd = s->signals, .events = POLLIN };

		if (now_mono() >= next) {
			look(s);
			next = now_mono() + s->request->interval_ms * INT64_C(1000000);
		}
		poll(&p, 1, DRAIN_MS);
		take_signals(s);
		reap(s);
		drain(&s->instance, &s->lines, &s->record->events);
	}
}

static int record_live(struct session *s)
{
	int r = begin_instance(&s->instance, &s->record->begin);

	if (!r && s->request->argv)
		r = start_command(s);
	if (!r) {
		follow(s);
		look(s);
		write_file(&s->instance, "events/npu/enable", "0");
		s->record->end = now_mono();
		drain(&s->instance, &s->lines, &s->record->events);
		/* trace_pipe tells of some of them, too. */
		s->record->events.lost = count_overruns(&s->instance);
	}
	if (!end_instance(&s->instance)) {
		complain(0, "%s could not be removed; as root: rmdir %s", s->instance.dir,
			 s->instance.dir);
		r = r ? r : NPUCTL_FAILED;
	}
	return r;
}

static int record_session(struct session *s)
{
	sigset_t old;
	int r;

	sigemptyset(&s->mask);
	sigaddset(&s->mask, SIGINT);
	sigaddset(&s->mask, SIGTERM);
	sigaddset(&s->mask, SIGHUP);
	sigaddset(&s->mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &s->mask, &old);
	s->signals = signalfd(-1, &s->mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signals < 0)
		r = complain(NPUCTL_FAILED, "signalfd: %s", strerror(errno));
	else
		r = record_live(s);
	if (s->signals >= 0) {
		/* What came late is not to end npuctl before it has written. */
		take_signals(s);
		close(s->signals);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	return r;
}

/* ---- Snapshots ------------------------------------------------------------------------------- */

static int read_recorded(struct session *s)
{
	struct trace_events *events = &s->record->events;
	char path[PATH_MAX], line[512];
	FILE *f;

	system_path(path, "/trace");
	f = fopen(path, "re");
	if (!f)
		return complain(NPUCTL_FAILED, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		trace_events_line(events, line);
	}
	fclose(f);
	trace_events_sort(events);
	s->record->begin = INT64_MAX;
	if (events->count) {
		s->record->begin = events->events[0].time;
		s->record->end = events->events[events->count - 1].time;
	}
	return NPUCTL_DONE;
}

static int record_snapshot(struct session *s)
{
	struct trace_record *r = s->record;
	int ret = read_recorded(s);
	struct sample now;
	char path[PATH_MAX];

	if (ret)
		return ret;
	sample_take(s->sampler, &now);
	trace_cards_see(&r->cards, &now);
	if (now.time_s * 1e9 < r->begin)
		r->begin = now.time_s * 1e9;
	trace_counters(&r->counters, &r->cards, NULL, &now, r->begin);
	s->before = now;
	system_path(path, "/later");
	if (!access(path, F_OK)) {
		setenv("NPUCTL_ROOT", path, 1);
		look(s);
		if (s->before.time_s * 1e9 > r->end)
			r->end = s->before.time_s * 1e9;
	}
	return NPUCTL_DONE;
}

/* ---- Both ------------------------------------------------------------------------------------ */

int trace_record(struct trace_record *r, const struct trace_request *request)
{
	struct session s = { .request = request, .record = r, .sampler = sampler_create() };
	struct sample first;
	int ret;

	memset(r, 0, sizeof(*r));
	if (*system_root()) {
		ret = record_snapshot(&s);
	} else {
		/* Cards are opened before, so that this is no part of it. */
		sample_take_cards(s.sampler, &first);
		trace_cards_see(&r->cards, &first);
		sample_free(&first);
		ret = record_session(&s);
		trace_events_sort(&r->events);
	}
	sample_free(&s.before);
	sampler_free(s.sampler);
	return ret;
}

void trace_record_free(struct trace_record *r)
{
	trace_events_free(&r->events);
	trace_cards_free(&r->cards);
	timeline_clear(&r->counters);
}
