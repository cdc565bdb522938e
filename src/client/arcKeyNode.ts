import { type BigIntStats, constants } from "node:fs"
import * as Fs from "node:fs/promises"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import { CredentialUnavailable } from "../core/TokenError.js"
import { checkPath } from "./arcKeyPath.js"
import type { MachinePlaces } from "./machinePlaces.js"

const largest = 4096

/** Why the file is not taken. */
interface Refusal {
  readonly reason: string
  readonly remedy?: string | undefined
}

const refuse = (reason: string): Effect.Effect<never, Refusal> => Effect.fail({ reason })

const codeOf = (cause: unknown): string =>
  Predicate.hasProperty(cause, "code") && typeof cause.code === "string" ? cause.code : "unknown"

const told =
  ({ arcRemedy }: MachinePlaces) =>
  (cause: unknown): Refusal => {
    const code = codeOf(cause)
    if (code === "EACCES" || code === "EPERM") return { reason: "this user may not read it", remedy: arcRemedy }
    if (code === "ENOENT") return { reason: "it is not there" }
    if (code === "ELOOP") return { reason: "it is a symbolic link" }
    return { reason: `it can't be read (${code})` }
  }

/** Neither follows a link at the end of the path, nor waits for who writes to a pipe; Windows knows neither flag. */
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

const isSameFile = (one: BigIntStats, other: BigIntStats): boolean => one.dev === other.dev && one.ino === other.ino

const isSamePath = (one: string, other: string, isWindows: boolean): boolean =>
  isWindows ? one.toLowerCase() === other.replaceAll("/", "\\").toLowerCase() : one === other

/** At most one byte more than is allowed, whatever the file has become since its size was asked. */
const readBounded = async (file: Fs.FileHandle): Promise<Uint8Array> => {
  const bytes = new Uint8Array(largest + 1)
  let length = 0
  while (length < bytes.length) {
    const { bytesRead } = await file.read(bytes, length, bytes.length - length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return bytes.subarray(0, length)
}

/** What a header carries as it is. */
const keyOf = (bytes: Uint8Array): Effect.Effect<Redacted.Redacted, Refusal> => {
  const key = new TextDecoder().decode(bytes).trim()
  return /^[\x20-\x7e]+$/.test(key)
    ? Effect.succeed(Redacted.make(key))
    : refuse("it holds something else than one line of ASCII characters")
}

const checkSize = (size: number | bigint): Effect.Effect<void, Refusal> => {
  if (size > largest) return refuse(`it is larger than ${largest} bytes`)
  return size > 0 ? Effect.void : refuse("it is empty")
}

/**
 * Looks where the open file lies only after it was opened, and before a byte is read: a link that is put on its way
 * meanwhile leads to another file than the one in hand.
 */
const readOpened = (places: MachinePlaces, path: string, file: Fs.FileHandle) =>
  Effect.gen(function* () {
    const attempt = <A>(run: () => Promise<A>) => Effect.tryPromise({ try: run, catch: told(places) })
    const opened = yield* attempt(() => file.stat({ bigint: true }))
    if (!opened.isFile()) return yield* refuse("it is no regular file")
    const real = yield* attempt(() => Fs.realpath(path))
    if (!isSamePath(real, path, places.isWindows)) return yield* refuse("a symbolic link lies on its path")
    const named = yield* attempt(() => Fs.lstat(path, { bigint: true }))
    if (!isSameFile(opened, named)) return yield* refuse("it was replaced while it was read")
    yield* checkSize(opened.size)
    const bytes = yield* attempt(() => readBounded(file))
    yield* checkSize(bytes.length)
    return yield* keyOf(bytes)
  })

/**
 * The key in a file of the agent's own folder, without white space around it.
 *
 * @internal
 */
export const readArcKey = (
  places: MachinePlaces,
  named: string
): Effect.Effect<Redacted.Redacted, CredentialUnavailable> =>
  Effect.mapError(checkPath(places, named), (reason): Refusal => ({ reason })).pipe(
    Effect.flatMap((path) =>
      Effect.acquireUseRelease(
        Effect.tryPromise({ try: () => Fs.open(path, flags), catch: told(places) }),
        (file) => readOpened(places, path, file),
        (file) => Effect.promise(() => file.close())
      )
    ),
    Effect.mapError((refusal) => new CredentialUnavailable({ credential: "Azure Arc key file", ...refusal }))
  )
