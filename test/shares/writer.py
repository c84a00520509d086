# writer.py job: as writer.ts, with Python's handler. "T 3" says of a record that the handler has told of no error.
import json
import logging
import os
import sys
import zlib

from concurrent_log_handler import ConcurrentRotatingFileHandler

job = json.loads(sys.argv[1])
# The handler keeps the log open by default, and then a host does not see what others have appended. It does not rotate here:
# it believes the names that its host remembers, and loses records on NFS, of others too.
handler = ConcurrentRotatingFileHandler(
    job["log"],
    keep_file_open=False,
)
failures = []
handler.handleError = lambda record: failures.append(repr(sys.exc_info()[1]))
handler.setFormatter(logging.Formatter("%(message)s"))
logger = logging.getLogger("writer")
logger.addHandler(handler)
logger.setLevel(logging.INFO)
logger.propagate = False


def say(line):
    os.write(1, f"{line}\n".encode())


say("ready")
os.read(0, 3)
for number in range(job["records"]):
    text = f"{job['name']}-{number}-".ljust(job["bytes"] - 9, "x")
    failures.clear()
    logger.info(text + format(zlib.crc32(text.encode()), "08x"))
    say(f"T {number}" if not failures else f"E {failures[0][:200]}")
handler.close()
