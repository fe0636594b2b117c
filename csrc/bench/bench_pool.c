/*
 * What it costs to hand work to all threads and wait for them, which every operation of a token
 * pays: the time of a run of empty tasks, and the barrier, which is what a run of some microseconds
 * takes beyond its work shared out evenly. Both once more while another process never leaves one of
 * the cores. Usage: bench_pool [most threads]
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cores.h"
#include "cpu/cpu.h"
#include "support/measure.h"

enum {
  RUNS = 20000,
  TASKS = 32,       /* a small linear layer's */
  TASK_SPINS = 2500 /* about a microsecond */
};

static void empty_task(void *argument, int64_t index, int32_t thread) {
  (void)argument;
  (void)index;
  (void)thread;
}

static void spin_task(void *argument, int64_t index, int32_t thread) {
  (void)argument;
  (void)index;
  (void)thread;
  for (volatile int i = 0; i < TASK_SPINS; i++) {
  }
}

static double run_seconds(sks_device *device, int64_t tasks, sks_task *task) {
  double start = seconds();
  sks_pool_run(sks_cpu_of(device)->pool, tasks, task, NULL);
  return seconds() - start;
}

/* Sorted. */
static void run_times(sks_device *device, int64_t tasks, sks_task *task, double times[RUNS]) {
  for (int i = 0; i < RUNS; i++) times[i] = run_seconds(device, tasks, task);
  median(times, RUNS);
}

static void print_times(const double times[RUNS], double beyond) {
  double mean = 0;
  for (int i = 0; i < RUNS; i++) mean += times[i] / RUNS;
  printf(" %7.2f | %7.2f | %7.2f |", 1e6 * (times[RUNS / 2] - beyond), 1e6 * (mean - beyond),
         1e6 * (times[RUNS / 100 * 99] - beyond));
}

static void measure(int32_t threads, double work, const char *beside) {
  static double times[RUNS];
  sks_device *device;
  check(sks_device_open_cpu(threads, NULL, &device));
  printf("| %7d | %-9s |", threads, beside);
  run_times(device, threads, empty_task, times);
  print_times(times, 0);
  run_times(device, TASKS, spin_task, times);
  print_times(times, work / threads);
  printf("\n");
  fflush(stdout);
  sks_device_close(device);
}

/* All tasks on one thread, undisturbed. */
static double work_seconds(void) {
  static double times[RUNS];
  sks_device *one;
  check(sks_device_open_cpu(1, NULL, &one));
  run_times(one, TASKS, spin_task, times);
  sks_device_close(one);
  return times[RUNS / 2];
}

/* A process that computes on one core, the last one that this process may use, until it is killed.
 */
static pid_t start_hog(void) {
  cpu_set_t all, last;
  CPU_ZERO(&last);
  sched_getaffinity(0, sizeof all, &all);
  for (int core = CPU_SETSIZE - 1; core >= 0 && CPU_COUNT(&last) == 0; core--)
    if (CPU_ISSET(core, &all)) CPU_SET(core, &last);
  pid_t hog = fork();
  if (hog == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sched_setaffinity(0, sizeof last, &last);
    for (volatile int turning = 1; turning;) {
    }
  }
  return hog;
}

int main(int argc, char **argv) {
  int32_t most = argc > 1 ? atoi(argv[1]) : sks_usable_cores();
  double work = work_seconds();
  printf("%d cores. Microseconds; a run of %d tasks is %.1f of work.\n", sks_usable_cores(), TASKS,
         1e6 * work);
  printf("|         |           |          empty run          |           barrier           |\n");
  printf("| threads | beside it |  median |    mean |  99th %% |  median |    mean |  99th %% |\n");
  for (int32_t threads = 1; threads <= most; threads++) measure(threads, work, "nothing");
  pid_t hog = start_hog();
  if (hog < 0) return 1;
  for (int32_t threads = 1; threads <= most; threads++) measure(threads, work, "a process");
  kill(hog, SIGKILL);
  waitpid(hog, NULL, 0);
  return 0;
}
