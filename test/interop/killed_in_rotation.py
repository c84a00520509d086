"""Upstream's handler with gzip on, killed before the Nth change of a directory that it makes: killed_in_rotation.py FILE N.

Writes records of src/cli/stress/record.ts and says how many are certainly in the file. Exits 0 if it was not killed."""
import logging
import os
import signal
import sys
import zlib

from concurrent_log_handler import ConcurrentRotatingFileHandler

sys.dont_write_bytecode = True
file, kill_at = sys.argv[1], int(sys.argv[2])
changes = 0


def dying(change):
    def changed(*args, **kwargs):
        global changes
        changes += 1
        if changes == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return change(*args, **kwargs)

    return changed


os.rename, os.remove, os.unlink = dying(os.rename), dying(os.remove), dying(os.unlink)
handler = ConcurrentRotatingFileHandler(file, maxBytes=400, backupCount=9, use_gzip=True)
handler.setFormatter(logging.Formatter("%(message)s"))
for number in range(40):
    text = f"python-{number}-".ljust(40, "x")
    handler.emit(logging.makeLogRecord({"msg": text + "%08x" % zlib.crc32(text.encode())}))
    print(number + 1, flush=True)
handler.close()
