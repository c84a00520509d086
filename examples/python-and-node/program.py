import logging
import logging.config
from pathlib import Path

import concurrent_log_handler  # noqa: F401  (makes handlers.ConcurrentRotatingFileHandler known)

logging.config.fileConfig(Path(__file__).parent / "logging.ini")

logger = logging.getLogger("python")
for i in range(2000):
    logger.info("record %d of %s", i, "Python")
