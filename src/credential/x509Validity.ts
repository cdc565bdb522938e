import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"

/** One element of DER (X.690 8.1): its tag, and where its content starts and ends. */
interface Element {
  readonly tag: number
  readonly start: number
  readonly end: number
}

const elementAt = (bytes: Uint8Array, at: number): Element | undefined => {
  const [tag, first] = [bytes[at], bytes[at + 1]]
  if (tag === undefined || first === undefined) return undefined
  if (first < 0x80) return { tag, start: at + 2, end: at + 2 + first }
  const count = first & 0x7f
  if (count === 0 || count > 4) return undefined
  const length = bytes.subarray(at + 2, at + 2 + count).reduce((sum, byte) => sum * 256 + byte, 0)
  return { tag, start: at + 2 + count, end: at + 2 + count + length }
}

const childrenOf = (bytes: Uint8Array, parent: Element | undefined): ReadonlyArray<Element> => {
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

const utcTime = 0x17
const explicitVersion = 0xa0

/** `YYMMDDHHMMSSZ` until 2049, `YYYYMMDDHHMMSSZ` from 2050 on (RFC 5280 4.1.2.5). */
const toIso = (text: string, tag: number): string => {
  const full = tag === utcTime ? `${Number(text.slice(0, 2)) < 50 ? "20" : "19"}${text}` : text
  return full.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z")
}

/**
 * The end of a certificate's validity (RFC 5280 4.1.2.5); absent where its bytes don't tell.
 *
 * @internal
 */
export const endOf = (certificate: Uint8Array): DateTime.Utc | undefined => {
  const [body] = childrenOf(certificate, elementAt(certificate, 0))
  const members = childrenOf(certificate, body)
  // version?, serialNumber, signature, issuer, validity, ...
  const validity = members[members[0]?.tag === explicitVersion ? 4 : 3]
  const end = childrenOf(certificate, validity)[1]
  if (end === undefined) return undefined
  const text = new TextDecoder().decode(certificate.subarray(end.start, end.end))
  return Option.getOrUndefined(Option.map(DateTime.make(toIso(text, end.tag)), DateTime.toUtc))
}
