// `<use>` of a part of another file. A browser loads that from the page's own origin only, and a replay has another one: so it
// asks the replay page's origin for it (worker/video_export_worker/replay/answers.py).

const PLACE = `${location.origin}/part?of=`;
const SVG = "http://www.w3.org/2000/svg";
const XLINK = "http://www.w3.org/1999/xlink";

const led = new WeakMap(); // of elements: the file that they have asked for last

/** Whether a node is an element that shows a part of something. */
export const isUse = (node) => node.localName === "use" && node.namespaceURI === SVG;

/** Gives an `xlink:href` its namespace, without which it names nothing: rrweb adds attributes without one in changes. */
export function nameXlink(element) {
  const given = element.getAttributeNode("xlink:href");
  if (element.namespaceURI !== SVG || !given || given.namespaceURI) return;
  element.removeAttributeNode(given);
  element.setAttributeNS(XLINK, "xlink:href", given.value);
}

/** Lets the element ask here for the file that it names; true if it is one that it has not asked for yet. */
export function leadToPart(use) {
  // What is recorded later changes the attribute that it has.
  const given = use.getAttributeNode("href") ?? use.getAttributeNodeNS(XLINK, "href");
  const href = given?.value ?? "";
  const file = href.startsWith(PLACE) || /^https?:[^#]*#./i.test(href) ? href.replace(/#.*/s, "") : undefined;
  if (file && !href.startsWith(PLACE)) given.value = `${PLACE}${encodeURIComponent(file)}${href.slice(file.length)}`;
  const asked = file && (file.startsWith(PLACE) ? file : PLACE + encodeURIComponent(file));
  const isNew = asked !== undefined && led.get(use) !== asked;
  led.set(use, asked);
  return isNew;
}
