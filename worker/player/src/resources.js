// Waits for what a page shows: images, the pictures of canvases, fonts.

const RESOURCE_TIMEOUT_MS = 5000;

export class Resources {
  #trackedNodes;
  /** How often something did not come in time. */
  unresolved = 0;

  constructor(trackedNodes) {
    this.#trackedNodes = trackedNodes;
  }

  /** Resolves when style sheets, images, parts of SVG files and pictures of canvases are there, or are known not to come; true if there were new ones. */
  async imagesArrive() {
    const { pendingImages, pendingCanvases, pendingFiles } = this.#trackedNodes;
    const waits = pendingCanvases.splice(0);
    const some = pendingImages.size > 0;
    for (const [node, ended] of pendingFiles) if (node.isConnected) waits.push(ended);
    pendingFiles.clear();
    for (const image of pendingImages) {
      // Of an image in SVG nobody can tell whether it is complete; none is waited for twice.
      if (!image.complete && image.isConnected) waits.push(image.decode().catch(() => {}));
    }
    pendingImages.clear();
    return (await this.#all(waits)) || some;
  }

  /** Resolves when the fonts that the page uses are there; true if any was waited for. */
  async fontsArrive() {
    const waits = [];
    for (const doc of this.#trackedNodes.documents) {
      if (!isAwaiting(doc)) continue;
      doc.documentElement?.getBoundingClientRect(); // the layout asks for them
      if (doc.fonts.status === "loading") waits.push(doc.fonts.ready);
    }
    return this.#all(waits);
  }

  async #all(waits) {
    if (!waits.length) return false;
    const late = Symbol("late");
    const deadline = new Promise((resolve) => setTimeout(resolve, RESOURCE_TIMEOUT_MS, late));
    if ((await Promise.race([Promise.all(waits), deadline])) === late) this.unresolved += 1;
    return true;
  }
}

function isAwaiting(doc) {
  for (const { status } of doc.fonts) if (status === "unloaded" || status === "loading") return true;
  return false;
}
