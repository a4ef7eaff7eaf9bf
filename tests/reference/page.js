// The reference: for each full snapshot a replayer of rrweb as it is published, paused right after each moment of the recording
// in turn, and a clock for what moves by itself. Slow and simple: it looks at everything at every moment and knows nothing
// of frames.
//
// What it holds to be true of a page at time t:
//   - every event since the last full snapshot up to and including t has been applied, in order, in rrweb's synchronous mode;
//     nothing before that snapshot counts, but what `inherit` says;
//   - an animation or a transition is as old as the time since the event that began it, less the time it was paused;
//     where a page that was there before is shown again (a checkout), what ends has ended, and what never ends begins;
//   - images, fonts and media are loaded, and the page is scrolled to where the recording says, if it can be;
//   - SVG pictures used as images stand still, marquees and animated GIFs move as Chromium's frames tell them;
//   - the window has the focus, and what is not selected any more is not shown as selected;
//   - a page of the size that the video was made for fills the video, others have its scale and its top left corner, if they fit;
//   - what was not recorded is a grey box with a label, unless it is empty, or lies over something that was;
//   - rules match what is hovered wherever they come from, and not in the sheets alone that rrweb writes;
//   - there is no caret, scrolling is not smooth and does not snap, an indeterminate progress bar goes to and fro, a second each way.
let replayer;
let mirror;
let start;
let stops;
let next = 0;
let shape;
let canvases;
let size = { width: 0, height: 0 };
let ages = new Map(); // of animations: { age, at } in milliseconds
let born = new Map(); // of documents of SVG: when their time began
let patience = 0;
let incomplete = new Set(); // ids of nodes of an old page that are yet to be filled
const unseen = new Set(); // clips whose picture has not come to the screen
const wanted = new Map(); // scroll positions, by rrweb's id

const micro = (ms) => Math.round(ms * 1000) / 1000;
const trees = () => gather(replayer.iframe.contentDocument, []);

function gather(tree, found) {
  if (!tree) return found;
  found.push(tree);
  for (const element of tree.querySelectorAll("*")) {
    if (element.shadowRoot) gather(element.shadowRoot, found);
    if (element.localName === "iframe") gather(element.contentDocument, found);
  }
  return found;
}

const all = (selector) => trees().flatMap((tree) => [...tree.querySelectorAll(selector)]);

function open(json, given) {
  shape = given;
  document.documentElement.style.background = shape.background;
  const events = JSON.parse(ofPage(still(json)), (name, value) => (name === "srcdoc" ? undefined : value));
  bringParts(events);
  events.forEach(matchHovered);
  start = events[0].timestamp;
  canvases = shape.canvas;
  markGaps(events);
  inherit(events);
  stops = separate(events);
}

/** rrweb gives what is hovered the class ":hover", and looks for it in the texts of style elements only. */
function matchHovered({ type, data }) {
  if (type !== 3 || ![8, 15].includes(data.source)) return;
  const rules = data.source === 8 ? data.adds : data.styles?.flatMap((sheet) => sheet.rules);
  for (const rule of rules ?? []) if (rule?.rule) rule.rule = rule.rule.replaceAll(/([^\\(]|^):hover\b/g, "$1:is(:hover, .\\:hover)");
}

/** Shows a page by a replayer of its own: all stops from the one with its full snapshot to the one before the next. */
async function turnTo(stop) {
  replayer?.destroy();
  const from = stops.indexOf(stop);
  const to = stops.findIndex((other, index) => index > from && other.inherited);
  const shown = stops.slice(from, to < 0 ? undefined : to).flatMap((each) => each.events);
  wanted.clear();
  ages = new Map();
  born = new Map();
  const time = stop.events[0].timestamp;
  const event = (type, data, timestamp = time) => ({ type, data, timestamp });
  const { fonts, pointer, focused, selected } = stop.inherited;
  const [snapshot, ...rest] = shown;
  const kept = fonts.map(({ data }) => event(3, data));
  if (pointer) kept.push(event(3, { source: 1, positions: [{ ...pointer, timeOffset: 0 }] }));
  if (focused !== undefined) kept.push(event(3, { source: 2, type: 5, id: focused }));
  if (selected?.length) kept.push(event(3, { source: 14, ranges: selected }));
  const { width, height } = size;
  const never = event(5, { tag: "never", payload: {} }, start + 1e12);
  const all = [event(5, { tag: "begin", payload: {} }, start), event(4, { href: "", width, height }), snapshot, ...kept, ...rest, never];
  replayer = new rrweb.Replayer(all, {
    root: document.body,
    mouseTail: false,
    useVirtualDom: false,
    pauseAnimation: false,
    showWarning: false,
    UNSAFE_replayCanvas: canvases,
    insertStyleRules: [
      "* { caret-color: transparent !important; caret-animation: manual !important; scroll-behavior: auto !important; scroll-snap-type: none !important; }",
      ...gapRules(),
      "video::-webkit-media-controls { display: none !important; }",
      "@keyframes busy { from { background-position: 0 50%; } to { background-position: 100% 50%; } }",
      "@layer early { progress:indeterminate { appearance: none; border-radius: 4px; " +
        "background: linear-gradient(#0075ff, #0075ff) 0 50% / 24% 6px no-repeat content-box, " +
        "linear-gradient(#efefef, #efefef) 0 50% / 100% 8px no-repeat content-box; " +
        "animation: busy 1s linear infinite alternate; } " +
        "progress:indeterminate::-webkit-progress-bar, progress:indeterminate::-webkit-progress-value { background: none; } }",
    ],
  });
  replayer.on("resize", (given) => {
    size = given;
    place();
  });
  mirror = replayer.getMirror();
  loadBefore(replayer.iframe.contentDocument);
  replayer.mediaManager.syncAllMediaElements = () => {}; // it would play every clip for a moment, at every pause
  replayer.iframe.contentWindow.focus();
  // It builds its first page by itself, and says its first size, as soon as it is idle.
  await new Promise((resolve) => setTimeout(resolve, 10));
  replayer.pause(stop.until - start + 0.0005);
}

/**
 * Notes with each full snapshot what its page has from before: whether it was there (nothing was loaded since the snapshot
 * before), and then the last place of the pointer, the element with the focus, what is selected, the fonts that were added.
 * A recorder that never notes loads has loaded a page whose address is another one and whose nodes it counts from 1.
 */
function inherit(events) {
  const places = [];
  for (const { type, timestamp, data } of events) {
    if (type !== 3) continue;
    for (const { x, y, id, timeOffset } of data.positions ?? []) places.push({ at: timestamp + timeOffset, x, y, id });
    const isClick = data.source === 2 && [0, 1, 2, 3, 4, 7, 9].includes(data.type);
    if (isClick && typeof data.x === "number" && typeof data.y === "number") places.push({ at: timestamp, x: data.x, y: data.y, id: data.id });
  }
  for (const place of places) place.at = Math.max(start, place.at);
  places.sort((one, other) => one.at - other.at);
  let isLoading = false; // its document is complete, and it is yet to say so
  let isLoaded = true; // since the last snapshot
  let since;
  let fonts = [];
  const notesLoads = events.some(({ type }) => type < 2);
  let address = "";
  let before = ""; // address of the page of the last snapshot
  for (const event of events) {
    const { type, timestamp, data } = event;
    if (type === 4) address = (data.href ?? "").split("#")[0];
    if (type === 0) isLoaded = isLoading = true;
    else if (type === 1) {
      if (!isLoading) isLoaded = true;
      isLoading = false;
    } else if (type === 3 && data.source === 10) fonts.push(event);
    else if (type === 2) {
      const isOther = address && before && address !== before;
      if (!notesLoads && isOther && [...nodesOf(data.node)].every(({ id }, place) => id === place + 1)) isLoaded = true;
      before = address;
      if (isLoaded && since !== undefined) fonts = [];
      event.inherited = { fonts: [...fonts], isOld: !isLoaded };
      if (isLoaded) since = timestamp;
      else {
        const last = places.findLast(({ at }) => at <= timestamp);
        if (last && last.at >= since && last.id >= 0) event.inherited.pointer = { x: last.x, y: last.y, id: last.id };
        const turn = events.findLast((other) => other.type === 3 && other.data.source === 2 && [5, 6].includes(other.data.type) && other.timestamp <= timestamp);
        if (turn && turn.timestamp >= since && turn.data.type === 5 && turn.data.id >= 0) event.inherited.focused = turn.data.id;
        const chosen = events.findLast((other) => other.type === 3 && other.data.source === 14 && other.timestamp <= timestamp);
        if (chosen && chosen.timestamp >= since) event.inherited.selected = chosen.data.ranges;
      }
      isLoaded = false;
    }
  }
}

/** Takes the movement out of SVG that is used as an image: it follows the machine's clock. */
function still(text) {
  const plain = (svg) => svg.replace(/(<|%3c)(\/|%2f)?(animate|set\b)/gi, "$1$2no-$3").replace(/keyframes/gi, "no-frames");
  return text
    .replace(/(data:image\/svg\+xml;base64,)([\w+/=]+)/gi, (_, head, code) => head + btoa(plain(atob(code))))
    .replace(/data:image\/svg\+xml[;,][^]*?(<|%3c)(\/|%2f)svg/gi, plain);
}

/** rrweb's recorder makes a part of the page that styles name, `url(#part)`, absolute by the folder of the page or of the sheet. */
const ofPage = (text) => text.replace(/url\((\\?["']?)http:[^)#]*\/#/g, "url($1#");

/** Parts of other files are given to the page's own origin only: they are asked for there. */
function bringParts(events) {
  const bring = (attributes) => {
    const { href } = attributes;
    if (/^http:.*#/.test(href)) attributes.href = `/of/${encodeURIComponent(href.split("#")[0])}#${href.split("#")[1]}`;
  };
  let uses = new Set();
  for (const { type, data } of events) {
    if (type === 2) uses = new Set();
    const added = type === 2 ? [data.node] : type === 3 && data.source === 0 ? (data.adds ?? []).map(({ node }) => node) : [];
    for (const root of added) {
      for (const { id, tagName, attributes } of nodesOf(root)) {
        if (tagName !== "use") continue;
        uses.add(id);
        bring(attributes);
      }
    }
    if (type === 3 && data.source === 0) for (const { id, attributes } of data.attributes ?? []) if (uses.has(id)) bring(attributes);
  }
}

/** Every moment at which something happens: [end, events]. rrweb would apply a batch of moves' time again and again. */
function separate(events) {
  const found = [];
  let last;
  for (const event of events) {
    if (event.type === 3 && event.data.positions) event.data.positions = [{ ...event.data.positions.at(-1), timeOffset: 0 }];
    const parts = last && (isApart(event) || isApart(last.events.at(-1), true) || (canvases && last.events.some(bringsCanvas)));
    if (last?.at === event.timestamp && !parts) last.events.push(event);
    else found.push((last = { at: event.timestamp, events: [event], inherited: event.inherited }));
  }
  // Those that share a millisecond but must be apart: a thousandth of it.
  for (let index = 1; index < found.length; index += 1) {
    const [before, here] = [found[index - 1], found[index]];
    here.until = here.at;
    if (here.at <= before.until) here.until = before.until + 0.001;
    for (const event of here.events) event.timestamp = here.until;
  }
  found[0].until = found[0].at;
  return found;
}

/** rrweb forgets what comes before a Meta event and was not yet applied; the others begin a page, or complete it. */
const isApart = (event, before = false) =>
  (event.type === 4 && !before) || event.type === 2 || isAttachment(event) || (event.type === 3 && event.data.source === 15);
const isAttachment = ({ type, data }) => type === 3 && data.source === 0 && data.isAttachIframe && data.adds?.length > 0;
const bringsCanvas = (event) => event.type === 2 || (event.type === 3 && event.data.source === 0 && event.data.adds?.length > 0);

function place() {
  const home = measure(shape.page, shape.maxScale);
  const { scale, across, down } = measure(size, home.scale);
  const left = Math.max(0, Math.min(home.left, Math.floor(shape.width - across)));
  const top = Math.max(0, Math.min(home.top, Math.floor(shape.height - down)));
  Object.assign(size, { scale, left, top });
  replayer.wrapper.style.transform = `translate(${left}px, ${top}px) scale(${across / size.width}, ${down / size.height})`;
}

/** How large a page is shown, and where it is in the middle. A difference of less than two pixels of the screen is none. */
function measure({ width, height }, most) {
  const isNone = (difference) => Math.abs(difference) * devicePixelRatio < 2;
  const sides = [
    [width, shape.width],
    [height, shape.height],
  ];
  const loses = ([page, video]) => most >= 1 && page >= video && isNone(page - video);
  const fitting = sides.map((side) => (loses(side) ? 1 : side[1] / side[0]));
  const widest = Math.min(most, Math.max(...fitting));
  const scale = sides.every(([page, video]) => isNone(page * widest - video)) ? widest : Math.min(most, ...fitting);
  const [across, down] = sides.map(([page, video]) => {
    if (scale === 1 && loses([page, video])) return page;
    return isNone(page * scale - video) ? video : Math.round(page * scale * devicePixelRatio) / devicePixelRatio;
  });
  const middle = (video, shown) => Math.max(0, Math.floor((video - shown) / 2));
  return { scale, across, down, left: middle(shape.width, across), top: middle(shape.height, down) };
}

const GAPS = { blocked: "Blocked", frame: "Frame not recorded", canvas: "Canvas not recorded", video: "Video not recorded", object: "Not recorded" };

function gapRules() {
  const picture = (label) =>
    `<svg xmlns="http://www.w3.org/2000/svg" width="140" height="16"><text x="70" y="12" text-anchor="middle" font-family="sans-serif" font-size="11" fill="#56606b">${label}</text></svg>`;
  return Object.entries(GAPS).map(
    ([kind, label]) =>
      `[gap-shown="${kind}"] { transition: none !important; box-shadow: inset 0 0 0 1px #c3c9d0 !important; background: #e3e6ea ` +
      `url("data:image/svg+xml,${encodeURIComponent(picture(label))}") center / auto no-repeat !important; }`,
  );
}

/** Notes in the recorded elements themselves which of them the recording never fills. */
function markGaps(events) {
  let filled = new Set();
  const added = [];
  for (const { type, data } of events) {
    if (type === 2) {
      filled = new Set(); // another page, with ids of its own
      added.push([data.node, filled]);
    }
    if (type !== 3 || data.source !== 0) continue;
    for (const { parentId, node } of data.adds ?? []) {
      filled.add(parentId);
      added.push([node, filled]);
    }
  }
  const isDrawn = events.some(({ type, data }) => type === 3 && data.source === 9);
  for (const [root, filled] of added) {
    for (const { id, tagName, attributes, childNodes } of nodesOf(root)) {
      if (!attributes) continue;
      if (tagName === "img" && attributes.rr_dataURL) delete attributes.srcset; // rrweb loses all others over it
      if (tagName === "picture" && childNodes.some((child) => child.attributes?.rr_dataURL))
        for (const child of childNodes) if (child.tagName === "source") delete child.attributes.srcset;
      if (filled.has(id)) continue;
      const isHollow = !childNodes?.length;
      let kind;
      if (attributes.rr_width !== undefined && attributes.rr_height !== undefined) kind = isHollow && "blocked";
      else if (["iframe", "frame"].includes(tagName)) kind = isHollow && "frame";
      else if (["object", "embed"].includes(tagName)) kind = isHollow && "object";
      else if (tagName === "canvas") kind = !isDrawn && !attributes.rr_dataURL && "canvas";
      else if (tagName === "video") kind = !attributes.poster && "video";
      if (kind) attributes["gap"] = kind;
    }
  }
}

function showGaps() {
  for (const element of all("[gap]")) {
    const { display } = getComputedStyle(element);
    if (element.getAttribute("gap") === "blocked" && display === "inline")
      Object.assign(element.style, { display: "inline-block", verticalAlign: "top" });
    const { width, height } = element.getBoundingClientRect();
    const isPlayed = element.localName === "video" && element.readyState > 0;
    if (isPlayed || Math.min(width, height) < 12 || liesOver(element)) element.removeAttribute("gap-shown");
    else element.setAttribute("gap-shown", element.getAttribute("gap"));
  }
}

/** Whether an element lies over something that was recorded, and no painted ancestor is in between. */
function liesOver(element) {
  const { left, top, width, height } = element.getBoundingClientRect();
  const styleOf = (other) => other.ownerDocument.defaultView.getComputedStyle(other);
  const isAround = (other) => other.contains(element) || other.shadowRoot?.contains(element);
  const paints = (other) => {
    const { backgroundColor, backgroundImage } = styleOf(other);
    return backgroundImage !== "none" || !(backgroundColor === "transparent" || /^rgba.* 0\)$/.test(backgroundColor));
  };
  const isSomething = (other) =>
    other.matches("img,svg,canvas,video,input,textarea,select,button,iframe,progress,meter,hr") ||
    paints(other) ||
    [...other.childNodes].some((child) => child.nodeType === 3 && child.data.trim() !== "");
  for (const x of [0.1, 0.5, 0.9]) {
    for (const y of [0.1, 0.5, 0.9]) {
      const found = element.getRootNode().elementsFromPoint(left + width * x, top + height * y);
      for (const other of found.slice(found.indexOf(element) + 1)) {
        if (isAround(other) && paints(other)) break;
        if (!isAround(other) && !element.contains(other) && !other.hasAttribute("gap") && isSomething(other)) return true;
      }
    }
  }
  return false;
}

/** Applies every event up to and including `t`. */
async function go(t) {
  const first = stops.findIndex((stop) => stop.inherited);
  while (next < stops.length && (next <= first || stops[next].at - start <= t)) {
    const stop = stops[next];
    next += 1;
    const sized = stop.events.findLast((event) => event.type === 4 || (event.type === 3 && event.data.source === 4));
    if (next <= first) {
      if (sized) size = sized.data;
      continue;
    }
    age(stop.at - start);
    if (stop.inherited) await turnTo(stop);
    else replayer.pause(stop.until - start + 0.0005);
    remember(stop.events);
    const selected = stop.events.findLast((event) => event.type === 3 && event.data.source === 14);
    if (selected && !selected.data.ranges.length) for (const tree of trees()) tree.getSelection?.()?.removeAllRanges();
    for (const clip of all("video, audio")) adopt(clip, stop.at - start);
    hideScripts();
    await arrive();
    age(stop.at - start, isOfOldPage(stop));
  }
  age(t);
  await showMedia(t);
  showGaps();
  return { size };
}

/** rrweb leaves the documents that it writes open: in those SVG does not begin to move. */
function loadBefore(doc) {
  const { prototype } = window.Document;
  const { open, write, close } = doc.defaultView?.Document.prototype ?? prototype;
  const load = (text) => {
    open.call(doc);
    write.call(doc, text);
    close.call(doc);
    while (doc.firstChild) doc.firstChild.remove();
  };
  const { createElement } = doc;
  const isOfMath = /^(math|m[ionsd]|m(row|frac|sqrt|root|style|error|padded|phantom|fenced|enclose|action|text|space|table|tr|td)|m(sub|sup|subsup|under|over|underover|multiscripts|prescripts|longdiv)|semantics|annotation(-xml)?)$/;
  const make = (name) =>
    isOfMath.test(name) ? doc.createElementNS("http://www.w3.org/1998/Math/MathML", name) : createElement.call(doc, name);
  Object.assign(doc, { createElement: make, open: () => load("<!doctype html>"), write: load, close() {} });
}

function hideScripts() {
  for (const element of all("noscript")) element.style.setProperty("display", "none", "important");
}

/** Whether a moment only brings what was there before: an old page, what one of its frames holds, its adopted sheets. */
function isOfOldPage({ inherited, events: [event] }) {
  if (inherited) incomplete = new Set(inherited.isOld ? [...nodesOf(event.data.node)].map(({ id }) => id) : []);
  if (inherited) return inherited.isOld;
  const id = isAttachment(event) ? event.data.adds[0].parentId : event.type === 3 && event.data.source === 15 ? event.data.id : undefined;
  if (id === undefined || !incomplete.delete(id)) return false;
  for (const { node } of event.data.adds ?? []) for (const { id: inner } of nodesOf(node)) incomplete.add(inner);
  return true;
}

/** Gives everything that moves by itself the age that it has at `t`; what ends is over where that `isOld`. */
function age(t, isOld = false) {
  if (!replayer?.iframe.contentDocument?.documentElement) return;
  let again = true;
  while (again) {
    again = false;
    for (const tree of trees()) {
      for (const animation of tree.getAnimations()) {
        if (animation.timeline instanceof DocumentTimelineOf(animation)) again = move(animation, t, isOld) || again;
      }
    }
  }
  for (const svg of all("svg")) {
    if (svg.ownerSVGElement || !svg.querySelector("animate, animateTransform, animateMotion, set")) continue;
    const isEndless = svg.querySelector("[repeatCount=indefinite], [repeatDur=indefinite]");
    if (!born.has(svg)) born.set(svg, isOld && !isEndless ? t - 1e9 : t);
    svg.pauseAnimations();
    svg.setCurrentTime((t - born.get(svg)) / 1000);
  }
}

/** An animation that follows scrolling has no time: its timeline is of another kind. */
const DocumentTimelineOf = (animation) => animation.effect.target.ownerDocument.defaultView.DocumentTimeline;

/** True if it is seen for the first time, or ends: then there may be others that this began. */
function move(animation, t, isOld) {
  const isNew = !ages.has(animation);
  const known = ages.get(animation) ?? { age: 0, at: t };
  const { endTime } = animation.effect.getComputedTiming();
  if (isNew && isOld && endTime < Infinity) known.age = endTime;
  if (!isPausedByStyle(animation)) known.age = micro(known.age + t - known.at);
  known.at = t;
  ages.set(animation, known);
  if (animation.playState === "finished") return isNew;
  if (known.age >= endTime) {
    animation.finish();
    return true;
  }
  animation.pause(); // frames would move it on, by times that Blink rounds
  animation.currentTime = known.age + 1e-6; // an iteration that ends now is over, whatever the last bit of a sum says
  return isNew;
}

/** What the page says of it: `playState` is ours, since every animation is held. */
function isPausedByStyle({ animationName, effect }) {
  if (!animationName) return false;
  const style = effect.target.ownerDocument.defaultView.getComputedStyle(effect.target, effect.pseudoElement);
  const states = style.animationPlayState.split(", ");
  return states[style.animationName.split(", ").lastIndexOf(animationName) % states.length] === "paused";
}

function remember(events) {
  for (const event of events) {
    if (event.type === 2) {
      for (const node of nodesOf(event.data.node)) {
        const { rr_scrollLeft: x, rr_scrollTop: y } = node.attributes ?? {};
        if (x || y) wanted.set(node.id, { x: x ?? 0, y: y ?? 0 });
      }
      wanted.set(event.data.node.id, { x: event.data.initialOffset.left, y: event.data.initialOffset.top });
    } else if (event.type === 3 && event.data.source === 3) wanted.set(event.data.id, event.data);
  }
}

function* nodesOf(node) {
  yield node;
  for (const child of node.childNodes ?? []) yield* nodesOf(child);
}

/** Waits for images and fonts, and scrolls again to where there was no room before they, or what comes with them, came. */
async function arrive() {
  const waits = [];
  for (const image of all("img")) if (!image.complete) waits.push(image.decode().catch(() => {}));
  for (const canvas of all("canvas")) {
    const url = mirror.getMeta(canvas)?.attributes?.rr_dataURL;
    if (!url || canvas.wasAwaited) continue;
    canvas.wasAwaited = true;
    const image = new Image();
    image.src = url;
    waits.push(image.decode().catch(() => {}));
  }
  for (const tree of trees()) {
    if (tree.nodeType !== Node.DOCUMENT_NODE) continue;
    tree.documentElement?.getBoundingClientRect();
    if (tree.fonts.status === "loading") waits.push(tree.fonts.ready);
  }
  if (waits.length) {
    await Promise.all(waits);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  for (const [id, { x, y }] of wanted) if (scrollAgain(id, x, y)) wanted.delete(id);
}

function scrollAgain(id, x, y) {
  const node = mirror.getNode(id);
  if (!node) return false;
  const isPage = node.nodeType === Node.DOCUMENT_NODE;
  const scrolled = isPage ? node.defaultView : node;
  scrolled?.scrollTo?.(x, y);
  const place = isPage ? [scrolled?.scrollX, scrolled?.scrollY] : [node.scrollLeft, node.scrollTop];
  return Math.abs(place[0] - x) < 1 && Math.abs(place[1] - y) < 1;
}

/** rrweb knows the clips of snapshots alone, and what starts by itself would go by the machine's clock. */
function adopt(clip, at) {
  if (!replayer.mediaManager.mediaMap.has(clip)) replayer.mediaManager.addMediaElements(clip, at, mirror);
  clip.autoplay = false;
  clip.preload = "auto";
  clip.pause();
}

/** What a clip shows comes to the screen some frames after it is there. */
function isSeen() {
  patience -= 1;
  return patience < 0 && unseen.size === 0;
}

/** Clips are where they would be if they had been played since the user's last word on them; rrweb plays them itself. */
async function showMedia(t) {
  for (const [clip, known] of replayer.mediaManager.mediaMap) {
    if (!clip.isConnected || !/^(data|blob):/.test(clip.currentSrc)) continue;
    while (clip.readyState < 2 && !clip.error) await new Promise((resolve) => setTimeout(resolve, 5));
    const played = known.isPlaying ? ((t - known.lastInteractionTimeOffset) / 1000) * known.playbackRate : 0;
    const wanted = known.currentTimeAtLastInteraction + played;
    clip.currentTime = clip.loop ? wanted % clip.duration : Math.min(wanted, clip.duration);
    while (clip.seeking) await new Promise((resolve) => setTimeout(resolve, 5));
    if (!clip.videoWidth || Math.abs(clip.lastWanted - clip.currentTime) < 1e-4) continue;
    clip.lastWanted = clip.currentTime;
    await new Promise((resolve) => setTimeout(resolve, 20)); // the decoder is a process of its own
    unseen.add(clip);
    patience = 4; // frames
    clip.requestVideoFrameCallback(() => unseen.delete(clip));
  }
}

/** Where a frame that holds a node begins. */
function offsetOf(id) {
  let x = 0;
  let y = 0;
  let scale = 1;
  for (let view = mirror.getNode(id)?.ownerDocument?.defaultView; view && view !== replayer.iframe.contentWindow; view = view.parent) {
    const frame = view.frameElement;
    const box = frame.getBoundingClientRect();
    const here = frame.offsetWidth ? box.width / frame.offsetWidth : 1;
    x = box.x + here * (frame.clientLeft + x);
    y = box.y + here * (frame.clientTop + y);
    scale *= here;
  }
  return [x, y, scale];
}

/** What a frame has asked for comes: style sheets, and then the images and fonts that they name. */
async function come() {
  await arrive();
  await new Promise((resolve) => setTimeout(resolve, 50));
}

window.reference = { open, go, offsetOf, isSeen, come };
