// SVG pictures stand still: Blink moves those of images and styles by the machine's clock, and nothing can tell them the time.
//
// Every search here takes a time in proportion to the text, whatever the text is: a head has a bounded length, and what
// was searched once is not searched again.

const HEAD = /data:image\/svg\+xml([^,"'()\s]{0,128};base64)?[^,]{0,128},/gi;
const CODE = /[A-Za-z0-9+/=%]*/y;
const END = /(?:<|%3C)(?:\/|%2F)svg(?:>|%3E)/gi;
const MOVING_TAG = /((?:<|%3C)(?:\/|%2F)?)(animate(?:Transform|Motion)?|set)\b/gi;
const MOVING_RULE = /(@|%40)(-webkit-)?keyframes/gi;
const SVG_PICTURE = /data:image\/svg\+xml/i;

/** Whether a text holds an SVG picture, as an image of the page or of its styles. */
export const hasSvgPicture = (text) => SVG_PICTURE.test(text);

/** Stills the SVG pictures in an event, in place, and returns it. */
export function stillPictures(event) {
  const found = [event];
  for (let value = found.pop(); value; value = found.pop()) {
    for (const key of Object.keys(value)) {
      const inner = value[key];
      if (typeof inner === "string") value[key] = stillText(inner);
      else if (inner !== null && typeof inner === "object") found.push(inner);
    }
  }
  return event;
}

export function stillText(text) {
  if (!hasSvgPicture(text)) return text;
  let stilled = "";
  let done = 0;
  for (const [at, end, picture] of findPictures(text)) {
    stilled += text.slice(done, at) + picture;
    done = end;
  }
  return stilled + text.slice(done);
}

/** Each picture in a text: where it begins and ends, and what takes its place. */
function* findPictures(text) {
  HEAD.lastIndex = 0;
  for (let head = HEAD.exec(text); head; head = HEAD.exec(text)) {
    const start = HEAD.lastIndex;
    if (head[1]) {
      CODE.lastIndex = start;
      const [code] = CODE.exec(text);
      HEAD.lastIndex = start + code.length;
      yield [start, HEAD.lastIndex, stillCode(code)];
      continue;
    }
    END.lastIndex = start;
    if (!END.exec(text)) return; // nor has any picture after it an end
    HEAD.lastIndex = END.lastIndex;
    yield [start, END.lastIndex, still(text.slice(start, END.lastIndex))];
  }
}

function stillCode(code) {
  try {
    const svg = atob(decodeURIComponent(code));
    const stilled = still(svg);
    return stilled === svg ? code : btoa(stilled);
  } catch {
    return code; // broken, so it will not be shown
  }
}

function still(svg) {
  return svg.replace(MOVING_TAG, "$1still-$2").replace(MOVING_RULE, "$1still-keyframes");
}
