// Which events can be applied together although they are of different times, where nobody looks for a while.
//
// Each event at its own time means: styles are computed after each, and so begin its animations. That is most of the work.
// Where a page can move by transitions alone, which all are over long before anybody looks, only what is there in the end
// counts. That leaves out events that a page waits for (pictures), and those after which it is another page.
import { CUSTOM, INCREMENTAL, SOURCES } from "./events.js";

// What may begin something that has an age for ever after, as the JSON of events has it.
const AGEING = /keyframes |"(?:animate|animateTransform|animateMotion|set|video|audio|marquee|canvas)"/i;
const { MOVE, INTERACTION, SCROLL, INPUT, TOUCH_MOVE, DRAG, MUTATION } = SOURCES;
const QUIET = new Set([MOVE, INTERACTION, SCROLL, INPUT, TOUCH_MOVE, DRAG]);
const ELEMENT = 2;
const TEXT = 3;
// Elements that load something, or whose content is a page or a style sheet of its own.
const LOADING = new Set("img image picture source link style iframe frame object embed slot use svg template".split(" "));
const PLAIN = new Set(["class", "style"]);

/** Whether events bring what moves without an end, or draws. */
export const bringsAge = (json) => AGEING.test(json);

/** Whether an event may be applied together with others before and after it. */
export function mayJoin({ type, data }) {
  if (type === CUSTOM) return true;
  if (type !== INCREMENTAL) return false;
  return data?.source === MUTATION ? isPlainMutation(data) : QUIET.has(data?.source);
}

function isPlainMutation({ adds, attributes, isAttachIframe }) {
  return !isAttachIframe && (adds ?? []).every(({ node }) => isPlainNode(node ?? {})) && (attributes ?? []).every(isPlainChange);
}

function isPlainNode({ type, tagName, attributes, childNodes, isStyle, isShadow, isShadowHost }) {
  if (isStyle || isShadow || isShadowHost || childNodes?.length) return false;
  if (type !== ELEMENT) return type === TEXT;
  const isOwn = (name) => name.startsWith("rr_");
  return !LOADING.has(String(tagName).toLowerCase()) && !String(tagName).includes("-") && !namesOf(attributes).some(isOwn);
}

function isPlainChange({ attributes }) {
  return namesOf(attributes).every((name) => PLAIN.has(name) || name.startsWith("aria-") || name.startsWith("data-"));
}

const namesOf = (attributes) => Object.keys(attributes ?? {});
