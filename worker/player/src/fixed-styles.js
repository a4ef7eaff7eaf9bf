// Fixed styles: rules that hold in every document and every shadow tree of the replay.
//
// They are adopted style sheets, so they survive whatever the recording does to the elements of a page. An important rule
// of a layer wins over the page's own important rules; a normal one loses to any rule of the page.

import { BOX_RULES } from "./unrecorded.js";

const RULES = `
  * {
    caret-color: transparent !important; /* it blinks by the machine's clock */
    caret-animation: manual !important; /* a caret whose colour an element's own style insists on does not blink */
    scroll-behavior: auto !important; /* recorded scrolling is as smooth as it was */
    scroll-snap-type: none !important; /* and it stopped where it did */
  }
  noscript { display: none !important; } /* scripts ran when the page was recorded */
  /* Where scripts are not allowed Blink shows the controls of every clip, and they move by the machine's clock. */
  video::-webkit-media-controls { display: none !important; }
  /* Blink moves the bar of an indeterminate progress by the machine's clock: this one moves by an animation. */
  @keyframes video-export-busy { from { background-position: 0 50%; } to { background-position: 100% 50%; } }
  progress:indeterminate {
    appearance: none;
    border-radius: 4px;
    background: linear-gradient(#0075ff, #0075ff) 0 50% / 24% 6px no-repeat content-box,
      linear-gradient(#efefef, #efefef) 0 50% / 100% 8px no-repeat content-box;
    animation: video-export-busy 1s linear infinite alternate;
  }
  progress:indeterminate::-webkit-progress-bar, progress:indeterminate::-webkit-progress-value { background: none; }
  ${BOX_RULES}
`;

export class FixedStyles {
  #hiding;
  #sheets = new WeakMap(); // of documents: a sheet belongs to the document that made it

  /** @param hiding rules that hide what is masked, each of which is parsed by itself. */
  constructor(hiding) {
    this.#hiding = hiding;
  }

  /** Makes sure that the rules hold in these documents and shadow trees. */
  apply(trees) {
    for (const root of trees) {
      const sheet = this.#sheetOf(root.ownerDocument ?? root);
      if (sheet && !root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
    }
  }

  #sheetOf(doc) {
    if (!this.#sheets.has(doc) && doc.defaultView) {
      const sheet = new doc.defaultView.CSSStyleSheet();
      sheet.replaceSync(`@layer video-export { ${RULES} }`);
      const [layer] = sheet.cssRules;
      for (const rule of this.#hiding) layer.insertRule(rule, layer.cssRules.length);
      this.#sheets.set(doc, sheet);
    }
    return this.#sheets.get(doc);
  }
}
