// rrweb's events: the numbers are the format's own.
export const FULL_SNAPSHOT = 2;
export const INCREMENTAL = 3;
export const META = 4;
export const CUSTOM = 5;
export const SOURCES = { MUTATION: 0, MOVE: 1, INTERACTION: 2, SCROLL: 3, RESIZE: 4, INPUT: 5, TOUCH_MOVE: 6, MEDIA: 7, RULES: 8, CANVAS: 9, FONT: 10, DRAG: 12, SELECTION: 14, ADOPTED: 15 };
const FOCUS = 5;

const isIncremental = (event, source) => event.type === INCREMENTAL && event.data.source === source;
export const isFullSnapshot = (event) => event.type === FULL_SNAPSHOT;
export const isMeta = (event) => event.type === META;
export const isMutation = (event) => isIncremental(event, SOURCES.MUTATION);
/** Whether an event gives the viewport a size. */
export const isSize = (event) => event.type === META || isIncremental(event, SOURCES.RESIZE);
export const isCanvas = (event) => isIncremental(event, SOURCES.CANVAS);
export const isSelection = (event) => isIncremental(event, SOURCES.SELECTION);
export const isMove = (event) => isIncremental(event, SOURCES.MOVE);
export const isScroll = (event) => isIncremental(event, SOURCES.SCROLL);
export const isFont = (event) => isIncremental(event, SOURCES.FONT);
/** The size that an event gives the page, if it does. */
export const sizeOf = (event) => (isSize(event) ? event.data : undefined);
/** What a frame holds is recorded by itself. */
export const isAttachment = (event) => isMutation(event) && Boolean(event.data.isAttachIframe) && event.data.adds?.length > 0;
export const isAdoption = (event) => isIncremental(event, SOURCES.ADOPTED);
/** Whether an event is applied apart from others of its time: it may complete a snapshot, as they do not. */
export const standsAlone = (event) => isAttachment(event) || isAdoption(event);
/** Whether an event can change what is to be seen; the others are notes of the recorder and its plugins. */
export const isShown = ({ type }) => type === FULL_SNAPSHOT || type === INCREMENTAL || type === META;
/** A canvas gets its first picture when that has loaded: what is drawn on it later has to wait. */
export const mayAddCanvas = (event) => isFullSnapshot(event) || (isMutation(event) && event.data.adds?.length > 0);

/** rrweb's ids of a recorded node and of all in it. */
export function* idsOf(root) {
  const waiting = [root];
  while (waiting.length) {
    const { id, childNodes } = waiting.pop();
    yield id;
    for (const child of childNodes ?? []) waiting.push(child);
  }
}

const incremental = (timestamp, data) => ({ type: INCREMENTAL, timestamp, data });
/** An event that does nothing. */
export const marker = (timestamp) => ({ type: CUSTOM, timestamp, data: { tag: "marker", payload: {} } });
export const meta = (timestamp, { width, height }) => ({ type: META, timestamp, data: { href: "", width, height } });
export const move = (timestamp, [x, y, id]) =>
  incremental(timestamp, { source: SOURCES.MOVE, positions: [{ x, y, id, timeOffset: 0 }] });
export const attachment = (timestamp, parentId, node) =>
  incremental(timestamp, { source: SOURCES.MUTATION, isAttachIframe: true, texts: [], attributes: [], removes: [], adds: [{ parentId, nextId: null, node }] });
export const scroll = (timestamp, id, [x, y]) => incremental(timestamp, { source: SOURCES.SCROLL, id, x, y });
export const selection = (timestamp, ranges) => {
  const given = ranges.map(([start, startOffset, end, endOffset]) => ({ start, startOffset, end, endOffset }));
  return incremental(timestamp, { source: SOURCES.SELECTION, ranges: given });
};
export const focus = (timestamp, id) => incremental(timestamp, { source: SOURCES.INTERACTION, type: FOCUS, id });
