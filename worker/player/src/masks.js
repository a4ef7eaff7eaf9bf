// Masks. The renderer covers the boxes that are told here, outside of the browser, so nothing in a page can undo them.
// In the page the elements are hidden as well: what a box does not hold (shadows, generated content) is not seen either.
//
// A box belongs to each element that matches, to everything inside of it and to its texts, cut by what clips it on the way
// to the top. Where that is uncertain it is not cut: a box is rather too large than too small.
import { originOf } from "./stage.js";

const MOST_BOXES = 2000; // of one frame; more become one that holds them all
const HIDING = "opacity: 0 !important; visibility: hidden !important; transition: none !important;";
const EVERYWHERE = { left: -Infinity, top: -Infinity, right: Infinity, bottom: Infinity };

/**
 * A selector as the browser has understood it. Parsed as a rule of its own, so that what is open at its end is an error and
 * cannot take in what comes after; and it has to match elements, not parts of them that have no place of their own.
 */
export function parseSelector(selector) {
  const sheet = new CSSStyleSheet();
  try {
    sheet.insertRule(`${selector} {}`);
    document.createDocumentFragment().querySelector(selector);
  } catch {
    throw new Error(`InvalidSelector: ${selector}`);
  }
  const [{ selectorText }] = sheet.cssRules;
  const isOfElements = selectorText && CSS.supports(`selector(:not(${selectorText}))`) && !/:host|:scope|&/.test(selectorText);
  if (!isOfElements) throw new Error(`InvalidSelector: ${selector}`);
  return selectorText;
}

/** Rules that hide what the selectors match; each is parsed by itself. */
export function hidingRules(selectors) {
  return selectors.flatMap((selector) => [
    `:is(${selector}), :is(${selector}) * { ${HIDING} }`,
    `:is(${selector})::before, :is(${selector})::after, :is(${selector}) *::before, :is(${selector}) *::after { ${HIDING} }`,
  ]);
}

export class Masks {
  #selectors;
  /** For each selector how many elements it has covered at once, at most. */
  counts;

  constructor(selectors) {
    this.#selectors = selectors;
    this.counts = selectors.map(() => 0);
  }

  /** Makes sure that nothing in the page shows what is masked: an element's own style may be stronger than any rule. */
  hide(trees) {
    for (const element of this.#find(trees)) {
      if (isHidden(element)) continue;
      for (const [name, value] of [["transition", "none"], ["animation", "none"], ["opacity", "0"], ["visibility", "hidden"]]) {
        element.style?.setProperty(name, value, "important");
      }
      if (!isHidden(element)) throw new Error(`MaskFailed: <${element.localName}> cannot be hidden`);
    }
  }

  /** Boxes of what is masked, [x, y, width, height] in CSS pixels of the document of `top`. */
  boxes(trees, top) {
    const boxes = [];
    const clips = new Map();
    for (const element of this.#find(trees)) {
      const frame = originOf(element, top);
      const outer = frameClip(element, top);
      for (const box of shownBoxes(element, clips)) {
        const cut = intersect(place(box, frame), outer);
        if (cut.right > cut.left && cut.bottom > cut.top) boxes.push(cut);
      }
    }
    return (boxes.length > MOST_BOXES ? [bounds(boxes)] : boxes).map(toArray);
  }

  /** Elements that match, each once. */
  #find(trees) {
    const found = new Set();
    this.#selectors.forEach((selector, index) => {
      let count = 0;
      for (const tree of trees) {
        for (const element of tree.querySelectorAll(selector)) {
          found.add(element);
          count += 1;
        }
      }
      this.counts[index] = Math.max(this.counts[index], count);
    });
    return found;
  }
}

function isHidden(element) {
  const { opacity, visibility, display } = element.ownerDocument.defaultView.getComputedStyle(element);
  return display === "none" || (visibility !== "visible" && (opacity === "0" || display === "contents"));
}

/** Boxes of all that an element shows, also outside of its own ones. */
function* shownBoxes(element, clips) {
  yield* contentBoxes(element, clips);
  const { documentElement, body, defaultView } = element.ownerDocument;
  // The background of these is that of the whole page, and is painted even if they are hidden.
  if (element === documentElement || element === body) yield { left: 0, top: 0, right: defaultView.innerWidth, bottom: defaultView.innerHeight };
  const chosen = element.matches("option:checked, optgroup:has(option:checked)") && element.closest("select");
  if (chosen) yield* contentBoxes(chosen, clips); // it shows the option's text by itself
}

/** Boxes of an element, of all elements in it, its shadow trees included, and of their texts. */
function* contentBoxes(root, clips) {
  const waiting = [root];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (node.nodeType === Node.TEXT_NODE) {
      const range = node.ownerDocument.createRange();
      range.selectNodeContents(node);
      const clip = contentClip(node.parentElement ?? node.getRootNode().host, clips);
      for (const box of range.getClientRects()) yield intersect(box, clip);
      continue;
    }
    if (node.nodeType === Node.ELEMENT_NODE) {
      const clip = ownClip(node, clips);
      for (const box of node.getClientRects()) yield intersect(box, clip);
      if (node.shadowRoot) for (const child of node.shadowRoot.childNodes) waiting.push(child);
    }
    for (const child of node.childNodes) waiting.push(child);
  }
}

/** What clips an element: the boxes, on its way to the root, that clip what is positioned as it is. */
function ownClip(element, clips) {
  if (clips.has(element)) return clips.get(element);
  clips.set(element, EVERYWHERE);
  const { position } = styleOf(element);
  let holder = position === "fixed" ? null : parentOf(element);
  if (position === "absolute") while (holder && styleOf(holder).position === "static") holder = parentOf(holder);
  const clip = holder ? contentClip(holder, clips) : EVERYWHERE;
  clips.set(element, clip);
  return clip;
}

/** What clips the content of an element. */
function contentClip(element, clips) {
  if (!element) return EVERYWHERE;
  const clip = ownClip(element, clips);
  const { overflowX, overflowY, display } = styleOf(element);
  const isRoot = element === element.ownerDocument.documentElement || element === element.ownerDocument.body;
  if (isRoot || overflowX === "visible" || overflowY === "visible" || /^(inline|contents|none)$/.test(display)) return clip;
  return intersect(clip, element.getBoundingClientRect());
}

const styleOf = (element) => element.ownerDocument.defaultView.getComputedStyle(element);
const parentOf = (element) => element.assignedSlot ?? element.parentElement ?? element.getRootNode().host ?? null;

/** What the frames that hold an element leave to be seen of it, in the document of `top`. */
function frameClip(element, top) {
  let clip = EVERYWHERE;
  let frame = element.ownerDocument.defaultView?.frameElement;
  while (frame && frame !== top) {
    clip = intersect(clip, place(frame.getBoundingClientRect(), originOf(frame, top)));
    frame = frame.ownerDocument.defaultView?.frameElement;
  }
  return clip;
}

const place = ({ left, top, right, bottom }, { x, y, scale }) => ({
  left: x + left * scale,
  top: y + top * scale,
  right: x + right * scale,
  bottom: y + bottom * scale,
});

const intersect = (one, other) => ({
  left: Math.max(one.left, other.left),
  top: Math.max(one.top, other.top),
  right: Math.min(one.right, other.right),
  bottom: Math.min(one.bottom, other.bottom),
});

const bounds = (boxes) => ({
  left: boxes.reduce((least, { left }) => Math.min(least, left), Infinity),
  top: boxes.reduce((least, { top }) => Math.min(least, top), Infinity),
  right: boxes.reduce((most, { right }) => Math.max(most, right), -Infinity),
  bottom: boxes.reduce((most, { bottom }) => Math.max(most, bottom), -Infinity),
});

const toArray = ({ left, top, right, bottom }) => [left, top, right - left, bottom - top];
