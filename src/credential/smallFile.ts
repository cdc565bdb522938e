import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** No token, key or chain comes near this; a file that does is another file. */
const largest = 1024 * 1024

const joined = (parts: Iterable<Uint8Array>): Uint8Array => {
  const all = [...parts]
  const whole = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const each of all) {
    whole.set(each, at)
    at += each.length
  }
  return whole
}

const unreadable = (error: { readonly _tag: string; readonly reason?: string }) =>
  Effect.fail(`can't be read (${error.reason ?? error._tag})`)

/**
 * The bytes of a file, or what keeps them from being used, in words. What is beyond 1 MiB is never read, however long a
 * device or a pipe goes on.
 *
 * @internal
 */
export const readSmall = (fs: FileSystem.FileSystem, path: string): Effect.Effect<Uint8Array, string> =>
  Stream.runCollect(fs.stream(path, { bytesToRead: largest + 1 })).pipe(
    Effect.map(joined),
    Effect.catchTags({ SystemError: unreadable, BadArgument: unreadable }),
    Effect.filterOrFail(
      ({ length }) => length <= largest,
      () => "is larger than 1 MiB"
    ),
    Effect.filterOrFail(
      ({ length }) => length > 0,
      () => "is empty"
    )
  )
