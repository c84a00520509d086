import assert from "node:assert/strict";
import { test } from "node:test";
import { stress } from "../support/clh.js";

/* The long forms of process/zero-loss: minutes, not seconds. npm run test:soak */

const cases: Record<string, string> = {
  "8 processes x 100,000 records, 1 MiB": "--num-processes 8 --log-calls 100000 --max-bytes 1MiB",
  "16 processes x 5,000 records, 4 KiB, gzip": "--num-processes 16 --log-calls 5000 --max-bytes 4KiB --gzip",
  "8 threads x 50,000 records, 256 KiB": "--writers thread --num-processes 8 --log-calls 50000 --max-bytes 256KiB",
  "4 cluster workers x 50,000 records, 256 KiB":
    "--writers cluster --num-processes 4 --log-calls 50000 --max-bytes 256KiB",
  "12 of all kinds x 20,000 records, 64 KiB, gzip":
    "--writers mix --num-processes 12 --log-calls 20000 --max-bytes 64KiB --gzip",
  "8 processes x 20,000 records, 64 KiB, gzip, a template and an archive":
    "--num-processes 8 --log-calls 20000 --max-bytes 64KiB --gzip --keep-extension --archive-directory old",
  "8 processes x 20,000 records, every second and 64 KiB, a date of its own and an archive":
    "--when s --max-bytes 64KiB --num-processes 8 --log-calls 20000 --backup-name {stem}-{date:YYYYMMDDTHHmmss}{ext} --archive-directory old",
  "8 processes x 50,000 records, every second, gzip": "--when s --num-processes 8 --log-calls 50000 --gzip",
  "8 processes x 50,000 records, every second and 64 KiB, gzip":
    "--when s --max-bytes 64KiB --num-processes 8 --log-calls 50000 --gzip",
};

for (const [name, args] of Object.entries(cases)) {
  test(name, async (t) => {
    const { code, verdict } = await stress("--backup-count", "3000", ...args.split(" "));
    const rate = Math.round(verdict.expected / verdict.seconds).toLocaleString("en");
    t.diagnostic(`${verdict.rotations} rotations, ${rate} records/s, slowest write ${verdict.slowest.toFixed(1)} ms`);
    assert.deepEqual(verdict.problems, []);
    assert.equal(verdict.found, verdict.expected);
    assert.equal(code, 0);
  });
}
