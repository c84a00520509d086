import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { collect, NatsHandler } from "../../src/nats.js";
import { systemEnvironment } from "../../src/platform/environment.js";
import { Clh } from "../support/clh.js";
import { environmentWith } from "../support/environment.js";
import { recordOf } from "../support/log-oracle.js";
import { until, verdictOn } from "../support/nats-logs.js";
import { NatsServer, needsNats } from "../support/nats-server.js";
import { temporaryDirectory } from "../support/temporary.js";

const { clock } = systemEnvironment();
const SLOW_RETRY_MS = 30_000;
/** The retry that is for people is soon. */
const impatient = environmentWith(
  {},
  { ...clock, after: (ms, action, keeps) => clock.after(ms === SLOW_RETRY_MS ? 20 : ms, action, keeps) },
);

function openssl(...args: string[]): void {
  const { status, stderr } = spawnSync("openssl", args, { encoding: "utf8" });
  assert.equal(status, 0, stderr);
}

/** Somebody who signs certificates. */
class Authority {
  readonly ca: string;
  readonly #directory: string;
  readonly #key: string;

  constructor(t: TestContext, name: string) {
    this.#directory = temporaryDirectory(t);
    this.#key = join(this.#directory, "ca.key");
    this.ca = join(this.#directory, "ca.pem");
    const files = ["-keyout", this.#key, "-out", this.ca];
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", `/CN=${name}`, ...files);
  }

  /** A key and a certificate that this one has signed. */
  sign(name: string, names: string): { key: string; cert: string } {
    const [key, request, cert, extensions] = ["key", "csr", "pem", "ext"].map((end) =>
      join(this.#directory, `${name}.${end}`),
    ) as [string, string, string, string];
    writeFileSync(extensions, `subjectAltName=${names}\n`);
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", `/CN=${name}`, "-keyout", key, "-out", request);
    const by = ["-CA", this.ca, "-CAkey", this.#key, "-CAcreateserial", "-days", "2", "-extfile", extensions];
    openssl("x509", "-req", "-in", request, "-out", cert, ...by);
    return { key, cert };
  }
}

describe("over TLS, with certificates that an authority of ours has signed", needsNats, () => {
  test("records go under load, the server is killed, and who has no certificate stays outside", async (t) => {
    const ours = new Authority(t, "ours");
    const others = new Authority(t, "others");
    const server = ours.sign("server", "IP:127.0.0.1");
    const client = ours.sign("client", "DNS:client");
    const stranger = others.sign("stranger", "DNS:stranger");
    const files = { cert_file: server.cert, key_file: server.key, ca_file: ours.ca };
    const lines = Object.entries(files).map(([name, path]) => `${name}: ${JSON.stringify(path)}`);
    const nats = await NatsServer.start(t, { settings: `tls { ${lines.join(", ")}, verify: true }` });
    const flags = (who: { key: string; cert: string }, ca: string) => [
      ...["--stream", "logs", "--replicas", "1", "--max-bytes", "64MiB"],
      ...["--tls-ca", ca, "--tls-cert", who.cert, "--tls-key", who.key],
    ];
    const setup = (...more: string[]) => Clh.run(["nats", "setup", nats.url, ...more]);
    const made = await setup(...flags(client, ours.ca));
    assert.equal(made.code, 0, made.stderr);
    const wrong = await setup(...flags(client, others.ca));
    assert.equal(wrong.code, 2);
    assert.match(
      wrong.stderr,
      /Cannot set up a stream .*(self[- ]signed|issuer|verify).*Give in `tls\.ca` the certificate/i,
    );
    assert.equal((await setup(...flags(stranger, ours.ca))).code, 2, "its certificate is of somebody else");

    const directory = temporaryDirectory(t);
    const options = { servers: nats.url, stream: "logs", tls: { ca: ours.ca, ...client } };
    const handler = new NatsHandler({ ...options, spillDirectory: join(directory, "spool"), timeout: "120s" });
    handler.on("error", () => {}); // the server is killed
    t.after(() => handler.close());
    const log = join(directory, "all.log");
    const collection = collect(log, { nats: options });
    collection.on("error", () => {});
    collection.on("warning", () => {});
    t.after(() => collection.end());
    const all = 20_000;
    for (let i = 0; i < all; i++) {
      if (!handler.write(recordOf("w", i))) await handler.flush();
      if (i === all / 2) {
        await until(() => collection.stats().records > 0);
        await nats.kill();
        await nats.restart();
      }
    }
    await handler.flush();
    await until(() => collection.stats().records === all);
    collection.end();
    await collection.done;
    assert.deepEqual(await verdictOn(log, new Map([["w", all]])), { found: all, problems: [] });
  });

  test("a server is who it is by the address or the name that was given, and by no other", async (t) => {
    const ours = new Authority(t, "ours");
    const asks = async (names: string, host: string) => {
      const { cert, key } = ours.sign(names.replace(/\W/g, ""), names);
      const settings = `tls { cert_file: ${JSON.stringify(cert)}, key_file: ${JSON.stringify(key)} }`;
      const server = await NatsServer.start(t, { settings });
      const flags = ["--stream", "logs", "--replicas", "1", "--max-bytes", "64MiB", "--tls-ca", ours.ca];
      const { code, stderr } = await Clh.run(["nats", "setup", server.url.replace("127.0.0.1", host), ...flags]);
      return { code, stderr };
    };
    assert.deepEqual(await asks("IP:127.0.0.1", "127.0.0.1"), { code: 0, stderr: "" });
    assert.deepEqual(await asks("DNS:localhost", "localhost"), { code: 0, stderr: "" });
    for (const [names, host] of [
      ["DNS:localhost", "127.0.0.1"],
      ["IP:127.0.0.2", "127.0.0.1"],
      ["DNS:log1", "localhost"],
    ] as const) {
      const { code, stderr } = await asks(names, host);
      assert.equal(code, 2, `${names} for ${host}`);
      assert.match(stderr, /does not match certificate.*Give in `tls\.ca` the certificate/);
    }
  });

  test("a handler with the wrong authority says so and sends nothing, and goes on when it has the right one", async (t) => {
    const ours = new Authority(t, "ours");
    const { cert, key } = ours.sign("server", "IP:127.0.0.1");
    const settings = `tls { cert_file: ${JSON.stringify(cert)}, key_file: ${JSON.stringify(key)} }`;
    const server = await NatsServer.start(t, { settings });
    const setup = ["--stream", "logs", "--replicas", "1", "--max-bytes", "64MiB", "--tls-ca", ours.ca];
    const made = await Clh.run(["nats", "setup", server.url, ...setup]);
    assert.equal(made.code, 0, made.stderr);
    const directory = temporaryDirectory(t);
    const ca = join(directory, "ca.pem");
    copyFileSync(new Authority(t, "others").ca, ca);
    const handler = new NatsHandler(
      { servers: server.url, stream: "logs", tls: { ca }, spillDirectory: join(directory, "spool") },
      impatient,
    );
    t.after(() => handler.close());
    const told = new Promise<Error>((resolve) => handler.once("error", resolve));
    await handler.writeAsync("one"); // on the disk
    const { message } = await told;
    assert.match(
      message,
      /^Cannot send records \(stream logs on tls:.*Records wait in .*Give in `tls\.ca` the certificate/,
    );
    assert.equal(handler.stats().records, 0);
    const recovered = new Promise((resolve) => handler.once("recovered", resolve));
    copyFileSync(ours.ca, ca);
    await recovered;
    assert.equal(handler.stats().records, 1);
  });
});
