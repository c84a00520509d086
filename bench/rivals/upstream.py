"""One writer with upstream's handler, as writer.mjs: upstream.py RIVAL FILE WRITER."""
import json
import logging
import resource
import sys
import time

from concurrent_log_handler import ConcurrentRotatingFileHandler

_, file, writer = sys.argv[1:]
handler = ConcurrentRotatingFileHandler(file, maxBytes=1024 * 1024, backupCount=1000)
latencies = []
count = 0
filler = "x" * 90
print("ready", flush=True)
start_at, end_at = map(int, sys.stdin.readline().split())
while time.time() * 1000 < start_at:
    pass
start = time.perf_counter()
while count % 64 != 0 or time.time() * 1000 < end_at:
    text = f"#{writer}:{count}# {filler}"
    before = time.perf_counter()
    handler.emit(logging.LogRecord("bench", logging.INFO, __file__, 1, text, None, None))
    latencies.append(time.perf_counter() - before)
    count += 1
handler.close()
seconds = time.perf_counter() - start
latencies.sort()


def at(share):
    return latencies[min(count - 1, int(count * share))] * 1e6


latency = {"p50": at(0.5), "p99": at(0.99), "p99.9": at(0.999), "max": at(1)}
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"records": count, "seconds": seconds, "latency": latency, "memory": memory}))
