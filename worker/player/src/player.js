// The replay page: `window.videoExportPlayer`. What its functions mean, and in which order they are called, is told in
// worker/video_export_worker/replay/player.py, the renderer's side of the protocol.
//
// Time only moves forward, and only by `seek`: nothing here reads a clock. What a seek shows depends on the recording and
// on the time alone, and not on the seeks before: each event is applied at its own time, and so begin its animations.
import "./confine.js";
import { Replayer, ReplayerEvents } from "rrweb";
import { TrackedNodes } from "./tracked-nodes.js";
import { Clock } from "./clock.js";
import { prepare } from "./documents.js";
import { CUSTOM, META, isFullSnapshot, isSelection, isShown, mayAddCanvas } from "./events.js";
import { FixedStyles } from "./fixed-styles.js";
import { Masks, hidingRules, parseSelector } from "./masks.js";
import { Media } from "./media.js";
import { isAnimated, pictureUrls } from "./pictures.js";
import { Resources } from "./resources.js";
import { sanitiseEvent } from "./sanitise.js";
import { Scrolling } from "./scrolling.js";
import { Stage, originOf } from "./stage.js";
import { hasSvgPicture, stillPictures } from "./still-pictures.js";

const NEVER_MS = 1e13; // after the start; beyond any recording

const events = [];
const animatedPictures = new WeakSet(); // events that bring one
let applied = 0;
let leftOut = 0; // batches that could not be applied
let start;
let firstShown;
let paintedMs = -Infinity; // the seek that a frame of the page has shown
let painted = Promise.resolve(); // resolves when a frame has shown the last seek that changed something
let options;
let replayer;
let trackedNodes;
let clock;
let fixedStyles;
let masks;
let media;
let resources;
let scrolling;
let stage;

function append(json) {
  const chunk = JSON.parse(json);
  const mayMove = [...pictureUrls(json)].some(isAnimated);
  const mayNeedStilling = hasSvgPicture(json);
  for (const event of chunk) {
    sanitiseEvent(event);
    if (mayNeedStilling) stillPictures(event);
    if (mayMove && [...pictureUrls(JSON.stringify(event.data))].some(isAnimated)) animatedPictures.add(event);
    events.push(event);
  }
  return events.length;
}

async function load(given) {
  options = given;
  const selectors = options.maskSelectors.map(parseSelector);
  masks = new Masks(selectors);
  document.documentElement.style.background = options.background;
  start = events[0].timestamp;
  firstShown = events.find(isFullSnapshot).timestamp - start;
  fixedStyles = new FixedStyles(hidingRules(selectors));
  stage = new Stage(options);
  clock = new Clock();
  scrolling = new Scrolling();
  trackedNodes = new TrackedNodes(
    { node: (id) => replayer?.getMirror().getNode(id), recorded: (node) => replayer?.getMirror().getMeta(node) },
    animatedPictures,
  );
  resources = new Resources(trackedNodes);
  await buildReplayer();
  if (options.canvas) await preloadCanvasImages();
  trackedNodes.documents.add(replayer.iframe.contentDocument);
  await resources.imagesArrive();
  await resources.fontsArrive();
  replayer.iframe.contentWindow.focus(); // selections of a page that has no focus are grey
  // Built once to load what it needs, it is built again by the first seek: its animations begin with the first frame.
  // It was hidden: animated pictures begin when they are painted first.
  replayer.firstFullSnapshot = null;
  return { viewport: stage.viewport, snapshots: events.filter(isFullSnapshot).length };
}

function buildReplayer() {
  return new Promise((resolve, reject) => {
    // rrweb builds the first snapshot in a timer, whose exceptions nobody else would see.
    window.addEventListener("error", ({ message }) => reject(new Error(`SnapshotFailed: ${message}`)), { once: true });
    replayer = new Replayer([marker(0), ...events], {
      root: document.body,
      mouseTail: false,
      useVirtualDom: false,
      pauseAnimation: false,
      showWarning: false,
      UNSAFE_replayCanvas: options.canvas,
      plugins: [trackedNodes.plugin((event) => scrolling.note(event))],
    });
    prepare(replayer.iframe.contentDocument);
    replayer.wrapper.id = "replay";
    replayer.wrapper.style.visibility = "hidden";
    media = new Media(replayer);
    replayer.on(ReplayerEvents.Resize, (size) => stage.place(replayer.wrapper, size));
    replayer.on(ReplayerEvents.FullsnapshotRebuilded, () => {
      applyFixedStyles();
      resolve();
    });
  });
}

/** An event that does nothing. */
function marker(offset) {
  return { type: CUSTOM, timestamp: start + offset, data: { tag: "marker", payload: {} } };
}

/** What canvases draw later has to be there when they do. */
async function preloadCanvasImages() {
  await replayer.preloadAllImages();
  await Promise.all([...replayer.imageMap.values()].map((image) => image.decode().catch(() => {})));
}

function applyFixedStyles() {
  fixedStyles.apply(trackedNodes.trees);
}

/**
 * The next events up to `until` that can be applied together, or none.
 *
 * They are of one millisecond. Apart from those before them are what rrweb would forget them for (a Meta event), and what
 * could be drawn on a canvas before its first picture has loaded.
 */
function takeBatch(until) {
  const first = applied;
  const at = events[first]?.timestamp;
  if (first === events.length || at - start > until) return [];
  do applied += 1;
  while (
    applied < events.length &&
    events[applied].timestamp === at &&
    events[applied].type !== META &&
    !(options.canvas && mayAddCanvas(events[applied - 1]))
  );
  return events.slice(first, applied);
}

/** Hands events to the replayer, in its synchronous mode: only these, it would walk all of them at each call. */
function apply(batch) {
  const { context } = replayer.service.state;
  const offset = batch[0].timestamp - start;
  context.lastPlayedEvent = null; // it would hold back events of the same millisecond
  context.events.length = 0;
  // The replayer counts time from the first and takes the recording for finished after the last.
  context.events.push(marker(0), ...batch, marker(NEVER_MS));
  try {
    replayer.pause(offset + 1);
  } catch (error) {
    // What rrweb stumbles over is left out, with what is left of its batch: the rest of the recording can be shown.
    leftOut += 1;
    if (replayer.service.state.matches("playing")) replayer.pause();
    console.warn(error);
  }
}

async function applyBatch(batch) {
  const at = batch[0].timestamp - start;
  clock.advance(at);
  // rrweb leaves the style sheets that a page had adopted to the page that comes after it.
  if (batch.some(isFullSnapshot)) replayer.iframe.contentDocument.adoptedStyleSheets = [];
  apply(batch);
  if (!batch.some(isShown)) return;
  // rrweb leaves a selection as it was when nothing is selected any more.
  if (batch.findLast(isSelection)?.data.ranges.length === 0) trackedNodes.documents.forEach((doc) => doc.getSelection()?.empty());
  applyFixedStyles();
  for (const clip of trackedNodes.takeClips()) media.add(clip, at, replayer.getMirror());
  if (await resources.imagesArrive()) scrolling.repeat(replayer.getMirror());
  clock.look(trackedNodes.trees, trackedNodes.movingSvgs, at);
}

async function seek(offset) {
  const at = Math.max(offset, firstShown);
  const before = applied;
  replayer.wrapper.style.visibility = "";
  for (let batch = takeBatch(at); batch.length; batch = takeBatch(at)) await applyBatch(batch);
  if (applied > before && (await resources.fontsArrive())) scrolling.repeat(replayer.getMirror());
  scrolling.forget();
  const playing = await media.show(at);
  const moving = clock.look(trackedNodes.trees, trackedNodes.movingSvgs, at);
  const animating = moving || playing || trackedNodes.isRestless;
  const changed = animating || applied > before;
  masks.hide(trackedNodes.trees);
  if (changed) painted = frame().then(() => (paintedMs = offset));
  return {
    animating,
    changed,
    restless: trackedNodes.isRestless || !media.isPresented(),
    viewport: stage.viewport,
    unresolved: resources.unresolved,
    leftOut,
    nested: trackedNodes.documents.size > 1,
    masks: maskBoxes(),
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

window.videoExportPlayer = {
  append,
  load,
  seek,
  seekNext: (offset) => painted.then(() => seek(offset)),
  isPainted: (offset) => paintedMs >= offset && media.isPresented(),
  masks: maskBoxes,
  origins: (nodes) => nodes.map((id) => originOf(replayer.getMirror().getNode(id), replayer.iframe)),
};
