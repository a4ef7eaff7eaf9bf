// Where the recording has scrolled to. Before its images are there a page may be too small to be scrolled that far.
import { isFullSnapshot, isScroll } from "./events.js";

export class Scrolling {
  #wanted = new Map(); // positions by rrweb's id

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

  /** Scrolls there once more. */
  repeat(mirror) {
    for (const [id, { left, top }] of this.#wanted) {
      const node = mirror.getNode(id);
      (node?.nodeType === Node.DOCUMENT_NODE ? node.defaultView : node)?.scrollTo?.({ left, top, behavior: "auto" });
    }
  }

  forget() {
    this.#wanted.clear();
  }
}
