"""One writer of a benchmark with upstream's handler: upstream.py LOG RECORDS BYTES START_NS -> nanoseconds."""
import logging
import sys
import time

from concurrent_log_handler import ConcurrentRotatingFileHandler

file, records, size, start_at = sys.argv[1], *map(int, sys.argv[2:])
handler = ConcurrentRotatingFileHandler(file)
record = logging.LogRecord("bench", logging.INFO, __file__, 1, "x" * (size - 1), None, None)
handler.emit(record)
while time.time_ns() < start_at:
    time.sleep(0.0001)
start = time.perf_counter_ns()
for _ in range(records):
    handler.emit(record)
print(time.perf_counter_ns() - start)
