// A recording is not trusted. Before rrweb sees an event, it loses what would act by itself (the replay alone decides what
// happens, and when), and what rrweb cannot build: one node that it stumbles over would end the whole replay.
//
// What an attribute does is decided by its name in whatever case, not by the element: a mutation names no element.
import { makeBuildable } from "./buildable.js";
import { restrictCommands } from "./canvas-commands.js";
import { CUSTOM, isCanvas, isFullSnapshot, isMutation, isSize } from "./events.js";

const NODE = { DOCUMENT: 0, DOCTYPE: 1, ELEMENT: 2, TEXT: 3, CDATA: 4, COMMENT: 5 };

const LONGEST_SIDE = 100_000; // CSS pixels of a viewport
const SHORTEST_SIDE = 2; // a window that is hidden reports 0 or 1

/** Attributes that are left out, and why. */
const REMOVED = new Set([
  "autofocus", // a focus scrolls the page
  "autoplay", // a clip plays in the time of the recording, see media.js
  "loading", // a lazy image that is out of sight would be waited for in vain
  "srcdoc", // what a frame holds is recorded by itself; loaded from here it would take its place
  "attributionsrc", // these send requests of their own
  "manifest",
  "ping",
]);
/** What a page may say in place of the server's headers; `refresh` and the others change what the page is or loads. */
const HTTP_EQUIVALENTS = new Set(["content-language", "content-type", "default-style", "x-ua-compatible"]);
/** Links that load or connect ahead of need. */
const AHEAD = /(^|\s)(compression-dictionary|dns-prefetch|expect|import|manifest|modulepreload|preconnect|prefetch|preload|prerender|serviceworker|\S*icon)(\s|$)/i;

/** Sanitises an event in place. */
export function sanitiseEvent(event) {
  if (isFullSnapshot(event)) sanitiseSnapshot(event.data);
  else if (isMutation(event)) {
    for (const kind of ["adds", "attributes", "removes", "texts"]) event.data[kind] = objectsIn(event.data[kind]);
    event.data.adds = event.data.adds.filter(({ node }) => isObject(node));
    for (const { node } of event.data.adds) {
      sanitiseTree(node);
      if (!Number.isInteger(node.id)) node.id = nextId();
      if (node.type === NODE.DOCUMENT) giveIds(node);
    }
    event.data.attributes.forEach(({ attributes }) => sanitiseAttributes(attributes));
  } else if (isCanvas(event)) restrictCommands(event.data);
  else if (isSize(event) && !(isLength(event.data.width) && isLength(event.data.height))) {
    event.type = CUSTOM; // the viewport keeps the size that it has
    event.data = { tag: "left out", payload: {} };
  }
}

function sanitiseSnapshot(data) {
  const { left = 0, top = 0 } = isObject(data.initialOffset) ? data.initialOffset : {};
  data.initialOffset = { left, top };
  sanitiseTree(data.node);
  if (data.node.type === NODE.DOCUMENT) data.node.childNodes = withRoot(data.node.childNodes);
  giveIds(data.node);
}

/** The children of a document that has the root element of a page of HTML, as the replayer needs it. */
function withRoot(children) {
  const root = children.find(({ type }) => type === NODE.ELEMENT);
  if (root?.tagName === "html") return children;
  const element = (tagName, childNodes) => ({ type: NODE.ELEMENT, tagName, attributes: {}, childNodes });
  const html = element("html", [element("head", []), element("body", root ? [root] : [])]);
  return root ? children.map((child) => (child === root ? html : child)) : [...children, html];
}

/** The replayer takes nodes of one id for one node: those without one, and the second of two, get ids of their own. */
function giveIds(root) {
  const used = new Set();
  const found = [root];
  for (let node = found.pop(); node; node = found.pop()) {
    if (!Number.isInteger(node.id) || used.has(node.id)) node.id = nextId();
    used.add(node.id);
    if (node.childNodes) for (let at = node.childNodes.length - 1; at >= 0; at -= 1) found.push(node.childNodes[at]);
  }
}

let lastId = -1e9; // of nodes that have none: no recorder counts down
const nextId = () => (lastId -= 1);

function sanitiseTree(root) {
  const found = [root];
  for (let node = found.pop(); node; node = found.pop()) {
    if (node.type === NODE.ELEMENT) sanitiseElement(node);
    else delete node.attributes;
    if (node.type === NODE.ELEMENT || node.type === NODE.DOCUMENT) {
      node.childNodes = childrenOf(node);
      if (node.type === NODE.DOCUMENT && !node.childNodes.length) delete node.compatMode; // it is told from the first child
      for (const child of node.childNodes) found.push(child); // not `push(...)`: there may be more than a call can take
    } else sanitiseLeaf(node);
  }
}

function sanitiseElement(node) {
  node.attributes = isObject(node.attributes) ? node.attributes : {};
  makeBuildable(node);
  if (node.tagName === "img" && "rr_dataURL" in node.attributes) delete node.attributes.srcset; // rrweb would lose all others
  if (node.tagName === "picture") preferInlined(node);
  const autoplay = node.attributes.autoplay ?? false;
  sanitiseAttributes(node.attributes);
  if (node.tagName !== "video" && node.tagName !== "audio") return;
  if (autoplay !== false) node.attributes.rr_mediaState ??= "played";
  node.attributes.preload = "auto";
}

/** Lets the picture that was recorded be shown, and not the sources that it was chosen from. */
function preferInlined({ childNodes }) {
  const children = objectsIn(childNodes).filter(({ attributes }) => isObject(attributes));
  if (!children.some(({ tagName, attributes }) => tagName === "img" && "rr_dataURL" in attributes)) return;
  for (const { tagName, attributes } of children) if (tagName === "source") delete attributes.srcset;
}

function sanitiseAttributes(attributes) {
  if (!isObject(attributes)) return;
  for (const name of Object.keys(attributes)) {
    if (isActive(name.toLowerCase(), attributes[name])) delete attributes[name];
  }
}

function isActive(name, value) {
  if (REMOVED.has(name)) return true;
  if (name === "http-equiv") return !HTTP_EQUIVALENTS.has(String(value).trim().toLowerCase());
  return name === "rel" && AHEAD.test(String(value));
}

/** The children that a node of this type can have. */
function childrenOf({ type, childNodes }) {
  const nodes = objectsIn(childNodes);
  const isIn = (...types) => (child) => types.includes(child.type);
  if (type === NODE.ELEMENT) return nodes.filter(isIn(NODE.ELEMENT, NODE.TEXT, NODE.CDATA, NODE.COMMENT));
  const root = nodes.findIndex(isIn(NODE.ELEMENT));
  const doctype = nodes.findIndex(isIn(NODE.DOCTYPE));
  return nodes.filter(
    (child, at) => child.type === NODE.COMMENT || at === root || (at === doctype && (root < 0 || doctype < root)),
  );
}

function sanitiseLeaf(node) {
  delete node.childNodes;
  if (node.type === NODE.DOCTYPE) {
    if (typeof node.name !== "string" || !/^[a-z]+$/i.test(node.name)) node.name = "html";
    for (const id of ["publicId", "systemId"]) node[id] = typeof node[id] === "string" ? node[id].replace(/["'<>]/g, "") : "";
    return;
  }
  if (node.type !== NODE.TEXT) node.type = NODE.COMMENT; // a document of HTML has no other leaves
  node.textContent = String(node.textContent ?? "");
}

const isLength = (value) => Number.isFinite(value) && value >= SHORTEST_SIDE && value <= LONGEST_SIDE;
const objectsIn = (list) => (Array.isArray(list) ? list.filter(isObject) : []);
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
