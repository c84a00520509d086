import assert from "node:assert/strict";
import { test } from "node:test";
import type { StreamConnection } from "../../../src/nats/collect/stream-connection.js";
import { Upkeep } from "../../../src/nats/collect/upkeep.js";
import { systemEnvironment } from "../../../src/platform/environment.js";

interface Servers {
  readonly version?: string;
  readonly created: string;
  readonly last: number;
}

/** What is deleted, and what is told, when the log has the stream that was created at "first" up to 5. */
async function purged({ version, created, last }: Servers): Promise<{ upTo: number[]; warnings: string[] }> {
  const upTo: number[] = [];
  const warnings: string[] = [];
  const streams = {
    info: async () => ({ created, state: { last_seq: last } }),
    purge: async (_: string, { seq }: { seq: number }) => void upTo.push(seq - 1),
  };
  const connection = {
    stream: "logs",
    connected: { connection: { info: version === undefined ? undefined : { version } }, manager: { streams } },
    warn: (cause: unknown) => warnings.push(String(cause)),
  } as unknown as StreamConnection;
  const upkeep = new Upkeep(connection, systemEnvironment().clock, 0, () => 0);
  upkeep.written({ stream: "first", sequence: 5 }, []);
  await upkeep.end();
  return { upTo, warnings };
}

test("what is in the log is deleted from the stream", async () => {
  assert.deepEqual(await purged({ version: "2.10.27", created: "first", last: 9 }), { upTo: [5], warnings: [] });
});

test("nothing is deleted from a stream that was made anew or has gone back: nobody has read it", async () => {
  assert.deepEqual(await purged({ version: "2.10.27", created: "second", last: 9 }), { upTo: [], warnings: [] });
  assert.deepEqual(await purged({ version: "2.10.27", created: "first", last: 4 }), { upTo: [], warnings: [] });
});

test("servers that lose messages then are told of, and those that are just being connected again are not", async () => {
  const { upTo, warnings } = await purged({ version: "2.9.10", created: "first", last: 9 });
  assert.deepEqual(upTo, []);
  assert.match(warnings[0]!, /server 2\.9\.10 may lose/);
  assert.deepEqual(await purged({ created: "first", last: 9 }), { upTo: [], warnings: [] });
});
