// The replay page: `window.videoExportPlayer`. What its functions mean, and in which order they are called, is told in
// worker/video_export_worker/replay/player.py, the renderer's side of the protocol.
//
// Time only moves forward, and only by `seek` and `replay`: nothing here reads a clock. What a seek shows depends on the
// recording since the last full snapshot and on the time alone, and not on the seeks before: each event is applied at its own
// time, and so begin its animations.
import "./confine.js";
import { isFont, isFullSnapshot, isMeta, mayAddCanvas, sizeOf, standsAlone } from "./events.js";
import { FixedStyles } from "./fixed-styles.js";
import { Masks, hidingRules, parseSelector } from "./masks.js";
import { isAnimated, pictureUrls } from "./pictures.js";
import { ReplayedPage } from "./replayed-page.js";
import { sanitiseEvent } from "./sanitise.js";
import { Stage } from "./stage.js";
import { hasSvgPicture, stillPictures } from "./still-pictures.js";

const events = [];
const animatedPictures = new WeakSet(); // events that bring one
let applied = 0;
let firstShown;
let paintedMs = -Infinity; // the seek that a frame of the page has shown
let painted = Promise.resolve(); // resolves when a frame has shown the last seek that changed something
let options;
let fixedStyles;
let masks;
let stage;
let page; // the present ReplayedPage; undefined before the first full snapshot
let visible = false;
let size; // of the page, as an event said last
let fonts = []; // events of the present page that have added one
let begun = 0; // full snapshots
let unresolved = 0; // of pages that are gone
let leftOut = 0; // batches that could not be applied, in pages that are gone

function parse(json) {
  const chunk = JSON.parse(json);
  const mayMove = [...pictureUrls(json)].some(isAnimated);
  const mayNeedStilling = hasSvgPicture(json);
  for (const event of chunk) {
    sanitiseEvent(event);
    if (mayNeedStilling) stillPictures(event);
    if (mayMove && [...pictureUrls(JSON.stringify(event.data))].some(isAnimated)) animatedPictures.add(event);
  }
  return chunk;
}

function append(json) {
  for (const event of parse(json)) events.push(event);
}

/** Keeps the fonts that a page has added between `since` and `until`: its replay begins later. */
function keepFonts(json, since, until) {
  const isOfPage = ({ timestamp }) => timestamp >= options.start + since && timestamp <= options.start + until;
  fonts.push(...parse(json).filter((event) => isFont(event) && isOfPage(event)));
}

function open(given) {
  options = given;
  const selectors = options.maskSelectors.map(parseSelector);
  masks = new Masks(selectors);
  document.documentElement.style.background = options.background;
  size = options.viewport;
  fixedStyles = new FixedStyles(hidingRules(selectors));
  stage = new Stage(options);
}

/** Loads what the first page needs, by building it once: it is built again by the first seek. */
async function load() {
  const snapshot = events.find(isFullSnapshot);
  firstShown = snapshot.timestamp - options.start;
  await beginPage(snapshot);
  if (page.failure) throw new Error(`SnapshotFailed: ${page.failure.message}`);
  await page.fontsArrive();
  begun = 0;
}

async function beginPage(snapshot) {
  page?.destroy();
  unresolved += page?.unresolved ?? 0;
  leftOut += page?.leftOut ?? 0;
  const context = options.snapshots[begun];
  if (!context.continues && begun > 0) fonts = [];
  begun += 1;
  page = new ReplayedPage({ ...options, fixedStyles, masks, stage, animatedPictures, visible });
  await page.begin(snapshot, { ...context, size, fonts });
}

/**
 * The next events up to `until` that can be applied together, or none.
 *
 * They are of one millisecond. Apart from those before them are what rrweb would forget them for (a Meta event), what
 * begins a page or completes one, and what could be drawn on a canvas before its first picture has loaded.
 */
function takeBatch(until) {
  const first = applied;
  const at = events[first]?.timestamp;
  if (first === events.length || at - options.start > until) return [];
  do applied += 1;
  while (applied < events.length && events[applied].timestamp === at && !mustPart(events[applied - 1], events[applied]));
  for (let index = first - 1; events[index]; index -= 1) events[index] = undefined; // they are needed no more
  return events.slice(first, applied);
}

const isApart = (event) => isMeta(event) || isFullSnapshot(event) || standsAlone(event);
const mustPart = (before, event) => isApart(event) || (isApart(before) && !isMeta(before)) || (options.canvas && mayAddCanvas(before));

async function applyBatch(batch) {
  size = batch.map(sizeOf).findLast(Boolean) ?? size;
  if (isFullSnapshot(batch[0])) return beginPage(batch[0]);
  fonts.push(...batch.filter(isFont));
  return page && begun ? page.apply(batch) : undefined;
}

/** Applies what happens up to `at`, in at most `most` batches; true if anything did. */
async function applyUntil(at, most = Infinity) {
  const before = applied;
  for (let batches = 0; batches < most; batches += 1) {
    const batch = takeBatch(at);
    if (!batch.length) break;
    await applyBatch(batch);
  }
  return applied > before;
}

function show(is) {
  visible = is;
  if (page) page.visible = is;
}

async function seek(offset) {
  const at = Math.max(offset, firstShown);
  const wasHidden = !visible;
  show(true);
  const isApplied = await applyUntil(at);
  if (isApplied) await page.fontsArrive();
  const moving = await page.show(at);
  const animating = moving || page.isRestless;
  const changed = animating || isApplied || wasHidden;
  page.hideMasked();
  if (changed) painted = frame().then(() => (paintedMs = offset));
  return {
    animating,
    changed,
    moving,
    restless: page.isRestless || !page.isPresented(),
    viewport: stage.viewport,
    unresolved: unresolved + page.unresolved,
    leftOut: leftOut + page.leftOut,
    nested: page.isNested,
    masks: page.masked,
  };
}

function maskBoxes() {
  return { boxes: masks.boxes(trackedNodes.trees, replayer.iframe), counts: masks.counts };
}

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

/** Applies what happens up to `offset` unseen, until `most` batches are applied or Blink moves something by itself. */
async function replay(offset, most) {
  const at = Math.max(offset, firstShown);
  show(false);
  for (let batches = 0; batches < most; batches += 1) {
    if (!(await applyUntil(at, 1))) return { reached: offset, restless: begun > 0 && page.isRestless };
    page?.forgetScrolling();
    if (begun && page.isRestless) break;
  }
  return { reached: events[applied - 1].timestamp - options.start, restless: begun > 0 && page.isRestless };
}

window.videoExportPlayer = {
  append,
  keepFonts,
  open,
  load,
  seek,
  replay,
  seekNext: (offset) => painted.then(() => seek(offset)),
  isPainted: (offset) => paintedMs >= offset && page.isPresented(),
  masks: () => page.masked,
  origins: (nodes) => nodes.map((id) => page.originOf(id)),
};
