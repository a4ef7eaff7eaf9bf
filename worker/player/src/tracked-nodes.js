// Keeps track of what the replay has built, so that nothing has to search its documents.
import { Candidates } from "./candidates.js";
import { watch } from "./documents.js";
import { isMutation } from "./events.js";
import { isUse, leadToPart, nameXlink } from "./svg-parts.js";

const SMIL = "animate, animateTransform, animateMotion, set";
// Elements that Blink moves by itself: nobody can tell it the time, but its own is that of the frames.
const SELF_MOVING = "marquee";

export class TrackedNodes {
  #documents = new Set();
  #shadows = new Set();
  #smil = new Set();
  #selfMoving = new Set();
  #animatedPictures = false;
  #clips = [];
  #candidates = new Candidates();
  #lookFor;
  #bringsAnimatedPicture;
  pendingImages = new Set();
  /** Style sheets that are linked or import others, and parts of SVG files, with what resolves when they have come or have failed. */
  pendingFiles = new Map();
  pendingCanvases = [];

  /**
   * @param lookFor gives the element of rrweb's id, and what was recorded of an element.
   * @param bringsAnimatedPicture events with a picture that moves by itself, wherever in the page it is.
   */
  constructor(lookFor, bringsAnimatedPicture) {
    this.#lookFor = lookFor;
    this.#bringsAnimatedPicture = bringsAnimatedPicture;
  }

  /** As a plugin of the replayer it sees each node that was built, and each event that was applied. */
  plugin(onElement, onEvent) {
    return {
      onBuild: (node) => {
        this.#see(node);
        if (node.nodeType === Node.ELEMENT_NODE) onElement(node);
      },
      handler: (event) => {
        this.#animatedPictures ||= this.#bringsAnimatedPicture.has(event);
        if (isMutation(event)) this.#seeChanged(event.data);
        onEvent(event);
      },
    };
  }

  /** Documents that are shown. */
  get documents() {
    for (const doc of this.#documents) if (!doc.defaultView) this.#documents.delete(doc);
    return this.#documents;
  }

  /** Documents and shadow roots that are shown. */
  get trees() {
    for (const root of this.#shadows) if (!root.isConnected) this.#shadows.delete(root);
    return [...this.documents, ...this.#shadows];
  }

  /** Outermost SVG elements with SMIL in them. */
  get movingSvgs() {
    const found = new Set();
    for (const node of this.#smil) {
      if (!node.isConnected) this.#smil.delete(node);
      else found.add(outermostSvg(node));
    }
    found.delete(null);
    return [...found];
  }

  /** Whether Blink moves something by itself. */
  get isRestless() {
    for (const node of this.#selfMoving) if (!node.isConnected) this.#selfMoving.delete(node);
    return this.#animatedPictures || this.#selfMoving.size > 0;
  }

  /** Clips that were built since the last call. */
  takeClips() {
    return this.#clips.splice(0);
  }

  #see(node) {
    if (node.nodeType === Node.DOCUMENT_NODE) return void this.#documents.add(node);
    const root = node.getRootNode();
    if (root.nodeType === Node.DOCUMENT_FRAGMENT_NODE && root.host) this.#shadows.add(root);
    if (node.nodeType !== Node.ELEMENT_NODE) return this.#seeRules(node.parentNode);
    this.#documents.add(node.ownerDocument);
    if (node.decode) this.pendingImages.add(node); // an image of HTML or of SVG
    this.#candidates.see(node);
    // Elements of SVG may have the same names.
    if ("sheet" in node && loadsSheet(node)) this.#awaitFile(node);
    if (isUse(node) && leadToPart(node)) this.#awaitFile(node);
    if ("contentDocument" in node && node.localName === "iframe") watch(node);
    if (node.toDataURL) this.#awaitCanvasPicture(node);
    if (node.canPlayType) this.#clips.push(node);
    if (node.matches(SMIL)) this.#smil.add(node);
    if (node.matches(SELF_MOVING)) this.#selfMoving.add(node);
  }

  /** The page has another width: images may choose other files. */
  chooseImages() {
    for (const image of this.#candidates.renew()) this.pendingImages.add(image);
  }

  #seeChanged({ attributes: changes = [], texts = [] }) {
    for (const { id } of texts) this.#seeRules(this.#lookFor.node(id)?.parentNode);
    for (const { id, attributes } of changes) {
      const node = this.#lookFor.node(id);
      if (node && "xlink:href" in (attributes ?? {})) nameXlink(node);
      if (node?.localName === "source") node.parentNode?.querySelectorAll("img").forEach((image) => image.decode && this.pendingImages.add(image));
      if (node?.localName === "source") this.#candidates.see(node);
      if (["img", "image", "link", "use"].includes(node?.localName)) this.#see(node);
    }
  }

  /** Rules were written into an element, if it is one that has them. */
  #seeRules(element) {
    if (element?.localName === "style" && loadsSheet(element)) this.#awaitFile(element);
  }

  #awaitFile(node) {
    const ended = new Promise((resolve) => {
      node.addEventListener("error", resolve, { once: true });
      // A `style` has a load of its own when it was put into the page, before its rules were written.
      node.addEventListener("load", () => hasImports(node) && resolve());
    });
    this.pendingFiles.set(node, ended);
  }

  /** rrweb draws the recorded picture on a canvas when an image of its own has loaded: an equal one tells when. */
  #awaitCanvasPicture(canvas) {
    const url = this.#lookFor.recorded(canvas)?.attributes?.rr_dataURL;
    if (!url) return;
    const image = canvas.ownerDocument.createElement("img");
    image.src = url;
    this.pendingCanvases.push(image.decode().catch(() => {}));
  }
}

function loadsSheet(node) {
  if (node.localName === "style") return /@import/i.test(node.textContent);
  const isCss = !node.type || /^text\/css\b/i.test(node.type);
  return isCss && !node.disabled && node.relList.contains("stylesheet") && /^https?:/.test(node.href);
}

/** Whether all that a style sheet imports itself is there. */
function hasImports({ localName, sheet }) {
  return localName !== "style" || [...(sheet?.cssRules ?? [])].every(({ type, styleSheet }) => type !== CSSRule.IMPORT_RULE || styleSheet);
}

function outermostSvg(node) {
  let svg = node.ownerSVGElement;
  while (svg?.ownerSVGElement) svg = svg.ownerSVGElement;
  return svg;
}
