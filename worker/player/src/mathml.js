// MathML: rrweb records its elements by their names and builds them as if they were of HTML, which flattens them.

const MATHML = "http://www.w3.org/1998/Math/MathML";
const NAMES = new Set(
  (
    "annotation annotation-xml maction math menclose merror mfenced mfrac mi mlongdiv mmultiscripts mn mo mover mpadded " +
    "mphantom mprescripts mroot mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover semantics"
  ).split(" "),
);

/** Lets a document make elements of MathML by their names, none of which HTML has. */
export function allowMathMl(doc) {
  const { createElement } = doc;
  doc.createElement = (name, ...more) =>
    NAMES.has(name) ? doc.createElementNS(MATHML, name) : createElement.call(doc, name, ...more);
}
