// Where the recording has scrolled to. A page may be too small to be scrolled that far before its images, or the content that
// was scrolled to, are there.
import { isFullSnapshot, isScroll } from "./events.js";

const NEAR = 1; // pixels: positions are rounded

export class Scrolling {
  #wanted = new Map(); // positions by rrweb's id, those that were not reached yet

  /** Notes what an applied event has scrolled. */
  note(event) {
    if (isScroll(event)) this.#wanted.set(event.data.id, { left: event.data.x, top: event.data.y });
    if (!isFullSnapshot(event)) return;
    this.#wanted.clear();
    this.#noteNode(event.data.node);
    this.#wanted.set(event.data.node.id, event.data.initialOffset);
  }

  #noteNode({ id, attributes, childNodes }) {
    const { rr_scrollLeft: left = 0, rr_scrollTop: top = 0 } = attributes ?? {};
    if (left || top) this.#wanted.set(id, { left, top });
    childNodes?.forEach((child) => this.#noteNode(child));
  }

  /** Scrolls there once more; what is not reached is tried again when the page has changed. */
  settle(mirror) {
    for (const [id, wanted] of this.#wanted) {
      const node = mirror.getNode(id);
      if (node && reach(node, wanted)) this.#wanted.delete(id);
    }
  }
}

function reach(node, { left, top }) {
  const scroller = node.nodeType === Node.DOCUMENT_NODE ? node.defaultView : node;
  scroller?.scrollTo?.({ left, top, behavior: "auto" });
  const [x, y] = scroller === node ? [node.scrollLeft, node.scrollTop] : [scroller?.scrollX, scroller?.scrollY];
  return Math.abs(x - left) < NEAR && Math.abs(y - top) < NEAR;
}
