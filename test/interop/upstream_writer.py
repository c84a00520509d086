"""One writer with upstream's handler: upstream_writer.py '<json>', the records of src/cli/stress/record.ts.

The JSON: writer, file, kind (size or timed), records, pause (seconds between two), options (upstream's names),
characters, startAt (seconds since 1970)."""
import json
import logging
import random
import sys
import time
import zlib

from concurrent_log_handler import ConcurrentRotatingFileHandler, ConcurrentTimedRotatingFileHandler

sys.dont_write_bytecode = True
job = json.loads(sys.argv[1])
errors = []


class Handler(ConcurrentTimedRotatingFileHandler if job["kind"] == "timed" else ConcurrentRotatingFileHandler):
    def handleError(self, record):
        errors.append(sys.exc_info()[1])


def line(number):
    text = f"{job['writer']}-{number}-" + "".join(random.choices(job["characters"], k=random.randint(20, 80)))
    return text + "%08x" % zlib.crc32(text.encode())


lines = [line(number) for number in range(job["records"])]
handler = Handler(job["file"], **job["options"])
handler.setFormatter(logging.Formatter("%(message)s"))
log = logging.getLogger("writer")
log.propagate = False
log.setLevel(logging.DEBUG)
log.addHandler(handler)
while time.time() < job["startAt"]:
    time.sleep(0.001)
for text in lines:
    log.info(text)
    time.sleep(random.uniform(0, 2 * job["pause"]))
handler.close()
sys.exit(f"upstream failed {len(errors)} times: {errors[0]!r}" if errors else 0)
