import { open, unlink } from "node:fs/promises"
import { setTimeout } from "node:timers/promises"
import * as Effect from "effect/Effect"
import { addOne } from "./fileWork.js"

/*
 * Adds to the number in a file so many times, `<file> <times>`, under the lock as @azure/msal-node-extensions 5.6
 * takes it (`CrossPlatformLock`), written down here as the package brings native modules along.
 */
const [path = "", times = "0"] = process.argv.slice(2)
const lockFile = `${path}.lockfile`

const isTaken = (error: unknown) =>
  error instanceof Error && "code" in error && (error.code === "EEXIST" || error.code === "EPERM")

const lock = async () => {
  for (let tries = 0; tries < 500; tries += 1) {
    try {
      const handle = await open(lockFile, "wx+")
      await handle.write(process.pid.toString())
      return handle
    } catch (error) {
      if (!isTaken(error)) throw error
      await setTimeout(100)
    }
  }
  throw new Error("Not able to acquire lock")
}

for (let done = 0; done < Number(times); done += 1) {
  const handle = await lock()
  await Effect.runPromise(addOne(path))
  await unlink(lockFile)
  await handle.close()
  await setTimeout(Math.random() * 10)
}
