// rrweb's events: the numbers are the format's own.
export const FULL_SNAPSHOT = 2;
export const INCREMENTAL = 3;
export const META = 4;
export const CUSTOM = 5;
export const SOURCES = { MUTATION: 0, SCROLL: 3, RESIZE: 4, CANVAS: 9, SELECTION: 14 };

const isIncremental = (event, source) => event.type === INCREMENTAL && event.data.source === source;
export const isFullSnapshot = (event) => event.type === FULL_SNAPSHOT;
export const isMutation = (event) => isIncremental(event, SOURCES.MUTATION);
/** Whether an event gives the viewport a size. */
export const isSize = (event) => event.type === META || isIncremental(event, SOURCES.RESIZE);
export const isCanvas = (event) => isIncremental(event, SOURCES.CANVAS);
export const isSelection = (event) => isIncremental(event, SOURCES.SELECTION);
export const isScroll = (event) => isIncremental(event, SOURCES.SCROLL);
/** Whether an event can change what is to be seen; the others are notes of the recorder and its plugins. */
export const isShown = ({ type }) => type === FULL_SNAPSHOT || type === INCREMENTAL || type === META;
/** A canvas gets its first picture when that has loaded: what is drawn on it later has to wait. */
export const mayAddCanvas = (event) => isFullSnapshot(event) || (isMutation(event) && event.data.adds?.length > 0);
