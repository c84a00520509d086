import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { before, describe, type TestContext, test } from "node:test";
import { pack } from "../../support/package.js";
import { temporaryDirectory } from "../../support/temporary.js";
import { copyExample, EXAMPLES, runExample } from "../examples.js";

/* Every example as its reader would try it: npm installs what it names, and the packed package. */

let tarball: string;
before((t) => {
  tarball = pack(t as TestContext);
});

for (const name of readdirSync(EXAMPLES)) {
  describe(name, () => {
    for (const program of readdirSync(join(EXAMPLES, name)).filter((file) => file.startsWith("index."))) {
      test(program, (t) => {
        const folder = copyExample(t, name, temporaryDirectory(t));
        const args = ["install", "--no-audit", "--no-fund", "--prefer-offline", tarball];
        execFileSync("npm", args, { cwd: folder, stdio: "ignore" });
        runExample(folder, program, name.startsWith("nestjs") ? 1 : 100);
      });
    }
  });
}
