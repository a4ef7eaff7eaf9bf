// The replay page. The renderer hands the events over in chunks, loads them, and then moves the time forward:
//
//   append(json)      a chunk: a JSON array of events, in order
//   load(options)     builds the replayer; resolves when the first snapshot stands and its resources are there
//   seek(offsetMs)    applies every event up to and including that time; resolves when what it shows is loaded
//   isPainted()       whether the page has taken part in a frame since a seek last changed it
//   origins(nodes)    where the frames that hold these nodes begin, for positions of the mouse
//
// Time only moves forward, and only by `seek`: nothing here reads a clock.
import { Replayer, ReplayerEvents } from "rrweb";

const FULL_SNAPSHOT = 2;
const INCREMENTAL = 3;
const CUSTOM = 5;
const MUTATION = 0;
const RESOURCE_TIMEOUT_MS = 5000;

// Elements that change by themselves and that document.getAnimations() does not list.
const RESTLESS = "marquee, progress:not([value]), animate, animateTransform, animateMotion, set";

let events = [];
let replayer;
let applied = 0;
let firstSnapshot = 0;
let options;
let viewport = { width: 0, height: 0 };
let unresolved = 0;
let painted = true;
const pendingImages = new Set();
const canvasPictures = [];
const restless = new Set();
const documents = new Set();
const clocks = new WeakMap(); // of animations, and of SVG documents with SMIL

/** Keeps track of what was built, so that no seek has to search the documents. */
const census = {
  onBuild(node) {
    if (node.nodeType === Node.DOCUMENT_NODE) return void documents.add(node);
    if (node.nodeType !== Node.ELEMENT_NODE) return;
    documents.add(node.ownerDocument);
    if (node.localName === "img") pendingImages.add(node);
    if (node.localName === "canvas") awaitCanvasPicture(node);
    if (node.matches(RESTLESS) || isAnimatedImage(node)) restless.add(node);
  },
  handler(event) {
    if (event.type !== INCREMENTAL || event.data.source !== MUTATION) return;
    for (const { id } of event.data.attributes ?? []) {
      const node = replayer.getMirror().getNode(id);
      if (node?.nodeType === Node.ELEMENT_NODE) census.onBuild(node);
    }
  },
};

/** rrweb draws the recorded picture on a canvas when an image of its own has loaded: an equal one tells when. */
function awaitCanvasPicture(canvas) {
  const url = replayer?.getMirror().getMeta(canvas)?.attributes?.rr_dataURL;
  if (!url) return;
  const image = canvas.ownerDocument.createElement("img");
  image.src = url;
  canvasPictures.push(image.decode().catch(() => {}));
}

function isAnimatedImage(node) {
  return node.localName === "img" && /^data:image\/(gif|apng|png|webp|avif)/i.test(node.src) && mayAnimate(node.src);
}

/** An image that may hold several frames: GIF by a second frame's header is not worth parsing, so its kind decides. */
function mayAnimate(url) {
  if (/^data:image\/gif/i.test(url)) return true;
  const comma = url.indexOf(",");
  const head = atobSafe(url.slice(comma + 1, comma + 1 + 4096));
  return head.includes("acTL") || head.includes("ANIM") || /^data:image\/avif/i.test(url);
}

function atobSafe(base64) {
  try {
    return atob(base64.slice(0, base64.length - (base64.length % 4)));
  } catch {
    return "";
  }
}

/** Takes out what would act by itself where scripts are allowed for a canvas: a page that moves on, a focus that scrolls. */
function disarm(node) {
  const { tagName, attributes, childNodes } = node;
  if (attributes) {
    delete attributes.autofocus;
    if (tagName === "meta" && /refresh/i.test(attributes["http-equiv"])) delete attributes["http-equiv"];
  }
  childNodes?.forEach(disarm);
}

function disarmEvent({ type, data }) {
  if (type === FULL_SNAPSHOT) disarm(data.node);
  else if (type === INCREMENTAL && data.source === MUTATION) {
    data.adds?.forEach(({ node }) => disarm(node));
    data.attributes?.forEach(({ attributes }) => disarm({ attributes }));
  }
}

function liveDocuments() {
  for (const doc of documents) if (!doc.defaultView) documents.delete(doc);
  return documents;
}

/**
 * Moves everything that animates to `offset` and answers whether anything does.
 *
 * Blink rounds the time of its animations to 0.1 ms, up or down at random, so that two runs would differ in a pixel.
 * At playback rate 0 an animation has exactly the time that it was given, and it is still running for all that style
 * and events can tell. Time that passes while it is paused does not count.
 */
function drive(offset) {
  let animating = false;
  for (const doc of liveDocuments()) {
    for (const animation of doc.getAnimations()) {
      if (animation.playState === "running") animating = advance(animation, offset) || animating;
      else if (clocks.has(animation)) clocks.get(animation).seen = offset;
    }
  }
  for (const node of restless) {
    if (!node.isConnected) restless.delete(node);
    else animating = true;
    const svg = node instanceof node.ownerDocument.defaultView?.SVGElement && outermostSvg(node);
    if (svg) driveSmil(svg, offset);
  }
  return animating;
}

function advance(animation, offset) {
  let clock = clocks.get(animation);
  if (!clock) {
    clock = { elapsed: animation.currentTime ?? 0, seen: offset };
    clocks.set(animation, clock);
  }
  clock.elapsed += offset - clock.seen;
  clock.seen = offset;
  if (clock.elapsed >= animation.effect.getComputedTiming().endTime) {
    animation.playbackRate = 1;
    animation.finish();
  } else {
    animation.playbackRate = 0;
    animation.currentTime = clock.elapsed;
  }
  return true;
}

function outermostSvg(node) {
  let svg = node.ownerSVGElement;
  while (svg?.ownerSVGElement) svg = svg.ownerSVGElement;
  return svg;
}

function driveSmil(svg, offset) {
  if (!clocks.has(svg)) clocks.set(svg, { begun: offset });
  svg.pauseAnimations();
  svg.setCurrentTime((offset - clocks.get(svg).begun) / 1000);
}

/** Resolves when every image and font that the page shows by now is there, or is known not to come. */
async function settle() {
  const waits = [];
  for (const image of pendingImages) {
    if (image.complete || !image.isConnected) pendingImages.delete(image);
    else waits.push(image.decode().catch(() => {}));
  }
  for (const doc of liveDocuments()) if (doc.fonts.status === "loading") waits.push(doc.fonts.ready);
  waits.push(...canvasPictures.splice(0));
  if (!waits.length) return;
  const late = Symbol("late");
  const deadline = new Promise((resolve) => setTimeout(resolve, RESOURCE_TIMEOUT_MS, late));
  if ((await Promise.race([Promise.all(waits), deadline])) === late) {
    unresolved += 1;
    pendingImages.clear();
  }
}

/** Fits the recorded viewport into the video: centred on the background, enlarged by `maxScale` at most. */
function layout() {
  let scale = Math.min(options.width / viewport.width, options.height / viewport.height, options.maxScale);
  if (scale > 1 && scale < 1.005) scale = 1; // the pixel that makes a size even is no reason to blur the text
  const x = Math.floor((options.width - viewport.width * scale) / 2);
  const y = Math.floor((options.height - viewport.height * scale) / 2);
  replayer.wrapper.style.transform = `translate(${x}px, ${y}px)` + (scale === 1 ? "" : ` scale(${scale})`);
  viewport = { ...viewport, scale, x, y };
}

/** Where the frame that holds node `id` begins, in pixels of the replayed top document, and how it is scaled. */
function originOf(id) {
  const node = replayer.getMirror().getNode(id);
  const origin = { x: 0, y: 0, scale: 1 };
  let frame = node?.ownerDocument?.defaultView?.frameElement;
  while (frame && frame !== replayer.iframe) {
    const box = frame.getBoundingClientRect();
    const scale = frame.offsetWidth ? box.width / frame.offsetWidth : 1;
    origin.x = box.x + (frame.clientLeft + origin.x) * scale;
    origin.y = box.y + (frame.clientTop + origin.y) * scale;
    origin.scale *= scale;
    frame = frame.ownerDocument.defaultView?.frameElement;
  }
  return origin;
}

function checkSelectors(selectors) {
  for (const selector of selectors) {
    try {
      document.createDocumentFragment().querySelector(selector);
    } catch {
      throw new Error(`InvalidSelector: ${selector}`);
    }
  }
}

async function load(given) {
  options = given;
  checkSelectors(options.maskSelectors);
  document.documentElement.style.background = options.background;
  const start = events[0].timestamp;
  // The replayer counts time from its first event and may apply that one again: let it be one that does nothing.
  events.unshift({ type: CUSTOM, timestamp: start, data: { tag: "start", payload: {} } });
  const built = new Promise((resolve) => {
    replayer = new Replayer(events.slice(), {
      root: document.body,
      mouseTail: false,
      useVirtualDom: false,
      pauseAnimation: false,
      showWarning: false,
      UNSAFE_replayCanvas: options.canvas,
      insertStyleRules: [
        "html { caret-color: transparent !important; }",
        "* { scroll-behavior: auto !important; }",
        ...options.maskSelectors.map(
          (selector) => `:is(${selector}), :is(${selector}) * { opacity: 0 !important; visibility: hidden !important; }`,
        ),
      ],
      plugins: [census],
    });
    replayer.on(ReplayerEvents.Resize, ({ width, height }) => {
      viewport = { width, height };
      layout();
    });
    replayer.on(ReplayerEvents.FullsnapshotRebuilded, resolve);
  });
  replayer.wrapper.id = "replay";
  await built;
  if (options.canvas) await replayer.preloadAllImages();
  documents.add(replayer.iframe.contentDocument);
  await settle();
  // Built once to load what it needs, it is built again by the first seek: its animations begin with the first frame.
  replayer.firstFullSnapshot = null;
  firstSnapshot = events.find((event) => event.type === FULL_SNAPSHOT).timestamp;
  return { viewport, snapshots: events.filter((event) => event.type === FULL_SNAPSHOT).length };
}

/**
 * Applies events at or before `offset`, in rrweb's synchronous mode; false if none is left.
 * The replayer is shown only those that are new: it would walk all of them at each seek.
 */
function apply(offset) {
  const start = events[0].timestamp;
  const until = Math.max(offset, firstSnapshot - start);
  let next = applied;
  while (next < events.length && events[next].timestamp - start <= until) {
    next += 1;
    if (options.canvas && mayAddCanvas(events[next - 1])) break;
  }
  if (next === applied) return false;
  const { context } = replayer.service.state;
  context.lastPlayedEvent = null; // it would hold back events of the same millisecond
  context.events.length = 0;
  if (applied > 0) context.events.push(events[0]);
  for (let index = applied; index < next; index += 1) context.events.push(events[index]);
  applied = next;
  replayer.pause(Math.floor(until) + 1);
  return true;
}

/** A canvas gets its first picture when that has loaded: what is drawn on it later has to wait. */
function mayAddCanvas(event) {
  return event.type === FULL_SNAPSHOT || (event.type === INCREMENTAL && event.data.source === MUTATION && event.data.adds?.length > 0);
}

async function seek(offset) {
  const before = applied;
  while (apply(offset)) await settle();
  const animating = drive(offset);
  const changed = animating || applied > before;
  if (changed) {
    painted = false;
    requestAnimationFrame(() => (painted = true));
  }
  return { animating, changed, viewport, unresolved, nested: liveDocuments().size > 1 };
}

window.videoExportPlayer = {
  append(json) {
    for (const event of JSON.parse(json)) {
      disarmEvent(event);
      events.push(event);
    }
    return events.length;
  },
  load,
  seek,
  isPainted: () => painted,
  origins: (nodes) => nodes.map(originOf),
};
