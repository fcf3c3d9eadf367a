/** An element, and where it stands in the text, so that the text can be changed without being written anew. */
export interface Element {
  /** As written: with the colon, or empty. */
  readonly prefix: string;
  readonly name: string;
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly children: readonly Element[];
  /** Where the name in the start tag ends. */
  readonly nameEnd: number;
  /** Between the tags. */
  readonly content: Range;
}

export interface Attribute extends Range {
  /** As written, without the quotes. */
  readonly value: string;
}

export interface Range {
  readonly from: number;
  readonly to: number;
}

export interface Edit extends Range {
  readonly text: string;
}

interface OpenElement extends Element {
  readonly children: Element[];
  readonly content: { from: number; to: number };
}

// Each alternative matches from where the last one ended or the text is refused: hostile text costs one pass.
const TOKEN =
  /[^<]+|<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<\/(?<closed>[^\s<>/]+)\s*>|<(?<opened>[^\s<>/="'!?]+)(?<attributes>(?:\s+[^\s<>/="']+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(?<empty>\/?)>/gy;
const ATTRIBUTE = /\s+([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

/** The root; null for what is not well formed, or has a DOCTYPE or CDATA, which no manifest needs. */
export function readXml(text: string): Element | null {
  const top: Element[] = [];
  const open: { element: OpenElement; written: string }[] = [];
  let end = 0;
  for (const token of text.matchAll(TOKEN)) {
    end = token.index + token[0].length;
    const { opened, closed, attributes = '', empty } = token.groups ?? {};
    if (closed !== undefined) {
      const last = open.pop();
      if (last?.written !== closed) return null;
      last.element.content.to = token.index;
    }
    if (opened === undefined) continue;
    const nameEnd = token.index + 1 + opened.length;
    const colon = opened.indexOf(':') + 1;
    const element: OpenElement = {
      prefix: opened.slice(0, colon),
      name: opened.slice(colon),
      attributes: readAttributes(attributes, nameEnd),
      children: [],
      nameEnd,
      content: { from: end, to: end },
    };
    (open.at(-1)?.element.children ?? top).push(element);
    if (empty === '') open.push({ element, written: opened });
  }
  const [root] = top;
  return root && top.length === 1 && open.length === 0 && end === text.length ? root : null;
}

export function childrenOf(element: Element, name: string): Element[] {
  return element.children.filter((child) => child.name === name);
}

export function attributeOf(element: Element, attribute: string): string | null {
  return element.attributes.get(attribute)?.value ?? null;
}

/** The edits don't overlap. */
export function edited(text: string, edits: readonly Edit[]): string {
  const parts: string[] = [];
  let done = 0;
  for (const edit of edits.toSorted((one, other) => one.from - other.from)) {
    parts.push(text.slice(done, edit.from), edit.text);
    done = edit.to;
  }
  return parts.join('') + text.slice(done);
}

function readAttributes(text: string, offset: number): Map<string, Attribute> {
  const attributes = new Map<string, Attribute>();
  for (const match of text.matchAll(ATTRIBUTE)) {
    const [written, name = '', doubleQuoted, singleQuoted = ''] = match;
    const value = doubleQuoted ?? singleQuoted;
    const to = offset + match.index + written.length - 1;
    attributes.set(name, { value, from: to - value.length, to });
  }
  return attributes;
}
