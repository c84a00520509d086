/* The limit: lock, stat, write and unlock in a loop, and nothing around it, with the arguments and the report of
   writer.mjs: limit RIVAL FILE WRITER RECORDS START_MS */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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
  if (argc != 6) return 2;
  long count = atol(argv[4]);
  char path[4096], record[256], filler[91];
  struct stat status;
  struct rusage usage;
  double *latencies = malloc(count * sizeof(double));
  snprintf(path, sizeof path, "%s.lock", argv[2]);
  int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  int log = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (lock < 0 || log < 0 || latencies == NULL) return 1;
  memset(filler, 'x', 90);
  filler[90] = 0;
  while (now(CLOCK_REALTIME) * 1000 < atof(argv[5])) usleep(100);
  double start = now(CLOCK_MONOTONIC);
  for (long i = 0; i < count; i++) {
    int length = snprintf(record, sizeof record, "#%s:%ld# %s\n", argv[3], i, filler);
    double before = now(CLOCK_MONOTONIC);
    if (flock(lock, LOCK_EX) != 0 || stat(argv[2], &status) != 0) return 1;
    if (write(log, record, length) != length) return 1;
    flock(lock, LOCK_UN);
    latencies[i] = (now(CLOCK_MONOTONIC) - before) * 1e6;
  }
  double seconds = now(CLOCK_MONOTONIC) - start;
  qsort(latencies, count, sizeof(double), ascending);
  getrusage(RUSAGE_SELF, &usage);
  printf("{\"seconds\":%f,\"latency\":{\"p50\":%f,\"p99\":%f,\"p99.9\":%f,\"max\":%f},\"memory\":%ld}\n", seconds,
         latencies[count / 2], latencies[count * 99 / 100], latencies[count * 999 / 1000], latencies[count - 1],
         usage.ru_maxrss * 1024L);
  return 0;
}
