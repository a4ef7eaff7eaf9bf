// Which pictures hold several frames: those change by themselves, and the page has to be stepped through them.

/** Whether a data URL is that of an animated GIF, PNG, WebP or AVIF. */
export function isAnimated(url) {
  const match = /^\s*data:image\/(gif|apng|png|webp|avif)[^,]*;base64,/i.exec(url);
  if (!match) return false;
  const bytes = decode(url.slice(match[0].length), match[1].toLowerCase() === "gif" ? Infinity : 4096);
  if (match[1].toLowerCase() === "gif") return countFrames(bytes) > 1;
  return /acTL|ANIM|avis/.test(bytes);
}

/** Every data URL in a text that may be one of these. */
export function* pictureUrls(text) {
  for (const [url] of text.matchAll(/data:image\/(?:gif|apng|png|webp|avif)[^,"'()]{0,128},[^"'()\s\\]*/gi)) yield url;
}

/** The first bytes of a base64 text as a string of characters up to 255; empty if it is broken. */
function decode(base64, most) {
  const text = base64.slice(0, Math.min(most, base64.length)).replace(/%2B/gi, "+").replace(/%2F/gi, "/").replace(/%3D/gi, "=");
  try {
    return atob(text.slice(0, text.length - (most < base64.length ? text.length % 4 : 0)));
  } catch {
    return "";
  }
}

/** Frames of a GIF, up to two. */
function countFrames(gif) {
  const byte = (at) => gif.charCodeAt(at);
  const palette = (flags) => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  const skipBlocks = (at) => {
    while (at < gif.length && byte(at) > 0) at += byte(at) + 1;
    return at + 1;
  };
  let frames = 0;
  for (let at = 13 + palette(byte(10)); at < gif.length && frames < 2; ) {
    if (byte(at) === 0x21) at = skipBlocks(at + 2);
    else if (byte(at) === 0x2c) {
      frames += 1;
      at = skipBlocks(at + 11 + palette(byte(at + 9)));
    } else break;
  }
  return frames;
}
