// What a recorded canvas may do: rrweb calls any property of the context, with arguments made by any constructor of the
// page's window (`new window[rr_type](...)`). Only what recorders write, and what draws, comes through.

const ARRAYS = /^(Int8|Uint8|Uint8Clamped|Int16|Uint16|Int32|Uint32|Float16|Float32|Float64|BigInt64|BigUint64)Array$/;
/** Constructors by their names in a recording, with a check of their arguments. */
const CONSTRUCTORS = {
  DataView: ([buffer]) => isOf(buffer, "ArrayBuffer"),
  DOMMatrix: () => true,
  ImageBitmap: ([blob, ...more]) => isOf(blob, "Blob") && !more.length,
  ImageData: ([pixels]) => isOf(pixels, "Uint8ClampedArray"),
  Path2D: () => true,
};
const CONTEXTS = ["CanvasRenderingContext2D", "WebGLRenderingContext", "WebGL2RenderingContext"];
/** These draw nothing, and allocate as much as they are told to. */
const WITHOUT_TRACE = ["constructor", "canvas", "createImageData", "getImageData", "readPixels"];

const MOST_NESTING = 16; // of arguments: recorders write four levels

const properties = new Set(CONTEXTS.flatMap((name) => Object.getOwnPropertyNames(window[name]?.prototype ?? {})));
WITHOUT_TRACE.forEach((name) => properties.delete(name));

/** Leaves out of a canvas event, in place, the commands that are not for a canvas. */
export function restrictCommands(data) {
  if (!Array.isArray(data.commands)) {
    const { property, args, setter } = data;
    data.commands = [{ property, args, setter }]; // an event of older recorders is one command
  }
  data.commands = data.commands.filter(isAllowed);
}

function isAllowed(command) {
  return properties.has(command?.property) && Array.isArray(command.args) && command.args.every((value) => isPlain(value));
}

/** Whether an argument is a value, or made by one of the constructors. */
function isPlain(value, nesting = 0) {
  if (value === null || typeof value !== "object") return true;
  if (nesting === MOST_NESTING) return false;
  const arePlain = (values) => values.every((inner) => isPlain(inner, nesting + 1));
  if (Array.isArray(value)) return arePlain(value);
  if (!("rr_type" in value)) return true;
  if ("args" in value) return Array.isArray(value.args) && isConstructible(value) && arePlain(value.args);
  if ("index" in value) return true; // of what the context gave before: looked up, not made
  if ("base64" in value) return typeof value.base64 === "string";
  if ("src" in value) return typeof value.src === "string"; // a picture, under the page's policy for pictures
  return value.rr_type === "Blob" && Array.isArray(value.data) && arePlain(value.data);
}

function isConstructible({ rr_type: name, args }) {
  // A number would be a length: an array of any size for a few bytes.
  if (ARRAYS.test(name)) return Array.isArray(args[0]) || isOf(args[0], "ArrayBuffer");
  return Object.hasOwn(CONSTRUCTORS, name) && CONSTRUCTORS[name](args);
}

const isOf = (value, type) => value?.rr_type === type;
