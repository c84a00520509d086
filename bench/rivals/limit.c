/* The limit: lock, stat, write and unlock in a loop, and nothing around it, with the arguments and the report of
   writer.mjs: limit RIVAL FILE WRITER */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES 10000000

static double now(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  long i = 0, samples = 0;
  char path[4096], record[256], filler[91];
  struct stat status;
  struct rusage usage;
  double *latencies = malloc(SAMPLES * sizeof(double));
  snprintf(path, sizeof path, "%s.lock", argv[2]);
  int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  int log = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (lock < 0 || log < 0 || latencies == NULL) return 1;
  memset(filler, 'x', 90);
  filler[90] = 0;
  double start_at, end_at;
  puts("ready");
  fflush(stdout);
  if (scanf("%lf %lf", &start_at, &end_at) != 2) return 1;
  while (now(CLOCK_REALTIME) * 1000 < start_at) usleep(100);
  double start = now(CLOCK_MONOTONIC);
  for (; i % 64 != 0 || now(CLOCK_REALTIME) * 1000 < end_at; i++) {
    int length = snprintf(record, sizeof record, "#%s:%ld# %s\n", argv[3], i, filler);
    double before = now(CLOCK_MONOTONIC);
    if (flock(lock, LOCK_EX) != 0 || stat(argv[2], &status) != 0) return 1;
    if (write(log, record, length) != length) return 1;
    flock(lock, LOCK_UN);
    if (samples < SAMPLES) latencies[samples++] = (now(CLOCK_MONOTONIC) - before) * 1e6;
  }
  double seconds = now(CLOCK_MONOTONIC) - start;
  qsort(latencies, samples, sizeof(double), ascending);
  getrusage(RUSAGE_SELF, &usage);
  printf("{\"records\":%ld,\"seconds\":%f,\"latency\":{\"p50\":%f,\"p99\":%f,\"p99.9\":%f,\"max\":%f},\"memory\":%ld}\n", i, seconds,
         latencies[samples / 2], latencies[samples * 99 / 100], latencies[samples * 999 / 1000], latencies[samples - 1],
         usage.ru_maxrss * 1024L);
  return 0;
}
