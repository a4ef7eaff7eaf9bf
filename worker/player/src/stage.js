// Where the replayed page stands in the video, and where the frames inside of it stand in the page.

export class Stage {
  #options;
  /** The recorded viewport in CSS pixels, and where it stands: `x`, `y` and `scale`. */
  viewport = { width: 0, height: 0, scale: 1, x: 0, y: 0 };

  constructor(options) {
    this.#options = options;
  }

  /** Fits the recorded viewport into the video: centred on the background, enlarged by `maxScale` at most. */
  place(wrapper, { width, height }) {
    const { width: across, height: down, maxScale } = this.#options;
    let scale = Math.min(across / width, down / height, maxScale);
    if (scale > 1 && scale < 1.005) scale = 1; // the pixel that makes a size even is no reason to blur the text
    // Its edges fall on whole pixels: across half a pixel the compositor blends what it has painted once more.
    const shown = { width: whole(width * scale), height: whole(height * scale) };
    const x = Math.floor((across - shown.width) / 2);
    const y = Math.floor((down - shown.height) / 2);
    const stretched = scale === 1 ? "" : ` scale(${shown.width / width}, ${shown.height / height})`;
    wrapper.style.transform = `translate(${x}px, ${y}px)${stretched}`;
    this.viewport = { width, height, scale, x, y };
  }
}

/** The nearest length in CSS pixels that is a whole number of the screen's. */
const whole = (length) => Math.round(length * devicePixelRatio) / devicePixelRatio;

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
