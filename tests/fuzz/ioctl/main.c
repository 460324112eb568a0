// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Usage: fuzz_ioctl [CALLS [SEED]]
 *
 * Fuzzes the driver's calls: CALLS of them (40000), by processes of several threads that share their files,
 * some without privileges, which end in the middle or are killed, while now and then the card is reset. Calls
 * are chosen by chance (calls.c), most of them good ones: it is no test of the driver when less than three in
 * ten succeed or one never does. SEED (or NPU_SEED) repeats a run as far as the scheduler lets it.
 *
 * What goes wrong the kernel says, by its log and by what does not end; this wants its debug options, root and
 * a card with inject=on. Here is only asked that nobody died of anything else, that the card then is empty and
 * works, and, where the kernel counts that (sysctl.vm.mem_profiling=1), that its modules hold no more memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../vm/ioctl/npu_test.h"
#include "fuzz.h"
#include "memory.h"

#define PROCESSES	3
/* A process is killed then, whatever it waits for; some are sooner. */
#define LIFE_MS		30000
#define SHORT_LIFE_MS	3000
/* A call that is the same after that time waits for something, and is interrupted. */
#define WAIT_MS		500
/* In so many calls the card is reset, and a dump taken. */
#define RESET_EVERY	10000
#define DUMP_EVERY	5000
/* Too few calls for each kind to have had its luck. */
#define FEW_CALLS	30000

struct fuzz_shared *fuzz_shared;
struct kcov fuzz_kcov;
char fuzz_card[32];

static uint64_t calls = 40000, seed;
static unsigned int processes, killed, resets, dumps;
static bool memory_known;

/* ---- The card ----------------------------------------------------------------------------------- */

/* It works. */
static void run_job(int fd)
{
	const uint64_t regions[2] = { DATA_VA, DATA_VA + 0x1000 };
	uint32_t vm = npu_vm_create(fd), sync = npu_syncobj_create(fd);
	struct npu_buf code = npu_buf_create(fd, vm, CODE_VA, CODE_SIZE, DRM_NPU_BO_LOCAL);
	struct npu_q q = npu_queue_create(fd, vm, DRM_NPU_PRIORITY_NORMAL, 0);
	uint64_t seqno;

	memset(code.map + DATA_VA - CODE_VA, 0x5a, 64);
	seqno = npu_submit(&q, CODE_VA, npu_put_copy(code.map, 64), regions, 2, 10, 0, sync);
	npu_syncobj_wait(fd, sync);
	assert_int_equal(npu_queue_result(&q, seqno).error, 0);
	assert_memory_equal(code.map + DATA_VA - CODE_VA, code.map + DATA_VA - CODE_VA + 0x1000, 64);
	npu_queue_unmap(&q);
	munmap(code.map, CODE_SIZE);
}

/* Reads the dump of a job that went wrong, if there is one, and lets go of it: there may be another then. */
static void take_dump(void)
{
	char path[128], part[4096];
	int file;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/devcoredump/data", fuzz_card);
	file = open(path, O_RDWR | O_CLOEXEC);
	if (file < 0)
		return;
	while (read(file, part, sizeof(part)) > 0)
		;
	dumps += write(file, "1", 1) == 1;
	close(file);
}

/* ---- A process ---------------------------------------------------------------------------------- */

static bool take_call(uint64_t *quota)
{
	uint64_t left;

	if (!__atomic_load_n(quota, __ATOMIC_RELAXED))
		return false;
	__atomic_sub_fetch(quota, 1, __ATOMIC_RELAXED);
	left = __atomic_load_n(&fuzz_shared->budget, __ATOMIC_RELAXED);
	while (left && !__atomic_compare_exchange_n(&fuzz_shared->budget, &left, left - 1, true,
						    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	return left;
}

static uint64_t process_quota;
static struct fuzz_thread threads[THREADS];

/* Makes waits end, with what they say when they are interrupted. */
static void *interrupt_waits(void *arg)
{
	uint64_t seen[THREADS] = {};

	(void)arg;
	for (;;) {
		usleep(WAIT_MS * 1000);
		for (unsigned int i = 0; i < THREADS; i++) {
			uint64_t begun = __atomic_load_n(&threads[i].begun, __ATOMIC_RELAXED);

			if (begun == seen[i] && begun % 2)
				pthread_kill(threads[i].id, SIGUSR1);
			seen[i] = begun;
		}
	}
	return NULL;
}

static void nothing(int signal)
{
	(void)signal;
}

/* Calls are not restarted after it. */
static void signal_interrupts(void)
{
	const struct sigaction action = { .sa_handler = nothing };

	sigaction(SIGUSR1, &action, NULL);
}

static void *run_thread(void *arg)
{
	struct fuzz_thread *t = arg;

	kcov_trace_start(t->trace, t->trace_fd);
	while (take_call(&process_quota))
		fuzz_call(t);
	/* With all that is open, and whatever the others are doing. */
	_exit(0);
}

static void reserve(uint64_t at, uint64_t size, int prot)
{
	if (mmap((void *)at, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
		 0) == MAP_FAILED) {
		perror("reserving memory");
		_exit(2);
	}
}

static void run_process(uint64_t random)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
	pthread_t id;

	/* cmocka's handler would go on with the tests, in the child. */
	for (unsigned int i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
	reserve(ARENA, MAPS * ARENA_SLOT, PROT_NONE);
	reserve(SANDBOX, THREADS * SANDBOX_SIZE, PROT_READ | PROT_WRITE);
	for (unsigned int i = 0; i < THREADS; i++) {
		threads[i].random = random + i;
		threads[i].index = i;
		if (pipe2(threads[i].pipe, O_CLOEXEC | O_NONBLOCK))
			_exit(5);
		threads[i].trace = kcov_trace_create(&fuzz_kcov, &threads[i].trace_fd);
	}
	while (open("/dev/null", O_RDONLY | O_CLOEXEC) < FIRST_FD - 1)
		;
	if (chance(&threads[0], 3) && setuid(65534))
		_exit(3);
	process_quota = 1000 + roll(&threads[0], 30000);
	world_init();
	for (unsigned int i = 0; i < FILES; i++)
		world_open(&threads[0], i);
	threads[0].id = pthread_self();
	for (unsigned int i = 1; i < THREADS; i++)
		if (pthread_create(&threads[i].id, NULL, run_thread, &threads[i]))
			_exit(4);
	if (pthread_create(&id, NULL, interrupt_waits, NULL))
		_exit(4);
	run_thread(&threads[0]);
}

/* ---- All of them -------------------------------------------------------------------------------- */

struct process {
	pid_t pid;
	uint64_t start;
	uint64_t life;	/* ms */
	bool killed;
};

static uint64_t now_ms(void)
{
	return fuzz_now_ns() / 1000000;
}

static void start(struct fuzz_thread *t, struct process *p)
{
	uint64_t random = fuzz_random(t);

	*p = (struct process) {
		.start = now_ms(),
		.life = chance(t, 4) ? roll(t, SHORT_LIFE_MS) : LIFE_MS,
		.pid = fork(),
	};
	assert_true(p->pid >= 0);
	if (!p->pid) {
		run_process(random);
		_exit(0);
	}
	processes++;
}

/* Looks whether it has ended, as it may; true when it has. */
static bool ended(struct process *p)
{
	int status;

	if (waitpid(p->pid, &status, WNOHANG) == 0)
		return false;
	if (WIFSIGNALED(status) && !(p->killed && WTERMSIG(status) == SIGKILL))
		fail_msg("a process died of signal %d", WTERMSIG(status));
	if (WIFEXITED(status) && WEXITSTATUS(status))
		fail_msg("a process ended with %d", WEXITSTATUS(status));
	return true;
}

static void watch(struct process *p)
{
	uint64_t age = now_ms() - p->start;

	if (!p->killed && age > p->life) {
		kill(p->pid, SIGKILL);
		p->killed = true;
		killed++;
	}
	/* What it waits for must let it go, however slow the machine. */
	if (age > p->life + 300000)
		fail_msg("process %d cannot be killed", p->pid);
}

static uint64_t budget_left(void)
{
	return __atomic_load_n(&fuzz_shared->budget, __ATOMIC_RELAXED);
}

/* What is done now and then, when so many calls are left: true when it is time for the next. */
static bool due(uint64_t left, uint64_t every, uint64_t *last)
{
	if (*last - left < every)
		return false;
	*last = left;
	return true;
}

static void test_calls(void **state)
{
	struct fuzz_thread t = { .random = seed };
	struct process p[PROCESSES];
	uint64_t begin = now_ms(), reset_last = calls, dump_last = calls, told_last = calls, left;
	int fd = npu_open();

	(void)state;
	npu_pci_name(fd, fuzz_card, sizeof(fuzz_card));
	/* What the first job ever makes, and keeps, is no leak. */
	run_job(fd);
	close(fd);
	fd = npu_open();
	npu_expect_empty(fd);
	memory_known = memory_begin();
	for (int i = 0; i < PROCESSES; i++)
		start(&t, &p[i]);
	while ((left = budget_left())) {
		usleep(100000);
		for (int i = 0; i < PROCESSES; i++) {
			watch(&p[i]);
			if (ended(&p[i]))
				start(&t, &p[i]);
		}
		if (due(left, RESET_EVERY, &reset_last)) {
			assert_int_equal(npu_sysfs_write(fd, "reset", "1"), 0);
			resets++;
		}
		if (due(left, DUMP_EVERY, &dump_last))
			take_dump();
		if (due(left, calls / 10 + 1, &told_last))
			print_message("%llu calls in %llu s\n", (unsigned long long)(calls - left),
				      (unsigned long long)(now_ms() - begin) / 1000);
	}
	for (int i = 0; i < PROCESSES; i++) {
		while (!ended(&p[i])) {
			watch(&p[i]);
			usleep(100000);
		}
	}
	begin = now_ms() - begin;
	print_message("of the card: %lld jobs, %lld errors, %lld timeouts, %lld resets\n", npu_sysfs(fd, "jobs"),
		      npu_sysfs(fd, "errors"), npu_sysfs(fd, "timeouts"), npu_sysfs(fd, "resets"));
	print_message("%u processes of %u threads, %u killed, %u resets, %u dumps; %llu.%llu s, %llu calls/s\n",
		      processes, THREADS, killed, resets, dumps, (unsigned long long)begin / 1000,
		      (unsigned long long)begin / 100 % 10, (unsigned long long)(calls * 1000 / (begin ?: 1)));
	close(fd);
}

/* ---- What came of it ---------------------------------------------------------------------------- */

/* All the time that calls of a kind kept a processor, of what is known of some of them. */
static uint64_t time_of(int op)
{
	return fuzz_shared->ns[op] / (fuzz_shared->timed[op] ?: 1) * fuzz_shared->made[op];
}

static void test_share(void **state)
{
	uint64_t made = 0, good = 0, ns = 0;

	(void)state;
	for (int op = 0; op < OPS; op++)
		ns += time_of(op);
	print_message("%-18s %8s %8s %6s %5s  errors\n", "", "calls", "good", "us", "time");
	for (int op = 0; op < OPS; op++) {
		const uint64_t *errors = fuzz_shared->errors[op];

		made += fuzz_shared->made[op];
		good += errors[0];
		print_message("%-18s %8llu %8llu %6llu %3llu %% ", fuzz_name(op),
			      (unsigned long long)fuzz_shared->made[op], (unsigned long long)errors[0],
			      (unsigned long long)(fuzz_shared->ns[op] / (fuzz_shared->timed[op] ?: 1) / 1000),
			      (unsigned long long)(time_of(op) * 100 / (ns ?: 1)));
		for (int e = 1; e < FUZZ_ERRNOS; e++)
			if (errors[e])
				print_message(" %s %llu", strerrorname_np(e) ?: "?",
					      (unsigned long long)errors[e]);
		print_message("\n");
	}
	print_message("%llu of %llu calls went well: %llu %%\n", (unsigned long long)good,
		      (unsigned long long)made, (unsigned long long)(good * 100 / made));
	/* Those under way when a process ends are not counted. */
	assert_true(made + processes * THREADS >= calls);
	assert_true(good * 10 >= made * 3);
	/* Debian's kernels have no sw_sync. */
	for (int op = 0; op < OPS && calls >= FEW_CALLS; op++)
		if (!fuzz_shared->errors[op][0] &&
		    (op != OP_SW_SYNC || !access("/sys/kernel/debug/sync/sw_sync", W_OK)))
			fail_msg("%s never went well", fuzz_name(op));
}

static void test_coverage(void **state)
{
	size_t reached;

	(void)state;
	if (!fuzz_kcov.hit)
		skip();
	reached = kcov_reached(&fuzz_kcov);
	print_message("reached %zu of the %zu points of npu.ko: %zu %%\n", reached, fuzz_kcov.points,
		      reached * 100 / fuzz_kcov.points);
	assert_in_range(reached, fuzz_kcov.points / 4, fuzz_kcov.points);
}

/* The card is as it was, and works. */
static void test_afterwards(void **state)
{
	int fd = npu_open();

	(void)state;
	npu_expect_empty(fd);
	assert_int_equal(npu_sysfs(fd, "wedged"), 0);
	run_job(fd);
	close(fd);
}

/* Nothing is kept that was not there before; what works still give back is waited for. */
static void test_memory(void **state)
{
	(void)state;
	if (!memory_known)
		skip();
	for (int i = 0; i < 20 && memory_grown(false); i++) {
		take_dump();
		sleep(1);
	}
	assert_int_equal(memory_grown(true), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_coverage),
		cmocka_unit_test(test_afterwards),
		cmocka_unit_test(test_memory),
	};
	const char *given = argc > 2 ? argv[2] : getenv("NPU_SEED");

	if (argc > 1)
		calls = strtoull(argv[1], NULL, 0);
	seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	printf("fuzz_ioctl: %llu calls, seed %llu\n", (unsigned long long)calls, (unsigned long long)seed);
	fflush(stdout);
	fuzz_shared = mmap(NULL, sizeof(*fuzz_shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fuzz_shared == MAP_FAILED || !calls)
		return 2;
	fuzz_shared->budget = calls;
	kcov_open(&fuzz_kcov, "/modules/npu.ko");
	signal_interrupts();
	/* For those without privileges. */
	if (chmod("/dev/accel/accel0", 0666)) {
		perror("/dev/accel/accel0");
		return 2;
	}
	return cmocka_run_group_tests_name("fuzz_ioctl", tests, NULL, NULL);
}
