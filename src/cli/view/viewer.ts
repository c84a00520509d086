import { basename } from "node:path";
import type { LogFileError } from "../../base/errors.js";
import type { BlockReader } from "../../reading/records/read-blocks.js";
import { conditionOf, type Selection } from "../../reading/selection.js";
import { group, sizeText } from "../terminal/layout.js";
import { moment, pattern } from "../terminal/reading-flags.js";
import { blank, inverse, paintOf, textOf } from "./drawing.js";
import { cut, rowsOf } from "./fold.js";
import { HELP } from "./help.js";
import { Cancelled, Parts } from "./parts.js";
import { type Place, Records } from "./records.js";
import { type Key, Screen } from "./screen.js";

const FOLLOW_EVERY = 200; // milliseconds
const PROGRESS_EVERY = 250;

/** A row of a record, which is the first one on the screen. */
interface Top extends Place {
  readonly row: number;
}

interface Prompt {
  readonly sign: string;
  text: string;
  readonly done: (text: string) => Promise<void>;
}

/** A log as a page of the terminal, moved by keys. */
export class Viewer {
  readonly #reader: BlockReader;
  readonly #parts: Parts;
  readonly #records: Records;
  readonly #screen: Screen;
  readonly #keys: Key[] = [];
  #top: Top | undefined;
  #prompt: Prompt | undefined;
  #number = "";
  #message = "";
  #pattern: RegExp | undefined;
  #isBackward = false;
  #isFollowing = false;
  #isHelp = false;
  #isBusy = false;
  #isCancelled = false;
  #progressAt = 0;
  #end = (): void => {};

  /** @param selection which records are wanted, to begin with */
  constructor(reader: BlockReader, selection: Selection) {
    this.#reader = { ...reader, onProblem: ({ message }: LogFileError) => (this.#message = message) };
    const { clock } = reader.environment;
    const onProgress = (what: string, part: number) => this.#progress(what, part);
    this.#parts = new Parts(this.#reader, onProgress);
    this.#records = new Records(this.#parts, reader.format, onProgress, () => clock.monotonic());
    this.#records.select(selection);
    this.#screen = new Screen(
      (key) => this.#press(key),
      () => void this.#do(async () => {}),
    );
  }

  get isEmpty(): boolean {
    return this.#parts.count === 0;
  }

  /** Resolves when somebody has left it. */
  async run(): Promise<void> {
    this.#screen.enter();
    try {
      const ended = new Promise<void>((resolve) => {
        this.#end = resolve;
      });
      await this.#do(() => this.#toEnd());
      void this.#follow();
      await ended;
    } finally {
      this.#screen.leave();
      this.#parts.close();
    }
  }

  #press(key: Key): void {
    if (this.#isBusy && key.name === "ctrl-c") this.#isCancelled = true;
    else this.#keys.push(key);
    void this.#work();
  }

  /** Does what keys ask for, one after another. */
  async #work(): Promise<void> {
    while (!this.#isBusy && this.#keys.length > 0) {
      const key = this.#keys.shift()!;
      await this.#do(() => this.#obey(key));
    }
  }

  async #do(deed: () => Promise<void>): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#isCancelled = false;
    this.#progressAt = this.#reader.environment.clock.monotonic();
    try {
      await deed();
      await this.#draw();
    } catch (error) {
      if (!(error instanceof Cancelled)) throw error;
      this.#message = "Ended";
      this.#isCancelled = false;
      await this.#draw();
    } finally {
      this.#isBusy = false;
    }
    if (this.#keys.length > 0) void this.#work();
  }

  async #obey(key: Key): Promise<void> {
    this.#message = "";
    if (this.#prompt !== undefined) return this.#edit(this.#prompt, key);
    if (this.#isHelp) {
      this.#isHelp = false;
      return;
    }
    const wasFollowing = this.#isFollowing;
    this.#isFollowing = false;
    if (/^\d$/.test(key.text)) {
      this.#number += key.text;
      return;
    }
    const number = this.#number;
    this.#number = "";
    if (key.name === "escape" || (wasFollowing && key.name === "ctrl-c")) return;
    const deeds = this.#deeds(number === "" ? undefined : Number(number));
    const deed = deeds[key.text] ?? deeds[key.name];
    if (deed !== undefined) await deed();
    else this.#message = key.name === "ctrl-c" ? "Press q to leave" : "Press h for help";
  }

  /** The deed of each key, by its text or its name. */
  #deeds(number: number | undefined): Readonly<Record<string, () => Promise<void> | void>> {
    const page = this.#screen.rows - 1;
    const half = Math.max(1, Math.floor(page / 2));
    const forward = (rows: number) => () => this.#move(number ?? rows);
    const back = (rows: number) => () => this.#move(-(number ?? rows));
    const start = async () => this.#show(await this.#records.first());
    const end = () => this.#toEnd();
    const percent = async () => this.#show(await this.#records.atPercent(Math.min(100, number ?? 0)));
    const time = () => this.#ask("Time: ", (text) => this.#toTime(text));
    const where = () => this.#tellPlace();
    return {
      ...{ j: forward(1), e: forward(1), down: forward(1), return: forward(1), enter: forward(1) },
      ...{ k: back(1), y: back(1), up: back(1) },
      ...{ " ": forward(page), f: forward(page), pagedown: forward(page), "ctrl-f": forward(page) },
      ...{ b: back(page), pageup: back(page), "ctrl-b": back(page) },
      ...{ d: forward(half), "ctrl-d": forward(half), u: back(half), "ctrl-u": back(half) },
      ...{ g: start, "<": start, home: start, G: end, ">": end, end },
      ...{ "%": percent, p: percent, t: time, ":": time },
      "/": () => this.#ask("/", (text) => this.#search(text, false)),
      "?": () => this.#ask("?", (text) => this.#search(text, true)),
      n: () => this.#searchAgain(this.#isBackward),
      N: () => this.#searchAgain(!this.#isBackward),
      l: () => this.#ask("Level: ", (text) => this.#select({ level: text || undefined })),
      w: () => this.#ask("Where: ", (text) => this.#select({ where: text || undefined })),
      "&": () => this.#ask("&/", (text) => this.#select({ grep: text === "" ? undefined : pattern(text) })),
      F: async () => {
        await this.#toEnd();
        this.#isFollowing = true;
      },
      ...{ "=": where, "ctrl-g": where, r: () => {}, "ctrl-l": () => {} },
      ...{ h: () => this.#help(), H: () => this.#help(), q: () => this.#end(), Q: () => this.#end() },
    };
  }

  #help(): void {
    this.#isHelp = true;
  }

  #ask(sign: string, done: (text: string) => Promise<void>): void {
    this.#prompt = { sign, text: "", done };
  }

  async #edit(prompt: Prompt, { name, text }: Key): Promise<void> {
    if (name === "return" || name === "enter") {
      this.#prompt = undefined;
      try {
        await prompt.done(prompt.text);
      } catch (error) {
        // Somebody has typed a pattern, a level, a condition or a time that cannot be read.
        if (!["ERR_CLH_OPTION", "commander.invalidArgument"].includes((error as LogFileError).code)) throw error;
        this.#message = (error as Error).message;
      }
    } else if (name === "escape" || name === "ctrl-c" || (name === "backspace" && prompt.text === ""))
      this.#prompt = undefined;
    else if (name === "backspace") prompt.text = [...prompt.text].slice(0, -1).join("");
    else if (name === "ctrl-u") prompt.text = "";
    else if (text >= " " && !name.startsWith("ctrl-")) prompt.text += text;
  }

  #show(place: Place | undefined, row = 0): void {
    if (place !== undefined) this.#top = { ...place, row };
  }

  async #toEnd(): Promise<void> {
    await this.#refresh();
    this.#top = await this.#lastTop();
  }

  async #refresh(): Promise<boolean> {
    const hasGrown = await this.#parts.refresh();
    if (hasGrown) this.#records.grown();
    return hasGrown;
  }

  /** The first row of the last page. */
  async #lastTop(): Promise<Top | undefined> {
    const last = await this.#records.last();
    if (last === undefined) return undefined;
    const rows = await this.#rowsAt(last);
    return this.#back({ ...last, row: rows.length - 1 }, this.#screen.rows - 2);
  }

  async #move(rows: number): Promise<void> {
    const top = this.#top;
    if (top === undefined) return;
    if (rows < 0) {
      this.#top = await this.#back(top, -rows);
      return;
    }
    const to = await this.#forward(top, rows);
    let last = await this.#lastTop();
    if (last !== undefined && isBehind(to, last) && (await this.#refresh())) last = await this.#lastTop();
    if (last !== undefined && isBehind(to, last)) this.#top = isBehind(top, last) ? top : last;
    else this.#top = to;
  }

  async #forward(from: Top, count: number): Promise<Top> {
    let top = from;
    for (let left = count; left > 0; left--) {
      if (top.row + 1 < (await this.#rowsAt(top)).length) top = { ...top, row: top.row + 1 };
      else {
        const next = await this.#records.next(top);
        if (next === undefined) break;
        top = { ...next, row: 0 };
      }
    }
    return top;
  }

  async #back(from: Top, count: number): Promise<Top> {
    let top = from;
    for (let left = count; left > 0; left--) {
      if (top.row > 0) top = { ...top, row: top.row - 1 };
      else {
        const previous = await this.#records.previous(top);
        if (previous === undefined) break;
        top = { ...previous, row: (await this.#rowsAt(previous)).length - 1 };
      }
    }
    return top;
  }

  async #search(text: string, isBackward: boolean): Promise<void> {
    if (text !== "") this.#pattern = new RegExp(pattern(text).source, "m");
    this.#isBackward = isBackward;
    await this.#searchAgain(isBackward);
  }

  async #searchAgain(isBackward: boolean): Promise<void> {
    const top = this.#top;
    if (this.#pattern === undefined) this.#message = "There is no pattern to search for";
    if (this.#pattern === undefined || top === undefined) return;
    const from = await (isBackward ? this.#records.previous(top) : this.#records.next(top));
    const found = await this.#records.search(from, this.#pattern, isBackward);
    if (found === undefined) this.#message = `Pattern not found: ${this.#pattern.source}`;
    else this.#show(found);
  }

  async #toTime(text: string): Promise<void> {
    if (text === "q" || text === "Q") return this.#end();
    if (text === "") return;
    const found = await this.#records.since(moment(await this.#withDate(text)));
    if (found === undefined) {
      await this.#toEnd();
      this.#message = "All records are older";
    } else this.#show(found);
  }

  /** A time of day is one of the day of the record on top. */
  async #withDate(text: string): Promise<string> {
    if (!/^\d{1,2}:\d\d(:\d\d)?$/.test(text) || this.#top === undefined) return text;
    const { time } = await this.#records.at(this.#top);
    return time === undefined ? text : `${new Date(time).toLocaleDateString("sv")} ${text.replace(/^\d:/, "0$&")}`;
  }

  async #select(change: Selection): Promise<void> {
    const selection = { ...this.#records.selection, ...change };
    conditionOf(selection);
    const offset = this.#top === undefined ? 0 : (await this.#records.at(this.#top)).offset;
    const part = this.#top?.part ?? 0;
    this.#records.select(selection);
    this.#top = undefined;
    const place = (await this.#records.from(part, offset)) ?? (await this.#lastTop());
    if (place === undefined) this.#message = "No record is wanted by that";
    this.#show(place);
    const last = await this.#lastTop();
    if (last !== undefined && this.#top !== undefined && isBehind(this.#top, last)) this.#top = last;
  }

  async #tellPlace(): Promise<void> {
    if (this.#top === undefined) return;
    const { file, offset } = await this.#records.at(this.#top);
    const { part } = this.#top;
    const size = sizeText(this.#parts.sizeOf(part));
    this.#message = `${basename(file)} (${part + 1} of ${this.#parts.count}), byte ${group(offset)} of ${size}`;
  }

  async #follow(): Promise<void> {
    const { clock } = this.#reader.environment;
    for (;;) {
      await clock.delay(FOLLOW_EVERY);
      if (!this.#isFollowing || this.#isBusy) continue;
      await this.#do(async () => {
        if (await this.#refresh()) this.#top = await this.#lastTop();
      });
    }
  }

  #progress(what: string, part: number): void {
    if (this.#isCancelled) throw new Cancelled();
    const now = this.#reader.environment.clock.monotonic();
    if (now - this.#progressAt < PROGRESS_EVERY) return;
    this.#progressAt = now;
    this.#screen.drawLast(cut(`${what} ${Math.floor(part * 100)}% (Ctrl-C ends it)`, this.#screen.columns - 1));
  }

  async #rowsAt(place: Place): Promise<string[]> {
    return rowsOf(textOf(await this.#records.at(place)), this.#screen.columns);
  }

  async #draw(): Promise<void> {
    const { columns, rows } = this.#screen;
    const height = rows - 1;
    if (this.#isHelp) {
      const lines = HELP.slice(0, height).map((line) => cut(line, columns));
      return this.#screen.draw([...lines, ...blank(height - lines.length), inverse(cut("HELP", columns - 1))]);
    }
    const lines: string[] = [];
    let place: Place | undefined = this.#top;
    let first = this.#top?.row ?? 0;
    if (this.#top !== undefined && first > 0) {
      first = Math.min(first, (await this.#rowsAt(this.#top)).length - 1); // the terminal may be wider by now
      this.#top = { ...this.#top, row: first };
    }
    for (; place !== undefined && lines.length < height; place = await this.#records.next(place), first = 0) {
      const record = await this.#records.at(place);
      const paint = paintOf(record.level);
      const texts = rowsOf(textOf(record), columns).slice(first, first + height - lines.length);
      lines.push(...texts.map((text) => paint(this.#marked(text))));
    }
    const isEnd = place === undefined;
    this.#screen.draw([...lines, ...blank(height - lines.length), await this.#status(isEnd, columns - 1)]);
  }

  async #status(isEnd: boolean, columns: number): Promise<string> {
    if (this.#prompt !== undefined) return cut(`${this.#prompt.sign}${this.#prompt.text}`, columns);
    if (this.#message !== "") return inverse(cut(this.#message, columns));
    const { level, where, grep } = this.#records.selection;
    const wanted = [level, where, grep?.source].filter((one) => one !== undefined).join(", ");
    const parts: string[] = [];
    if (this.#top === undefined) parts.push(basename(this.#reader.log), "no records");
    else {
      const { file, offset, time } = await this.#records.at(this.#top);
      parts.push(basename(file));
      if (time !== undefined) parts.push(new Date(time).toLocaleString("sv"));
      parts.push(isEnd ? "END" : `${Math.floor(this.#records.percentOf(this.#top.part, offset))}%`);
    }
    if (wanted !== "") parts.push(`only ${wanted}`);
    parts.push(this.#isFollowing ? "following (any key ends it)" : (this.#number && `:${this.#number}`) || "h help");
    return inverse(cut(parts.join("  "), columns));
  }

  /** A row in which what was searched for is inverse. */
  #marked(text: string): string {
    if (this.#pattern === undefined) return text;
    return text.replace(new RegExp(this.#pattern.source, "g"), (found) =>
      found === "" ? "" : `\x1b[7m${found}\x1b[27m`,
    );
  }
}

function isBehind(a: Top, b: Top): boolean {
  const difference = [a.part - b.part, a.page - b.page, a.index - b.index, a.row - b.row].find((one) => one !== 0);
  return difference !== undefined && difference > 0;
}
