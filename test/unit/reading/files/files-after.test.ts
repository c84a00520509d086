import assert from "node:assert/strict";
import { closeSync, openSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { listLogFiles } from "../../../../src/log-files/list-files.js";
import { systemEnvironment } from "../../../../src/platform/environment.js";
import { filesAfter } from "../../../../src/reading/files/files-after.js";
import { OpenLog } from "../../../../src/reading/files/open-files.js";
import { temporaryDirectory } from "../../../support/temporary.js";

// More than are opened at once, and fewer.
for (const older of [2, 200]) {
  test(`what follows a file that was compressed, with ${older} before it, when all are renamed after they were found`, async (t) => {
    const environment = systemEnvironment();
    const { fs } = environment;
    const log = join(temporaryDirectory(t), "app.log");
    const archive = (n: number, text: string, of?: string) => {
      writeFileSync(`${log}.${n}.gz`, gzipSync(text));
      const time = of === undefined ? 1_000_000 - n : statSync(of).mtime;
      utimesSync(`${log}.${n}.gz`, time, time);
    };
    for (let n = 2; n < 2 + older; n++) archive(n, `older ${n}\n`);
    writeFileSync(log, "followed\n");
    utimesSync(log, 1_000_000, 1_000_000);
    const [file] = listLogFiles(fs, log).slice(-1);
    const fd = openSync(log, "r");
    t.after(() => closeSync(fd));
    archive(1, "followed\n", log);
    rmSync(log);
    writeFileSync(log, "next\n");

    const open = new OpenLog(environment, () => listLogFiles(fs, log));
    t.after(() => open.close());
    for (let n = 1 + older; n > 0; n--) renameSync(`${log}.${n}.gz`, `${log}.${n + 1}.gz`);
    archive(1, "next\n");
    const { next, isCertain } = await filesAfter(fs, { file: file!, fd }, [], open);
    assert.deepEqual([next.map(({ path }) => basename(path)), isCertain], [["app.log"], true]);
  });
}
