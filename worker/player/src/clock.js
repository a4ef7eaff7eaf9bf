// What moves by itself, moved in the time of the recording: CSS animations, transitions, and SMIL in SVG.
//
// Each is as old as the time since the event that began it, less the time it was paused: so a frame shows the same
// whichever frames there are besides it. Blink rounds the time of its animations to 0.1 ms, up or down at random, and two
// runs would differ in a pixel. At playback rate 0 an animation has exactly the time that it was given, and is still
// running for all that style and events can tell.

// As good as 0. At 0 itself Blink leaves out what a change of its time changes: an animation never leaves its delay, and one
// that is paused shows its begin. Blink keeps a begin, now - time / rate, and computes the time from it: so small a rate makes
// `now`, with its rounding, vanish in that difference. At 1e-10 the time differed in its last bits from run to run, and a turn
// that had just ended was one of 360 degrees or of a bit less, which is painted differently.
const STILL = 1e-30;
// What ends at a time is over at that time: sums that fall short by a bit would show the end of an iteration, not the next.
const BEHIND_MS = 1e-6;
const ENDLESS = "[repeatCount=indefinite], [repeatDur=indefinite]"; // SMIL that does not end
const LONG_MS = 1e9; // longer than any SMIL that ends takes
const ROUNDS = 8; // of looking again: what one animation's end sets off may end at once and set off another

export class Clock {
  #ages = new WeakMap(); // of animations: { age, seen }, in milliseconds
  #births = new WeakMap(); // of SVG documents that use SMIL
  #running = [];
  #paused = [];

  /** Moves what ran when it was looked at last, before events change the page: they find it as old as they are. */
  advance(at) {
    for (const animation of this.#paused) this.#ages.get(animation).seen = at; // a pause makes nothing older
    for (const animation of this.#running) if (animation.playState === "running") this.#move(animation, at);
  }

  /**
   * Finds what there is now in these documents and shadow trees, and moves it to `at`; true if anything runs.
   *
   * What is new begins now; where `isOver` what ends has ended before, and only what never ends begins.
   */
  look(trees, movingSvgs, at, isOver = false) {
    for (let round = 0, again = true; again && round < ROUNDS; round += 1) {
      again = false;
      this.#running = [];
      this.#paused = [];
      for (const tree of trees) {
        for (const animation of tree.getAnimations()) {
          if (!hasTime(animation)) continue;
          if (animation.playState === "running") again = this.#move(animation, at, isOver) || again;
          else if (this.#ages.has(animation)) this.#ages.get(animation).seen = at;
          if (animation.playState === "running") this.#running.push(animation);
          else if (animation.playState === "paused" && this.#ages.has(animation)) this.#paused.push(animation);
        }
      }
    }
    for (const svg of movingSvgs) this.#moveSmil(svg, at, isOver);
    return this.#running.length > 0 || movingSvgs.length > 0;
  }

  /** True if the animation has just begun or ended: there may be others in consequence. */
  #move(animation, at, isOver = false) {
    const known = this.#ages.get(animation);
    const { endTime } = animation.effect.getComputedTiming();
    const life = known ?? { age: isOver && endTime < Infinity ? endTime : 0, seen: at };
    life.age = Math.round((life.age + at - life.seen) * 1000) / 1000;
    life.seen = at;
    if (!known) this.#ages.set(animation, life);
    if (life.age >= endTime) {
      animation.playbackRate = 1;
      animation.finish(); // so that what follows begins from the right value
      return true;
    }
    animation.playbackRate = STILL;
    animation.currentTime = life.age + BEHIND_MS;
    return !known;
  }

  /**
   * Keeps SVG that was built from going by the time of frames until it is moved.
   *
   * It may take that for its age, which is more than a week then, and go through each repetition in between for minutes.
   */
  hold(movingSvgs) {
    for (const svg of movingSvgs) if (!this.#births.has(svg)) svg.pauseAnimations();
  }

  #moveSmil(svg, at, isOver) {
    if (!this.#births.has(svg)) this.#births.set(svg, isOver && !svg.querySelector(ENDLESS) ? at - LONG_MS : at);
    svg.pauseAnimations();
    svg.setCurrentTime((at - this.#births.get(svg)) / 1000);
  }
}

/** An animation that follows scrolling has a position instead of a time. */
function hasTime(animation) {
  return typeof animation.currentTime !== "object" || (animation.currentTime === null && !isScrolled(animation.timeline));
}

function isScrolled(timeline) {
  return /^(Scroll|View)Timeline$/.test(timeline?.constructor.name);
}
