import { join } from "node:path"
import { FileSystem } from "@effect/platform"
import { Effect } from "effect"

/** The path of a folder that is not there yet, below one that goes with the scope. */
export const newFolder = Effect.flatMap(FileSystem.FileSystem, (fs) =>
  Effect.map(fs.makeTempDirectoryScoped(), (path) => join(path, "deep", "tokens"))
)

/** The names in a folder. */
export const namesIn = (directory: string) =>
  Effect.flatMap(FileSystem.FileSystem, (fs) => Effect.orDie(fs.readDirectory(directory)))

/** Those of files that were only to be there for a moment. */
export const unfinishedIn = (directory: string) =>
  Effect.map(namesIn(directory), (names) => names.filter((name) => name.endsWith(".new")))
