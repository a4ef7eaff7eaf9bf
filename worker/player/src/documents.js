// Documents that the replayer writes. It opens one and never closes it, so that it loads for ever, and in a document that
// is loading SVG does not begin to move; closed when it is full, its parser would make it one of quirks mode. So a document is
// loaded, empty, before the replayer fills it.

import { allowMathMl } from "./mathml.js";

const DOCTYPE = "<!DOCTYPE html>";
const prepared = new WeakSet();

/** Makes a document one that can be opened, and written a doctype to, and is loaded all the same. */
export function prepare(doc) {
  if (!doc || prepared.has(doc)) return;
  prepared.add(doc);
  allowMathMl(doc);
  const { open, write, close } = Object.getPrototypeOf(Object.getPrototypeOf(doc));
  const begin = (doctype) => {
    open.call(doc);
    write.call(doc, doctype);
    close.call(doc);
    doc.replaceChildren();
    return doc;
  };
  doc.open = () => begin(DOCTYPE);
  doc.write = begin; // rrweb writes nothing but the doctypes of quirks mode
  doc.close = () => {};
}

/** Prepares what a frame holds when the replayer asks for it. */
export function watch(frame) {
  const { get } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(frame), "contentDocument");
  Object.defineProperty(frame, "contentDocument", {
    get: () => {
      const doc = get.call(frame);
      prepare(doc);
      return doc;
    },
  });
}
