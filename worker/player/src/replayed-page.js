// What one full snapshot begins: a replayer of its own, with a document and a window of its own.
//
// So what is shown after a full snapshot cannot depend on what was replayed before it, and a replay can begin at any. What a
// page does keep from the time before the snapshot is given (`context`), never left over:
//   - its size, where the pointer was, what had the focus, what was selected, which fonts its scripts had added;
//   - whether it `continues`: the snapshot shows a page that was there before (a checkout of the recorder), and not one that
//     has just been loaded. In such a page animations and transitions that end are over; those that never end begin anew.
import { Replayer, ReplayerEvents } from "rrweb";
import { Clock } from "./clock.js";
import { prepare } from "./documents.js";
import * as make from "./events.js";
import { idsOf, isAdoption, isAttachment, isCanvas, isFullSnapshot, isMove, isSelection, isShown, sizeOf } from "./events.js";
import { hold } from "./held-replayer.js";
import { keepFrames } from "./kept-frames.js";
import { Media } from "./media.js";
import { Resources } from "./resources.js";
import { Scrolling } from "./scrolling.js";
import { originOf } from "./stage.js";
import { TrackedNodes } from "./tracked-nodes.js";
import { Unrecorded } from "./unrecorded.js";

const NEVER_MS = 1e13; // after the start; beyond any recording
const MOST_KEPT_PIXELS = 2 ** 23; // of pictures that canvases draw: some of a whole screen
const isObject = (value) => value !== null && typeof value === "object";

export class ReplayedPage {
  #start;
  #canvas;
  #fixedStyles;
  #masks;
  #replayer;
  #trackedNodes;
  #clock = new Clock();
  #scrolling = new Scrolling();
  #unrecorded = new Unrecorded();
  #resources;
  #media;
  #faults;
  /** Why the snapshot could not be built, if it could not. */
  failure;
  #incomplete = new Set(); // ids of the snapshot's nodes that events right after it complete

  /**
   * @param start timestamp that offsets count from.
   * @param canvas whether canvases are painted, which needs scripts to be allowed.
   * @param animatedPictures events that bring a picture that moves by itself.
   * @param faults is told of what cannot be applied.
   */
  constructor({ start, canvas, fixedStyles, masks, stage, animatedPictures, visible, faults }) {
    this.#faults = faults;
    this.#start = start;
    this.#canvas = canvas;
    this.#fixedStyles = fixedStyles;
    this.#masks = masks;
    const lookFor = { node: (id) => this.#mirror?.getNode(id), recorded: (node) => this.#mirror?.getMeta(node) };
    this.#trackedNodes = new TrackedNodes(lookFor, animatedPictures);
    this.#resources = new Resources(this.#trackedNodes);
    this.#replayer = new Replayer([this.#marker(0), this.#marker(NEVER_MS)], {
      root: document.body,
      mouseTail: false,
      useVirtualDom: false,
      pauseAnimation: false,
      showWarning: false,
      UNSAFE_replayCanvas: canvas,
      plugins: [this.#trackedNodes.plugin((element) => this.#unrecorded.see(element), (event) => this.#note(event))],
    });
    hold(this.#replayer, faults);
    this.#replayer.wrapper.id = "replay";
    this.visible = visible;
    prepare(this.#replayer.iframe.contentDocument);
    this.#media = new Media(this.#replayer);
    this.#replayer.on(ReplayerEvents.Resize, (size) => stage.place(this.#replayer.wrapper, size));
    this.#replayer.on(ReplayerEvents.FullsnapshotRebuilded, () => this.#applyFixedStyles());
    this.#trackedNodes.documents.add(this.#replayer.iframe.contentDocument);
  }

  /** Whether frames show the page. */
  set visible(is) {
    this.#replayer.wrapper.style.visibility = is ? "" : "hidden";
  }

  /** Whether Blink moves something by itself. */
  get isRestless() {
    return this.#trackedNodes.isRestless;
  }

  /** How often an image or a font did not come in time. */
  get unresolved() {
    return this.#resources.unresolved;
  }

  /** Whether there are frames in the page. */
  get isNested() {
    return this.#trackedNodes.documents.size > 1;
  }

  /** Where what is masked is, and how many elements each selector has covered. */
  get masked() {
    return { boxes: this.#masks.boxes(this.#trackedNodes.trees, this.#replayer.iframe), counts: this.#masks.counts };
  }

  get #mirror() {
    return this.#replayer?.getMirror();
  }

  /** Builds the page, and gives it what it has kept: { size, continues, pointer, focus, selection, fonts, frames }. */
  async begin(snapshot, { size, continues, pointer, focus, selection = [], fonts, frames = [] }) {
    const at = snapshot.timestamp;
    if (continues) this.#incomplete = new Set(idsOf(snapshot.data.node));
    const kept = [snapshot, ...fonts.map((font) => ({ ...font, timestamp: at }))];
    if (size) kept.unshift(make.meta(at, size));
    if (pointer) kept.push(make.move(at, pointer));
    if (focus !== null && focus !== undefined) kept.push(make.focus(at, focus));
    if (selection.length) kept.push(make.selection(at, selection));
    await this.#applyAndSettle(kept, continues);
    for (const event of frames) await this.#applyAndSettle([event], continues);
    this.#replayer.iframe.contentWindow.focus(); // selections of a page that has no focus are grey
  }

  /** Applies events, of one millisecond or as if they were of the last one's; what moves is as old as they find it. */
  async apply(batch) {
    this.#clock.advance(batch.at(-1).timestamp - this.#start);
    await this.#applyAndSettle(batch, this.#completes(batch));
  }

  async #applyAndSettle(batch, isOver) {
    const at = batch.at(-1).timestamp - this.#start;
    const isDrawn = this.#canvas && batch.some(isCanvas);
    if (isDrawn) await this.#loadCanvasImages(batch);
    this.#replay(batch);
    if (isDrawn) await promisesKept(); // rrweb draws in promises of its own, which nobody is given
    this.#dropCanvasImages();
    if (batch.some(sizeOf)) this.#trackedNodes.chooseImages();
    this.#clock.hold(this.#trackedNodes.movingSvgs);
    if (!batch.some(isShown)) return;
    // rrweb leaves a selection as it was when nothing is selected any more.
    const { documents } = this.#trackedNodes;
    if (batch.findLast(isSelection)?.data.ranges?.length === 0) documents.forEach((doc) => doc.getSelection()?.empty());
    this.#applyFixedStyles();
    for (const clip of this.#trackedNodes.takeClips()) this.#media.add(clip, at, this.#mirror);
    await this.#resources.imagesArrive();
    if (batch.some((event) => !isMove(event))) this.#scrolling.settle(this.#mirror);
    this.#look(at, isOver);
  }

  /** Hands events to the replayer, in its synchronous mode: only these, it would walk all of them at each call. */
  #replay(batch) {
    const { context } = this.#replayer.service.state;
    context.lastPlayedEvent = null; // it would hold back events of the same millisecond
    context.events.length = 0;
    // The replayer counts time from the first and takes the recording for finished after the last.
    context.events.push(this.#marker(0));
    for (const event of batch) context.events.push(event); // not `push(...)`: there may be more than a call can take
    context.events.push(this.#marker(NEVER_MS));
    this.#faults.begin(batch.find(isShown) ?? batch[0]);
    try {
      this.#replayer.pause(batch.at(-1).timestamp - this.#start + 1);
    } catch (error) {
      // Most of what rrweb stumbles over is held before it comes here (held-replayer.js); the recording goes on.
      this.#faults.tell(error);
      if (batch.some(isFullSnapshot)) this.failure ??= error;
      if (this.#replayer.service.state.matches("playing")) this.#replayer.pause();
    }
  }

  /** What is drawn on canvases has to be there when it is drawn. */
  async #loadCanvasImages(batch) {
    const { context } = this.#replayer.service.state;
    context.events.length = 0;
    for (const event of batch) context.events.push(event);
    for (const event of batch) this.#faults.begin(event);
    await this.#replayer.preloadAllImages().catch((error) => this.#faults.tell(error));
    const loading = Array.from(this.#replayer.imageMap.values(), (image) => image.decode?.().catch(() => {}));
    await Promise.all(loading);
  }

  /** What was drawn is needed no more: a picture of a whole screen takes some MB, and there is one each time it changes. */
  #dropCanvasImages() {
    for (const { commands, args } of this.#replayer.canvasEventMap.values()) closePictures([commands, args]);
    this.#replayer.canvasEventMap.clear();
    // A picture that is drawn again and again is decoded once, as long as there are few.
    const pictures = [...this.#replayer.imageMap.values()];
    const pixels = pictures.reduce((sum, { naturalWidth = 0, naturalHeight = 0 }) => sum + naturalWidth * naturalHeight, 0);
    if (pixels > MOST_KEPT_PIXELS) this.#replayer.imageMap.clear();
  }

  /** Whether these events complete a page that continues: what a frame of it holds, the sheets that it had adopted. */
  #completes([event]) {
    if (!isAttachment(event) && !isAdoption(event)) return false;
    const id = isAttachment(event) ? event.data.adds[0].parentId : event.data.id;
    if (!this.#incomplete.delete(id)) return false;
    if (isAttachment(event)) for (const { node } of event.data.adds) for (const each of idsOf(node)) this.#incomplete.add(each);
    return true;
  }

  #note(event) {
    this.#scrolling.note(event);
    if (!isMove(event)) this.#unrecorded.note(event, this.#mirror);
  }

  #applyFixedStyles() {
    this.#fixedStyles.apply(this.#trackedNodes.trees);
  }

  #look(at, isOver = false) {
    return this.#clock.look(this.#trackedNodes.trees, this.#trackedNodes.movingSvgs, at, isOver);
  }

  /** Waits for the fonts that the page uses. */
  async fontsArrive() {
    if (await this.#resources.fontsArrive()) this.#scrolling.settle(this.#mirror);
  }

  /** Moves everything to `at`; true if something of it moves on. Resolves when what it shows is there. */
  async show(at) {
    const playing = await this.#media.show(at);
    this.#unrecorded.show();
    const moving = this.#look(at);
    return moving || playing;
  }

  /** Makes sure that nothing in the page shows what is masked. */
  hideMasked() {
    this.#masks.hide(this.#trackedNodes.trees);
  }

  /** Whether frames have shown the pictures of clips. */
  isPresented() {
    return this.#media.isPresented();
  }

  /** Where the frame that holds a node begins. */
  originOf(id) {
    return originOf(this.#mirror.getNode(id), this.#replayer.iframe);
  }

  /** Events that give the frames of these ids, in another page, what they hold here. */
  keepFrames(ids, timestamp) {
    return this.#faults.hold(() => keepFrames(ids, this.#mirror, timestamp)) ?? [];
  }

  /** Leaves nothing. */
  destroy() {
    this.#replayer.destroy();
  }

  /** An event that does nothing. */
  #marker(offset) {
    return make.marker(this.#start + offset);
  }
}

/** Resolves when all that promises do without waiting for anything else is done. */
function promisesKept() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = resolve;
    port2.postMessage(null);
  });
}

/** Frees the pictures in what was given to a canvas. */
function closePictures(values) {
  for (const value of values) {
    if (value instanceof ImageBitmap) value.close();
    else if (Array.isArray(value)) closePictures(value.filter(isObject));
    else if (Array.isArray(value?.args)) closePictures(value.args.filter(isObject));
  }
}
