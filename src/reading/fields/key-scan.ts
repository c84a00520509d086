/**
 * What must be so in the JSON of a record for it to be wanted: asked of the bytes, taken for Latin-1, before they are
 * parsed. False is certain; true means that the record has to be looked at.
 */
export interface Scan {
  /** Begins with another text. */
  start(text: string): void;
  /** Asked for records in their order. */
  mayHold(from: number, to: number): boolean;
}

/** Finds a text again and again, going forward. */
class Finder {
  readonly #wanted: string;
  #text = "";
  #at = -1;

  constructor(wanted: string) {
    this.#wanted = wanted;
  }

  start(text: string): void {
    this.#text = text;
    this.#at = -1;
  }

  /** Where it stands from `from` on; the length of the text when it does not. */
  next(from: number): number {
    if (this.#at < from) {
      const found = this.#text.indexOf(this.#wanted, from);
      this.#at = found === -1 ? this.#text.length : found;
    }
    return this.#at;
  }
}

/** Keys of which each has the first one in it, so that one search finds all of them. */
interface Family {
  readonly finder: Finder;
  readonly quoted: readonly (readonly [text: string, before: number])[];
}

function familiesOf(keys: readonly string[]): Family[] {
  const stems = keys.filter((key) => !keys.some((other) => other !== key && key.includes(other)));
  return stems.map((stem) => {
    const members = keys.filter((key) => key.includes(stem));
    // Not with the quote in front: there are too many of them to stop at each.
    const wanted = members.every((key) => key.endsWith(stem)) ? `${stem}"` : stem;
    const quoted = members.map((key) => [`"${key}"`, key.indexOf(wanted.slice(0, stem.length)) + 1] as const);
    return { finder: new Finder(wanted), quoted };
  });
}

/** One of some keys has a value of which something holds. */
export class KeyScan implements Scan {
  readonly #families: readonly Family[];
  readonly #holds: (value: unknown) => boolean;
  // A key may be written with escapes.
  readonly #escape = new Finder("\\u");
  #text = "";

  constructor(keys: readonly string[], holds: (value: unknown) => boolean) {
    this.#families = familiesOf(keys);
    this.#holds = holds;
  }

  start(text: string): void {
    this.#text = text;
    this.#escape.start(text);
    for (const { finder } of this.#families) finder.start(text);
  }

  mayHold(from: number, to: number): boolean {
    for (const { finder, quoted } of this.#families) {
      for (let at = finder.next(from); at < to; at = finder.next(at + 1)) {
        for (const [key, before] of quoted) {
          if (this.#text.startsWith(key, at - before) && this.#mayHoldAt(at - before + key.length)) return true;
        }
      }
    }
    return this.#escape.next(from) < to;
  }

  /** @param end of the key */
  #mayHoldAt(end: number): boolean {
    const colon = afterBlanks(this.#text, end);
    if (this.#text.charCodeAt(colon) !== 58) return false; // ":"; else it is a value
    VALUE.lastIndex = afterBlanks(this.#text, colon + 1);
    const match = VALUE.exec(this.#text);
    if (match === null) return true; // an object, a list, or a text with escapes or more than ASCII
    const [whole, number, quoted] = match;
    if (number !== undefined) return this.#holds(Number(number));
    return this.#holds(quoted ?? WORDS[whole as keyof typeof WORDS]);
  }
}

const VALUE = /(-?\d[\d.eE+-]*)|"([ !#-[\]-~]*)"|true|false|null/y;
const WORDS = { true: true, false: false, null: null };

function afterBlanks(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) === 32 || text.charCodeAt(at) === 9) at++;
  return at;
}

/** All of them; those that are not known say nothing. */
export function allOf(...scans: readonly (Scan | undefined)[]): Scan | undefined {
  const known = scans.filter((scan) => scan !== undefined);
  if (known.length < 2) return known[0];
  return {
    start: (text) => {
      for (const scan of known) scan.start(text);
    },
    mayHold: (from, to) => known.every((scan) => scan.mayHold(from, to)),
  };
}

/** One of two; when either is not known, nothing is. */
export function eitherOf(one: Scan | undefined, other: Scan | undefined): Scan | undefined {
  if (one === undefined || other === undefined) return undefined;
  return {
    start: (text) => {
      one.start(text);
      other.start(text);
    },
    mayHold: (from, to) => one.mayHold(from, to) || other.mayHold(from, to),
  };
}
