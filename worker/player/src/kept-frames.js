// What the frames of a page hold, written down as rrweb records it: some checkouts forget the frames that were there.
import * as make from "./events.js";

const [DOCUMENT, ELEMENT, TEXT] = [0, 2, 3];
const OF_RECORDER = /^(rr_|_cssText$)/;

/** Events that give frames of these ids what they hold now. */
export function keepFrames(ids, mirror, at) {
  const kept = [];
  const frames = [...ids];
  for (let id = frames.shift(); id !== undefined; id = frames.shift()) {
    const doc = mirror.getNode(id)?.contentDocument;
    if (!doc || !mirror.getMeta(doc)) continue;
    kept.push(make.attachment(at, id, write(doc, mirror, frames)));
    if (doc.defaultView?.scrollX || doc.defaultView?.scrollY) {
      kept.push(make.scroll(at, mirror.getId(doc), [doc.defaultView.scrollX, doc.defaultView.scrollY]));
    }
  }
  return kept;
}

/** A node as it is, with its id; frames in it are added to `frames`. */
function write(node, mirror, frames, isShadow = false) {
  const meta = mirror.getMeta(node);
  const written = { ...meta, ...(isShadow && { isShadow }) };
  if (meta.type === ELEMENT) {
    written.attributes = attributesOf(node, meta.attributes);
    if (node.localName === "iframe") frames.push(meta.id);
  }
  if (meta.type === TEXT) written.textContent = node.data;
  if (meta.type === ELEMENT || meta.type === DOCUMENT) {
    const inside = (parent, isOfShadow) =>
      [...(parent?.childNodes ?? [])].filter((child) => mirror.getMeta(child)).map((child) => write(child, mirror, frames, isOfShadow));
    written.childNodes = [...inside(node.shadowRoot, true), ...inside(node, false)];
  }
  return written;
}

function attributesOf(element, recorded) {
  const attributes = {};
  for (const [name, value] of Object.entries(recorded)) if (OF_RECORDER.test(name)) attributes[name] = value;
  for (const { name, value } of element.attributes) attributes[name] = value;
  if (element.localName === "style" && element.sheet) attributes._cssText = Array.from(element.sheet.cssRules, ({ cssText }) => cssText).join("\n");
  if (element.scrollLeft) attributes.rr_scrollLeft = element.scrollLeft;
  if (element.scrollTop) attributes.rr_scrollTop = element.scrollTop;
  if (/^(input|textarea|select)$/.test(element.localName) && element.type !== "file") attributes.value = element.value;
  if (element.checked) attributes.checked = true;
  return attributes;
}
