// What could not be applied: told to the renderer with the event that it came from, wherever it was thrown.

const MOST_TOLD = 20; // a recording with a million faults gets twenty reasons and a count
const LONGEST_REASON = 300;

export class Faults {
  #ordinals = new WeakMap(); // of events: their numbers in the recording
  #told = new Set();
  #fresh = [];
  #current; // the event that is being applied, or was last
  count = 0;

  /** Remembers which number an event has. */
  number(event, ordinal) {
    this.#ordinals.set(event, ordinal);
  }

  /** Says which event is applied from now on: what is thrown comes from it. */
  begin(event) {
    this.#current = event;
  }

  /** Notes why something was left out; the same reason of the same event is noted once. */
  tell(reason, event = this.#current) {
    const ordinal = this.#ordinals.get(event) ?? -1;
    const text = String(reason).split("\n")[0].slice(0, LONGEST_REASON);
    const key = `${ordinal} ${text}`;
    if (this.#told.has(key)) return;
    this.count += 1;
    if (this.#told.size >= MOST_TOLD) return;
    this.#told.add(key);
    this.#fresh.push({ ordinal, reason: text });
  }

  /** What was noted since the last call. */
  take() {
    return this.#fresh.splice(0);
  }

  /** Calls `work`; what it throws is noted, and the rest goes on. */
  hold(work) {
    try {
      return work();
    } catch (error) {
      this.tell(error);
      return undefined;
    }
  }
}
