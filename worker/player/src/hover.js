// What is hovered has a class in a replay, `:hover`, as no pointer is over its page. rrweb has the rules of `style` elements match it;
// here those that scripts have inserted and adopted do. The renderer does it for linked sheets (worker/video_export_worker/replay/answers.py).
import { SOURCES, isAdoption } from "./events.js";

// A text, a comment, and what belongs to a part of an element are passed over; so is `(hover:hover)` of a media query.
const TOKENS = new RegExp(
  [
    String.raw`"[^"\\]*(?:\\.[^"\\]*)*"?|'[^'\\]*(?:\\.[^'\\]*)*'?`,
    String.raw`/\*[^]*?(?:\*/|$)`,
    String.raw`::[-\w]+(?:\([^()]*\))?(?::[-\w]+)*`,
    String.raw`(?<!\\)(?<!\((?:any-)?hover):hover(?![-\w])`,
  ].join("|"),
  "gs",
);
const EITHER = ":is(:hover, .\\:hover)";

/** Has the rules that an event brings match what is hovered, in place. */
export function showHover({ type, data }) {
  if (type !== 3) return;
  if (data.source === SOURCES.RULES) {
    showIn(data.adds, "rule");
    showIn([data], "replace");
    showIn([data], "replaceSync");
  } else if (isAdoption({ type, data })) for (const sheet of listOf(data.styles)) showIn(sheet?.rules, "rule");
}

function showIn(holders, name) {
  for (const holder of listOf(holders)) if (typeof holder?.[name] === "string") holder[name] = ofHovered(holder[name]);
}

const ofHovered = (css) => (css.includes(":hover") ? css.replace(TOKENS, (token) => (token === ":hover" ? EITHER : token)) : css);
const listOf = (value) => (Array.isArray(value) ? value : []);
