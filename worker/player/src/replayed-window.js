// One browser window of the session: its events, and the page that its last full snapshot has begun.
//
// Time only moves forward, and only by `seek` and `replay`: nothing here reads a clock. What a seek shows depends on the
// recording since the last full snapshot and on the time alone, and not on the seeks before: each event is applied at its own
// time, and so begin its animations.
import { isFont, isFullSnapshot, isMeta, mayAddCanvas, sizeOf, standsAlone } from "./events.js";
import { Faults } from "./faults.js";
import { showHover } from "./hover.js";
import { bringsAge, mayJoin } from "./joining.js";
import { Links, hasGonePictures, mayNameParts } from "./links.js";
import { isAnimated, pictureUrls } from "./pictures.js";
import { ReplayedPage } from "./replayed-page.js";
import { sanitiseEvent } from "./sanitise.js";
import { Stage } from "./stage.js";
import { hasSvgPicture, stillPictures } from "./still-pictures.js";
import { markUnrecorded } from "./unrecorded.js";

const MOST_JOINED = 20; // more of them save little, and take long in one go

export class ReplayedWindow {
  #options;
  #stage;
  #links;
  #events = [];
  #snapshotsAt = []; // places of the full snapshots among them
  #animatedPictures = new WeakSet(); // events that bring one
  #applied = 0;
  #firstShown;
  #paintedMs = -Infinity; // the seek that a frame of the page has shown
  #painted = Promise.resolve(); // resolves when a frame has shown the last seek that changed something
  #page; // the present ReplayedPage; undefined before the first full snapshot
  #visible = false;
  #size; // of the page, as an event said last
  #fonts = []; // events of the present page that have added one
  #begun = 0; // full snapshots
  #brought = 0; // events that have brought a picture that moves by itself
  #mayAge = false; // there may be what moves without an end
  #unresolved = 0; // of pages that are gone
  #faults = new Faults();

  /**
   * @param options how all windows are shown, and of this one: `viewport`, its size before its first event, `snapshots`, what
   *   the page of each full snapshot has kept from the time before, `canvas`, whether it has one, and
   *   `canvasRecorded`, whether anything that was drawn on one is in the recording.
   */
  constructor(options) {
    this.#options = options;
    this.#size = options.viewport;
    this.#stage = new Stage(options);
    this.#links = new Links(options.assets.href, options.assets.texts);
  }

  /** Takes events, of which the first has that number in the recording; -1 in an answer is no event of it. */
  append(json, first) {
    for (const [at, event] of this.#parse(json).entries()) {
      this.#faults.number(event, first + at);
      if (isFullSnapshot(event)) this.#snapshotsAt.push(this.#events.length);
      this.#events.push(event);
    }
  }

  /** Notes what was thrown where nobody catches it. */
  tell(error) {
    this.#faults.tell(error);
  }

  /** Keeps the fonts that a page has added between `since` and `until`: its replay begins later. */
  keepFonts(json, since, until) {
    const { start } = this.#options;
    const isOfPage = ({ timestamp }) => timestamp >= start + since && timestamp <= start + until;
    this.#fonts.push(...this.#parse(json).filter((event) => isFont(event) && isOfPage(event)));
  }

  /** Loads what the first page needs, by building it once: it is built again by the first seek. */
  async load() {
    const snapshot = this.#findFirst();
    await this.#options.assets.arrive();
    await this.#beginPage(snapshot);
    if (this.#page.failure) throw new Error(`SnapshotFailed: ${this.#page.failure.message}`);
    await this.#page.fontsArrive();
    this.#begun = 0;
  }

  async seek(offset) {
    this.#findFirst();
    const at = Math.max(offset, this.#firstShown);
    const wasHidden = !this.#visible;
    this.show(true);
    const isApplied = await this.#applyUntil(at);
    if (isApplied) await this.#page.fontsArrive();
    const page = this.#page;
    const moving = await page.show(at);
    const animating = moving || page.isRestless;
    const changed = animating || isApplied || wasHidden;
    page.hideMasked();
    if (changed) this.#painted = frame().then(() => (this.#paintedMs = offset));
    return {
      animating,
      changed,
      moving,
      restless: page.isRestless || !page.isPresented(),
      viewport: this.#stage.viewport,
      unresolved: this.#unresolved + page.unresolved,
      faults: this.#faults.take(),
      leftOut: this.#faults.count,
      nested: page.isNested,
      masks: page.masked,
    };
  }

  /** Seeks as soon as a frame has shown the seek before. */
  seekNext(offset) {
    return this.#painted.then(() => this.seek(offset));
  }

  /**
   * Applies what happens up to `offset` unseen, until `most` batches are applied or Blink moves something by itself.
   *
   * What happens up to `joined`, long before anybody looks, need not be applied at its own time (joining.js).
   */
  async replay(offset, most, joined) {
    this.#findFirst();
    const at = Math.max(offset, this.#firstShown);
    this.show(false);
    const brought = this.#brought;
    const answer = (reached) => ({ reached, restless: this.#isRestless, brought: this.#brought > brought });
    for (let batches = 0; batches < most; batches += 1) {
      const until = this.#mayAge || this.#options.canvas ? -Infinity : Math.min(at, joined);
      if (!(await this.#applyUntil(at, 1, until))) return answer(offset);
      if (this.#isRestless) break;
    }
    return answer(this.#events[this.#applied - 1].timestamp - this.#options.start);
  }

  isPainted(offset) {
    return this.#paintedMs >= offset && this.#page.isPresented();
  }

  masks() {
    return this.#page.masked;
  }

  origins(nodes) {
    return nodes.map((id) => this.#page.originOf(id));
  }

  /** Whether frames show the window. */
  show(is) {
    if (is) this.#options.onShown(this);
    this.#visible = is;
    if (this.#page) this.#page.visible = is;
  }

  /** Leaves nothing. */
  destroy() {
    this.#page?.destroy();
  }

  get #isRestless() {
    return this.#begun > 0 && this.#page.isRestless;
  }

  #findFirst() {
    if (this.#firstShown !== undefined) return undefined;
    const snapshot = this.#events.find(isFullSnapshot);
    this.#firstShown = snapshot.timestamp - this.#options.start;
    return snapshot;
  }

  #parse(json) {
    const chunk = JSON.parse(json);
    const mayMove = [...pictureUrls(json)].some(isAnimated);
    const mayHover = json.includes(":hover");
    const mayNeedStilling = hasSvgPicture(json);
    const { assets } = this.#options;
    const hasLinks = assets.exist || hasGonePictures(json) || mayNameParts(json);
    this.#mayAge ||= bringsAge(json);
    for (const event of chunk) {
      if (isMeta(event)) this.#links.open(event.data.href); // also one without a size, which is left out
      sanitiseEvent(event);
      if (mayHover) showHover(event);
      if (hasLinks) this.#links.resolve(event);
      if (assets.mayAnimate && assets.bringsAnimated(JSON.stringify(event.data), isFullSnapshot(event))) this.#animatedPictures.add(event);
      if (mayNeedStilling) stillPictures(event);
      if (mayMove && [...pictureUrls(JSON.stringify(event.data))].some(isAnimated)) this.#animatedPictures.add(event);
    }
    markUnrecorded(chunk, this.#options.canvasRecorded, (url) => assets.isThere(url));
    return chunk;
  }

  async #beginPage(snapshot) {
    const context = this.#options.snapshots[this.#begun];
    const frames = this.#page?.keepFrames(context.frames ?? [], snapshot.timestamp) ?? [];
    this.#page?.destroy();
    this.#unresolved += this.#page?.unresolved ?? 0;
    this.#leavePage();
    const given = { stage: this.#stage, animatedPictures: this.#animatedPictures, visible: this.#visible, faults: this.#faults };
    this.#page = new ReplayedPage({ ...this.#options, ...given });
    await this.#page.begin(snapshot, { ...context, size: this.#size, fonts: this.#fonts, frames });
  }

  /**
   * The next events up to `until` that can be applied together, or none.
   *
   * They are of one millisecond. Apart from those before them are what rrweb would forget them for (a Meta event), what
   * begins a page or completes one, and what could be drawn on a canvas before its first picture has loaded. Up to `joined`
   * they need not be of one millisecond.
   */
  #takeBatch(until, joined) {
    const events = this.#events;
    const first = this.#applied;
    const at = events[first]?.timestamp;
    const { start } = this.#options;
    if (first === events.length || at - start > until) return [];
    let last = first + 1;
    const isJoined = (event) => event && event.timestamp - start <= joined && mayJoin(event);
    if (isJoined(events[first])) while (last - first < MOST_JOINED && isJoined(events[last])) last += 1;
    const isOfOneTime = events[last - 1].timestamp === at;
    while (isOfOneTime && events[last]?.timestamp === at && !this.#mustPart(events[last - 1], events[last])) last += 1;
    this.#applied = last;
    for (let index = first - 1; events[index]; index -= 1) events[index] = undefined; // they are needed no more
    return events.slice(first, last);
  }

  #mustPart(before, event) {
    return isApart(event) || (isApart(before) && !isMeta(before)) || (this.#options.canvas && mayAddCanvas(before));
  }

  async #applyBatch(batch) {
    if (batch.some((event) => this.#animatedPictures.has(event))) this.#brought += 1;
    this.#size = batch.map(sizeOf).findLast(Boolean) ?? this.#size;
    if (isFullSnapshot(batch[0])) return this.#beginPage(batch[0]);
    this.#fonts.push(...batch.filter(isFont));
    return this.#page && this.#begun ? this.#page.apply(batch) : undefined;
  }

  /**
   * Passes over pages that another full snapshot follows by `at`: nobody sees them, and nothing of them stays but what every
   * page keeps. A recorder may take a snapshot with each click, and to build one takes as long as to show many changes.
   */
  #passOver(at) {
    const { start, snapshots } = this.#options;
    const isDue = (number) => this.#events[this.#snapshotsAt[number]]?.timestamp - start <= at;
    let number = this.#begun;
    while (isDue(number + 1)) number += 1;
    while (number >= this.#begun && snapshots[number]?.frames?.length) number -= 1; // it keeps frames of the page before
    if (number < this.#begun || !isDue(number)) return;
    for (; this.#applied < this.#snapshotsAt[number]; this.#applied += 1) {
      const event = this.#events[this.#applied];
      this.#size = sizeOf(event) ?? this.#size;
      if (isFullSnapshot(event)) this.#leavePage();
      else if (isFont(event)) this.#fonts.push(event);
      this.#events[this.#applied] = undefined;
    }
  }

  /** The page of the next full snapshot follows: the fonts that scripts have added stay where it is the same page. */
  #leavePage() {
    if (!this.#options.snapshots[this.#begun].continues && this.#begun > 0) this.#fonts = [];
    this.#begun += 1;
  }

  /** Applies what happens up to `at`, in at most `most` batches; true if anything did. */
  async #applyUntil(at, most = Infinity, joined = -Infinity) {
    const before = this.#applied;
    this.#passOver(at);
    for (let batches = 0; batches < most; batches += 1) {
      const batch = this.#takeBatch(at, joined);
      if (!batch.length) break;
      await this.#applyBatch(batch).catch((error) => this.#faults.tell(error, batch[0]));
    }
    return this.#applied > before;
  }
}

const isApart = (event) => isMeta(event) || isFullSnapshot(event) || standsAlone(event);

/** Resolves right after the next frame of the page: what changes then belongs to the frame that follows. */
function frame() {
  return new Promise((resolve) =>
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = resolve;
      port2.postMessage(null);
    }),
  );
}
