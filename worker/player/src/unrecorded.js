// What a recording says is there and does not hold: blocked elements, frames of other sites, canvases and clips without
// pictures. Each becomes a neutral box with a small label in the element's place.
//
// A box never covers what was recorded: where content lies below an element, or in it, the element stays transparent.
import { isFullSnapshot, isMutation } from "./events.js";

const MARK = "video-export-unrecorded"; // what an element could hold, by its kind
const BOX = "video-export-box"; // set while it is shown as a box
const INLINE = "video-export-inline"; // of an element that has no size as browsers show it
const LABELS = {
  blocked: "Blocked",
  frame: "Frame not recorded",
  canvas: "Canvas not recorded",
  video: "Video not recorded",
  object: "Not recorded",
};
const SMALLEST = 12; // pixels of a side: what is smaller is no place for content
const SHARES = [0.1, 0.5, 0.9]; // of a side: where it is looked for content below
const CONTENT = new Set(["img", "svg", "canvas", "video", "input", "textarea", "select", "button", "iframe", "progress", "meter", "hr"]);

/** Elements that browsers show in lines; those of a page's own are shown so as well. */
const IN_LINES = new Set("a abbr b bdi bdo cite code data del dfn em font i ins kbd label mark q s samp small span strong sub sup time tt u var".split(" "));

/** Rules that show the boxes. */
export const BOX_RULES = `
  [${INLINE}] { display: inline-block; vertical-align: top; } /* it was recorded with a size */
  [${BOX}] {
    background: #e3e6ea center / auto no-repeat !important;
    box-shadow: inset 0 0 0 1px #c3c9d0 !important;
    transition: none !important;
  }
  ${Object.entries(LABELS)
    .map(([kind, label]) => `[${BOX}="${kind}"] { background-image: url("${labelPicture(label)}") !important; }`)
    .join("\n")}
`;

function labelPicture(label) {
  const text = `<text x="70" y="12" text-anchor="middle" font-family="sans-serif" font-size="11" fill="#56606b">${label}</text>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="140" height="16">${text}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/**
 * Marks the elements in these events, in place, that have no content of their own.
 *
 * @param withCanvas whether canvases were recorded: an empty one is empty then.
 * @param isThere whether there is a picture of an address.
 */
export function markUnrecorded(events, withCanvas, isThere) {
  const filled = new Set(); // elements of the page that get content later
  for (const event of events.toReversed()) {
    if (isMutation(event)) for (const { parentId } of event.data.adds) filled.add(parentId);
    const added = isFullSnapshot(event) ? [event.data.node] : isMutation(event) ? event.data.adds.map(({ node }) => node) : [];
    for (let node = added.pop(); node; node = added.pop()) {
      const kind = node.attributes && !filled.has(node.id) && kindOf(node, withCanvas, isThere);
      if (kind) node.attributes[MARK] = kind;
      if (kind === "blocked" && (IN_LINES.has(node.tagName) || node.tagName.includes("-"))) node.attributes[INLINE] = "";
      for (const child of node.childNodes ?? []) added.push(child);
    }
    if (isFullSnapshot(event)) filled.clear(); // ids begin anew
  }
}

function kindOf({ tagName, attributes, childNodes }, withCanvas, isThere) {
  const isEmpty = !childNodes?.length;
  if ("rr_width" in attributes && "rr_height" in attributes) return isEmpty && "blocked";
  if (tagName === "iframe" || tagName === "frame") return isEmpty && "frame";
  if (tagName === "canvas") return !withCanvas && !attributes.rr_dataURL && "canvas";
  if (tagName === "video") return !(attributes.poster && isThere(attributes.poster)) && "video";
  return (tagName === "embed" || tagName === "object") && isEmpty && "object";
}

export class Unrecorded {
  #elements = new Set();
  #isDirty = false;

  /** Takes note of an element that was built. */
  see(element) {
    if (element.hasAttribute(MARK)) this.#elements.add(element);
  }

  /** Takes note of an event that was applied: it may have filled an element, or moved content. */
  note(event, mirror) {
    this.#isDirty = true;
    if (!this.#elements.size || !isMutation(event)) return;
    for (const { parentId } of event.data.adds ?? []) this.#fill(mirror.getNode(parentId));
  }

  #fill(element) {
    if (!this.#elements.delete(element)) return;
    for (const name of [MARK, BOX, INLINE]) element.removeAttribute(name);
  }

  /** Shows as boxes what is to be one in the page as it is now, which has to be visible. */
  show() {
    for (const element of this.#elements) {
      if (!element.isConnected) this.#elements.delete(element);
      else if (this.#isDirty || element.localName === "video") setBox(element, isBox(element));
    }
    this.#isDirty = false;
  }
}

function setBox(element, is) {
  if (is === element.hasAttribute(BOX)) return;
  if (is) element.setAttribute(BOX, element.getAttribute(MARK));
  else element.removeAttribute(BOX);
}

function isBox(element) {
  if (element.localName === "video" && element.readyState !== HTMLMediaElement.HAVE_NOTHING) return false;
  const box = element.getBoundingClientRect();
  return box.width >= SMALLEST && box.height >= SMALLEST && !coversContent(element, box);
}

function coversContent(element, box) {
  return SHARES.some((across) =>
    SHARES.some((down) => isContentBelow(element, box.left + box.width * across, box.top + box.height * down)),
  );
}

/** Whether there is content below an element, between it and the first box around it that is not transparent. */
function isContentBelow(element, x, y) {
  const root = element.getRootNode();
  const stack = (root.elementsFromPoint ? root : element.ownerDocument).elementsFromPoint(x, y);
  for (const below of stack.slice(stack.indexOf(element) + 1)) {
    if (below.contains(element) || below.shadowRoot?.contains(element)) {
      if (isPainted(below)) return false;
    } else if (!element.contains(below) && !below.hasAttribute(MARK) && isContent(below)) return true;
  }
  return false;
}

const isContent = (element) => CONTENT.has(element.localName) || hasText(element) || isPainted(element);
const hasText = ({ childNodes }) => [...childNodes].some(({ nodeType, data }) => nodeType === Node.TEXT_NODE && data.trim());

function isPainted(element) {
  const { backgroundColor, backgroundImage } = element.ownerDocument.defaultView.getComputedStyle(element);
  return backgroundImage !== "none" || !/^(transparent|rgba\(.*, 0\))$/.test(backgroundColor);
}
