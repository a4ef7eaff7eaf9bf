// What a browser cannot build: one node that the replayer stumbles over would end a whole page.

const SVG = "http://www.w3.org/2000/svg";
const ELEMENT = 2;
/** Names that HTML allows for an element of the page's own. */
const CUSTOM_NAME = /^(?!annotation-xml$|color-profile$|font-face|missing-glyph$)[a-z][^\sA-Z/>:-]*-[^\sA-Z/>:]*$/;
/** Elements of HTML that can have a shadow tree, besides those of the page's own. */
const SHADOW_HOST = /^(article|aside|blockquote|body|div|footer|h[1-6]|header|main|nav|p|section|span)$/;
/** Settings of clips, with what a browser takes. */
const OF_CLIPS = {
  rr_mediaState: (value) => value === "played" || value === "paused",
  rr_mediaCurrentTime: (value) => value >= 0,
  rr_mediaPlaybackRate: (value) => value >= 0.0625 && value <= 16,
  rr_mediaVolume: (value) => value >= 0 && value <= 1,
};

const names = new Map(); // of elements, by what was recorded

/** Makes an element one that a browser builds, in place. */
export function makeBuildable(node) {
  node.tagName = buildableName(String(node.tagName), node.isSVG);
  if (node.isCustom && !CUSTOM_NAME.test(node.tagName)) delete node.isCustom;
  if (node.isShadowHost && (node.isSVG || !(SHADOW_HOST.test(node.tagName) || CUSTOM_NAME.test(node.tagName)))) delete node.isShadowHost;
  const isClip = node.tagName === "video" || node.tagName === "audio";
  for (const [name, fits] of Object.entries(OF_CLIPS)) {
    if (name in node.attributes && !(isClip && fits(node.attributes[name]))) delete node.attributes[name];
  }
}

/** Takes out of a page all that is more than plain nodes, in place: for a page that cannot be built otherwise. */
export function makePlain(root) {
  const found = [root];
  for (let node = found.pop(); node; node = found.pop()) {
    for (const key of ["isCustom", "isShadow", "isShadowHost"]) delete node[key];
    if (node.type === ELEMENT) for (const name of Object.keys(node.attributes)) if (/^rr_(?!width|height)/.test(name)) delete node.attributes[name];
    for (const child of node.childNodes ?? []) found.push(child); // not `push(...)`: there may be more than a call can take
  }
}

/** The name of an element that a browser makes; those of HTML are in lower case, as in a recording of rrweb's own. */
function buildableName(tagName, isSvg) {
  const name = isSvg && !/^script$/i.test(tagName) ? tagName : tagName.toLowerCase();
  const key = isSvg ? `svg ${name}` : name;
  if (!names.has(key)) names.set(key, isBuildable(name, isSvg) ? name : "unknown");
  return names.get(key);
}

function isBuildable(name, isSvg) {
  if (name in {}) return false; // rrweb looks names up in an object
  try {
    isSvg ? document.createElementNS(SVG, name) : document.createElement(name);
    return true;
  } catch {
    return false;
  }
}
