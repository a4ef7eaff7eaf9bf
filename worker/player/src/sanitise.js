// Takes out of a recording what would act by itself: the replay alone decides what happens, and when.
import { isFullSnapshot, isMutation } from "./events.js";

export function sanitiseEvent(event) {
  if (isFullSnapshot(event)) sanitise(event.data.node);
  else if (isMutation(event)) {
    event.data.adds?.forEach(({ node }) => sanitise(node));
    event.data.attributes?.forEach(({ attributes }) => sanitise({ attributes }));
  }
}

function sanitise({ tagName, attributes, childNodes }) {
  if (attributes) {
    delete attributes.autofocus; // a focus scrolls the page
    delete attributes.loading; // a lazy image that is out of sight would be waited for in vain
    if (tagName === "meta" && /refresh/i.test(attributes["http-equiv"])) delete attributes["http-equiv"];
    // What a frame holds is recorded by itself; loaded from here it would take its place.
    if (tagName === "iframe") delete attributes.srcdoc;
    if (tagName === "video" || tagName === "audio") sanitiseMedia(attributes);
  }
  childNodes?.forEach(sanitise);
}

/** A clip plays in the time of the recording, see media.js: `autoplay` would play it in the machine's. */
function sanitiseMedia(attributes) {
  if ("autoplay" in attributes && attributes.autoplay !== false) attributes.rr_mediaState ??= "played";
  delete attributes.autoplay;
  attributes.preload = "auto";
}

const SVG_PICTURE = /data:image\/svg\+xml/i;
const BASE64_SVG = /(data:image\/svg\+xml[^,"'()\s]*;base64,)([A-Za-z0-9+/=%]+)/gi;
const PLAIN_SVG = /data:image\/svg\+xml[^,]*,[^]*?(?:<|%3C)(?:\/|%2F)svg(?:>|%3E)/gi;
const MOVING_TAG = /((?:<|%3C)(?:\/|%2F)?)(animate(?:Transform|Motion)?|set)\b/gi;
const MOVING_RULE = /(@|%40)(-webkit-)?keyframes/gi;

/** Whether a text holds an SVG picture, as an image of the page or of its styles. */
export const hasSvgPicture = (text) => SVG_PICTURE.test(text);

/** Stills the SVG pictures in an event: Blink moves them by the machine's clock and nothing can tell them the time. */
export function stillPictures(value) {
  if (typeof value === "string") return hasSvgPicture(value) ? stillText(value) : value;
  if (value === null || typeof value !== "object") return value;
  for (const key of Object.keys(value)) value[key] = stillPictures(value[key]);
  return value;
}

function stillText(text) {
  return text
    .replace(BASE64_SVG, (whole, head, code) => {
      try {
        const svg = atob(decodeURIComponent(code));
        const stilled = still(svg);
        return stilled === svg ? whole : head + btoa(stilled);
      } catch {
        return whole; // broken, so it will not be shown
      }
    })
    .replace(PLAIN_SVG, still);
}

function still(svg) {
  return svg.replace(MOVING_TAG, "$1still-$2").replace(MOVING_RULE, "$1still-keyframes");
}
