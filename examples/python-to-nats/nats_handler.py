"""Python's logging to a stream of NATS JetStream, as docs/reference/nats-wire.md says: pip install nats-py

A collector (`clh collect`) writes the records into one rotated log, each once, beside those of Node.js.
Records wait in memory until the stream has them: what was not acknowledged goes with the process.
A process that forks makes its handler afterwards.
"""

import asyncio
import collections
import itertools
import logging
import os
import secrets
import threading
import time

import nats
from nats.errors import Error as NatsError

ROOM_FOR_HEADERS = 64 * 1024
MOST_RECORDS = 10_000  # of one message: its headers may name the length of each


class NatsHandler(logging.Handler):
    def __init__(self, servers, subject, capacity=100_000, batch_bytes=256 * 1024, timeout=10.0, **connect_options):
        """`capacity` records wait at most; then emit() waits for `timeout` seconds, and refuses the record."""
        super().__init__()
        self.writer = f"py-{os.getpid()}-{secrets.token_hex(8)}"
        self._subject = f"{subject}.{self.writer}"
        self._capacity, self._batch_bytes, self._timeout = capacity, batch_bytes, timeout
        self._connect = lambda: nats.connect(servers, allow_reconnect=False, error_cb=self._note, **connect_options)
        self._waiting = collections.deque()
        self._changed = threading.Condition()
        self._given = self._acknowledged = 0
        self._loop = asyncio.new_event_loop()
        self._wake = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),), daemon=True)
        self._thread.start()

    def emit(self, record):
        try:
            line = (self.format(record) + "\n").encode("utf-8", "backslashreplace")
            with self._changed:
                if not self._changed.wait_for(lambda: len(self._waiting) < self._capacity, self._timeout):
                    raise BufferError("the stream takes nothing, and no record has room in memory")
                self._waiting.append(line)
                self._given += 1
            self._loop.call_soon_threadsafe(self._wake.set)
        except Exception:
            self.handleError(record)

    def flush(self):
        """Waits until the stream has what was logged so far, or for `timeout` seconds without a step forward."""
        with self._changed:
            goal, before = self._given, -1
            while before < self._acknowledged < goal:
                before = self._acknowledged
                self._changed.wait_for(lambda: self._acknowledged > before, self._timeout)

    async def _run(self):
        connection, first = None, 1
        while True:
            while not self._waiting:
                self._wake.clear()
                if not self._waiting:
                    await self._wake.wait()
            records = self._next()
            for payload, headers in self._messages(records, first):
                sent = False
                while not sent:  # always the same message, until the stream says where it has it
                    try:
                        if connection is None or connection.is_closed:
                            connection = await self._connect()
                        stream = connection.jetstream(timeout=2)
                        sent = (await stream.publish(self._subject, payload, headers=headers)).seq > 0
                    except (NatsError, OSError, asyncio.TimeoutError) as error:
                        await self._note(error)
                        await asyncio.sleep(0.1)
            first += len(records)
            with self._changed:
                for _ in records:
                    self._waiting.popleft()
                self._acknowledged += len(records)
                self._changed.notify_all()

    def _next(self):
        records, size = [], 0
        with self._changed:
            waiting = list(itertools.islice(self._waiting, MOST_RECORDS))
        for record in waiting:
            if records and size + len(record) > self._batch_bytes:
                break
            records.append(record)
            size += len(record)
        return records

    def _messages(self, records, first, max_payload=1024 * 1024):
        """One message, or one for each part of a record that is larger than a server takes."""
        payload, count = b"".join(records), len(records)
        ours = {"Clh-Writer": self.writer, "Clh-First": str(first), "Clh-Count": str(count)}
        most = max_payload - ROOM_FOR_HEADERS
        if len(payload) > most and count == 1:
            for at in range(0, len(payload), most):
                part = payload[at : at + most]
                identity = f"{self.writer}:{first}:1:{at}+{len(part)}"
                yield part, {"Nats-Msg-Id": identity, **ours, "Clh-Part": f"{at}/{len(payload)}"}
            return
        if payload.count(b"\n") > count:  # the trace of an exception stays one record
            ours["Clh-Lengths"] = ",".join(str(len(record)) for record in records)
        yield payload, {"Nats-Msg-Id": f"{self.writer}:{first}:{count}", **ours}

    async def _note(self, error):
        """Called again and again while the servers are away."""
        now = time.monotonic()
        if now - getattr(self, "_noted", float("-inf")) > 60:
            self._noted = now
            logging.lastResort.handle(logging.makeLogRecord({"levelno": logging.ERROR, "msg": f"NATS: {error!r}"}))
