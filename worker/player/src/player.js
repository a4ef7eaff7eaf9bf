// The replay page: `window.videoExportPlayer`. What its functions mean, and in which order they are called, is told in
// worker/video_export_worker/replay/player.py, the renderer's side of the protocol.
//
// A session has a window or several, each a ReplayedWindow of its own. One of them is shown at a time.
import "./confine.js";
import { FixedStyles } from "./fixed-styles.js";
import { LinkedAssets } from "./linked-assets.js";
import { Masks, hidingRules, parseSelector } from "./masks.js";
import { ReplayedWindow } from "./replayed-window.js";

const windows = new Map(); // by their numbers
let common; // how all windows are shown

function open(options) {
  const selectors = options.maskSelectors.map(parseSelector);
  document.documentElement.style.background = options.background;
  const assets = new LinkedAssets(options.assets);
  common = { ...options, assets, masks: new Masks(selectors), fixedStyles: new FixedStyles(hidingRules(selectors)), onShown: hideOthers };
}

function openWindow(number, options) {
  closeWindow(number);
  windows.set(number, new ReplayedWindow({ ...common, ...options }));
}

function closeWindow(number) {
  windows.get(number)?.destroy();
  windows.delete(number);
}

function hideOthers(shown) {
  for (const other of windows.values()) if (other !== shown) other.show(false);
}

// What rrweb throws in a timer or a promise of its own ends nothing: it is told with the event that was applied last.
const tellShown = (error) => [...windows.values()].at(-1)?.tell(error);
window.addEventListener("error", ({ error, message }) => tellShown(error ?? message));
window.addEventListener("unhandledrejection", ({ reason }) => tellShown(reason));

window.videoExportPlayer = { open, openWindow, closeWindow, of: (number) => windows.get(number) };
