/** One element of DER (X.690 8.1): its tag, and where its content starts and ends. */
export interface Element {
  readonly tag: number
  readonly start: number
  readonly end: number
}

/**
 * The element that starts at a place, if one does.
 *
 * @internal
 */
export const elementAt = (bytes: Uint8Array, at: number): Element | undefined => {
  const [tag, first] = [bytes[at], bytes[at + 1]]
  if (tag === undefined || first === undefined) return undefined
  if (first < 0x80) return { tag, start: at + 2, end: at + 2 + first }
  const count = first & 0x7f
  if (count === 0 || count > 4) return undefined
  const length = bytes.subarray(at + 2, at + 2 + count).reduce((sum, byte) => sum * 256 + byte, 0)
  return { tag, start: at + 2 + count, end: at + 2 + count + length }
}

/**
 * The elements within an element, as far as they can be read.
 *
 * @internal
 */
export const childrenOf = (bytes: Uint8Array, parent: Element | undefined): ReadonlyArray<Element> => {
  const children: Array<Element> = []
  let at = parent?.start ?? 0
  while (parent !== undefined && at < parent.end) {
    const child = elementAt(bytes, at)
    if (child === undefined || child.end > parent.end) return children
    children.push(child)
    at = child.end
  }
  return children
}

/**
 * An element's content.
 *
 * @internal
 */
export const contentOf = (bytes: Uint8Array, { end, start }: Element): Uint8Array => bytes.subarray(start, end)
