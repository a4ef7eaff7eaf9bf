// The candidates of a `srcset`. Whatever the text is, the time is in proportion to it: each part is looked for once, which in
// JavaScript is written as a look ahead and what it has found. Planning reads them the same way (assets/links.py).

const CANDIDATE = /(?=([\s,]*))\1(?:(?=((?:,*[^\s,]+)+))\2(?=((?:[^,(]+|\([^)]*\)?)*))\3)?/g;

/** The text with each URL changed. */
export function replaceUrls(srcset, change) {
  return srcset.replace(CANDIDATE, (whole, before, url, after) => (url === undefined ? whole : `${before}${change(url)}${after}`));
}

/** How many candidates there are. */
export function countCandidates(srcset) {
  let count = 0;
  for (const [, , url] of srcset.matchAll(CANDIDATE)) count += url === undefined ? 0 : 1;
  return count;
}
