"""One writer with upstream's handler, as writer.mjs: upstream.py RIVAL FILE WRITER RECORDS START_MS."""
import json
import logging
import resource
import sys
import time

from concurrent_log_handler import ConcurrentRotatingFileHandler

_, file, writer, records, start_at = sys.argv[1:]
count = int(records)
handler = ConcurrentRotatingFileHandler(file, maxBytes=256 * 1024, backupCount=500)
latencies = []
filler = "x" * 90
while time.time() * 1000 < int(start_at):
    pass
start = time.perf_counter()
for number in range(count):
    text = f"#{writer}:{number}# {filler}"
    before = time.perf_counter()
    handler.emit(logging.LogRecord("bench", logging.INFO, __file__, 1, text, None, None))
    latencies.append(time.perf_counter() - before)
handler.close()
seconds = time.perf_counter() - start
latencies.sort()


def at(share):
    return latencies[min(count - 1, int(count * share))] * 1e6


latency = {"p50": at(0.5), "p99": at(0.99), "p99.9": at(0.999), "max": at(1)}
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"seconds": seconds, "latency": latency, "memory": memory}))
