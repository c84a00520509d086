import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { collect, NatsHandler } from "../../src/nats.js";
import { systemEnvironment } from "../../src/platform/environment.js";
import { Clh } from "../support/clh.js";
import { environmentWith } from "../support/environment.js";
import { recordOf } from "../support/log-oracle.js";
import { until, verdictOn } from "../support/nats-logs.js";
import { NatsOperator } from "../support/nats-operator.js";
import { NatsServer, needsNats } from "../support/nats-server.js";
import { temporaryDirectory } from "../support/temporary.js";

const { clock } = systemEnvironment();
const SLOW_RETRY_MS = 30_000;
/** The retry that is for people is soon. */
const impatient = environmentWith(
  {},
  { ...clock, after: (ms, action, keeps) => clock.after(ms === SLOW_RETRY_MS ? 20 : ms, action, keeps) },
);

async function scene(t: TestContext) {
  const operator = new NatsOperator();
  const server = await NatsServer.start(t, { settings: operator.settings });
  const directory = temporaryDirectory(t);
  const [admin, writer, collector] = ["admin", "writer", "collector"].map((name) =>
    join(directory, `${name}.creds`),
  ) as [string, string, string];
  operator.writeCredentials(admin);
  const setup = ["nats", "setup", server.url, "--stream", "logs", "--replicas", "1", "--max-bytes", "64MiB"];
  const made = await Clh.run([...setup, "--creds", admin]);
  assert.equal(made.code, 0, made.stderr);
  assert.equal((await Clh.run(setup)).code, 2, "nobody comes in without credentials");
  const log = join(directory, "all.log");
  const errors: string[] = [];
  const handler = new NatsHandler(
    {
      servers: server.url,
      stream: "logs",
      credentials: writer,
      spillDirectory: join(directory, "spool"),
      timeout: "120s",
    },
    impatient,
  );
  handler.on("error", ({ message }) => errors.push(message));
  t.after(() => handler.close());
  const start = () => {
    const collection = collect(log, { nats: { servers: server.url, stream: "logs", credentials: collector } });
    collection.on("error", () => {}); // its credentials expire
    collection.on("warning", () => {});
    t.after(() => collection.end());
    return collection;
  };
  return { operator, writer, collector, log, errors, handler, start };
}

describe("credentials that expire", needsNats, () => {
  test("are renewed while all runs: a writer that has new ones in time tells nothing, one that has not goes on later", async (t) => {
    const { operator, writer, collector, log, errors, handler, start } = await scene(t);
    operator.writeCredentials(collector, 4);
    operator.writeCredentials(writer, 3);
    const collection = start();
    let count = 0;
    const write = () => handler.writeAsync(recordOf("w", count++));
    await write();

    // New ones in time, under load: the server ends the connection, and the next one is as good.
    operator.writeCredentials(writer, 6);
    const expired = Date.now() + 4000;
    await until(async () => {
      await write();
      return Date.now() > expired;
    });
    await handler.flush();
    assert.deepEqual(errors, []);

    // None in time: told, kept on the disk, and sent when there are some.
    await until(async () => {
      await write();
      return errors.length > 0;
    });
    assert.match(errors[0]!, /^Cannot send records .*[Aa]uth.*(Give `credentials`|Renew)/);
    assert.doesNotMatch(errors[0]!, /SU[A-Z0-9]{10}|eyJ/);
    const recovered = new Promise((resolve) => handler.once("recovered", resolve));
    operator.writeCredentials(writer);
    await recovered;
    operator.writeCredentials(collector);
    await write();
    await handler.flush();
    await until(() => collection.stats().records === count);
    collection.end();
    await collection.done;
    assert.deepEqual(await verdictOn(log, new Map([["w", count]])), { found: count, problems: [] });
  });
});
