import { XmlElement, parseXml } from '@rgrove/parse-xml';
import { fromUtf8 } from '../../../bytes/text.ts';
import { TargetError } from '../../errors.ts';

/**
 * The root element of an answer in XML. No document type is read, so no entity can grow.
 * @throws {TargetError} `broken`
 */
export function xmlRoot(body: Uint8Array, what: string): XmlElement {
  try {
    const { root } = parseXml(fromUtf8(body));
    if (root !== null) return root;
  } catch (error) {
    throw new TargetError('broken', `${what}: the storage answers with no XML`, { cause: error });
  }
  throw new TargetError('broken', `${what}: the storage answers with no XML`);
}

/** The name without the prefix of its namespace. */
function localName(element: XmlElement): string {
  return element.name.slice(element.name.indexOf(':') + 1);
}

/** Child elements of a name, whatever their prefix. */
export function children(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter(
    (child): child is XmlElement => child instanceof XmlElement && localName(child) === name,
  );
}

/** The text of the first child of a name. */
export function childText(element: XmlElement, name: string): string | undefined {
  return children(element, name)[0]?.text.trim();
}

/** Every element of a name below another, in the order of the document. */
export function descendants(element: XmlElement, name: string): XmlElement[] {
  const found: XmlElement[] = [];
  const open = [element];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (localName(next) === name) found.push(next);
    open.push(
      ...next.children
        .filter((child): child is XmlElement => child instanceof XmlElement)
        .toReversed(),
    );
  }
  return found;
}
