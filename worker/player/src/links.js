// Links of a recording, made absolute before rrweb sees them: the document of a replay has another address than the page had, and
// no base of its own counts. Planning finds the same URLs (worker/video_export_worker/assets/links.py): the two change together.
import { isFullSnapshot, isMutation } from "./events.js";
import { replaceUrls } from "./srcset.js";

const ABSOLUTE = /^\s*(?:[a-z][a-z0-9+.-]*:|#|$)/i;
const CSS_LINKS = /url\(|@import|image-set\(/i;
// In these nothing can be read in two ways, so the time is in proportion to the text.
const IN_DOUBLE = String.raw`"([^"\\\n]*(?:\\.[^"\\\n]*)*)"`;
const IN_SINGLE = String.raw`'([^'\\\n]*(?:\\.[^'\\\n]*)*)'`;
const ESCAPE = String.raw`(?:\\[0-9a-f]{6}\s?|\\[0-9a-f]{1,5}(?![0-9a-f])\s?|\\[^0-9a-f\n])`;
const PLAIN = String.raw`[^"'()\\\s]`;
const BARE = String.raw`(?:${PLAIN}+|${ESCAPE}${PLAIN}*)(?:${ESCAPE}${PLAIN}*)*`;
const CSS_URL = new RegExp(String.raw`url\(\s*(?:${IN_DOUBLE}\s*|${IN_SINGLE}\s*|(?:(${BARE})\s*)?)\)`, "gi");
const CSS_IMPORT = new RegExp(String.raw`(@import\s+)(?:${IN_DOUBLE}|${IN_SINGLE})`, "gi");
const TEXTS = String.raw`[^()"']+|"[^"\n]*"?|'[^'\n]*'?`;
/** A set of images, in which a string is a URL unless it is the argument of a function. */
const CSS_SET = new RegExp(String.raw`image-set\((?:${TEXTS}|\((?:${TEXTS})*\)?)*`, "gi");
const OF_A_SET = new RegExp(String.raw`((?:type|format|url)\((?:${TEXTS})*\)?)|${IN_DOUBLE}|${IN_SINGLE}`, "gi");
const CSS_ESCAPE = /\\(?:([0-9a-f]{1,6})\s?|(.))/gis;
const LOADS = new Set(["src", "poster", "background"]);
const HREFS = new Set(["href", "xlink:href"]);
const WITH_HREF = new Set(["link", "image", "use", "feimage", ""]); // "" is a mutation, which names no element
const PICTURES = new Set(["img", "image", "input"]);
/** Attributes that recorders of forks write in place of others, so that nothing is loaded before its asset event came. */
const CAPTURED = /^rr_captured_(src|srcset|href)$/;
/** Of a `style`: the address of its text. */
const STYLE_TEXT = "rr_css_text";
/** What recorders name by a part of the page's address (worker/video_export_worker/assets/links.py). */
const MADE_UP = /#(rr_(?:style_el|data_[a-z]+|adopted_style):\d+)$/;
/** What no longer exists when a recording is replayed. */
const GONE = /^\s*(?:blob|file|filesystem|chrome-extension|moz-extension|safari-web-extension|cid):/i;
/** A part of the page itself, as rrweb writes it: `url(#part)` becomes absolute, by the folder of the page or of the style sheet. */
const OF_PAGE = /^\s*https?:\/\/[^#]*\/(#.+)/is;
/** As replay/answers.py draws an image that is missing. */
const QUIET = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNoaGhwAAAExQHB+i7AIQAAAABJRU5ErkJggg==";

/** Whether a text has pictures that are gone. */
export const hasGonePictures = (text) => text.includes('"blob:') || text.includes("-extension:");

/** Whether styles or elements in a text may name a part of the page by its address. */
export const mayNameParts = (text) => /url\([^()]{0,2048}#/i.test(text) || /"use"/i.test(text);

export class Links {
  #href;
  #base;

  #texts;

  /**
   * @param href of the page before any event says it.
   * @param texts of `style` elements, by their addresses.
   */
  constructor(href, texts = {}) {
    this.#href = this.#base = href;
    this.#texts = texts;
  }

  /** Says where the page is from now on. */
  open(href) {
    this.#href = this.#base = href || this.#href;
  }

  /** Makes the links of an event absolute, in place. */
  resolve(event) {
    if (isFullSnapshot(event)) {
      const base = findBase(event.data.node);
      this.#base = (base && resolved(base, this.#href)) || this.#href;
      this.#resolveTree(event.data.node);
    } else if (isMutation(event)) this.#resolveMutation(event.data);
    else if (event.type === 3) this.#resolveValues(event.data);
  }

  #resolveMutation({ adds, attributes, texts }) {
    for (const { node } of adds) this.#resolveTree(node);
    for (const change of attributes) if (change.attributes) this.#resolveAttributes("", change.attributes);
    for (const text of texts) if (typeof text.value === "string") text.value = this.#css(text.value);
  }

  #resolveTree(root) {
    const found = [[root, ""]];
    for (let item = found.pop(); item; item = found.pop()) {
      const [node, parent] = item;
      const tag = node.tagName?.toLowerCase() ?? "";
      if (node.attributes) this.#resolveAttributes(tag, node.attributes);
      if (parent === "style" && node.textContent) node.textContent = this.#css(node.textContent);
      for (const child of node.childNodes ?? []) found.push([child, tag]);
    }
  }

  #resolveAttributes(tag, attributes) {
    for (const name of Object.keys(attributes)) {
      const captured = CAPTURED.exec(name)?.[1];
      if (!captured) continue;
      attributes[captured] = attributes[name];
      delete attributes[name];
    }
    if (typeof attributes[STYLE_TEXT] === "string") {
      const text = this.#texts[this.#url(attributes[STYLE_TEXT], "style")];
      if (text !== undefined) attributes._cssText = text;
      delete attributes[STYLE_TEXT];
    }
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "style" && value !== null && typeof value === "object") this.#resolveValues(value);
      if (typeof value !== "string") continue;
      if (name === "srcset") attributes[name] = this.#srcset(value);
      else if (name === "style" || name === "_cssText") attributes[name] = this.#css(value);
      else if (LOADS.has(name) || (HREFS.has(name) && WITH_HREF.has(tag))) attributes[name] = this.#url(value, tag);
    }
  }

  #url(value, tag) {
    if (MADE_UP.test(value)) return resolved(value.trim().replace(MADE_UP, "?$1"), this.#base);
    if (PICTURES.has(tag) && GONE.test(value)) return QUIET;
    if (tag === "use") return this.#partOfPage(value) ?? this.#resolved(value);
    return this.#resolved(value);
  }

  /** The fragment of a URL that names a part of the page itself. */
  #partOfPage(url) {
    const [before, fragment] = [url.replace(/#.*/s, ""), url.match(/#.+/s)?.[0]];
    if (!fragment) return undefined;
    return before.trim() === this.#href.replace(/#.*/s, "") ? fragment : OF_PAGE.exec(url)?.[1];
  }

  #resolved(value) {
    return ABSOLUTE.test(value) ? value : resolved(value, this.#base);
  }

  #srcset(value) {
    return replaceUrls(value, (url) => this.#url(url, "img"));
  }

  #css(text) {
    if (!CSS_LINKS.test(text)) return text;
    const absolute = (text) => JSON.stringify(resolved(unescaped(text), this.#base));
    return text
      .replace(CSS_SET, (set) => set.replace(OF_A_SET, (whole, inner, double, single) => {
        const url = double ?? single ?? "";
        return ABSOLUTE.test(url) ? whole : absolute(url);
      }))
      .replace(CSS_URL, (whole, double, single, bare) => {
        const url = double ?? single ?? bare ?? "";
        const part = this.#partOfPage(url);
        if (part) return `url("${part}")`;
        return ABSOLUTE.test(url) ? whole : `url(${absolute(url)})`;
      })
      .replace(CSS_IMPORT, (whole, rule, double, single) => {
        const url = double ?? single;
        return ABSOLUTE.test(url) ? whole : rule + absolute(url);
      });
  }

  /** Style rules, declarations, fonts and canvas commands: wherever a URL stands in them. */
  #resolveValues(root) {
    const found = [root];
    for (let value = found.pop(); value; value = found.pop()) {
      for (const key of Object.keys(value)) {
        const inner = value[key];
        if (typeof inner === "string") value[key] = key === "src" ? this.#url(inner, "img") : this.#css(inner);
        else if (inner !== null && typeof inner === "object") found.push(inner);
      }
    }
  }
}

/** What a string or a URL of a style sheet says. */
function unescaped(text) {
  return text.replace(CSS_ESCAPE, (_, code, char) => (code ? String.fromCodePoint(Math.min(Number.parseInt(code, 16) || 0xfffd, 0x10ffff)) : char));
}

function resolved(url, base) {
  try {
    return new URL(url, base || undefined).href;
  } catch {
    return url;
  }
}

function findBase(root) {
  const found = [root];
  for (let node = found.pop(); node; node = found.pop()) {
    const tag = node.tagName?.toLowerCase();
    if (tag === "base" && typeof node.attributes?.href === "string") return node.attributes.href;
    if (tag !== "body") for (const child of (node.childNodes ?? []).toReversed()) found.push(child);
  }
  return undefined;
}
