"""Rotates a log ten times with one backup: rotates_beside.py FILE KIND GZIP; KIND: size, timed, stdlib-size or stdlib-timed.

Says how many backups it has deleted or written over, so that a run which deletes nothing proves nothing."""
import logging
import logging.handlers
import os
import sys
import time

from concurrent_log_handler import ConcurrentRotatingFileHandler, ConcurrentTimedRotatingFileHandler

sys.dont_write_bytecode = True
file, kind, use_gzip = sys.argv[1], sys.argv[2], sys.argv[3] == "true"
ROTATIONS = 10

if kind == "size":
    handler = ConcurrentRotatingFileHandler(file, maxBytes=1, backupCount=1, use_gzip=use_gzip)
elif kind == "timed":
    handler = ConcurrentTimedRotatingFileHandler(file, when="S", backupCount=1, use_gzip=use_gzip)
elif kind == "stdlib-size":
    handler = logging.handlers.RotatingFileHandler(file, maxBytes=1, backupCount=1)
else:
    handler = logging.handlers.TimedRotatingFileHandler(file, when="S", backupCount=1)

deleted = 0
remove = os.remove


def counting(path):
    global deleted
    deleted += 1
    remove(path)


os.remove = os.unlink = counting
for n in range(ROTATIONS):
    if "timed" in kind:
        # As if the last rotation were so many seconds ago: a file of another second each time.
        due = str(int(time.time()) - 1000 + n)
        if kind == "timed":
            with open(handler.clh.lockFilename, "w") as lock:
                lock.write(due)
        handler.rolloverAt = int(due)
    handler.emit(logging.makeLogRecord({"msg": f"record {n}"}))
handler.close()
print(deleted)
