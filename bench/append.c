/* The limits to compare with: flock, stat, write, unlock in a loop, with nothing around it; or write alone, with the other
   three once in LEASE_NS nanoseconds (0: for each record).
   usage: append LOG LOCKFILE RECORDS BYTES START_NS LEASE_NS -> prints nanoseconds from the first record to the last */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static long long now(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc != 7) return 2;
  long records = atol(argv[3]), bytes = atol(argv[4]);
  int lock = open(argv[2], O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  int log = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  char *record = malloc(bytes);
  struct stat status;
  if (lock < 0 || log < 0 || record == NULL) return 1;
  memset(record, 'x', bytes);
  record[bytes - 1] = '\n';
  while (now(CLOCK_REALTIME) < atoll(argv[5])) usleep(100);
  long long start = now(CLOCK_MONOTONIC), lease = atoll(argv[6]), end = 0;
  for (long i = 0; i < records; i++) {
    if (end == 0) {
      if (flock(lock, LOCK_EX) != 0 || stat(argv[1], &status) != 0) return 1;
      if (lease > 0) end = now(CLOCK_MONOTONIC) + lease;
    }
    if (write(log, record, bytes) != bytes) return 1;
    if (lease == 0 || now(CLOCK_MONOTONIC) >= end) {
      flock(lock, LOCK_UN);
      end = 0;
    }
  }
  printf("%lld\n", now(CLOCK_MONOTONIC) - start);
  return 0;
}
