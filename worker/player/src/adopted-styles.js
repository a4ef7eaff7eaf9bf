// Adopted style sheets. rrweb gives them to a document or a shadow root that is there, and waits for sheets that come later by
// the machine's clock. Here a root gets what was recorded for it when it is there, and again when it was built anew.

export class AdoptedStyles {
  #replayer;
  #wanted = new Map(); // ids of sheets by the id of the document or of the shadow root's host
  #given = new WeakMap(); // of roots: the sheets that they were given

  constructor(replayer) {
    this.#replayer = replayer;
  }

  /** Takes in an event. */
  adopt({ id, styles, styleIds }) {
    for (const { styleId, rules } of styles ?? []) this.#make(styleId, rules ?? [], this.#viewOf(this.#rootOf(id)));
    this.#wanted.set(id, styleIds);
    this.renew();
  }

  /** Gives each root its sheets, where it has not got them yet. */
  renew() {
    for (const [id, styleIds] of this.#wanted) {
      const root = this.#rootOf(id);
      const view = this.#viewOf(root);
      if (!view) continue;
      const sheets = styleIds.map((styleId) => this.#sheetFor(styleId, view)).filter(Boolean);
      const given = this.#given.get(root);
      if (given?.length === sheets.length && sheets.every((sheet, at) => sheet === given[at])) continue;
      this.#given.set(root, sheets);
      root.adoptedStyleSheets = sheets;
    }
  }

  #rootOf(id) {
    const node = this.#replayer.getMirror().getNode(id);
    return node?.nodeType === Node.DOCUMENT_NODE ? node : node?.shadowRoot;
  }

  #viewOf(root) {
    return (root?.ownerDocument ?? root)?.defaultView;
  }

  #make(styleId, rules, view = this.#replayer.iframe.contentWindow) {
    const sheet = new view.CSSStyleSheet();
    this.#replayer.styleMirror.add(sheet, styleId);
    this.#replayer.applyStyleSheetRule({ adds: rules }, sheet);
    return sheet;
  }

  /** A sheet belongs to the window that made it: another one gets a copy. */
  #sheetFor(styleId, view) {
    const sheet = this.#replayer.styleMirror.getStyle(styleId);
    if (!sheet || sheet instanceof view.CSSStyleSheet) return sheet;
    const rules = Array.from(sheet.cssRules, ({ cssText }, index) => ({ rule: cssText, index }));
    return this.#make(styleId, rules, view);
  }
}
