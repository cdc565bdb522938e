import { chmod, type FileHandle, open, readFile, stat, unlink, writeFile } from "node:fs/promises"
import { setTimeout } from "node:timers/promises"
import type { ICachePlugin } from "@azure/msal-node"
import type { Redis } from "ioredis"

/*
 * What @azure/msal-node-extensions 5.6 does (`CrossPlatformLock`, `FilePersistence`, `PersistenceCachePlugin`), written
 * down here as the package brings native modules along.
 */

const codeOf = (error: unknown) => (error instanceof Error && "code" in error ? error.code : undefined)

const locks = (path: string) => {
  const lockFile = `${path}.lockfile`
  let handle: FileHandle | undefined
  const lock = async () => {
    for (let tries = 0; tries < 500; tries += 1) {
      try {
        handle = await open(lockFile, "wx+")
        await handle.write(process.pid.toString())
        return
      } catch (error) {
        if (codeOf(error) !== "EEXIST" && codeOf(error) !== "EPERM") throw error
        await setTimeout(100)
      }
    }
    throw new Error("Not able to acquire lock")
  }
  const unlock = async () => {
    try {
      await unlink(lockFile)
      await handle?.close()
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error
    }
  }
  return { lock, unlock }
}

const load = (path: string): Promise<string> =>
  readFile(path, "utf8").catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return ""
    throw error
  })

/** In place: who reads it meanwhile reads a part. */
const save = async (path: string, text: string) => {
  await writeFile(path, text, { mode: 0o600 })
  await chmod(path, 0o600)
}

/**
 * As it is published. It gives a lock up that it does not hold, whoever does, each time that it has read; it does not read
 * what others have written while it waited for the lock, nor what was written in the millisecond of its own last look.
 */
export const publishedPlugin = (path: string): ICachePlugin => {
  const { lock, unlock } = locks(path)
  let lastSync = 0
  let current: string | undefined
  const isReloadNecessary = async () => {
    const modified = await stat(path).then(
      ({ mtime }) => mtime.getTime(),
      () => 0
    )
    return lastSync < modified
  }
  return {
    beforeCacheAccess: async (context) => {
      if (!(await isReloadNecessary()) && current !== undefined) {
        if (context.cacheHasChanged) await lock()
        return
      }
      try {
        await lock()
        current = await load(path)
        lastSync = Date.now()
        context.tokenCache.deserialize(current)
      } finally {
        if (!context.cacheHasChanged) await unlock()
      }
    },
    afterCacheAccess: async (context) => {
      try {
        if (context.cacheHasChanged) {
          current = context.tokenCache.serialize()
          await save(path, current)
        }
      } finally {
        await unlock()
      }
    }
  }
}

/** As it is meant: who holds the lock alone reads, and gives it up when it has written. */
export const lockingPlugin = (path: string): ICachePlugin => {
  const { lock, unlock } = locks(path)
  return {
    beforeCacheAccess: async (context) => {
      await lock()
      context.tokenCache.deserialize(await load(path))
    },
    afterCacheAccess: async (context) => {
      try {
        if (context.cacheHasChanged) await save(path, context.tokenCache.serialize())
      } finally {
        await unlock()
      }
    }
  }
}

/** An entry of Redis, as Microsoft's samples keep it. */
export const redisPlugin = (redis: Redis, key: string): ICachePlugin => ({
  beforeCacheAccess: async (context) => {
    context.tokenCache.deserialize((await redis.get(key)) ?? "")
  },
  afterCacheAccess: async (context) => {
    if (context.cacheHasChanged) await redis.set(key, context.tokenCache.serialize())
  }
})
