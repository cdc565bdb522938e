import { childrenOf, contentOf, elementAt } from "./der.js"

const sequence = 0x30

const withoutZeros = (integer: Uint8Array): Uint8Array => {
  const first = integer.findIndex((byte) => byte !== 0)
  return first === -1 ? new Uint8Array() : integer.subarray(first)
}

/**
 * An ECDSA signature as a JWS has it: both integers, each `half` bytes long (RFC 7518 3.4). Key management services give
 * the DER of RFC 3279 2.2.3 instead; absent where it is neither.
 *
 * @internal
 */
export const toRaw = (signature: Uint8Array, half: number): Uint8Array | undefined => {
  if (signature.length === 2 * half) return signature
  const whole = elementAt(signature, 0)
  if (whole?.tag !== sequence || whole.end !== signature.length) return undefined
  const integers = childrenOf(signature, whole).map((element) => withoutZeros(contentOf(signature, element)))
  const [r, s] = integers
  if (r === undefined || s === undefined || integers.length !== 2 || r.length > half || s.length > half)
    return undefined
  const raw = new Uint8Array(2 * half)
  raw.set(r, half - r.length)
  raw.set(s, 2 * half - s.length)
  return raw
}
