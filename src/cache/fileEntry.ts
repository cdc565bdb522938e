import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"

/**
 * A text, and when it is of no more use.
 *
 * @internal
 */
export interface FileEntry {
  /** Epoch milliseconds. */
  readonly end: number
  readonly value: string
}

/**
 * The longest value, in bytes.
 *
 * @internal
 */
export const largestValue = 1024 * 1024

/**
 * No header is longer, in bytes.
 *
 * @internal
 */
export const largestHeader = 64

const newline = 10
const header = /^effect-entra 1 (\d{1,16}) (\d{1,7})$/
const ending = ".token"
const fileNames = /^[0-9a-f]{64}\.token$/

/**
 * The name of a key's file: 64 hexadecimal digits, the same on file systems that fold case and on Windows, where `:`
 * and names such as `con` mean something else. No two keys share one, unless SHA-256 is broken; escaped, the longest
 * keys would exceed what a name may have.
 *
 * @internal
 */
export const fileName = (key: string): Effect.Effect<string> =>
  Effect.map(
    Effect.promise(() => crypto.subtle.digest("SHA-256", new TextEncoder().encode(key))),
    (digest) => Encoding.encodeHex(new Uint8Array(digest)) + ending
  )

/** @internal */
export const isFileName = (name: string): boolean => fileNames.test(name)

/**
 * The bytes of a file: a header with the end and the value's length in bytes, which tells what was cut off, then the
 * value.
 *
 * @internal
 */
export const encode = ({ end, value }: FileEntry): Uint8Array => {
  const body = new TextEncoder().encode(value)
  const head = new TextEncoder().encode(`effect-entra 1 ${end} ${body.length}\n`)
  const whole = new Uint8Array(head.length + body.length)
  whole.set(head)
  whole.set(body, head.length)
  return whole
}

interface Head {
  readonly end: number
  /** Where the value begins, and how long it is, in bytes. */
  readonly at: number
  readonly length: number
}

const headOf = (bytes: Uint8Array): Option.Option<Head> => {
  const at = bytes.subarray(0, largestHeader).indexOf(newline)
  const [, end, length] = header.exec(new TextDecoder().decode(bytes.subarray(0, Math.max(0, at)))) ?? []
  if (end === undefined || length === undefined) return Option.none()
  return Option.some({ end: Number(end), at: at + 1, length: Number(length) })
}

const textOf = (bytes: Uint8Array): Option.Option<string> =>
  Option.liftThrowable(() => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes))()

/**
 * The end of an entry whose first bytes these are; none of a foreign file.
 *
 * @internal
 */
export const endOf = (head: Uint8Array): Option.Option<number> => Option.map(headOf(head), ({ end }) => end)

/**
 * What a file holds; none if it is cut off, longer than it says, or foreign.
 *
 * @internal
 */
export const decode = (bytes: Uint8Array): Option.Option<FileEntry> =>
  headOf(bytes).pipe(
    Option.filter(({ at, length }) => bytes.length === at + length),
    Option.flatMap(({ at, end }) => Option.map(textOf(bytes.subarray(at)), (value) => ({ end, value })))
  )
