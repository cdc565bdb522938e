import * as DateTime from "effect/DateTime"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import { childrenOf, contentOf, type Element, elementAt } from "./der.js"

const utcTime = 0x17
const explicitVersion = 0xa0

/** What a certificate says (RFC 5280 4.1): serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, ... */
const fieldsOf = (certificate: Uint8Array): ReadonlyArray<Element> => {
  const [body] = childrenOf(certificate, elementAt(certificate, 0))
  const fields = childrenOf(certificate, body)
  return fields[0]?.tag === explicitVersion ? fields.slice(1) : fields
}

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
  const validity = fieldsOf(certificate)[3]
  const end = childrenOf(certificate, validity)[1]
  if (end === undefined) return undefined
  const text = new TextDecoder().decode(contentOf(certificate, end))
  return Option.getOrUndefined(Option.map(DateTime.make(toIso(text, end.tag)), DateTime.toUtc))
}

/** What kind of key it is (RFC 5280 4.1.1.2): the object identifiers of an algorithm and of its curve, in hex. */
export type KeyKind = ReadonlyArray<string>

const kindOf = (bytes: Uint8Array, identifier: Element | undefined): KeyKind =>
  childrenOf(bytes, identifier).map((element) => Encoding.encodeHex(contentOf(bytes, element)))

/**
 * The kind of a certificate's key.
 *
 * @internal
 */
export const kindOfCertificate = (certificate: Uint8Array): KeyKind =>
  kindOf(certificate, childrenOf(certificate, fieldsOf(certificate)[5])[0])

/**
 * The kind of a private key (PKCS#8, RFC 5958 2).
 *
 * @internal
 */
export const kindOfKey = (key: Uint8Array): KeyKind => kindOf(key, childrenOf(key, elementAt(key, 0))[1])

const nameOf = (certificate: Uint8Array, field: 2 | 4): string => {
  const name = fieldsOf(certificate)[field]
  return name === undefined ? "" : Encoding.encodeHex(contentOf(certificate, name))
}

/**
 * Whether a certificate says that it was issued by the subject of another one (RFC 5280 4.1.2.4).
 *
 * @internal
 */
export const isIssuedBy = (certificate: Uint8Array, issuer: Uint8Array): boolean =>
  nameOf(certificate, 2) === nameOf(issuer, 4)
