// The order in which a mutation's nodes are added.
//
// rrweb adds a node where its parent and its next sibling are there, and tries the others again and again, for half a second
// of the machine's clock. In this order each finds both at once, so nothing depends on the clock, or on the order of a file.

/** The additions in an order in which parents and next siblings come first; those of a circle stay as they are. */
export function orderAdds(adds) {
  const byId = new Map(adds.map((add) => [add.node.id, add]));
  const [opened, done, ordered] = [new Set(), new Set(), []];
  for (const wanted of adds) {
    const path = [wanted];
    while (path.length) {
      const add = path.at(-1);
      opened.add(add);
      const before = [byId.get(add.parentId), byId.get(add.nextId)].find((other) => other && !done.has(other) && !opened.has(other));
      if (before) {
        path.push(before);
        continue;
      }
      path.pop();
      if (done.has(add)) continue;
      done.add(add);
      ordered.push(add);
    }
  }
  return ordered;
}

/**
 * The additions that find their places, and why the others do not.
 *
 * @param has whether the page has a node of an id.
 */
export function placeAdds(adds, has) {
  const placed = new Set();
  const isThere = (id) => placed.has(id) || has(id);
  const [fitting, orphans] = [[], []];
  for (const add of orderAdds(adds)) {
    const { parentId, node } = add;
    if (!isThere(parentId) && node.type !== 0) {
      orphans.push(add);
      continue;
    }
    // A sibling that is nowhere is none: then the node is the last child.
    for (const key of ["nextId", "previousId"]) if (add[key] && !isThere(add[key])) add[key] = null;
    placed.add(node.id);
    fitting.push(add);
  }
  return { fitting, orphans };
}
