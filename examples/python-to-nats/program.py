"""python program.py nats://log1,nats://log2 clh.logs"""

import logging
import sys

from nats_handler import NatsHandler

servers, subject = sys.argv[1:]
handler = NatsHandler(servers.split(","), subject)
handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
logging.basicConfig(level=logging.INFO, handlers=[handler])

for i in range(2000):
    logging.info("record %d of %s", i, "Python")
try:
    1 / 0
except ZeroDivisionError:
    logging.exception("it broke")
handler.flush()
