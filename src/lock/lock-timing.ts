/*
 * How long anything waits for the lock of a log, in milliseconds. The user's limit is the option `lockTimeout`
 * (options/option-table.ts); these are the waits that no option sets.
 */

/** A wait that only tries: the event loop must not be blocked by a queue. */
export const NO_WAIT_MS = -1;

/** For work that is every process's, such as merging and pruning: it may as well be done after the next rotation. */
export const MAINTENANCE_WAIT_MS = 100;

/** After a timeout the next record waits only so long: a process that hangs delays a record once, not each of them. */
export const WAIT_AFTER_TIMEOUT_MS = 2;

/** Tries before a waiter sleeps at all: a holder needs microseconds. */
export const TRIES_WITHOUT_SLEEP = 10;

/**
 * Sleeps of a blocked waiter: each vain wake-up takes time from the holder. Measured with 2, 4 and 8 processes: 0.90 to
 * 0.99 of the records per second of one process; 50 tries and sleeps of 0.02 to 1 ms had 0.82 to 0.85.
 */
export const FIRST_SLEEP_MS = 0.2;
export const LONGEST_SLEEP_MS = 8;

/** Sleeps of a waiter on a network file system, where a try is a trip to the server. Random, so that no host is always later. */
export const FIRST_REMOTE_SLEEP_MS = 2;
export const LONGEST_REMOTE_SLEEP_MS = 50;

/** A waiter that has waited for longer than this asks more often, up to every so many milliseconds, and so gets the lock before others. */
export const REMOTE_PATIENCE_MS = 200;
export const IMPATIENT_REMOTE_SLEEP_MS = 20;

/**
 * How long a writer on a network file system takes the lock again and again before it leaves it to others for
 * {@link LONGEST_REMOTE_SLEEP_MS}: the shorter time for so long after the lock was not free. It is longer than that sleep, so
 * that a writer which asks again finds the lock taken by the next one, and knows that it is not alone.
 */
export const REMOTE_TURN_MS = 100;
export const REMOTE_TURN_ALONE_MS = 1000;
export const REMOTE_CONTENTION_MS = 5000;

/**
 * How long nobody writes to an SMB share whose server was started again. Clients find it again every three seconds, and then
 * send writes again that were under way, whoever has the lock by then (cifs.ko).
 */
export const SMB_RESTART_GRACE_MS = 10_000;

/** Delays between the tries of a queue whose records wait for a lock that is not free. */
export const FIRST_QUEUE_RETRY_MS = 1;
export const LONGEST_QUEUE_RETRY_MS = 8;

/** Delays of `flush()` between its tries to write what was kept. */
export const FIRST_FLUSH_RETRY_MS = 1;
export const LONGEST_FLUSH_RETRY_MS = 50;

/** What the thread of `background` gets beyond `lockTimeout` to put its records into a spill, before it is taken for lost. */
export const BACKGROUND_GRACE_MS = 1000;

/** A reader that asks the writers to stand still: they wait as well. */
export const READER_WAIT_MS = 1000;

/**
 * How long a lock file that was seen to be the one at its path is believed to be so. It spares a writer without pause
 * the second stat; a rotation always asks. See docs/concepts/locking.md.
 */
export const LOCK_FILE_TRUST_MS = 1;

/** The longest wait of `clh doctor` for the lock of a log that it tries: a writer needs less, but for one that has died or hangs. */
export const DOCTOR_WAIT_MS = 2000;
/** For so long a writer takes the lock again and again without asking whether others wait for it. */
export const TURN_MS = 1;

/**
 * Sleeps of a waiter who is next: the time that it has been so, divided by the first, within the others. A waiter with
 * others before it sleeps for each of them. All are shorter than a turn, so that nobody sleeps through its own.
 */
export const LOOKS_AS_NEXT = 8;
export const FIRST_SLEEP_AS_NEXT_MS = 0.1;
export const LONGEST_SLEEP_AS_NEXT_MS = 1;
export const SLEEP_FOR_EACH_BEFORE_MS = 0.5;

/** A waiter that only tries, and whose turn is next, waits for the end of a turn: else it might never find the lock free. */
export const WAIT_AS_NEXT_MS = 1;

/**
 * A waiter that leaves the lock free for so long when it is its turn is stopped, or gets no processor: others pass it,
 * and without waiting again for the second span.
 */
export const PATIENCE_MS = 20;
export const PASSED_OVER_MS = 200;

/** A lease: for so long the lock is kept from one record to the next. */
export const LEASE_MS = 1;

/** Records that follow each other so closely are worth a lease. */
export const NEXT_RECORD_WITHIN_MS = 0.2;

/**
 * So many such records within so many milliseconds are worth the thread without which no lock is kept. One of many writers
 * comes to write for a small part of the time only.
 */
export const FAST_RECORDS = 300;
export const FAST_WITHIN_MS = 1000;

/** A process that ends while that thread starts waits for so long, at most, until it has started. */
export const START_WITHIN_MS = 2000;

/** A thread that has not looked for so long does not get to the processor: no lock is kept meanwhile. */
export const SIGN_OF_LIFE_MS = 20;

/** The thread takes microseconds to release a lock; if it does not come to it, that open of the lock file is given up. */
export const GIVING_WITHIN_MS = 1000;

/**
 * After so many leases the lock is left free for a moment, for those who are in no line: Python's handler, which the kernel
 * wakes when the lock is released, and older versions of this package.
 */
export const LEASES_BETWEEN_BREATHS = 5;
export const BREATH_MS = 0.1;
