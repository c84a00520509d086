/** What is wrong with the numbers of one writer's records. */
export interface SequenceResult {
  /** The name that the pattern finds in the records; "" where they name no writer. */
  readonly writer: string;
  /** How many records it has. */
  readonly records: number;
  /** Its lowest number. */
  readonly first: number;
  /** Its highest number. */
  readonly last: number;
  /** Numbers between the first and the last that no record has. */
  readonly missing: number;
  /** Records with a number that another one has. */
  readonly duplicated: number;
  /** Records that stand behind one of a higher number. */
  readonly reordered: number;
}

/** Runs of numbers that were seen, with nothing missing inside of them. */
class Runs {
  /** First and last number of each, in order: few, unless many numbers are missing. */
  readonly #runs: [first: number, last: number][] = [];

  /** False when it was there already. */
  add(number: number): boolean {
    const at = this.#find(number);
    const before = this.#runs[at - 1];
    const after = this.#runs[at];
    if (before !== undefined && number <= before[1]) return false;
    const extendsBefore = before?.[1] === number - 1;
    if (extendsBefore && after?.[0] === number + 1) {
      before[1] = after[1];
      this.#runs.splice(at, 1);
    } else if (extendsBefore) before[1] = number;
    else if (after?.[0] === number + 1) after[0] = number;
    else this.#runs.splice(at, 0, [number, number]);
    return true;
  }

  get first(): number {
    return this.#runs[0]![0];
  }

  get last(): number {
    return this.#runs.at(-1)![1];
  }

  get missing(): number {
    return this.#runs.reduce((sum, [first], i) => sum + (i === 0 ? 0 : first - this.#runs[i - 1]![1] - 1), 0);
  }

  /** Index of the first run that begins after `number`. */
  #find(number: number): number {
    let low = 0;
    let high = this.#runs.length;
    if (high > 0 && this.#runs[high - 1]![0] <= number) return high; // records mostly come in order
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#runs[middle]![0] <= number) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Finds missing, duplicated and reordered records by the numbers that their writers give them. */
export class Sequences {
  readonly #pattern: RegExp;
  readonly #writers = new Map<string, { runs: Runs; records: number; duplicated: number; reordered: number }>();
  /** Records that the pattern does not match. */
  unmatched = 0;

  /**
   * @param pattern finds the number in a group `seq`, and the writer, if there are several, in one `writer`; without
   *   such names, the last group is the number and the one before it the writer
   */
  constructor(pattern: RegExp) {
    this.#pattern = pattern;
  }

  add(text: string): void {
    const match = this.#pattern.exec(text);
    if (match === null) {
      this.unmatched++;
      return;
    }
    const { groups, length } = match;
    const number = Number(groups?.seq ?? match[length - 1]);
    const name = groups?.writer ?? (groups?.seq === undefined && length > 2 ? match[length - 2]! : "");
    if (length === 1 || !Number.isSafeInteger(number)) {
      this.unmatched++;
      return;
    }
    let writer = this.#writers.get(name);
    if (writer === undefined) {
      writer = { runs: new Runs(), records: 0, duplicated: 0, reordered: 0 };
      this.#writers.set(name, writer);
    }
    const isBehind = writer.records > 0 && number < writer.runs.last;
    writer.records++;
    if (!writer.runs.add(number)) writer.duplicated++;
    else if (isBehind) writer.reordered++;
  }

  results(): SequenceResult[] {
    return [...this.#writers].map(([writer, { runs, records, duplicated, reordered }]) => {
      const { first, last, missing } = runs;
      return { writer, records, first, last, missing, duplicated, reordered };
    });
  }
}
