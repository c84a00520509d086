/** A delay that doubles each time, up to a ceiling. */
export class Backoff {
  readonly #first: number;
  readonly #longest: number;
  #next: number;

  /** Both in one unit, that of {@link next}. */
  constructor(first: number, longest: number) {
    this.#first = first;
    this.#longest = longest;
    this.#next = first;
  }

  /** The delay for now; the one after it is twice as long. */
  next(): number {
    const delay = this.#next;
    this.#next = Math.min(delay * 2, this.#longest);
    return delay;
  }

  /** Starts again with the first delay. */
  reset(): void {
    this.#next = this.#first;
  }
}
