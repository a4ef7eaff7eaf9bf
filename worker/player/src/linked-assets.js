// Assets that the recording links to. The renderer answers the page's requests for them; here is what must be there before a
// frame shows it, although nothing in a document tells when it has come: images of styles and posters.
export class LinkedAssets {
  #kept; // images of styles: while these elements are there, Blink has them in its memory, for every document
  #there;
  #animated;
  #areStylesAnimated;
  /** Whether the recording links to anything. */
  exist;
  /** URL of the page, where no event says it. */
  href;

  /** Of `style` elements that the recording keeps apart from them, by their addresses. */
  texts;

  constructor({ awaited = [], animated = [], styled = false, href = "", exist = false, texts = {} } = {}) {
    this.#kept = awaited.map((url) => Object.assign(new Image(), { src: url }));
    this.#there = new Set(awaited);
    this.#animated = animated.map((url) => url.slice(url.lastIndexOf("/") + 1)).filter(Boolean);
    this.#areStylesAnimated = styled;
    this.href = href;
    this.texts = texts;
    this.exist = exist;
  }

  /** Resolves when the images of styles are there. */
  async arrive() {
    await Promise.all(this.#kept.map((image) => image.decode().catch(() => {})));
  }

  /** Whether an image of a style or a poster is there: in the recording, or among what was fetched. */
  isThere(url) {
    return /^\s*data:/i.test(url) || (URL.canParse(url) && this.#there.has(new URL(url).href.replace(/#.*/s, "")));
  }

  /** Whether an event brings a picture that moves by itself. */
  bringsAnimated(text, isSnapshot) {
    return (isSnapshot && this.#areStylesAnimated) || this.#animated.some((name) => text.includes(name));
  }

  get mayAnimate() {
    return this.#animated.length > 0;
  }
}
