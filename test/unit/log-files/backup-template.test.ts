import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { datedName, numberedName } from "../../../src/log-files/backup-names.js";
import { BackupTemplate } from "../../../src/log-files/backup-template.js";
import { EXTENSIONS } from "../../../src/log-files/compression-formats.js";
import { templateFault } from "../../../src/options/backup-naming.js";
import { hostName } from "../../../src/platform/identity.js";
import { logNames } from "../../support/log-names.js";

type Naming = Pick<BackupTemplate, "nameOf" | "defaultNameOf">;

const STAMPS = [
  "2024-05",
  "2024-05-17",
  "2024-05-17_10",
  "2024-05-17_10-20",
  "2024-05-17_10-20-30",
  "2024-12-01",
  "2024-12-01_00",
];
const NUMBERS = [1, 2, 9, 10, 17, 100, 2024, 999_999_999_999_999];

function defaultNames(log: string): string[] {
  const numbered = NUMBERS.map((n) => numberedName(log, n));
  const dated = STAMPS.flatMap((stamp) => NUMBERS.map((n) => datedName(log, { stamp, counter: n - 1 })));
  return [...numbered, ...dated].flatMap((name) => EXTENSIONS.map((extension) => name + extension));
}

/** Names that do not lead back to the backup that they were made for, and those that two backups have. */
function faultsOf(naming: Naming, log: string): string[] {
  const owners = new Map<string, string>();
  return defaultNames(log).flatMap((defaultName) => {
    const name = naming.nameOf(defaultName);
    if (name === undefined) return [];
    const owner = owners.get(name);
    owners.set(name, defaultName);
    const back = naming.defaultNameOf(name);
    return [
      ...(back === defaultName ? [] : [`${defaultName} -> ${name} -> ${back}`]),
      ...(owner === undefined ? [] : [`${name} is ${owner} and ${defaultName}`]),
    ];
  });
}

const EXAMPLES: readonly [template: string, defaultName: string, name: string][] = [
  ["{stem}.{n}{ext}", "app.log.1", "app.1.log"],
  ["{stem}.{n}{ext}", "app.log.12.gz", "app.12.log.gz"],
  ["{stem}-{date}{ext}", "app.log.2024-05-17", "app-2024-05-17.log"],
  ["{stem}-{date}{ext}", "app.log.2024-05-17.2.zst", "app-2024-05-17.2.log.zst"],
  ["{stem}-{date}.{n}{ext}", "app.log.2024-05-17", "app-2024-05-17.1.log"],
  ["{stem}-{date}.{n}{ext}", "app.log.2024-05-17.2", "app-2024-05-17.3.log"],
  ["{date:DD.MM.YYYY}-{stem}{ext}", "app.log.2024-05-17.1", "17.05.2024.1-app.log"],
  ["{stem}-{date}{ext}", "app.log.2024-05.gz", "app-2024-05.log.gz"],
  ["{stem}-{date:YYYYMMDDTHHmmss}{ext}", "app.log.2024-05-17_10-20-30.br", "app-20240517T102030.log.br"],
  ["old-{n}-{stem}{ext}", "app.log.3", "old-3-app.log"],
  ["{stem}.{host}.{n}{ext}", "app.log.3", `app.${hostName()}.3.log`],
];

test("names by templates, and back", () => {
  for (const [text, defaultName, name] of EXAMPLES) {
    const template = BackupTemplate.of(text, "/var/log/app.log")!;
    assert.equal(template.nameOf(defaultName), name, text);
    assert.equal(template.defaultNameOf(name), defaultName, text);
  }
});

test("the extension is the last one, and may be missing", () => {
  const name = (log: string) => BackupTemplate.of("{stem}.{n}{ext}", log)!.nameOf(`${log}.1`);
  assert.deepEqual(["app", ".log", "a.tar.gz", "a.b."].map(name), ["app.1", ".log.1", "a.tar.1.gz", "a.b.1."]);
});

test("what was not made by the template is not read", () => {
  const numbered = BackupTemplate.of("{stem}.{n}{ext}", "app.log")!;
  const strangers = ["app.01.log", "app.0.log", "app..log", "app.1.log.bz2", "app.1.logs", "xapp.1.log", "app.log.1"];
  for (const name of [...strangers, "app.1.log\n", "app.1234567890123456.log", "APP.1.log", "app.1.2.log"])
    assert.equal(numbered.defaultNameOf(name), undefined, name);
  const dated = BackupTemplate.of("{stem}-{date}{ext}", "app.log")!;
  for (const name of ["app-2024-02-30.log", "app-2024-05-17_24.log", "app-2024-5-17.log", "app-2024-05-17.0.log"])
    assert.equal(dated.defaultNameOf(name), undefined, name);
  assert.equal(dated.nameOf("app.log.1"), undefined);
  assert.equal(BackupTemplate.of("{stem}-{date:YYYYMMDD}{ext}", "app.log")!.nameOf("app.log.2024-05-17_10"), undefined);
});

describe("whatever the template, each name leads back to one backup:", () => {
  const tokens = [
    "{stem}",
    "{ext}",
    "{n}",
    "{date}",
    "{date:YYYYMMDD}",
    "{date:HH.DD-MM_YYYY}",
    "{date:mmssHHDDMMYYYY}",
  ];
  const texts = ["", "", ".", "-", "_", "1", "2024", ".1", ".2024-05-17", "old", "(+)", "$&", "T"];
  const templates = fc
    .array(fc.tuple(fc.constantFrom(...texts), fc.constantFrom(...tokens)), { minLength: 3, maxLength: 6 })
    .chain((parts) => fc.constantFrom(...texts).map((end) => parts.flat().join("") + end));

  test("of those that are accepted", () => {
    let accepted = 0;
    const check = fc.property(templates, logNames, (text, log) => {
      const template = templateFault(text, log) === undefined ? BackupTemplate.of(text, log) : undefined;
      if (template === undefined) return;
      accepted++;
      assert.deepEqual(faultsOf(template, log), [], text);
    });
    fc.assert(check, { numRuns: 5000 });
    assert.ok(accepted > 100, `${accepted} templates were accepted`);
  });

  const real = BackupTemplate.of("{stem}.{n}{ext}", "app.log")!;
  const broken: Record<string, Naming> = {
    "one that forgets the extension of a compressed file": {
      nameOf: (name) => real.nameOf(name),
      defaultNameOf: (name) => real.defaultNameOf(name)?.replace(/\.(gz|br|zst)$/, ""),
    },
    "one that is accepted though its date lacks the day": {
      nameOf: (name) => /(\d{4}-\d\d)/.exec(name)?.[1],
      defaultNameOf: (name) => `app.log.${name}-01`,
    },
    "one that counts from another number": {
      nameOf: (name) => real.nameOf(name),
      defaultNameOf: (name) => real.defaultNameOf(name)?.replace(/\d+/, (n) => String(Number(n) + 1)),
    },
  };
  for (const [name, naming] of Object.entries(broken))
    test(`${name} is found out`, () => assert.notDeepEqual(faultsOf(naming, "app.log"), []));
});
