import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { parseAllDocuments } from "yaml";
import { CLH, CLH_IN_SHELL } from "../support/clh.js";
import { until } from "../support/nats-logs.js";
import { NatsServer, needsNats } from "../support/nats-server.js";
import { temporaryDirectory } from "../support/temporary.js";

const page = readFileSync(new URL("../../../docs/how-to/many-hosts.md", import.meta.url), "utf8");
const [write] = page.match(/(?<=```sh\n)clh nats setup[\s\S]*?(?=```)/) as [string];
const [users] = page.match(/(?<=```text\n)authorization[\s\S]*?(?=```)/) as [string];

/** Runs the lines of the page against a server, as users with passwords where it has some, until the record is collected. */
async function runPage(t: TestContext, server: NatsServer, hasUsers: boolean): Promise<void> {
  const cwd = temporaryDirectory(t);
  const lines = write.trim().split("\n");
  assert.equal(lines.length, 3);
  const commands = lines.map((line, i) => {
    const user = ["admin", "writer", "collector"][i]!;
    writeFileSync(join(cwd, user), `secret of ${user}\n`);
    const as = hasUsers ? ` --user ${user} --password-file ${user}` : "";
    return `${line.replace(/(^|\| )clh/, `$1exec ${CLH_IN_SHELL}`).replace("nats://127.0.0.1", server.url)}${as}`;
  });
  const run = promisify(execFile);
  const env = { ...process.env, XDG_STATE_HOME: cwd };
  for (const command of commands.slice(0, 2)) {
    const { stderr } = await run("sh", ["-c", command], { cwd, env });
    assert.equal(stderr, "");
  }
  const collector = run("sh", ["-c", commands[2]!], { cwd, env });
  const log = join(cwd, "all.log");
  await until(() => collector.child.exitCode !== null || (existsSync(log) && readFileSync(log).length > 0));
  collector.child.kill("SIGTERM");
  assert.equal((await collector).stderr, "");
  assert.equal(readFileSync(log, "utf8"), "the first record\n");
}

test("docs/how-to/many-hosts.md: manifests can be read, and what they start knows its flags", async () => {
  const blocks = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].flatMap(([, text]) => parseAllDocuments(text!));
  const manifests = blocks.map((document) => {
    assert.deepEqual(document.errors, []);
    return document.toJS();
  });
  assert.deepEqual(
    manifests.map(({ kind, metadata }) => [kind, metadata.name]),
    [
      ["Service", "nats"],
      ["StatefulSet", "nats"],
      ["StatefulSet", "log-collector"],
    ],
  );
  for (const { spec } of manifests.slice(1)) {
    const { metadata, spec: pod } = spec.template;
    assert.deepEqual(spec.selector.matchLabels, metadata.labels);
    const volumes = [...pod.volumes, ...spec.volumeClaimTemplates.map((claim: { metadata: object }) => claim.metadata)];
    for (const mount of pod.containers[0].volumeMounts) assert.ok(volumes.some(({ name }) => name === mount.name));
  }
  const [collector] = manifests[2].spec.template.spec.containers;
  const [unit] = page.match(/(?<=ExecStart=\/usr\/bin\/)clh collect .*/) as [string];
  const { stdout } = await promisify(execFile)(process.execPath, [CLH, "collect", "--help"]);
  for (const word of [...collector.command, ...collector.args, ...unit.split(" ")])
    if (word.startsWith("--")) assert.ok(stdout.includes(word), word);
});

describe("docs/how-to/many-hosts.md:", { ...needsNats }, () => {
  test("the commands for a laptop", async (t) => {
    await runPage(t, await NatsServer.start(t), false);
  });

  test("the users may do what they must", async (t) => {
    const named = users.replace(/\$(ADMIN|WRITER|COLLECTOR)/g, (_, name: string) => `secret of ${name.toLowerCase()}`);
    await runPage(t, await NatsServer.start(t, { settings: named }), true);
  });
});
