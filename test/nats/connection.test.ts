import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { NatsConnection } from "@nats-io/transport-node";
import * as v from "valibot";
import { connectTo } from "../../src/nats/connection.js";
import { EngineError } from "../../src/nats/engine-errors.js";
import { resolveServers, serverRows } from "../../src/nats/server-options.js";
import { systemEnvironment } from "../../src/platform/environment.js";
import { freePort, makeStream, messagesOf, NatsServer, needsNats } from "../support/nats-server.js";
import { temporaryDirectory } from "../support/temporary.js";

const schema = v.strictObject(serverRows);
const { fs } = systemEnvironment();

/** A connection to a server of the test, which has ended when `use` has. */
async function using<Result>(
  options: object,
  use: (connection: NatsConnection) => Promise<Result> | Result,
): Promise<Result> {
  const servers = resolveServers(v.parse(schema, options), {});
  const connection = await connectTo(servers, { fs, name: "test", isLasting: false });
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}

/** Why there is no connection, as users are told. */
async function whyNot(options: object): Promise<EngineError> {
  try {
    await using(options, () => {});
  } catch (error) {
    return new EngineError(error, "Cannot send records", { servers: "nats://test", stream: "logs" });
  }
  throw new Error("there is a connection");
}

function openssl(...args: string[]): void {
  const { status, stderr } = spawnSync("openssl", args, { encoding: "utf8" });
  assert.equal(status, 0, stderr);
}

/** A key and a certificate for 127.0.0.1, which has signed itself. */
function certificate(directory: string, name: string) {
  const [key, cert] = [join(directory, `${name}.key`), join(directory, `${name}.pem`)];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
  openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", cert, ...names);
  return { key, cert };
}

describe("a connection", needsNats, () => {
  test("to a stream: what is published is there", async (t) => {
    const server = await NatsServer.start(t);
    await makeStream([server]);
    await using({ servers: server.url }, async (connection) => {
      const { jetstream } = await import("@nats-io/jetstream");
      assert.equal((await jetstream(connection).publish("clh.app.w", "one\n")).seq, 1);
    });
    assert.deepEqual(
      (await messagesOf(server)).map(({ text }) => text),
      ["one\n"],
    );
  });

  test("to three servers, of which one is there", async (t) => {
    const server = await NatsServer.start(t);
    const servers = [await freePort(), await freePort()].map((port) => `nats://127.0.0.1:${port}`);
    await using({ servers: [...servers, server.url] }, (connection) => assert.ok(!connection.isClosed()));
  });

  test("where no server is", async () => {
    const error = await whyNot({ servers: `127.0.0.1:${await freePort()}` });
    assert.equal(error.failure, "away");
    assert.match(
      error.message,
      /^Cannot send records \(stream logs on nats:\/\/test\): no server answers \(.*refused.*\)/,
    );
  });

  test("by a password in a file, which is read anew at each connection", async (t) => {
    const file = join(temporaryDirectory(t), "password");
    const settings = (password: string) => `authorization { users: [ { user: api, password: ${password} } ] }`;
    const server = await NatsServer.start(t, { settings: settings("first-secret") });
    writeFileSync(file, "first-secret\n");
    const options = { servers: server.url, user: "api", passwordFile: file };
    await using(options, () => {});
    await server.kill();
    server.configure({ settings: settings("second-secret") });
    await server.restart();
    const error = await whyNot(options);
    assert.equal(error.failure, "not allowed in");
    assert.match(error.message, /authorization violation.*Give `credentials`, `nkey`/i);
    writeFileSync(file, "second-secret");
    await using(options, () => {});
  });

  test("by an nkey in a file", async (t) => {
    const { nkeys } = await import("@nats-io/transport-node");
    const pair = nkeys.createUser();
    const file = join(temporaryDirectory(t), "seed");
    writeFileSync(file, `${Buffer.from(pair.getSeed()).toString()}\n`);
    const server = await NatsServer.start(t, {
      settings: `authorization { users: [ { nkey: ${pair.getPublicKey()} } ] }`,
    });
    await using({ servers: server.url, nkey: file }, () => {});
    assert.equal((await whyNot({ servers: server.url })).failure, "not allowed in");
  });

  test("by a token in a file", async (t) => {
    const server = await NatsServer.start(t, { settings: "authorization { token: very-secret }" });
    const file = join(temporaryDirectory(t), "token");
    writeFileSync(file, "very-secret\n");
    await using({ servers: server.url, tokenFile: file }, () => {});
    writeFileSync(file, "another-secret");
    const error = await whyNot({ servers: server.url, tokenFile: file });
    assert.equal(error.failure, "not allowed in");
    assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /secret/);
  });

  test("names the file of a secret that cannot be read", async (t) => {
    const server = await NatsServer.start(t, { settings: "authorization { user: a, password: b }" });
    const file = join(temporaryDirectory(t), "none.creds");
    const error = await whyNot({ servers: server.url, credentials: file });
    assert.equal(error.failure, "secret");
    assert.ok(error.message.includes(`Cannot read ${file}, which is to say to NATS who we are: ENOENT`), error.message);
  });

  test("says nothing of a secret that is none", async (t) => {
    const server = await NatsServer.start(t, { settings: "authorization { user: a, password: b }" });
    const file = join(temporaryDirectory(t), "bad");
    writeFileSync(file, "SUverysecret");
    for (const option of ["nkey", "credentials"]) {
      const error = await whyNot({ servers: server.url, [option]: file });
      assert.doesNotMatch(`${error.message} ${String(error.cause)} ${error.stack}`, /verysecret/);
    }
  });

  test("with TLS trusts whom `tls.ca` names, and nobody else", async (t) => {
    const directory = temporaryDirectory(t);
    const [ours, others] = [certificate(directory, "ours"), certificate(directory, "others")];
    const settings = `tls { cert_file: ${JSON.stringify(ours.cert)}, key_file: ${JSON.stringify(ours.key)} }`;
    const server = await NatsServer.start(t, { settings });
    const servers = server.url;
    await using({ servers, tls: { ca: ours.cert } }, (connection) => assert.ok(connection.info?.tls_required));
    await using({ servers: servers.replace("nats", "tls"), tls: { ca: ours.cert } }, () => {});
    for (const tls of [true, { ca: others.cert }]) {
      const error = await whyNot({ servers, tls });
      assert.equal(error.failure, "certificate", String(error.cause));
      assert.match(error.message, /Give in `tls.ca` the certificate/);
    }
    rmSync(ours.cert);
    const gone = await whyNot({ servers, tls: { ca: ours.cert } });
    assert.match(gone.message, /ours\.pem doesn't exist/);
  });

  test("with TLS never goes without", async (t) => {
    const server = await NatsServer.start(t);
    for (const options of [{ servers: server.url, tls: true }, { servers: server.url.replace("nats", "tls") }]) {
      const error = await whyNot(options);
      assert.equal(error.failure, "no TLS", String(error.cause));
    }
    // The double that this must find out: one for whom TLS is only a wish.
    await using({ servers: server.url, tls: false }, () => {});
  });

  test("keeps no process that has nothing else to do", async (t) => {
    const server = await NatsServer.start(t);
    const program = `
      import { connectTo } from ${JSON.stringify(new URL("../../src/nats/connection.js", import.meta.url).href)};
      import { systemEnvironment } from ${JSON.stringify(new URL("../../src/platform/environment.js", import.meta.url).href)};
      const servers = { servers: ["127.0.0.1:${server.port}"] };
      const { fs } = systemEnvironment();
      const connection = await connectTo(servers, { fs, name: "test", isLasting: false });
      console.log(connection.isClosed());
    `;
    const args = ["--input-type=module", "-e", program];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 10_000 });
    assert.deepEqual([status, stdout, stderr], [0, "false\n", ""]);
  });
});
