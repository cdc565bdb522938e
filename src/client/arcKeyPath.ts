import * as Either from "effect/Either"
import type { MachinePlaces } from "./machinePlaces.js"

/** What a system takes for a path at most, in bytes. */
const longestPath = 4096

const extension = ".key"

const isAbsolute = (path: string, isWindows: boolean): boolean =>
  isWindows ? /^[a-z]:[\\/]/i.test(path) : path.startsWith("/")

/** Windows takes both separators, and a name in any case for the same. */
const partsOf = (path: string, isWindows: boolean): ReadonlyArray<string> =>
  isWindows ? path.toLowerCase().split(/[\\/]/) : path.split("/")

/**
 * A path that the agent's key may lie at, as the system is to be asked for it, or the rule that it breaks: whoever answers at
 * the agent's port names it, and must not make us read any other file. Nothing of the path is in the text.
 *
 * @internal
 */
export const checkPath = (
  { arcFolder, isWindows }: Pick<MachinePlaces, "arcFolder" | "isWindows">,
  path: string
): Either.Either<string, string> => {
  if (path.includes("\0")) return Either.left("its path has a NUL character")
  if (new TextEncoder().encode(path).length > longestPath)
    return Either.left(`its path is longer than ${longestPath} bytes`)
  if (!isAbsolute(path, isWindows)) return Either.left("its path is relative")
  const parts = partsOf(path, isWindows)
  if (parts.includes("..")) return Either.left('its path goes up by ".."')
  const folder = partsOf(arcFolder, isWindows)
  const name = parts[folder.length] ?? ""
  if (parts.length !== folder.length + 1 || folder.some((part, index) => part !== parts[index]))
    return Either.left(`it does not lie in ${arcFolder}`)
  if (!name.endsWith(extension) || name === extension) return Either.left(`its name does not end in ${extension}`)
  // A colon would name a stream within another file.
  if (isWindows && name.includes(":")) return Either.left("its name has a colon")
  return Either.right(path)
}
