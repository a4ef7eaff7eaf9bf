// rrweb's replayer, held: what it throws is noted with the event that it came from, and what else the event brings is applied.
import { AdoptedStyles } from "./adopted-styles.js";
import { makePlain } from "./buildable.js";
import { SOURCES } from "./events.js";
import { placeAdds } from "./mutations.js";

const LISTS = ["removes", "adds", "texts", "attributes"];
const DOCUMENT = 0;

/** Takes the places of the replayer's functions that can throw, or go by the clock. */
export function hold(replayer, faults) {
  const mirror = replayer.getMirror();
  const styles = new AdoptedStyles(replayer);
  const original = {};
  for (const name of ["applyIncremental", "applyMutation", "rebuildFullSnapshot"]) original[name] = replayer[name].bind(replayer);

  replayer.applyAdoptedStyleSheet = (data) => styles.adopt(data);
  replayer.applyIncremental = (event, isSync) => {
    faults.begin(event);
    const reason = misfit(event.data, mirror);
    if (reason) faults.tell(reason);
    else faults.hold(() => original.applyIncremental(event, isSync));
  };
  replayer.applyMutation = (data, isSync) => {
    const given = { ...data, adds: fit(data.adds, mirror, faults), removes: withParents(data.removes, mirror) };
    for (const list of LISTS) applyList(given, list, (part) => original.applyMutation(part, isSync), faults);
    if (given.adds.length) faults.hold(() => styles.renew());
  };
  replayer.rebuildFullSnapshot = (event, isSync) => {
    faults.begin(event);
    try {
      original.rebuildFullSnapshot(event, isSync);
    } catch (error) {
      faults.tell(`built as plain nodes, without shadow trees and states: ${error}`);
      makePlain(event.data.node);
      original.rebuildFullSnapshot(event, isSync);
    }
  };
}

/** Why an event cannot be applied to the node that it names, if it is there. */
function misfit({ source, id }, mirror) {
  if (source !== SOURCES.MEDIA) return undefined;
  const node = mirror.getNode(id);
  return node && !node.canPlayType ? `node ${id} is no audio or video but ${nameOf(node)}` : undefined;
}

/** Applies one of a mutation's lists: at once, and item by item where something in it fails. */
function applyList(data, list, apply, faults) {
  const items = data[list];
  if (!items?.length) return;
  const only = (some) => ({ ...data, removes: [], adds: [], texts: [], attributes: [], [list]: some });
  try {
    apply(only(items));
  } catch {
    for (const item of items) {
      try {
        apply(only([item]));
      } catch (error) {
        faults.tell(`left out one of its \`${list}\` (node ${item.id ?? item.node?.id}): ${error}`);
      }
    }
  }
}

/** The additions in an order in which each finds its place; the others are noted. */
function fit(adds, mirror, faults) {
  const { fitting, orphans } = placeAdds(adds ?? [], (id) => mirror.getNode(id) !== null);
  if (orphans.length) {
    faults.tell(`left out ${orphans.length} of ${adds.length} \`adds\`: node ${orphans[0].parentId}, the parent, is not in the page`);
  }
  return fitting.filter(({ node, parentId }) => {
    const parent = node.type === DOCUMENT ? mirror.getNode(parentId) : null;
    if (!parent || (parent.localName === "iframe" && "contentDocument" in parent)) return true;
    faults.tell(`left out one of its \`adds\`: a document was put into ${nameOf(parent)}, and only an iframe holds one`);
    return false;
  });
}

/** A node that is removed has the parent that it has, whatever the recording says. */
function withParents(removes, mirror) {
  return (removes ?? []).map((remove) => {
    if (mirror.getNode(remove.parentId)) return remove;
    const parent = mirror.getNode(remove.id)?.parentNode;
    if (!parent) return remove;
    return { ...remove, parentId: mirror.getId(parent.host ?? parent), isShadow: Boolean(parent.host) };
  });
}

const nameOf = (node) => node.nodeName.toLowerCase();
