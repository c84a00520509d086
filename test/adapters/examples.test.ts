import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { before, describe, type TestContext, test } from "node:test";
import { userFolder } from "../support/hosts.js";
import { ROOT } from "../support/package.js";
import { copyExample, EXAMPLES, runExample } from "./examples.js";

/* Every example, with the packed package. In long-hosts all of them are installed by npm. */

/** Those whose packages are too heavy for here. */
const ELSEWHERE = ["nestjs", "nestjs-pino"];
const WITH_TYPES = ["pino", "winston", "log4js", "logtape", "console", "child-output"];

let folder: string;
before((t) => {
  folder = userFolder(t as TestContext, ["express", "fastify", "@types/node", "undici-types"]);
});

for (const name of readdirSync(EXAMPLES)) {
  if (ELSEWHERE.includes(name)) continue;
  describe(name, () => {
    const programs = readdirSync(join(EXAMPLES, name)).filter((file) => file.startsWith("index."));
    for (const program of programs) {
      test(program, (t) => {
        runExample(copyExample(t, name, folder), program, 100);
      });
    }

    if (!WITH_TYPES.includes(name)) return;
    test("types", (t) => {
      const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
      const flags =
        "--noEmit --strict --checkJs --allowJs --skipLibCheck --module nodenext --target es2023 --types node";
      const args = [tsc, ...flags.split(" "), ...programs];
      const { status, stdout } = spawnSync(process.execPath, args, {
        cwd: copyExample(t, name, folder),
        encoding: "utf8",
      });
      assert.equal(stdout, "");
      assert.equal(status, 0);
    });
  });
}
