// The candidates of a `srcset`. Blink takes a larger one than it needs where it has that in its memory: what is shown would depend
// on what was shown before, on other images, and on when its memory was tidied. So the files of each choice
// have names of their own, by the width of the page as well. The renderer takes the mark off (worker/video_export_worker/replay/answers.py).

import { countCandidates, replaceUrls } from "./srcset.js";

const MARK = /[?&]video-export-choice=[\d-]+/g;

const choices = new Map(); // their numbers, in all documents

export class Candidates {
  #elements = new Set();

  /** Takes note of an element that was built or changed. */
  see(element) {
    if (!element.hasAttribute?.("srcset") || !(element.localName === "img" || element.localName === "source")) return;
    this.#elements.add(element);
    this.#mark(element);
  }

  /** Has everything chosen anew where the page has another width; the images that choose. */
  renew() {
    const images = [];
    for (const element of this.#elements) {
      if (!element.isConnected) this.#elements.delete(element);
      else if (this.#mark(element)) images.push(...(element.decode ? [element] : element.parentNode.querySelectorAll("img")));
    }
    return images;
  }

  #mark(element) {
    const before = element.getAttribute("srcset");
    const after = this.#markedOf(before.replace(MARK, ""), element);
    if (after !== before) element.setAttribute("srcset", after);
    return after !== before;
  }

  #markedOf(srcset, element) {
    // What a `source` has may depend on its `media`, which Blink looks at in the frame after: a change has it look at once.
    // The `src` of an image is a candidate, too.
    if (element.localName === "img" && countCandidates(srcset) + element.hasAttribute("src") < 2) return srcset;
    const choice = `${element.getAttribute("sizes")} ${srcset}`;
    if (!choices.has(choice)) choices.set(choice, choices.size);
    const mark = `video-export-choice=${element.ownerDocument.defaultView?.innerWidth ?? 0}-${choices.get(choice)}`;
    return replaceUrls(srcset, (url) => withQuery(url, mark));
  }
}

function withQuery(url, query) {
  if (!/^https?:/i.test(url)) return url;
  const [file, ...fragment] = url.split("#");
  return [`${file}${file.includes("?") ? "&" : "?"}${query}`, ...fragment].join("#");
}
