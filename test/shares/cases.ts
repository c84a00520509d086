import { Agent } from "./agents.js";
import type { Host, Lab } from "./lab.js";

/* Cases that end the same way at each run, without load and without luck. */

/** Gives what is wrong, or nothing. */
type Case = (agents: { a: Agent; b: Agent; b2: Agent }, log: string, lab: Lab) => Promise<string | undefined>;

const TURNS = 12;
/** Of each of four. */
const LOCKINGS = 500;

const CASES: readonly [what: string, run: Case][] = [
  [
    "a lock is kept when another process of its host writes and closes the log",
    async ({ a, b, b2 }, log) => {
      await b.do("lock", log);
      await b2.do("open", log, { onLockTimeout: "throw" });
      await b2.do("write", log, "from b2");
      await b2.do("close", log);
      return (await a.do("lock", log)) ? "another host has got it too" : undefined;
    },
  ],
  [
    "a lock is kept when another handler of its process writes and closes the log",
    async ({ a, b }, log) => {
      await b.do("lock", log);
      await b.do("open", log, {});
      await b.do("write", log, "from b");
      await b.do("close", log);
      return (await a.do("lock", log)) ? "another host has got it too" : undefined;
    },
  ],
  [
    "a spill is left to its process when that opens it once more, or another one of its host does",
    async ({ a, b, b2 }, log) => {
      for (const agent of [a, b, b2]) await agent.do("open", log, { backupCount: 99 });
      await a.do("write", log, "first");
      await a.do("lock", log);
      if (await b.do("write", log, "in a spill")) return "a lock that is held was given to another host";
      await b.do("read", log);
      await a.do("unlock", log);
      await b2.do("write", log, "from b2");
      await b2.do("rotate", log);
      await a.do("write", log, "from a");
      await a.do("rotate", log);
      for (const agent of [b, b2]) await agent.do("flush", log);
      const texts = await a.do<string[]>("read", log);
      const expected = ["first", "from a", "from b2", "in a spill"];
      if (JSON.stringify([...texts].sort()) === JSON.stringify(expected)) return undefined;
      const errors = await Promise.all([a, b, b2].map((agent) => agent.do("errors")));
      return `found ${JSON.stringify(texts)}, after ${JSON.stringify(errors)}`;
    },
  ],
  [
    "a log that another host writes, or puts records of into a spill, can be read",
    async ({ a, b }, log) => {
      for (const agent of [a, b]) await agent.do("open", log, {});
      await a.do("write", log, "first");
      await a.do("lock", log);
      await b.do("write", log, "in a spill");
      const texts = await a.do<string[] | string>("read", log);
      await a.do("unlock", log);
      return JSON.stringify(texts) === '["first","in a spill"]' ? undefined : `read ${JSON.stringify(texts)}`;
    },
  ],
  [
    "nobody writes to a file that another host has rotated",
    async ({ a, b }, log) => {
      for (const agent of [a, b]) await agent.do("open", log, { maxBytes: 1e6, backupCount: 99 });
      const wrong: string[] = [];
      for (let turn = 0; turn < TURNS; turn++) {
        for (const record of ["a0", "a1", "a2"]) await a.do("write", log, `${turn} ${record}`);
        await b.do("write", log, `${turn} b0`);
        await a.do("write", log, `${turn} a3`);
        await b.do("rotate", log);
        for (const record of ["b1", "b2"]) await b.do("write", log, `${turn} ${record}`);
        await a.do("write", log, `${turn} a4`);
        const texts = await b.do<string[]>("read", log);
        if (texts.at(-1) !== `${turn} a4`) wrong.push(`${texts.slice(-4)}`);
        await b.do("rotate", log);
      }
      return wrong.length === 0 ? undefined : `in ${wrong.length} of ${TURNS} turns, as ${wrong[0]}`;
    },
  ],
  [
    "a name that another host has just given is not given again",
    async ({ a, b }, log) => {
      const [from, to] = [`${log}.from`, `${log}.to`];
      await b.do("make", from);
      await b.do("exists", to);
      await a.do("make", to);
      const said = await b.do<string | boolean>("rename", from, to);
      return String(said).includes("EEXIST") ? undefined : `renamed: ${said}`;
    },
  ],
  [
    "clh doctor --peer says so",
    async ({ a, b }, log) => {
      const failed = await Promise.all([a, b].map((agent) => agent.do<object[] | string>("doctor", log)));
      return failed.every(({ length }) => length === 0) ? undefined : JSON.stringify(failed);
    },
  ],
];

export interface CaseResult {
  readonly what: string;
  readonly why: string | undefined;
}

export async function runCases(lab: Lab, make: (name: string) => Promise<string>): Promise<CaseResult[]> {
  const [hostA, hostB] = lab.hosts as [Host, Host, ...Host[]];
  const results: CaseResult[] = [];
  for (const [i, [what, run]] of CASES.entries()) {
    const agents = { a: new Agent(hostA), b: new Agent(hostB), b2: new Agent(hostB) };
    results.push({ what, why: await run(agents, await make(`case${i}`), lab) });
    for (const agent of Object.values(agents)) agent.end();
  }
  results.push(await referee(lab, await make("referee")));
  return results;
}

/** Two processes on each host take the lock by turns, and tell when they have it. */
async function referee(lab: Lab, log: string): Promise<CaseResult> {
  const holders = new Set<string>();
  let taken = 0;
  let together = 0;
  const users = lab.hosts
    .slice(0, 2)
    .flatMap((host) =>
      ["1", "2"].map((n) => ({ name: `${host.name}.${n}`, remote: host.run("lock-user", log, LOCKINGS) })),
    );
  for (const { remote } of users) await remote.next();
  const watch = async ({ name, remote }: (typeof users)[number]) => {
    remote.say("k");
    for (let word = await remote.next(); word !== undefined; word = await remote.next()) {
      if (word === "L") {
        taken++;
        if (holders.size > 0) together++;
        holders.add(name);
      } else holders.delete(name);
      remote.say("k");
    }
  };
  await Promise.all(users.map(watch));
  const why =
    taken < users.length * LOCKINGS ? `it was had ${taken} times only` : `by two at once ${together} times of ${taken}`;
  const isRight = together === 0 && taken === users.length * LOCKINGS;
  return { what: "the lock is held by one at a time", why: isRight ? undefined : why };
}
