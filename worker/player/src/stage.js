// Where the replayed page stands in the video, and where the frames inside of it stand in the page.

export class Stage {
  #options;
  #home; // where a page of the size stands that the video was made for
  /** The recorded viewport in CSS pixels, and where it stands: `x`, `y` and `scale`. */
  viewport = { width: 0, height: 0, scale: 1, x: 0, y: 0 };

  constructor(options) {
    this.#options = options;
    this.#home = this.#fit(options.page, options.maxScale);
  }

  /**
   * Shows the recorded viewport at the scale of the page that the video was made for, and with the same top left corner. One
   * that is larger is made to fit, and moved only as far as it has to be.
   */
  place(wrapper, size) {
    const { width: across, height: down } = this.#options;
    const { scale, shown } = this.#fit(size, this.#home.scale);
    const x = Math.max(0, Math.min(this.#home.x, Math.floor(across - shown.width)));
    const y = Math.max(0, Math.min(this.#home.y, Math.floor(down - shown.height)));
    const isPlain = shown.width === size.width && shown.height === size.height;
    const stretched = isPlain ? "" : ` scale(${shown.width / size.width}, ${shown.height / size.height})`;
    wrapper.style.transform = `translate(${x}px, ${y}px)${stretched}`;
    this.viewport = { ...size, scale, x, y };
  }

  /** How large a page is shown: centred, enlarged by `most` at most. A video's sides are even, so a pixel may be cut off. */
  #fit({ width, height }, most) {
    const { width: across, height: down } = this.#options;
    const isCut = (length, whole) => most >= 1 && length >= whole && isLittle(length - whole);
    const fit = (length, whole) => (isCut(length, whole) ? 1 : whole / length);
    const filling = Math.min(Math.max(fit(width, across), fit(height, down)), most);
    const fills = isLittle(width * filling - across) && isLittle(height * filling - down);
    const scale = fills ? filling : Math.min(fit(width, across), fit(height, down), most);
    const show = (length, whole) => (scale === 1 && isCut(length, whole) ? length : fill(length * scale, whole));
    const shown = { width: show(width, across), height: show(height, down) };
    const x = Math.max(0, Math.floor((across - shown.width) / 2));
    const y = Math.max(0, Math.floor((down - shown.height) / 2));
    return { scale, shown, x, y };
  }
}

/** Whether a length is less than the two pixels of the screen that a side of a video may differ from the page's. */
const isLittle = (length) => Math.abs(length * devicePixelRatio) < 2;

/**
 * The length that is shown: all of the stage's where that makes little difference, so that no line of background stays; else a
 * whole number of the screen's pixels: across half a pixel the compositor blends what it has painted once more.
 */
const fill = (length, whole) =>
  isLittle(whole - length) ? whole : Math.round(length * devicePixelRatio) / devicePixelRatio;

/** Where the frame that holds `node` begins, in pixels of the document of `top`, and how it is scaled. */
export function originOf(node, top) {
  const origin = { x: 0, y: 0, scale: 1 };
  let frame = node?.ownerDocument?.defaultView?.frameElement;
  while (frame && frame !== top) {
    const box = frame.getBoundingClientRect();
    const scale = frame.offsetWidth ? box.width / frame.offsetWidth : 1;
    origin.x = box.x + (frame.clientLeft + origin.x) * scale;
    origin.y = box.y + (frame.clientTop + origin.y) * scale;
    origin.scale *= scale;
    frame = frame.ownerDocument.defaultView?.frameElement;
  }
  return origin;
}
